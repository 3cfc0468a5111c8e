"""What a database engine does for full replication: SQLite, wherever it lies."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import sqlite3
import stat
import tempfile
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.adapters.db.sqlite import (
    LiveSqlite,
    LocalSqlite,
    SqliteSide,
    fetch,
    fingerprint,
    send,
)
from ipfx_failover.adapters.local_host import LocalHost
from ipfx_failover.adapters.ssh.host import SshHost
from ipfx_failover.errors import Failed, Refused
from tests.fakes.livehost import FakeLiveHost
from tests.support.database_in_use import in_use
from tests.support.processes import child
from tests.support.sshd import program, running_sshd
from tests.support.tree_sites import ssh_connection

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ipfx_failover.adapters.ssh.connection import SshConnection
    from ipfx_failover.livehost import LiveHost, RunResult
    from ipfx_failover.progress import Progress
    from tests.support.sshd import Sshd

JOURNAL_MODES = ("wal", "delete")


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    program("sqlite3", "sqlite3")
    program("fuser", "psmisc")
    with running_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


class WithoutPython(SshHost):
    """A live server that has no python3."""

    def python(self) -> str:
        return "no-python3-here"


@pytest.fixture(scope="module")
def connection(sshd: Sshd) -> Iterator[SshConnection]:
    with closing(ssh_connection(sshd)) as made:
        yield made


@dataclass
class Site:
    side: SqliteSide
    host: LiveHost
    database: Path

    def near(self, name: str) -> Path:
        return self.database.with_name(name)


@pytest.fixture(params=["here", "by python3 over ssh", "by sqlite3 over ssh"])
def site(request: pytest.FixtureRequest, tmp_path: Path, connection: SshConnection) -> Site:
    # A name that a careless command line or URI would trip over.
    directory = tmp_path / "it's a 100%\\dir"
    directory.mkdir()
    database = directory / 'app "live".db'
    if request.param == "here":
        return Site(LocalSqlite(), LocalHost(), database)
    kind = SshHost if request.param == "by python3 over ssh" else WithoutPython
    host = kind(connection)
    return Site(LiveSqlite(host), host, database)


def make(database: Path, journal_mode: str = "wal", *, rows: int = 3) -> Path:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal_mode}")
        for table in ("calls", "records"):
            connection.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, text TEXT)")
            connection.executemany(
                f"INSERT INTO {table} (text) VALUES (?)",  # noqa: S608 - names of our own
                [(f"text {number}",) for number in range(rows)],
            )
        connection.commit()
    return database


def counts(database: Path) -> tuple[int, int]:
    with closing(sqlite3.connect(database)) as connection:
        (calls,) = connection.execute("SELECT count(*) FROM calls").fetchone()
        (records,) = connection.execute("SELECT count(*) FROM records").fetchone()
    return int(calls), int(records)


def execute(database: Path, *statements: str) -> None:
    with closing(sqlite3.connect(database)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def beside(database: Path) -> set[str]:
    return {one.name for one in database.parent.iterdir()} - {database.name}


# Backup


@pytest.mark.parametrize("journal_mode", JOURNAL_MODES)
def test_a_backup_under_constant_writing_ends_and_is_of_one_moment(
    site: Site, journal_mode: str
) -> None:
    make(site.database, journal_mode, rows=20_000)
    to = site.near("copy.bak")
    with in_use("write", site.database) as writer:
        site.side.backup(str(site.database), str(to))
        still_writes = writer.poll() is None
    site.side.verify(str(to))
    (calls, records), (after, _) = counts(to), counts(site.database)

    assert still_writes
    assert calls == records
    assert 20_000 < calls <= after


def test_a_backup_tells_size_hash_and_time(site: Site) -> None:
    make(site.database)
    to = site.near("copy.bak")
    before = SystemClock().now()
    backup = site.side.backup(str(site.database), str(to))
    after = SystemClock().now()
    content = to.read_bytes()

    assert (str(to), len(content), hashlib.sha256(content).hexdigest()) == (
        backup.path,
        backup.size_bytes,
        backup.sha256,
    )
    assert before <= backup.as_of <= after


@pytest.mark.parametrize("side", ["here", "over ssh"])
def test_a_backup_and_its_transfer_tell_how_far_they_have_come(
    side: str, tmp_path: Path, connection: SshConnection
) -> None:
    database = make(tmp_path / "app.db")
    execute(database, *["INSERT INTO calls (text) VALUES (zeroblob(9000000))"] * 5)
    told: list[Progress] = []
    live = SshHost(connection)
    engine = LocalSqlite(told.append) if side == "here" else LiveSqlite(live, told.append)
    backup = engine.backup(str(database), str(tmp_path / "copy.bak"))
    fetch(live, backup, str(tmp_path / "new.db"), str(database), told.append)
    phases = list(dict.fromkeys(each.phase for each in told))
    steps = [[each.done for each in told if each.phase == phase] for phase in phases]

    assert ["backup", "checksum", "transfer"] == phases
    assert all(done == sorted(done) and len(done) > 1 for done in steps)
    assert {(backup.size_bytes, "bytes")} == {(each.total, each.unit) for each in told}
    assert [backup.size_bytes] * 2 == [steps[0][-1], steps[2][-1]]


def test_a_backup_can_be_read_by_its_owner_only(site: Site) -> None:
    make(site.database)
    backup = site.side.backup(str(site.database), str(site.near("copy.bak")))

    assert 0o600 == stat.S_IMODE(Path(backup.path).stat().st_mode)


def test_a_backup_holds_what_only_the_wal_has(site: Site) -> None:
    make(site.database)
    with in_use("idle", site.database):
        execute(site.database, "INSERT INTO calls (text) VALUES ('in the WAL')")
        backup = site.side.backup(str(site.database), str(site.near("copy.bak")))

    assert (4, 3) == counts(Path(backup.path))


def test_the_version_is_that_of_schema_and_user_version_whatever_makes_the_backup(
    site: Site,
) -> None:
    make(site.database)
    execute(site.database, "PRAGMA user_version = 7")
    versions = []
    for statement in ("SELECT 1", "INSERT INTO calls (text) VALUES ('x')", "CREATE TABLE t (x)"):
        execute(site.database, statement)
        backup = site.side.backup(str(site.database), str(site.near("copy.bak")))
        versions.append(backup.version)
    reference = LocalSqlite().backup(str(site.database), str(site.near("reference.bak")))

    assert versions[0] == versions[1] != versions[2]
    assert (True, reference.version) == (versions[0].startswith("7/"), versions[2])


def test_a_backup_replaces_what_an_earlier_one_left_and_makes_its_directory(site: Site) -> None:
    make(site.database)
    to = site.database.parent / "DB" / "copy.bak"
    site.side.backup(str(site.database), str(to))
    to.write_bytes(b"half of it")
    site.side.backup(str(site.database), str(to))

    assert (3, 3) == counts(to)
    assert set() == beside(to)


def test_a_database_that_is_not_there_is_not_made(site: Site) -> None:
    with pytest.raises(Failed, match="not-there"):
        LiveSqlite(site.host).backup(str(site.near("not-there.db")), str(site.near("copy")))
    assert (False, False) == (
        site.side.exists(str(site.near("not-there.db"))),
        site.near("not-there.db").exists(),
    )


def test_what_is_no_database_cannot_be_backed_up(site: Site) -> None:
    site.database.write_bytes(b"no database at all" * 1000)

    with pytest.raises(Failed, match="not a database"):
        site.side.backup(str(site.database), str(site.near("copy.bak")))


def test_a_live_server_with_neither_program_is_refused_and_both_are_named() -> None:
    host = FakeLiveHost()
    host.place("/vm/app.db", b"")

    with pytest.raises(Refused, match="neither python3 nor sqlite3"):
        LiveSqlite(host).backup("/vm/app.db", "/vm/copy")


# Verification


def test_a_sound_database_passes_and_stays_alone(site: Site) -> None:
    make(site.database)
    site.side.verify(str(site.database))

    assert set() == beside(site.database)


@pytest.mark.parametrize("damage", ["a page", "the end"])
def test_a_damaged_database_does_not_pass(site: Site, damage: str) -> None:
    make(site.database, rows=5000)
    content = bytearray(site.database.read_bytes())
    if damage == "a page":
        content[8192:12288] = os.urandom(4096)
    else:
        del content[len(content) // 2 :]
    site.database.write_bytes(content)

    with pytest.raises(Failed, match="app"):
        site.side.verify(str(site.database))


@pytest.mark.parametrize("side", ["here", "over ssh"])
def test_a_verification_tells_how_far_it_has_come(
    side: str, tmp_path: Path, connection: SshConnection
) -> None:
    database = make(tmp_path / "app.db", rows=60_000)
    execute(
        database,
        "CREATE INDEX by_text ON calls (text)",
        "CREATE TABLE named (name TEXT NOT NULL PRIMARY KEY, two, three) WITHOUT ROWID",
        "INSERT INTO named SELECT 'name ' || id, id, id FROM calls",
    )
    told: list[Progress] = []
    host = SshHost(connection)
    engine = LocalSqlite(told.append) if side == "here" else LiveSqlite(host, told.append)
    engine.verify(str(database))
    shares = [each.share for each in told]

    assert {("check", database.stat().st_size, "bytes")} == {
        (each.phase, each.total, each.unit) for each in told
    }
    assert shares == sorted(shares)
    assert len(shares) > 5
    assert 0.7 < shares[-1] <= 1


# Closing down


def test_what_a_killed_application_left_in_the_wal_is_folded_in(site: Site) -> None:
    make(site.database)
    with in_use("idle", site.database) as application:
        execute(site.database, "INSERT INTO calls (text) VALUES ('only in the WAL')")
        os.kill(application.pid, signal.SIGKILL)
        application.wait()
    assert site.near(f"{site.database.name}-wal").stat().st_size

    site.side.close_down(str(site.database))

    assert set() == beside(site.database)
    assert (4, 3) == counts(site.database)


def test_a_transaction_that_a_killed_application_left_open_is_rolled_back(site: Site) -> None:
    make(site.database, "delete", rows=5000)
    content = site.database.read_bytes()
    crashed = site.near("crashed.db")
    with closing(sqlite3.connect(site.database, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN")
        connection.execute("UPDATE calls SET text = 'half done'")
        # As a crash leaves it: some pages are written, and the journal has what they were.
        for ending in ("", "-journal"):
            shutil.copy(f"{site.database}{ending}", f"{crashed}{ending}")
        connection.execute("ROLLBACK")
    assert content != crashed.read_bytes()

    site.side.close_down(str(crashed))

    assert not Path(f"{crashed}-journal").exists()
    assert content == crashed.read_bytes()


@pytest.mark.parametrize("journal_mode", JOURNAL_MODES)
@pytest.mark.parametrize("mode", ["idle", "hold", "write"])
def test_a_database_in_use_is_refused(site: Site, journal_mode: str, mode: str) -> None:
    make(site.database, journal_mode)
    with in_use(mode, site.database), pytest.raises(Refused) as caught:
        site.side.close_down(str(site.database))

    assert str(site.database) in caught.value.message
    assert "stop the application" in caught.value.hint


class WithoutFuser(WithoutPython):
    """A live server on which nobody can tell who has a file open."""

    def run(self, argv: Sequence[str], **options: Any) -> RunResult:
        return super().run(["no-fuser-here"] if argv[0] == "fuser" else argv, **options)


def test_an_idle_connection_in_wal_mode_is_noticed_by_its_locks_alone(
    tmp_path: Path, sshd: Sshd
) -> None:
    database = make(tmp_path / "app.db")
    host = WithoutFuser(ssh_connection(sshd))
    with closing(host), in_use("idle", database), pytest.raises(Refused, match="locked"):
        LiveSqlite(host).close_down(str(database))


@pytest.mark.parametrize("journal_mode", JOURNAL_MODES)
def test_a_database_that_nobody_uses_can_be_closed_down_twice(
    site: Site, journal_mode: str
) -> None:
    make(site.database, journal_mode)
    for _ in range(2):
        site.side.close_down(str(site.database))

    assert (set(), (3, 3)) == (beside(site.database), counts(site.database))


# Swapping


class Killed(BaseException):
    """The process was killed."""


class DyingHost:
    """This machine, until the process is killed before its n-th change."""

    def __init__(self, changes: int) -> None:
        self._host = LocalHost()
        self._left = changes

    def __getattr__(self, name: str) -> Any:
        if name in {"link", "rename", "remove", "write_file", "make_directory"}:
            if self._left == 0:
                raise Killed
            self._left -= 1
        return getattr(self._host, name)


def dying(changes: int) -> LiveSqlite:
    host: Any = DyingHost(changes)
    return LiveSqlite(host)


@dataclass
class Three:
    current: Path
    new: Path
    previous: Path

    def paths(self) -> tuple[str, str, str]:
        return str(self.current), str(self.new), str(self.previous)

    def state(self) -> tuple[int | None, int | None, int | None]:
        """How many rows each has; None where there is none."""
        every = (self.current, self.new, self.previous)
        return tuple(counts(one)[0] if one.exists() else None for one in every)  # type: ignore[return-value]


def three(directory: Path, *, had_current: bool = True) -> Three:
    directory.mkdir(exist_ok=True)
    made = Three(directory / "app.db", directory / "app.new", directory / "app.previous")
    if had_current:
        make(made.current, rows=1)
    make(made.new, rows=2)
    return made


def test_a_swap_puts_the_new_in_place_and_keeps_the_old(site: Site) -> None:
    files = three(site.database.parent)
    for _ in range(2):
        site.side.swap(*files.paths())

        assert (2, None, 1) == files.state()


def test_a_swap_can_be_taken_back_twice(site: Site) -> None:
    files = three(site.database.parent)
    site.side.swap(*files.paths())
    for _ in range(2):
        site.side.swap_back(*files.paths(), had_current=True)

        assert (1, None, None) == files.state()


def test_the_first_swap_has_nothing_to_keep_and_can_be_taken_back(site: Site) -> None:
    files = three(site.database.parent, had_current=False)
    site.side.swap(*files.paths())
    swapped = files.state()
    site.side.swap_back(*files.paths(), had_current=False)

    assert ((2, None, None), (None, None, None)) == (swapped, files.state())


@pytest.mark.parametrize("ending", ["-wal", "-journal"])
def test_a_database_that_was_written_to_since_it_was_closed_down_is_not_swapped(
    site: Site, ending: str
) -> None:
    files = three(site.database.parent)
    Path(f"{files.current}{ending}").write_bytes(b"pages")

    with pytest.raises(Refused, match="is in use"):
        site.side.swap(*files.paths())
    assert b"pages" == Path(f"{files.current}{ending}").read_bytes()
    assert files.new.exists()


def test_pages_of_the_new_database_never_get_into_the_old_one(site: Site) -> None:
    files = three(site.database.parent)
    site.side.swap(*files.paths())
    with in_use("idle", files.current) as application:
        execute(files.current, "INSERT INTO calls (text) VALUES ('for the new one')")
        os.kill(application.pid, signal.SIGKILL)
        application.wait()
    assert Path(f"{files.current}-wal").stat().st_size

    site.side.swap_back(*files.paths(), had_current=True)

    assert {"app.db"} == {one.name for one in files.current.parent.iterdir()}
    site.side.verify(str(files.current))
    assert (1, 1) == counts(files.current)


@pytest.mark.parametrize("had_current", [True, False])
@pytest.mark.parametrize("then", ["goes on", "is taken back"])
def test_a_swap_that_was_killed_anywhere_goes_on_or_is_taken_back(
    tmp_path: Path, then: str, *, had_current: bool
) -> None:
    old = 1 if had_current else None
    for changes in range(10):
        files = three(tmp_path / str(changes), had_current=had_current)
        try:
            dying(changes).swap(*files.paths())
            killed = False
        except Killed:
            killed = True
        if had_current or not killed:
            assert files.state()[0] in {1, 2}
        if then == "goes on":
            LocalSqlite().swap(*files.paths())

            assert (2, None, old) == files.state()
        else:
            LocalSqlite().swap_back(*files.paths(), had_current=had_current)

            assert (old, None) == (files.state()[0], files.state()[2])
        if not killed:
            break
    assert changes >= 4


@pytest.mark.parametrize("had_current", [True, False])
def test_taking_a_swap_back_may_be_killed_anywhere_and_repeated(
    tmp_path: Path, *, had_current: bool
) -> None:
    for changes in range(10):
        files = three(tmp_path / str(changes), had_current=had_current)
        LocalSqlite().swap(*files.paths())
        try:
            dying(changes).swap_back(*files.paths(), had_current=had_current)
            killed = False
        except Killed:
            killed = True
        LocalSqlite().swap_back(*files.paths(), had_current=had_current)

        assert (1 if had_current else None, None, None) == files.state()
        if not killed:
            break
    assert changes >= 4


# Removing


def test_a_dropped_database_is_gone_with_all_that_belongs_to_it(site: Site) -> None:
    for name in ("a.db", "a.db-wal", "a.db-shm", "a.db-journal", "b.db", "other.db"):
        site.near(name).write_bytes(b"1")
    for _ in range(2):
        site.side.drop(str(site.near("a.db")), str(site.near("b.db")))

    assert {"other.db"} == {one.name for one in site.database.parent.iterdir()}


def test_leftovers_are_known_by_their_marker(site: Site) -> None:
    for name in ("P_APP.run-1.bak", "P_APP.run-1.bak-journal", "P_APP.db", "Q_APP.run-1.bak"):
        site.near(name).write_bytes(b"1")
    found = site.side.leftovers(str(site.database), "P_APP.run-")

    assert {str(site.near("P_APP.run-1.bak")), str(site.near("P_APP.run-1.bak-journal"))} == {
        *found
    }


def test_what_a_killed_transfer_leaves_is_known_by_the_marker_too(site: Site) -> None:
    to = site.near("P_APP.run-1.bak")
    left: list[str] = []

    def killed_here() -> Iterator[bytes]:
        yield b"half"
        left.extend(str(each) for each in to.parent.iterdir())

    site.host.write_file(str(to), killed_here())
    (half,) = left
    os.link(to, half)

    assert {half, str(to)} == {*site.side.leftovers(str(site.database), "P_APP.run-")}


def test_a_directory_that_is_not_there_has_no_leftovers(site: Site) -> None:
    missing = site.database.parent / "DB" / "app.db"

    assert [] == site.side.leftovers(str(missing), "run-")


def test_free_space_is_told_also_where_the_directory_is_still_missing(site: Site) -> None:
    free = site.side.free_bytes(str(site.database.parent / "DB" / "app.bak"))

    assert free is not None
    assert free > 0


def test_the_size_counts_the_wal_as_well(site: Site) -> None:
    site.database.write_bytes(b"12345")
    site.near(f"{site.database.name}-wal").write_bytes(b"123")

    assert (8, 0) == (
        site.side.size_bytes(str(site.database)),
        site.side.size_bytes(str(site.near("none"))),
    )


# Carrying


def test_a_backup_is_carried_to_this_machine_whole(site: Site, tmp_path: Path) -> None:
    make(site.database, rows=5000)
    backup = site.side.backup(str(site.database), str(site.near("copy.bak")))
    to = tmp_path / "DB" / "P_APP.new"
    arrived: list[Progress] = []
    fetch(site.host, backup, str(to), str(tmp_path / "none"), arrived.append)

    assert Path(backup.path).read_bytes() == to.read_bytes()
    assert backup.size_bytes == arrived[-1].done
    assert {to.name} == {one.name for one in to.parent.iterdir()}


def test_a_backup_is_carried_to_the_live_server_whole(site: Site, tmp_path: Path) -> None:
    backup = LocalSqlite().backup(str(make(tmp_path / "app.db")), str(tmp_path / "copy.bak"))
    to = site.near("P_APP.new")
    send(site.host, backup, str(to), str(site.near("none")))

    assert Path(backup.path).read_bytes() == to.read_bytes()
    assert {to.name} == {one.name for one in to.parent.iterdir()}


@pytest.mark.parametrize("direction", ["fetch", "send"])
def test_a_copy_that_arrives_otherwise_than_it_was_sent_is_removed(
    site: Site, tmp_path: Path, direction: str
) -> None:
    make(site.database)
    backup = replace(
        LocalSqlite().backup(str(site.database), str(site.near("copy.bak"))), sha256="0" * 64
    )
    to = tmp_path / "P_APP.new"

    with pytest.raises(Failed, match="as it was sent"):
        (fetch if direction == "fetch" else send)(site.host, backup, str(to), str(to))
    assert not to.exists()


@pytest.mark.parametrize("direction", ["fetch", "send"])
def test_the_copy_gets_the_mode_of_the_database_that_it_will_replace(
    site: Site, tmp_path: Path, direction: str
) -> None:
    backup = LocalSqlite().backup(str(make(site.database)), str(site.near("copy.bak")))
    like, to = tmp_path / "app.db", tmp_path / "app.new"
    like.write_bytes(b"1")
    like.chmod(0o664)
    (fetch if direction == "fetch" else send)(site.host, backup, str(to), str(like))

    assert 0o664 == stat.S_IMODE(to.stat().st_mode)


# Fingerprint


@pytest.mark.parametrize("journal_mode", JOURNAL_MODES)
def test_reading_leaves_the_fingerprint_as_it_is(tmp_path: Path, journal_mode: str) -> None:
    database = make(tmp_path / "app.db", journal_mode)
    before = fingerprint(database)
    counts(database)
    with in_use("idle", database):
        during = fingerprint(database)

    assert [before, before] == [during, fingerprint(database)]


@pytest.mark.parametrize("journal_mode", JOURNAL_MODES)
def test_a_change_of_one_row_changes_the_fingerprint(tmp_path: Path, journal_mode: str) -> None:
    database = make(tmp_path / "app.db", journal_mode)
    before = fingerprint(database)
    # In WAL mode neither the size nor the header's change counter moves.
    execute(database, "UPDATE calls SET text = 'text X' WHERE id = 1")

    assert before != fingerprint(database)


def test_a_change_that_is_still_in_the_wal_changes_the_fingerprint(tmp_path: Path) -> None:
    database = make(tmp_path / "app.db")
    with in_use("idle", database):
        seen = [fingerprint(database)]
        for number in range(3):
            execute(database, f"INSERT INTO calls (id, text) VALUES ({100 + number}, 'x')")  # noqa: S608 - a number
            seen.append(fingerprint(database))
            if number == 1:
                # From here on the -wal file is used again from its start, and keeps its size.
                execute(database, "PRAGMA wal_checkpoint(RESTART)")

    assert 4 == len(set(seen))


def test_a_database_that_is_not_there_has_a_fingerprint_too(tmp_path: Path) -> None:
    absent = fingerprint(tmp_path / "app.db")

    assert absent != fingerprint(make(tmp_path / "app.db"))


# Looking


def test_a_look_at_a_database_in_use_tells_its_size_and_what_opened_it(site: Site) -> None:
    make(site.database)
    before = beside(site.database)
    with in_use("write", site.database):
        look = site.side.look(str(site.database))
    execute(site.database, "PRAGMA wal_checkpoint(TRUNCATE)")

    assert look.problem is None
    assert (look.tables, look.may_write) == (2, True)
    assert 0 < look.size_bytes <= site.database.stat().st_size
    assert "SQLite 3." in look.program
    assert beside(site.database) <= before | {
        f"{site.database.name}-{end}" for end in ("wal", "shm")
    }


def test_a_look_at_what_is_no_database_says_why(site: Site) -> None:
    site.database.write_text("not a database, but long enough to be taken for one" * 20)

    assert "not a database" in (site.side.look(str(site.database)).problem or "")


def test_a_look_at_nothing_says_so_and_makes_nothing(site: Site) -> None:
    look = site.side.look(str(site.database))

    assert "no such file" in (look.problem or "").casefold()
    assert not site.database.exists()


_LOOK_AS_NOBODY = """
import os, sys
from ipfx_failover.adapters.db import sqlite_there
os.seteuid(65534)
print(sqlite_there.look(sys.argv[1])["may_write"])
"""


def test_an_account_that_may_write_a_database_but_not_own_it_may_not_replace_it() -> None:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o777)
        database = make(Path(directory, "app.db"), "delete")
        database.chmod(0o666)
        with child(_LOOK_AS_NOBODY, database) as nobody:
            may_replace = nobody.line()
        os.chown(database, 65534, 65534)
        with child(_LOOK_AS_NOBODY, database) as owner:
            may_replace_own = owner.line()

    assert ("False", "True") == (may_replace, may_replace_own)

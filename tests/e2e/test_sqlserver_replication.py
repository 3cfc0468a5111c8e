"""replicate-from-live between two simulated SQL Servers: the copy is never worse than before."""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from shutil import copyfile
from typing import TYPE_CHECKING, Any, NamedTuple

import psutil
import pytest

from ipfx_failover.errors import Unreachable
from tests.sqlserver import drivers
from tests.sqlserver.engine.client import Client
from tests.sqlserver.engine.faults import Fault, Faults
from tests.sqlserver.engine.server import ServerProfile
from tests.support.processes import eventually
from tests.support.sqlserver_pair import CATALOG, COPY, Pair
from tests.support.sshd import running_sshd

if TYPE_CHECKING:
    from pathlib import Path

    from ipfx_failover.progress import Progress
    from tests.sqlserver.engine.session import EngineSession

FAILED, REFUSED, UNREACHABLE, WITH_EXCEPTIONS = 1, 3, 4, 6
FILLER_MIB = 48
FAILED_MAIL = "Replication of DEMOSERVER failed"


class Wrong(NamedTuple):
    """What goes wrong on which server, and what a run says to it."""

    server: str
    rule: dict[str, Any]
    said: str
    code: int = FAILED


def error(number: int, text: str, then: int, severity: int = 16) -> dict[str, Any]:
    """A pair of errors, as SQL Server tells them."""
    first = {"number": number, "severity": severity, "text": text}
    return {"errors": [first, {"number": then, "severity": 16, "text": "abnormally"}]}


IN_USE = {"statement": "SET SINGLE_USER WITH", "times": 0}
RENAME = {"statement": "MODIFY NAME", "times": 0}
WRONG = {
    "backup: the disk is full at 70 %": Wrong(
        "live",
        {"statement": "BACKUP", "percent": 70, **error(3202, "not enough space (112)", 3013)},
        "backing up CTSERVER on DEMOSERVER: not enough space (112) (3202)",
    ),
    "backup: no access": Wrong(
        "live",
        {"statement": "BACKUP", **error(3201, "Operating system error 5", 3013)},
        "Operating system error 5 (3201)",
    ),
    "backup: the connection is cut": Wrong(
        "live", {"statement": "BACKUP", "percent": 50, "cut": True}, "is lost", UNREACHABLE
    ),
    "backup: it stalls": Wrong(
        "live", {"statement": "BACKUP", "percent": 50, "stall_s": 3600}, "no progress for 10 s"
    ),
    "login: refused here": Wrong(
        "standby",
        {"login": "sa", "times": 0, "errors": [{"number": 18456, "severity": 14}]},
        "18456",
    ),
    "login: refused there": Wrong(
        "live", {"login": "sa", "times": 0, "errors": [{"number": 18456, "severity": 14}]}, "18456"
    ),
    "restore: the header is damaged": Wrong(
        "standby", {"statement": "RESTORE HEADERONLY", "damage": "header"}, "(3241)"
    ),
    "restore: a page is damaged": Wrong(
        "standby", {"statement": "RESTORE DATABASE", "damage": "body"}, "(3183)"
    ),
    "restore: the end is missing": Wrong(
        "standby", {"statement": "RESTORE DATABASE", "damage": "end"}, "(3203)"
    ),
    "restore: of a newer version": Wrong(
        "standby", {"statement": "RESTORE DATABASE", "damage": "newer"}, "(3169)"
    ),
    "restore: no space": Wrong(
        "standby", {"statement": "RESTORE DATABASE", "free_mib": 0}, "(3257)"
    ),
    "restore: fails half way": Wrong(
        "standby",
        {"statement": "RESTORE DATABASE", "percent": 50, **error(3183, "page (1:8)", 3013)},
        "restoring DEMOSERVER_CTSERVER",
    ),
    "restore: the connection is cut": Wrong(
        "standby",
        {"statement": "RESTORE DATABASE", "percent": 50, "cut": True},
        "is lost",
        UNREACHABLE,
    ),
    "restore: it fails before the copy is ONLINE": Wrong(
        "standby",
        {"statement": "RESTORE DATABASE", "percent": 100, **error(3283, "page (1:8)", 3013)},
        "(3283)",
    ),
    "restore: it stalls": Wrong(
        "standby",
        {"statement": "RESTORE DATABASE", "percent": 50, "stall_s": 3600},
        "no progress for 10 s",
    ),
    "check: damaged": Wrong(
        "standby",
        {"statement": "CHECKDB", "errors": [{"number": 8928, "text": "Object ID 5, page (1:8)"}]},
        "checking DEMOSERVER_CTSERVER__new",
    ),
    "swap: in use (5061)": Wrong("standby", {**IN_USE, **error(5061, "a lock", 5069)}, "(5061)"),
    "swap: in use (5064)": Wrong(
        "standby", {**IN_USE, **error(5064, "single-user", 5069)}, "(5064)"
    ),
    "swap: in use (924)": Wrong("standby", {**IN_USE, **error(924, "one user", 5069)}, "(924)"),
    "swap: deadlock": Wrong("standby", {**RENAME, **error(1205, "deadlock", 5069)}, "(1205)"),
    "swap: somebody else takes the one place": Wrong(
        "standby", {**RENAME, "steal": COPY}, "(5064)"
    ),
    "swap: the first rename is refused": Wrong(
        "standby",
        {"statement": rf"\[{COPY}\] MODIFY NAME", "times": 0, **error(5030, "exclusively", 5069)},
        "(5030)",
    ),
    "swap: the second rename is refused": Wrong(
        "standby",
        {"statement": r"__new_\w+\] MODIFY NAME", "times": 0, **error(5030, "exclusively", 5069)},
        "(5030)",
    ),
    "swap: the connection is cut between the renames": Wrong(
        "standby",
        {"statement": r"__new_\w+\] MODIFY NAME", "cut": True},
        "is lost",
        UNREACHABLE,
    ),
}


def test_a_copy_is_made_and_made_anew(either: Pair) -> None:
    either.replicated()
    either.run_live("INSERT INTO calls (text) VALUES (N'two')")
    either.replicated()

    assert either.copied_calls == ["one", "two"]
    assert either.paths(either.standby, COPY)[0] == r"C:\VM\DEMOSERVER\VM\Mail\1.wav"
    assert either.paths(either.live, CATALOG)[0] == r"C:\VM\Mail\1.wav"
    assert either.strays() == []
    assert either.unfinished == []


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_whatever_goes_wrong_the_copy_is_the_one_that_it_was(pair: Pair, wrong: Wrong) -> None:
    pair.configure({"failover_server": {"sql": {"stall_timeout_s": 10}}})
    pair.configure_server(database={"sql": {"stall_timeout_s": 10}})
    pair.replicated()
    pair.run_live("INSERT INTO calls (text) VALUES (N'two')")
    live, before = pair.content(pair.live, CATALOG), pair.content(pair.standby, COPY)
    pair.fault(getattr(pair, wrong.server), **wrong.rule)
    ended = pair.run("replicate-from-live", "DEMOSERVER")
    pair.no_faults()

    assert (wrong.code, True) == (ended.code, wrong.said in ended.err), ended
    assert before == pair.content(pair.standby, COPY)
    assert live == pair.content(pair.live, CATALOG)
    assert pair.strays() == []
    assert pair.unfinished == []
    assert [FAILED_MAIL in subject for subject in pair.subjects()].count(True) == 1

    pair.replicated()

    assert pair.copied_calls == ["one", "two"]


@pytest.mark.parametrize("side", ["live", "standby"])
def test_at_whatever_statement_the_connection_is_cut_there_is_a_whole_copy_and_nothing_else(
    in_memory: Pair, side: str
) -> None:
    pair = in_memory
    pair.replicated()
    server = getattr(pair, side)
    for nth in count(1):
        before = pair.content(pair.standby, COPY)
        faults = pair.cut_at(server, nth)
        is_replaced = True
        try:
            pair.replicated()
        except Unreachable:
            is_replaced = False
        pair.no_faults()

        assert is_replaced == (before != pair.content(pair.standby, COPY)), nth
        assert ["one"] == pair.copied_calls, nth
        assert [] == pair.strays() == pair.unfinished, nth
        if not faults.fired:
            break


@pytest.mark.parametrize("side", ["live", "standby"])
@pytest.mark.parametrize("message", ["prelogin", "login", "transaction", "rpc", "piece"])
def test_at_whatever_message_the_connection_is_cut_there_is_a_whole_copy_and_nothing_else(
    in_memory: Pair, side: str, message: str
) -> None:
    """Every third one of its kind, that of batches being statements."""
    pair = in_memory
    pair.replicated()
    for nth in count(1, step=3):
        faults = Faults([Fault(message=message, nth=nth, cut=True)])
        faults.attach(getattr(pair, side))
        with suppress(Unreachable):
            pair.replicated()
        pair.no_faults()

        assert ["one"] == pair.copied_calls, nth
        assert [] == pair.strays() == pair.unfinished, nth
        if not faults.fired:
            break


def test_a_catalog_that_is_in_use_for_a_moment_only_is_replaced_all_the_same(pair: Pair) -> None:
    pair.replicated()
    pair.run_live("INSERT INTO calls (text) VALUES (N'two')")
    pair.fault(pair.standby, **{**RENAME, "times": 2, **error(5030, "exclusively", 5069)})
    pair.replicated()

    assert pair.copied_calls == ["one", "two"]
    assert pair.strays() == []


def test_who_reads_the_copy_is_thrown_out_and_finds_the_new_one(pair: Pair) -> None:
    pair.replicated()
    pair.run_live("INSERT INTO calls (text) VALUES (N'two')")
    with Client(pair.standby, COPY) as reader:
        reader.run("BEGIN TRAN")
        reader.run("SELECT text FROM calls")
        pair.replicated()

    assert pair.copied_calls == ["one", "two"]


def test_a_copy_that_is_ahead_is_never_replaced(pair: Pair) -> None:
    pair.replicated()
    pair.has_stood_in("stood in")
    before = pair.content(pair.standby, COPY)
    said = len(pair.standby.said)
    ended = pair.run("replicate-from-live", "DEMOSERVER")

    assert (REFUSED, True) == (ended.code, "holds data that the live server has not" in ended.err)
    assert before == pair.content(pair.standby, COPY)
    assert said == len(pair.standby.said)


def test_a_transfer_whose_connection_is_cut_goes_on_over_a_new_one(pair: Pair) -> None:
    with running_sshd(pair.directory / "sshd") as sshd, Client(pair.live) as client:
        pair.reach_by_ssh(sshd)
        client.run(f"EXEC sim_filler '{CATALOG}', {FILLER_MIB}")
        seen: list[int] = []

        def cut_once(progress: Progress) -> None:
            if progress.phase == "transfer":
                seen.append(progress.done)
                if len(seen) == 1:
                    for session in psutil.Process(sshd.process.pid).children(recursive=True):
                        session.kill()

        pair.replicated(cut_once)

    assert sorted(seen) == seen
    assert seen[-1] > FILLER_MIB << 20
    assert ["one"] == pair.copied_calls
    assert [] == pair.strays()


def test_the_live_server_removes_its_backup_while_this_one_restores_it(pair: Pair) -> None:
    backups: list[list[Path]] = []

    def look() -> None:
        def is_removed() -> bool:
            return not list((pair.vm_dir / "DB").glob("*.bak"))

        with suppress(AssertionError):
            eventually(is_removed, "removed")
        backups.append(list((pair.vm_dir / "DB").glob("*.bak")))

    with running_sshd(pair.directory / "sshd") as sshd:
        pair.reach_by_ssh(sshd)
        pair.before_statement(pair.standby, "RESTORE DATABASE", look)
        pair.replicated()

    assert [[]] == backups
    assert ["one"] == pair.copied_calls


def test_a_backup_that_another_has_taken_the_place_of_is_not_restored(pair: Pair) -> None:
    pair.replicated()
    before = pair.content(pair.standby, COPY)
    kept = set((pair.copies / "DB").glob("*.bak"))

    def exchange() -> None:
        (arrived,) = set((pair.copies / "DB").glob("*.bak")) - kept
        copyfile(kept.copy().pop(), arrived)

    pair.run_live("INSERT INTO calls (text) VALUES (N'two')")
    pair.before_statement(pair.standby, "RESTORE HEADERONLY", exchange)
    ended = pair.run("replicate-from-live", "DEMOSERVER")

    assert (FAILED, True) == (ended.code, "is not the backup that was made" in ended.err), ended
    assert before == pair.content(pair.standby, COPY)
    assert [] == pair.strays()


@pytest.mark.parametrize("keep", [0, 2])
def test_backups_of_as_many_nights_are_kept_as_are_wanted(pair: Pair, keep: int) -> None:
    pair.configure_server(database={"keep_backups": keep})
    for _ in range(keep + 1):
        pair.replicated()
    found = [path.name for path in (pair.copies / "DB").iterdir() if path.suffix == ".bak"]

    assert keep == len(found)
    assert [] == list((pair.vm_dir / "DB").iterdir())


def test_every_file_of_a_catalog_gets_a_place_of_its_own(pair: Pair) -> None:
    files = pair.live.catalogs[CATALOG.casefold()].files
    files.append(type(files[0])(3, "more", str(pair.live.directory / "more.ndf"), "ROWS"))
    pair.replicated()
    there = [each.path for each in pair.standby.catalogs[COPY.casefold()].files]

    assert [".mdf", ".ldf", ".ndf"] == [path[-4:] for path in there]
    assert {str(pair.copies / "DB")} == {path.rpartition("/")[0] for path in there}


@pytest.mark.parametrize(
    ("live", "standby", "said"),
    [
        ((16, 0, 1), (15, 0, 1), "DEMOSERVER has SQL Server 2022"),
        ((15, 0, 1), (16, 0, 1), "DEMOSERVER has SQL Server 2019"),
        ((10, 50, 1), (10, 0, 1), "a copy could not come back"),
    ],
)
def test_another_version_is_refused_before_anything_is_backed_up(
    tmp_path: Path, live: tuple[int, int, int], standby: tuple[int, int, int], said: str
) -> None:
    with Pair(tmp_path, live=ServerProfile(live), standby=ServerProfile(standby)) as pair:
        ended = pair.run("replicate-from-live", "DEMOSERVER")

        assert (REFUSED, True) == (ended.code, said in ended.err), ended
        assert not any("BACKUP" in each for each in pair.live.said)


def test_express_does_without_compression_and_takes_no_more_than_it_holds(tmp_path: Path) -> None:
    express = ServerProfile((11, 0, 1), "Express Edition")
    with Pair(tmp_path, live=express, standby=express) as pair:
        pair.replicated()
        pair.live.catalogs[CATALOG.casefold()].files[0].size_pages = 11 * 2**17
        ended = pair.run("replicate-from-live", "DEMOSERVER")

        assert not any("COMPRESSION" in each for each in pair.live.said)
        assert (REFUSED, True) == (ended.code, "takes 10 GiB (1827)" in ended.err), ended


def test_an_edition_that_does_not_compress_after_all_is_asked_again_without(pair: Pair) -> None:
    pair.fault(pair.live, statement="COMPRESSION", **error(1844, "not supported", 3013))
    pair.replicated()

    backups = [each for each in pair.live.said if each.startswith("BACKUP")]

    assert [True, False] == ["COMPRESSION" in each for each in backups]


def test_a_login_that_may_not_back_up_is_told_which_right_it_lacks(pair: Pair) -> None:
    pair.live.add_login("few", drivers.PASSWORD, sid=b"\x02", rights=frozenset({"restore"}))
    pair.configure_server(database={"user_id": "few"})
    ended = pair.run("replicate-from-live", "DEMOSERVER")

    assert (REFUSED, True) == (ended.code, "may not back CTSERVER up" in ended.err), ended


def test_a_catalog_that_is_not_there_is_named(pair: Pair) -> None:
    pair.configure_server(database={"catalog": "OTHER"})
    ended = pair.run("replicate-from-live", "DEMOSERVER")

    assert (FAILED, True) == (ended.code, "there is no catalog OTHER on DEMOSERVER" in ended.err)


def test_a_row_that_is_committed_behind_the_backup_is_followed(pair: Pair) -> None:
    pair.go_hot()

    def commit(_: EngineSession, sql: str) -> None:
        if sql.startswith("BACKUP"):
            pair.run_live("INSERT INTO calls (text) VALUES (N'meanwhile')")

    pair.live.after_statement = commit
    pair.replicated()

    assert ["one"] == pair.copied_calls
    assert 0 == pair.run("sync-rows", "DEMOSERVER").code
    assert ["one", "meanwhile"] == pair.copied_calls


def test_a_hot_copy_is_not_moved_backwards_by_its_nightly_replication(pair: Pair) -> None:
    pair.configure_server(real_time="all")
    pair.run_live(
        f"ALTER DATABASE {CATALOG} SET CHANGE_TRACKING = ON "
        "(CHANGE_RETENTION = 7 DAYS, AUTO_CLEANUP = ON)",
        f"ALTER DATABASE {CATALOG} SET ALLOW_SNAPSHOT_ISOLATION ON",
        "ALTER TABLE calls ENABLE CHANGE_TRACKING WITH (TRACK_COLUMNS_UPDATED = OFF)",
    )
    pair.replicated()
    pair.before_statement(
        pair.standby,
        "CHECKDB",
        lambda: pair.run_live(
            r"INSERT INTO calls (text, voicemail) VALUES (N'meanwhile', N'C:\VM\Mail\2.wav')"
        ),
    )
    pair.replicated()

    assert ["one", "meanwhile"] == pair.copied_calls
    assert r"C:\VM\DEMOSERVER\VM\Mail\2.wav" == pair.paths(pair.standby, COPY)[1]


def test_a_copy_that_was_backed_up_untracked_takes_no_followed_row_back(pair: Pair) -> None:
    pair.go_hot()
    pair.replicated()
    codes: list[int] = []

    def tracked_again() -> None:
        pair.run_live("INSERT INTO calls (text) VALUES (N'meanwhile')")
        codes.append(pair.run("hot", "enable", "DEMOSERVER", "--yes").code)
        codes.append(pair.run("sync-rows", "DEMOSERVER").code)

    pair.before_statement(
        pair.live,
        "RESTORE FILELISTONLY",  # the last look at it before the backup
        lambda: pair.run_live(
            "ALTER TABLE calls DISABLE CHANGE_TRACKING",
            f"ALTER DATABASE {CATALOG} SET CHANGE_TRACKING = OFF",
        ),
    )
    pair.before_statement(pair.standby, "CHECKDB", tracked_again)
    ended = pair.run("replicate-from-live", "DEMOSERVER")

    assert ([0, 0], FAILED) == (codes, ended.code), ended
    assert "change tracking was off, then or since" in " ".join(ended.err.split())
    assert ["one", "meanwhile"] == pair.copied_calls
    assert [] == pair.strays() == pair.unfinished
    assert [FAILED_MAIL in subject for subject in pair.subjects()].count(True) == 1

    pair.replicated()
    pair.run_live("INSERT INTO calls (text) VALUES (N'last')")

    assert 0 == pair.run("sync-rows", "DEMOSERVER").code
    assert ["one", "meanwhile", "last"] == pair.copied_calls


def test_a_copy_of_before_a_table_was_altered_takes_none_of_its_rows_back(pair: Pair) -> None:
    pair.run_live("CREATE TABLE tags (id int NOT NULL PRIMARY KEY)")
    pair.go_hot()
    pair.replicated()
    codes: list[int] = []

    def altered() -> None:
        pair.run_live("INSERT INTO calls (text) VALUES (N'meanwhile')")
        codes.append(pair.run("sync-rows", "DEMOSERVER").code)
        pair.run_live("ALTER TABLE calls ADD other int NULL", "INSERT INTO tags VALUES (1)")
        codes.append(pair.run("sync-rows", "DEMOSERVER").code)

    pair.before_statement(pair.standby, "CHECKDB", altered)
    ended = pair.run("replicate-from-live", "DEMOSERVER")

    assert ([0, WITH_EXCEPTIONS], FAILED) == (codes, ended.code), ended
    assert "not followed any more: dbo.calls" in ended.err
    assert ["one", "meanwhile"] == pair.copied_calls
    assert [] == pair.strays() == pair.unfinished
    assert [FAILED_MAIL in subject for subject in pair.subjects()].count(True) == 1

    pair.replicated()

    assert ["one", "meanwhile"] == pair.copied_calls
    assert 0 == pair.run("sync-rows", "DEMOSERVER").code

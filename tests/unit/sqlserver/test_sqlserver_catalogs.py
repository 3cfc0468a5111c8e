"""Catalogs of the simulated server: who may be in them, their names, backups and restores."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.sqlserver.drivers import PASSWORD
from tests.sqlserver.engine.client import Client, FailedError
from tests.sqlserver.engine.server import ServerProfile, SimulatedServer
from tests.sqlserver.results import Login, LoginRefusedError, Message
from tests.sqlserver.sql.lexer import SqlError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.sqlserver.engine.session import EngineSession

WITH = "WITH COPY_ONLY, FORMAT, INIT, CHECKSUM, STATS = 10"


class Place:
    """Where a test's backups and restored files lie."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.bak = directory / "run.bak"

    def backup(self, options: str = WITH) -> str:
        return f"BACKUP DATABASE S TO DISK = '{self.bak}' {options}"

    def restore(self, name: str = "S__new", options: str = "CHECKSUM, STATS = 10") -> str:
        moves = (
            f"MOVE 'S' TO '{self.directory / name}_1', MOVE 'S_log' TO '{self.directory / name}_2'"
        )
        return f"RESTORE DATABASE {name} FROM DISK = '{self.bak}' WITH {options}, {moves}"

    def read(self, what: str) -> str:
        return f"RESTORE {what} FROM DISK = '{self.bak}'"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def filled(client: Client) -> Client:
    client.run("CREATE TABLE t (k int PRIMARY KEY, a nvarchar(max)); INSERT t VALUES (1, 'x')")
    return client


@pytest.fixture
def master(server: SimulatedServer) -> Iterator[Client]:
    with Client(server) as made:
        yield made


def test_what_is_backed_up_comes_back(filled: Client, place: Place) -> None:
    filled.run(place.backup())
    percents = [each.text for each in filled.messages if each.number == 3211]

    assert percents == [f"{ten}0 percent processed." for ten in range(1, 11)]
    assert [each.number for each in filled.messages][-2:] == [4035, 3014]

    filled.run("INSERT t VALUES (2, 'y')")
    filled.run(place.restore())

    assert filled.messages[-1].number == 3014
    assert filled.run("SELECT * FROM S__new.dbo.t") == [(1, "x")]
    assert (place.directory / "S__new_1").exists()
    assert (place.directory / "S__new_2").exists()


def test_a_restored_catalog_is_another_one_of_the_same_family(filled: Client, place: Place) -> None:
    filled.run(place.backup())
    filled.run(place.restore())
    sql = "SELECT {} FROM sys.database_recovery_status WHERE database_id = DB_ID('{}')"

    for column, is_same in [
        ("database_guid", False),
        ("recovery_fork_guid", False),
        ("family_guid", True),
    ]:
        old, new = (filled.value(sql.format(column, name)) for name in ("S", "S__new"))

        assert (old == new) == is_same


def test_what_is_not_committed_is_not_in_a_backup(
    filled: Client, other: Client, place: Place
) -> None:
    other.run("BEGIN TRAN; UPDATE t SET a = 'late'; INSERT t VALUES (3, 'z')")
    filled.run(place.backup())
    filled.run(place.restore())

    assert filled.run("SELECT * FROM S__new..t") == [(1, "x")]


def test_a_backup_tells_of_itself(filled: Client, place: Place) -> None:
    filled.run(place.backup(WITH + ", NAME = N'nightly'"))
    (header,) = filled.run(place.read("HEADERONLY"))
    told = filled.run("SELECT backup_set_uuid, name FROM msdb.dbo.backupset")

    assert header[0] == "nightly"
    assert told == [(header[-1], "nightly")]
    assert [row[0] for row in filled.run(place.read("FILELISTONLY"))] == ["S", "S_log"]
    assert filled.run(place.read("VERIFYONLY")) == []
    assert [each.number for each in filled.messages] == [3262]


def test_a_damaged_backup_is_refused(filled: Client, place: Place) -> None:
    filled.run(place.backup())
    raw = bytearray(place.bak.read_bytes())
    raw[-1] ^= 1
    place.bak.write_bytes(raw)

    assert filled.fails(place.read("VERIFYONLY")) == [3189, 3013]
    assert filled.fails(place.restore()) == [3183, 3013]

    raw[-1] ^= 1
    place.bak.write_bytes(raw[:-1])

    assert filled.fails(place.restore()) == [3203, 3013]

    place.bak.write_bytes(b"nothing of the kind")

    assert filled.fails(place.read("HEADERONLY")) == [3241, 3013]
    assert filled.fails(place.restore()) == [3241, 3013]

    place.bak.unlink()

    assert filled.fails(place.restore()) == [3201, 3013]
    assert filled.run("SELECT name FROM sys.databases WHERE name = 'S__new'") == []


def test_without_checksums_damage_is_not_seen_by_verifying(filled: Client, place: Place) -> None:
    filled.run(place.backup("WITH COPY_ONLY, INIT"))
    raw = bytearray(place.bak.read_bytes())
    raw[-1] ^= 1
    place.bak.write_bytes(raw)
    filled.run(place.read("VERIFYONLY"))

    assert filled.fails(place.restore()) == [3187, 3013]


def test_what_is_in_the_way_of_a_backup(filled: Client, place: Place) -> None:
    place.bak = place.directory / "nowhere" / "run.bak"

    assert filled.fails(place.backup()) == [3201, 3013]

    filled.run("BEGIN TRAN")

    assert filled.fails(place.backup()) == [3021]
    assert filled.fails("ALTER DATABASE S SET RECOVERY SIMPLE") == [226]


def test_what_is_in_the_way_of_a_restore(
    filled: Client, place: Place, server: SimulatedServer
) -> None:
    filled.run(place.backup())

    assert filled.fails(place.restore("S")) == [50001]
    assert filled.fails(f"RESTORE DATABASE x FROM DISK = '{place.bak}'") == [1834, 3013]
    assert filled.fails(place.restore(options="MOVE 'nothing' TO 'x'")) == [3234, 3013]

    server.free_bytes = 10

    assert filled.fails(place.restore()) == [3257, 3013]
    assert filled.run("SELECT name FROM sys.databases WHERE database_id > 5") == []


def test_a_newer_backup_is_refused(filled: Client, place: Place, tmp_path: Path) -> None:
    filled.run(place.backup())
    with Client(SimulatedServer(tmp_path / "old", ServerProfile((13, 0, 5026)))) as older:
        assert older.fails(place.restore()) == [3169, 3013]


def test_express_does_not_compress(place: Place, tmp_path: Path) -> None:
    profile = ServerProfile(edition="Express Edition (64-bit)")
    with Client(SimulatedServer(tmp_path / "express", profile)) as client:
        client.run("CREATE DATABASE S")

        assert client.fails(place.backup(WITH + ", COMPRESSION")) == [1844, 3013]


def test_a_full_disk_ends_a_backup_after_its_progress(
    filled: Client, place: Place, server: SimulatedServer
) -> None:
    def fill(_: EngineSession, percent: float) -> None:
        if percent >= 70:
            text = "Write on failed: 112(There is not enough space on the disk.)"
            abnormal = Message(3013, 16, "BACKUP DATABASE is terminating abnormally.")
            raise SqlError(Message(3202, 16, text), abnormal)

    server.on_progress = fill

    assert filled.fails(place.backup()) == [3202, 3013]
    assert [each.number for each in filled.messages].count(3211) == 6


def test_a_backup_that_is_called_off_is_none(
    filled: Client, other: Client, place: Place, server: SimulatedServer
) -> None:
    reached, goes_on = threading.Event(), threading.Event()
    failed: list[int] = []

    def hold(_: EngineSession, percent: float) -> None:
        if percent == 50:
            reached.set()
            assert goes_on.wait(30)

    def run() -> None:
        try:
            filled.run(place.backup())
        except FailedError as error:
            failed.extend(error.numbers)

    server.on_progress = hold
    running = threading.Thread(target=run)
    running.start()

    assert reached.wait(30)
    assert other.run("SELECT command, percent_complete FROM sys.dm_exec_requests") == [
        ("BACKUP DATABASE", 50)
    ]

    filled.session.cancel()
    goes_on.set()
    running.join()

    assert failed == [3204, 3013]
    assert other.fails(place.restore()) == [3203, 3013]


def test_a_restore_outlives_its_client(filled: Client, place: Place) -> None:
    filled.run(place.backup())
    answers = filled.answers(place.restore())
    next(answers)

    assert filled.fails("USE S__new") == [927]

    del answers

    assert filled.run("SELECT * FROM S__new..t") == [(1, "x")]


def test_a_restore_that_fails_half_way_leaves_a_catalog_that_is_restoring(
    filled: Client, place: Place, server: SimulatedServer
) -> None:
    def fail(session: EngineSession, percent: float) -> None:
        if percent == 50:
            session.cancel()

    filled.run(place.backup())
    server.on_progress = fail

    assert filled.fails(place.restore()) == [3204, 3013]
    assert filled.value("SELECT state_desc FROM sys.databases WHERE name = 'S__new'") == "RESTORING"

    filled.run("DROP DATABASE S__new")

    assert not (place.directory / "S__new_1").exists()


def test_the_one_who_has_a_catalog_alone_throws_out_the_others(
    filled: Client, other: Client, master: Client
) -> None:
    other.run("BEGIN TRAN; DELETE t")

    assert filled.fails("ALTER DATABASE S SET SINGLE_USER WITH NO_WAIT") == [5061, 5069]

    filled.run("ALTER DATABASE S SET SINGLE_USER WITH ROLLBACK IMMEDIATE")

    assert filled.run("SELECT * FROM t") == [(1, "x")]
    assert other.fails("SELECT * FROM t") == [596]
    assert master.fails("USE S") == [924]
    assert master.fails("SELECT * FROM S..t") == [924]
    assert master.fails("ALTER DATABASE S SET MULTI_USER") == [5064, 5069]

    filled.run("ALTER DATABASE S SET MULTI_USER")
    master.run("USE S")


def test_the_single_place_can_be_stolen(filled: Client, master: Client) -> None:
    filled.run("ALTER DATABASE S SET SINGLE_USER WITH ROLLBACK IMMEDIATE; USE master")
    master.run("USE S")

    assert filled.fails("USE S") == [924]
    assert filled.fails("ALTER DATABASE S MODIFY NAME = T") == [5064, 5069]


def test_nothing_is_changed_in_a_catalog_that_is_read_only(
    filled: Client, other: Client, place: Place
) -> None:
    assert filled.fails("ALTER DATABASE S SET READ_ONLY WITH NO_WAIT") == [5070, 5069]

    other.session.close()
    filled.run("ALTER DATABASE S SET READ_ONLY WITH NO_WAIT")
    filled.run(place.backup())
    filled.run(place.restore())

    for sql in ("DELETE t", "ALTER TABLE t ADD b int", "CREATE TABLE u (k int)"):
        assert filled.fails(sql) == [3906]
        assert filled.fails(f"USE S__new; {sql}") == [3906]
        filled.run("USE S")
    for sql in ("SET RECOVERY SIMPLE", "SET CHANGE_TRACKING = ON", "MODIFY NAME = T"):
        assert filled.fails(f"ALTER DATABASE S {sql}") == [5004, 5069]
    assert filled.run("SELECT * FROM t; CREATE TABLE #t (k int); INSERT #t VALUES (1)") == [
        (1, "x")
    ]

    with Client(filled.session.server, "S") as reader:
        assert filled.fails("ALTER DATABASE S SET READ_WRITE WITH NO_WAIT") == [5070, 5069]

        filled.run("ALTER DATABASE S SET READ_WRITE WITH ROLLBACK IMMEDIATE")

        assert reader.fails("SELECT * FROM t") == [596]

    filled.run("DELETE t")


def test_a_catalog_in_use_keeps_its_name(filled: Client, other: Client, master: Client) -> None:
    assert master.fails("ALTER DATABASE S MODIFY NAME = T") == [5030, 5069]
    assert master.fails("DROP DATABASE S") == [3702]

    other.run("USE master")
    filled.run("ALTER DATABASE S MODIFY NAME = T")

    assert filled.value("SELECT DB_NAME()") == "T"
    assert [row[0] for row in filled.run("SELECT name FROM sys.database_files")] == ["S", "S_log"]
    assert filled.fails("ALTER DATABASE T MODIFY NAME = master") == [1801]

    filled.run("USE master; DROP DATABASE T")

    assert master.fails("USE T") == [911]
    assert master.fails("DROP DATABASE T") == [3701]


def test_a_restricted_catalog_is_for_administrators(
    filled: Client, server: SimulatedServer
) -> None:
    server.add_login("guest", PASSWORD, sid=b"\2", rights=frozenset())
    filled.run("ALTER DATABASE S SET RESTRICTED_USER")
    with Client(server, user="guest") as guest:
        assert guest.fails("USE S") == [923]

        filled.run("ALTER DATABASE S SET MULTI_USER")
        guest.run("USE S")


def test_who_has_no_rights_is_refused(server: SimulatedServer, place: Place) -> None:
    server.add_login("guest", PASSWORD, sid=b"\2", rights=frozenset())
    with Client(server, "S", user="guest") as guest:
        assert guest.fails(place.backup()) == [262, 3013]
        assert guest.fails("ALTER DATABASE S SET RECOVERY SIMPLE") == [5011, 5069]
        assert guest.value("SELECT IS_SRVROLEMEMBER('sysadmin')") == 0


@pytest.mark.parametrize(
    ("login", "number"),
    [
        (Login("sa", "wrong", ""), 18456),
        (Login("nobody", PASSWORD, ""), 18456),
        (Login("sa", PASSWORD, "nowhere"), 4060),
    ],
)
def test_a_login_is_refused(server: SimulatedServer, login: Login, number: int) -> None:
    with pytest.raises(LoginRefusedError) as caught:
        server.log_in(login)

    assert caught.value.message.number == number


def test_users_find_their_logins_again(filled: Client, place: Place) -> None:
    filled.run("CREATE LOGIN app WITH PASSWORD = 'x', SID = 0x07; CREATE USER app FOR LOGIN app")
    filled.run(place.backup())
    filled.run(place.restore())
    filled.run("USE S__new; CREATE LOGIN app2 WITH PASSWORD = 'x', SID = 0x08")
    filled.run("ALTER USER app WITH LOGIN = app2")

    assert filled.value("SELECT sid FROM sys.database_principals WHERE name = 'app'") == b"\x08"
    assert filled.fails("ALTER USER nobody WITH LOGIN = app") == [15151]


def test_the_views_tell_of_tables(filled: Client) -> None:
    found = filled.run(
        "SELECT c.name, y.name, c.max_length, c.is_nullable FROM sys.tables t "
        "JOIN sys.schemas s ON s.schema_id = t.schema_id "
        "JOIN sys.columns c ON c.object_id = t.object_id "
        "JOIN sys.types y ON y.user_type_id = c.user_type_id WHERE t.name = 't' "
        "ORDER BY c.column_id"
    )

    assert found == [("k", "int", 4, 0), ("a", "nvarchar", -1, 1)]
    assert filled.value("SELECT COUNT(*) FROM sys.dm_exec_sessions WHERE database_id = DB_ID()")


def test_a_fault_can_be_put_in_front_of_a_statement(
    filled: Client, server: SimulatedServer
) -> None:
    def refuse(_: EngineSession, sql: str) -> None:
        if "MODIFY NAME" in sql:
            failed = Message(5069, 16, "ALTER DATABASE statement failed.")
            raise SqlError(Message(5030, 16, "It could not be locked."), failed)

    server.on_statement = refuse

    assert filled.fails("ALTER DATABASE S MODIFY NAME = T") == [5030, 5069]
    assert server.said[-1] == "ALTER DATABASE S MODIFY NAME = T"


def test_a_catalog_that_is_offline_is_opened_by_nobody(tmp_path: Path) -> None:
    server = SimulatedServer(tmp_path)
    server.create("CT", {})
    with Client(server) as client, Client(server, "CT") as inside:
        assert client.fails("ALTER DATABASE CT SET OFFLINE WITH NO_WAIT") == [5070, 5069]
        client.run("ALTER DATABASE CT SET OFFLINE WITH ROLLBACK IMMEDIATE")

        assert inside.fails("SELECT 1") == [596]
        assert client.fails("USE CT") == [942]
        assert client.fails("SELECT * FROM CT.dbo.t") == [942]
        assert client.fails(f"BACKUP DATABASE CT TO DISK = '{tmp_path}/a.bak'") == [942, 3013]
        assert client.value("SELECT state_desc FROM sys.databases WHERE name = 'CT'") == "OFFLINE"
        with pytest.raises(LoginRefusedError, match="Cannot open database"):
            Client(server, "CT")
    with Client(SimulatedServer(tmp_path)) as again:  # it stays so
        assert again.fails("USE CT") == [942]
        again.run("ALTER DATABASE CT SET ONLINE; USE CT; ALTER DATABASE CT SET OFFLINE")
        assert again.value("SELECT DB_NAME()") == "master"
        again.run("DROP DATABASE CT")
    assert (tmp_path / "CT.mdf").exists()

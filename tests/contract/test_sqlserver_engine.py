"""The simulated SQL Server through both ODBC drivers: its engine, as a client meets it."""

from __future__ import annotations

import ssl
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyodbc
import pytest

from tests.sqlserver import drivers
from tests.sqlserver.engine.server import SimulatedServer
from tests.sqlserver.wire.connection import WireProfile
from tests.sqlserver.wire.listener import Listener
from tests.support.certificates import self_signed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.sqlserver.drivers import Driver
    from tests.sqlserver.engine.session import EngineSession


@dataclass
class Site:
    """A simulated server and how to reach it; what is opened is closed with the test."""

    server: SimulatedServer
    driver: Driver
    port: int
    opened: list[pyodbc.Connection]

    def connect(self, database: str = "master") -> pyodbc.Cursor:
        connection = self.driver.connect(self.port, DATABASE=database)
        self.opened.append(connection)
        return connection.cursor()


def site(driver: Driver, directory: Path, tls: ssl.SSLContext) -> Iterator[Site]:
    server = SimulatedServer(directory)
    with Listener(server, WireProfile(server.profile.version, tls=tls)) as listening:
        made = Site(server, driver, listening.port, [])
        yield made
        for connection in made.opened:
            connection.close()


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    context = self_signed(tmp_path).server_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # FreeTDS hangs with 1.3
    return context


@pytest.fixture
def live(driver: Driver, tmp_path: Path, tls: ssl.SSLContext) -> Iterator[Site]:
    yield from site(driver, tmp_path / "live", tls)


@pytest.fixture
def standby(driver: Driver, tmp_path: Path, tls: ssl.SSLContext) -> Iterator[Site]:
    yield from site(driver, tmp_path / "standby", tls)


def run(cursor: pyodbc.Cursor, sql: str, *values: object) -> list[Any]:
    """All rows of all results of a batch."""
    rows: list[Any] = []
    cursor.execute(sql, *values)
    while True:
        if cursor.description:
            rows += [tuple(row) for row in cursor.fetchall()]
        if not cursor.nextset():
            return rows


def numbers(cursor: pyodbc.Cursor, sql: str, *values: object) -> list[str]:
    """The numbers of all messages of a batch, each of which is a result of its own."""
    cursor.execute(sql, *values)
    found = [code for code, _ in cursor.messages or ()]
    while cursor.nextset():
        found += [code for code, _ in cursor.messages or ()]
    return [code.rpartition("(")[2].rstrip(")") for code in found]


def drain(cursor: pyodbc.Cursor) -> None:
    while cursor.nextset():
        pass


def fails(cursor: pyodbc.Cursor, sql: str, *values: object) -> str:
    with pytest.raises(pyodbc.Error) as caught:
        run(cursor, sql, *values)
    return str(caught.value)


LIVE = [
    "CREATE DATABASE [CTSERVER]",
    "USE [CTSERVER]",
    "CREATE TABLE [person] ([id] int IDENTITY(1, 1) NOT NULL PRIMARY KEY, [name] nvarchar(40) "
    "COLLATE Latin1_General_CI_AS NOT NULL UNIQUE, [path] varchar(100) NULL, [photo] "
    "varbinary(max) NULL, [born] datetime NULL, [upper] AS (UPPER([name])), [seen] rowversion)",
    "CREATE TABLE [odd ]] name] ([k'1] uniqueidentifier NOT NULL PRIMARY KEY, [owner] int NULL "
    "CONSTRAINT [fk] FOREIGN KEY REFERENCES [person] ([id]), [paid] money NULL)",
    "CREATE TABLE [log] ([text] nvarchar(100))",
    "CREATE TRIGGER [tr] ON [person] AFTER INSERT, DELETE AS INSERT [log] VALUES (N'fired')",
    "ALTER DATABASE [CTSERVER] SET ALLOW_SNAPSHOT_ISOLATION ON",
    "ALTER DATABASE [CTSERVER] SET CHANGE_TRACKING = ON (CHANGE_RETENTION = 7 DAYS)",
    "ALTER TABLE [person] ENABLE CHANGE_TRACKING",
    "ALTER TABLE [odd ]] name] ENABLE CHANGE_TRACKING",
    "INSERT [person] ([name], [path], [photo], [born]) VALUES (N'Ann', 'C:\\VM\\1', 0x01, "
    "'2001-02-03T04:05:06.007'), (N'Bob', 'D:\\x', NULL, NULL), (N'Zoë', 'c:\\vm\\2', 0x, NULL)",
    "INSERT [odd ]] name] VALUES (NEWID(), 1, 1.5), (NEWID(), NULL, -2)",
]
FORK = (
    "SELECT CHANGE_TRACKING_CURRENT_VERSION(), recovery_fork_guid, database_guid "
    "FROM sys.database_recovery_status WHERE database_id = DB_ID()"
)
CONTENT = [
    "SELECT [id], [name], [path], [photo], [born], [upper] FROM [person] ORDER BY [id]",
    "SELECT * FROM [odd ]] name] ORDER BY [k'1]",
]


def restore_beside(live: pyodbc.Cursor, standby: pyodbc.Cursor, directory: Path) -> tuple[int, str]:
    """The nightly copy up to the swap; the version and the fork that it is of."""
    bak = str(directory / "run.bak")
    ((version, fork, _),) = run(live, FORK)
    told = numbers(
        live,
        f"BACKUP DATABASE [CTSERVER] TO DISK = N'{bak}' WITH COPY_ONLY, FORMAT, INIT, CHECKSUM, "
        "COMPRESSION, STATS = 1, NAME = N'run'",
    )

    assert told == ["3211"] * 100 + ["4035", "3014"]

    (header,) = run(standby, "RESTORE HEADERONLY FROM DISK = ?", bak)
    sets = run(live, "SELECT backup_set_uuid FROM msdb.dbo.backupset WHERE name = N'run'")

    assert header[-1] == sets[-1][0]

    files = run(standby, "RESTORE FILELISTONLY FROM DISK = ?", bak)
    moves = ", ".join(f"MOVE N'{row[0]}' TO N'{directory}/run_{row[6]}'" for row in files)
    options = f"CHECKSUM, STATS = 1, RESTRICTED_USER, {moves}"
    told = numbers(standby, f"RESTORE DATABASE [S__new] FROM DISK = ? WITH {options}", bak)

    assert told[-1] == "3014"

    run(standby, "USE [S__new]")

    assert run(standby, "SELECT CHANGE_TRACKING_CURRENT_VERSION()")[0][0] >= version

    return version, fork


def prepare(standby: pyodbc.Cursor, version: int, fork: str) -> None:
    """What is done to a restored catalog before it is swapped in."""
    for sql in [
        "ALTER DATABASE [S__new] SET AUTO_CLOSE OFF, AUTO_UPDATE_STATISTICS_ASYNC OFF, "
        "RECOVERY SIMPLE",
        "ALTER TABLE [person] DISABLE CHANGE_TRACKING",
        "ALTER TABLE [odd ]] name] DISABLE CHANGE_TRACKING",
        "ALTER DATABASE [S__new] SET CHANGE_TRACKING = OFF",
        "DISABLE TRIGGER ALL ON DATABASE",
        "ALTER TABLE [person] DISABLE TRIGGER ALL",
        "ALTER TABLE [odd ]] name] NOCHECK CONSTRAINT [fk]",
        "CREATE SCHEMA [ipfx_failover]",
        "CREATE TABLE [ipfx_failover].[watermark] ([version] bigint, [fork] uniqueidentifier)",
        "SET XACT_ABORT ON",
        "BEGIN TRAN",
    ]:
        run(standby, sql)
    run(
        standby,
        "UPDATE [person] SET [path] = STUFF([path], 1, LEN(?), ?) WHERE LEFT([path], LEN(?)) = ?",
        *("C:\\VM\\", "C:\\VM\\LIVE\\VM\\", "C:\\VM\\", "C:\\VM\\"),
    )
    run(standby, "INSERT [ipfx_failover].[watermark] VALUES (?, ?)", version, fork)
    run(standby, "COMMIT")
    run(standby, "DBCC CHECKDB WITH PHYSICAL_ONLY, NO_INFOMSGS")


def swap(standby: pyodbc.Cursor) -> None:
    for sql in [
        "SET DEADLOCK_PRIORITY HIGH",
        "USE [S]",
        "ALTER DATABASE [S] SET SINGLE_USER WITH ROLLBACK IMMEDIATE",
        "ALTER DATABASE [S] MODIFY NAME = [S__old]",
        "ALTER DATABASE [S__new] MODIFY NAME = [S]",
        "ALTER DATABASE [S] SET MULTI_USER",
        "USE master",
        "DROP DATABASE [S__old]",
        "USE [S]",
    ]:
        run(standby, sql)


KEYS = {"[person]": "[id]", "[odd ]] name]": "[k'1]"}
COLUMNS = {
    "[person]": "[id], [name], [path], [photo], [born]",
    "[odd ]] name]": "[k'1], [owner], [paid]",
}


def changed(live: pyodbc.Cursor, table: str, since: int) -> list[Any]:
    key = KEYS[table]
    mine = COLUMNS[table].replace(key, f"c.{key}")
    return run(
        live,
        f"SELECT CASE WHEN b.{key} IS NULL THEN 1 ELSE 0 END AS gone, {mine} "  # noqa: S608 - names of this test
        f"FROM CHANGETABLE(CHANGES {table}, ?) c LEFT JOIN {table} b ON b.{key} = c.{key}",
        since,
    )


def one_round(live: pyodbc.Cursor, standby: pyodbc.Cursor, old: int, fork: str) -> int:
    """Read what has changed and apply it, as one transaction each; the new version."""
    run(live, "SET TRANSACTION ISOLATION LEVEL SNAPSHOT")
    run(live, "BEGIN TRAN")
    ((version, now, _),) = run(live, FORK)
    new = int(version)

    assert now == fork

    rows = {table: changed(live, table, old) for table in KEYS}
    run(live, "COMMIT")
    for number, table in enumerate(KEYS):
        columns = COLUMNS[table]
        staged = ", ".join(f"b.{column}" for column in columns.split(", "))
        # Outer joined, so that the key's table may leave all other columns NULL for rows gone.
        run(
            standby,
            f"SELECT TOP (0) 0 AS gone, {staged} INTO #t{number} "  # noqa: S608 - names of this test
            f"FROM (SELECT 1 AS one) x LEFT JOIN {table} b ON 1 = 0",
        )
        marks = ", ".join("?" * (columns.count(",") + 2))
        for row in rows[table]:
            run(standby, f"INSERT #t{number} VALUES ({marks})", *row)  # noqa: S608 - as above
    apply(standby, old, new, fork)
    return new


def apply(standby: pyodbc.Cursor, old: int, new: int, fork: str) -> None:
    run(standby, "SET XACT_ABORT ON")
    run(standby, "BEGIN TRAN")
    standby.execute(
        "UPDATE ipfx_failover.watermark SET version = ? WHERE version = ? AND fork = ?",
        *(new, old, fork),
    )

    assert standby.rowcount == 1

    for number, (table, key) in enumerate(KEYS.items()):
        run(standby, f"DELETE b FROM {table} b JOIN #t{number} s ON s.{key} = b.{key}")
    for number, table in enumerate(KEYS):
        columns = COLUMNS[table]
        has_identity = table == "[person]"
        if has_identity:
            run(standby, f"SET IDENTITY_INSERT {table} ON")
        run(
            standby,
            f"INSERT {table} ({columns}) SELECT {columns} FROM #t{number} WHERE gone = 0",  # noqa: S608 - as above
        )
        if has_identity:
            run(standby, f"SET IDENTITY_INSERT {table} OFF")
    run(standby, "COMMIT")
    for number in range(len(KEYS)):
        run(standby, f"DROP TABLE #t{number}")


def test_the_nightly_copy_and_a_hot_round(live: Site, standby: Site, tmp_path: Path) -> None:
    here, there = live.connect(), standby.connect()
    for sql in LIVE:
        run(here, sql)
    run(there, "CREATE DATABASE [S]")
    version, fork = restore_beside(here, there, tmp_path)
    prepare(there, version, fork)
    swap(there)

    assert run(there, "SELECT name FROM sys.databases WHERE database_id > 4") == [("S",)]
    assert run(there, "SELECT [path] FROM [person] ORDER BY [id]") == [
        ("C:\\VM\\LIVE\\VM\\1",),
        ("D:\\x",),
        ("C:\\VM\\LIVE\\VM\\2",),
    ]
    assert run(there, CONTENT[1]) == run(here, CONTENT[1])

    other = live.connect("CTSERVER")
    run(other, "BEGIN TRAN")
    run(other, "INSERT [person] ([name]) VALUES (N'late')")
    for sql in [
        "UPDATE [odd ]] name] SET [owner] = 2, [paid] = NULL WHERE [owner] = 1",
        "DELETE [odd ]] name] WHERE [owner] IS NULL",
        "INSERT [odd ]] name] VALUES (NEWID(), 3, 922337203685477.5807)",
    ]:
        run(here, sql)
    after = one_round(here, there, version, fork)

    assert run(there, CONTENT[1]) == run(here, CONTENT[1])

    run(other, "UPDATE [person] SET [photo] = 0xFF00 WHERE [name] = N'ZOË'")
    run(other, "DELETE [person] WHERE [name] = N'Ann'")
    run(other, "COMMIT")
    last = one_round(here, there, after, fork)

    assert last == after + 1
    rows = run(there, CONTENT[0])

    assert [row[:2] for row in rows] == [(2, "Bob"), (3, "Zoë"), (4, "late")]
    assert rows[1][3] == b"\xff\x00"
    assert run(there, "SELECT COUNT(*) FROM [log]") == [(1,)]

    run(there, "ALTER TABLE [odd ]] name] WITH CHECK CHECK CONSTRAINT [fk]")

    assert run(there, "SELECT is_not_trusted FROM sys.foreign_keys") == [(False,)]


@pytest.mark.parametrize(
    ("sql", "number", "state"),
    [
        ("INSERT a VALUES (1, NULL)", "2627", "23000"),
        ("INSERT a VALUES (NULL, NULL)", "515", "23000"),
        ("INSERT a VALUES (2, 9)", "547", "23000"),
        ("SELECT nothing FROM a", "207", "42S22"),
        ("SELECT 1 FROM nothing", "208", "42S02"),
        ("INSERT a VALUES ('x', 1)", "245", "22018"),
        ("COMMIT", "3902", "25000"),
        ("SELECT 1 FROM", "102", "42000"),
        ("MERGE a USING b ON 1 = 1", "50001", "42000"),
    ],
)
def test_an_error_has_its_number_and_state(live: Site, sql: str, number: str, state: str) -> None:
    cursor = live.connect()
    run(
        cursor, "CREATE TABLE a (k int PRIMARY KEY, b int REFERENCES a (k)); INSERT a VALUES (1, 1)"
    )
    told = fails(cursor, sql)

    assert f"({number})" in told
    assert state in told
    assert run(cursor, "SELECT * FROM a") == [(1, 1)]


def test_of_two_connections_that_wait_for_each_other_one_gives_way(live: Site) -> None:
    one, other = live.connect(), live.connect()
    run(one, "CREATE TABLE a (k int); CREATE TABLE b (k int); INSERT a VALUES (1)")
    run(one, "INSERT b VALUES (1)")
    run(one, "SET DEADLOCK_PRIORITY HIGH")
    run(one, "BEGIN TRAN")
    run(other, "BEGIN TRAN")
    run(one, "UPDATE a SET k = 2")
    run(other, "UPDATE b SET k = 3")
    waiting = threading.Thread(target=run, args=(one, "UPDATE b SET k = 2"))
    waiting.start()
    told = fails(other, "UPDATE a SET k = 3")
    waiting.join(30)
    run(one, "COMMIT")

    assert "(1205)" in told
    assert run(other, "SELECT a.k, b.k FROM a CROSS JOIN b") == [(2, 2)]


def test_who_takes_a_catalog_alone_ends_the_others(live: Site) -> None:
    one = live.connect()
    run(one, "CREATE DATABASE [S]")
    other = live.connect("S")
    run(one, "USE [S]")

    assert "(5061)" in fails(one, "ALTER DATABASE [S] SET SINGLE_USER WITH NO_WAIT")

    run(one, "ALTER DATABASE [S] SET SINGLE_USER WITH ROLLBACK IMMEDIATE")

    assert fails(other, "SELECT 1")
    assert "(924)" in fails(live.connect(), "USE [S]")
    with pytest.raises(pyodbc.Error, match="4060"):
        live.connect("S")


def test_a_backup_whose_results_are_not_drained_is_cancelled(live: Site, tmp_path: Path) -> None:
    reached, cancelled = threading.Event(), threading.Event()
    server = live.server

    def hold(session: EngineSession, percent: float) -> None:
        if percent == 50:
            reached.set()
            with server.changed:
                if server.changed.wait_for(lambda: session.is_cancelled, 30):
                    cancelled.set()

    server.on_progress = hold
    cursor, watching = live.connect(), live.connect()
    cursor.execute(f"BACKUP DATABASE master TO DISK = '{tmp_path}/x.bak' WITH INIT, STATS = 5")

    assert reached.wait(30)
    assert run(watching, "SELECT percent_complete FROM sys.dm_exec_requests") == [(50.0,)]

    connection = live.opened.pop(0)
    connection.close()

    assert cancelled.wait(30)

    with server.changed:
        assert server.changed.wait_for(lambda: len(server.sessions) == 1, 30)

    assert "(3203)" in fails(watching, f"RESTORE VERIFYONLY FROM DISK = '{tmp_path}/x.bak'")


def test_an_error_in_the_middle_of_a_backup_comes_after_its_progress(
    live: Site, tmp_path: Path
) -> None:
    def cancel(session: EngineSession, percent: float) -> None:
        if percent == 70:
            session.cancel()

    live.server.on_progress = cancel
    cursor = live.connect()
    cursor.execute(f"BACKUP DATABASE master TO DISK = '{tmp_path}/x.bak' WITH INIT, STATS = 10")
    with pytest.raises(pyodbc.Error, match="3204"):
        drain(cursor)


def test_without_autocommit_a_connection_commits_and_rolls_back(live: Site) -> None:
    other = live.connect()
    other.execute("CREATE TABLE t (a int)")
    connection = live.connect().connection
    connection.autocommit = False
    connection.execute("INSERT t VALUES (1)")
    connection.rollback()
    connection.execute("INSERT t VALUES (2)")
    connection.commit()
    connection.execute("INSERT t VALUES (3)")
    connection.rollback()
    connection.autocommit = True

    assert run(other, "SELECT a FROM t") == [(2,)]


# FreeTDS ends it once more, and is told 3903.
@pytest.mark.parametrize("driver", [drivers.microsoft], ids=["Microsoft"], indirect=True)
def test_a_driver_knows_that_an_error_has_ended_its_transaction(live: Site) -> None:
    other = live.connect()
    other.execute("CREATE TABLE t (a int PRIMARY KEY)")
    connection = live.connect().connection
    connection.execute("SET XACT_ABORT ON")
    connection.autocommit = False
    connection.execute("INSERT t VALUES (1)")
    with pytest.raises(pyodbc.Error, match="2627"):
        connection.execute("INSERT t VALUES (1)")
    connection.rollback()
    connection.execute("INSERT t VALUES (2)")
    connection.commit()
    connection.autocommit = True

    assert run(other, "SELECT a FROM t") == [(2,)]

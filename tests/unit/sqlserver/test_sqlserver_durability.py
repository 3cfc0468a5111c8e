"""What was committed on the simulated server is there again, however it ended."""
# ruff: noqa: S608 - the only texts that are put together are of this module

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sqlserver.engine.client import Client
from tests.sqlserver.engine.server import SimulatedServer
from tests.sqlserver.engine.storage import BLOCK_BYTES, made_up

if TYPE_CHECKING:
    from pathlib import Path

TABLE = "CREATE TABLE t (k int IDENTITY PRIMARY KEY, a nvarchar(max), v rowversion)"
TRACKED = (
    "ALTER DATABASE S SET CHANGE_TRACKING = ON; ALTER TABLE t ENABLE CHANGE_TRACKING; "
    "ALTER DATABASE S SET ALLOW_SNAPSHOT_ISOLATION ON"
)


def again(server: SimulatedServer) -> SimulatedServer:
    """The server that finds what another has left, which was ended as kill -9 does."""
    return SimulatedServer(server.directory, server.profile)


def logs(server: SimulatedServer) -> list[object]:
    """What is kept of the changes, which CHANGETABLE shows only by their outcome."""
    tables = server.catalog("S").tables.values()
    return [each.tracking.log for each in tables if each.tracking is not None]


def state(server: SimulatedServer) -> list[object]:
    with Client(server, "S") as client:
        return [
            client.run("SELECT * FROM t ORDER BY k"),
            client.run("SELECT * FROM CHANGETABLE(CHANGES t, 0) AS c ORDER BY c.k"),
            client.value("SELECT CHANGE_TRACKING_CURRENT_VERSION()"),
            client.run("SELECT * FROM sys.change_tracking_tables"),
            client.value("SELECT IDENT_CURRENT('t')"),
            client.run("SELECT name, is_disabled FROM sys.triggers"),
            client.run("SELECT * FROM sys.databases"),
            client.run("SELECT commit_ts, commit_time FROM sys.dm_tran_commit_table"),
            logs(server),
        ]


@pytest.mark.parametrize(
    "changes",
    [
        ["INSERT t (a) VALUES ('x'), ('y')"],
        ["INSERT t (a) VALUES ('x'), ('y')", "UPDATE t SET a = 'z' WHERE k = 1", "DELETE t"],
        ["INSERT t (a) VALUES ('x')", "BEGIN TRAN; UPDATE t SET a = 'no'; ROLLBACK"],
        ["INSERT t (a) VALUES ('x')", "TRUNCATE TABLE t", "INSERT t (a) VALUES ('y')"],
        ["INSERT t (a) VALUES ('x')", "BEGIN TRAN; INSERT t (a) VALUES ('y'); DELETE t WHERE k = 2"
         "; COMMIT"],
        ["INSERT t (a) VALUES ('x')", "ALTER TABLE t ADD b int NOT NULL DEFAULT 7"],
        ["INSERT t (a) VALUES ('x')", "CREATE TRIGGER r ON t AFTER INSERT AS PRINT 'x'",
         "ALTER TABLE t DISABLE TRIGGER r", "INSERT t (a) VALUES ('y')"],
        ["INSERT t (a) VALUES ('x')", "ALTER TABLE t DISABLE CHANGE_TRACKING",
         "ALTER TABLE t ENABLE CHANGE_TRACKING", "INSERT t (a) VALUES ('y')"],
        ["DBCC CHECKIDENT ('t', RESEED, 50)"],
        ["SELECT k, a INTO u FROM t", "CREATE LOGIN app WITH PASSWORD = 'x', SID = 0x07"],
    ],
)  # fmt: skip
def test_what_was_committed_is_there_again(
    server: SimulatedServer, client: Client, changes: list[str]
) -> None:
    for sql in [TABLE, TRACKED, *changes]:
        client.run(sql)
    found = again(server)

    assert state(found) == state(server)
    assert found.logins == server.logins

    found.close()

    assert state(again(found)) == state(server)


def test_what_was_not_committed_is_not(server: SimulatedServer, client: Client) -> None:
    client.run(TABLE)
    client.run("INSERT t (a) VALUES ('x')")
    client.run("BEGIN TRAN; INSERT t (a) VALUES ('late')")
    with Client(server, "S") as other:
        other.run("CREATE TABLE u (a int); ALTER TABLE u ADD b int")  # the whole image is written
    with Client(again(server), "S") as found:
        assert found.run("SELECT a FROM t") == [("x",)]


def test_half_a_record_is_none(server: SimulatedServer, client: Client) -> None:
    client.run(TABLE + "; INSERT t (a) VALUES ('x')")
    log = server.directory / "S_log.ldf"
    before = log.read_bytes()
    client.run("INSERT t (a) VALUES ('y')")
    whole = log.read_bytes()
    for cut in (len(before) + 3, len(whole) - 1):
        log.write_bytes(whole[:cut])
        with Client(again(server), "S") as found:
            assert found.run("SELECT a FROM t") == [("x",)]


@pytest.mark.parametrize("has_new_header", [False, True])
def test_who_is_killed_while_an_image_is_written_loses_nothing(
    server: SimulatedServer, client: Client, *, has_new_header: bool
) -> None:
    client.run(TABLE + "; INSERT t (a) VALUES ('x')")
    client.run("INSERT t (a) VALUES ('y')")
    data, log = (server.directory / name for name in ("S.mdf", "S_log.ldf"))
    header, before = data.read_bytes()[:8192], log.read_bytes()
    client.run("ALTER TABLE t ALTER COLUMN a nvarchar(9)")  # writes the image anew
    if not has_new_header:
        data.write_bytes(header + data.read_bytes()[8192:])
    log.write_bytes(before)  # the log comes last
    with Client(again(server), "S") as found:
        sql = "SELECT max_length FROM sys.columns WHERE name = 'a'"

        assert found.run("SELECT a FROM t") == [("x",), ("y",)]
        assert found.value(sql) == (18 if has_new_header else -1)


def test_renamed_dropped_and_restored_catalogs_are_what_they_were(
    server: SimulatedServer, client: Client, tmp_path: Path
) -> None:
    client.run(TABLE + "; INSERT t (a) VALUES ('x')")
    bak = tmp_path / "s.bak"
    client.run(f"BACKUP DATABASE S TO DISK = '{bak}' WITH INIT, CHECKSUM")
    moves = f"MOVE 'S' TO '{tmp_path / 'a'}', MOVE 'S_log' TO '{tmp_path / 'b'}'"
    client.run(f"RESTORE DATABASE S__new FROM DISK = '{bak}' WITH {moves}")
    client.run("ALTER DATABASE S MODIFY NAME = S__old")
    client.run("ALTER DATABASE S__new MODIFY NAME = S; USE master; DROP DATABASE S__old")
    found = again(server)
    with Client(found, "S") as there:
        assert there.run("SELECT a FROM t") == [("x",)]
        assert there.value("SELECT COUNT(*) FROM msdb.dbo.backupset") == 1
        assert there.value("SELECT COUNT(*) FROM msdb.dbo.restorehistory") == 1

    assert list(found.catalogs) == ["master", "tempdb", "model", "msdb", "s"]


def test_a_catalog_that_was_being_restored_still_is(
    server: SimulatedServer, client: Client, tmp_path: Path
) -> None:
    bak = tmp_path / "s.bak"
    client.run(f"BACKUP DATABASE S TO DISK = '{bak}' WITH INIT, CHECKSUM")
    moves = f"MOVE 'S' TO '{tmp_path / 'a'}', MOVE 'S_log' TO '{tmp_path / 'b'}'"
    server.on_progress = lambda session, _: session.cancel()
    client.fails(f"RESTORE DATABASE S__new FROM DISK = '{bak}' WITH {moves}")
    with Client(again(server)) as found:
        sql = "SELECT state_desc FROM sys.databases WHERE name = 'S__new'"

        assert found.value(sql) == "RESTORING"

        found.run("DROP DATABASE S__new")

    assert not (tmp_path / "a").exists()


def test_filler_goes_through_backup_and_restore(
    server: SimulatedServer, client: Client, tmp_path: Path
) -> None:
    size = 3 * BLOCK_BYTES
    client.run(TABLE + "; INSERT t (a) VALUES ('x'); EXEC sim_filler 'S', 3")
    bak = tmp_path / "s.bak"
    client.run(f"BACKUP DATABASE S TO DISK = '{bak}' WITH INIT, CHECKSUM, STATS = 1")
    moves = f"MOVE 'S' TO '{tmp_path / 'a'}', MOVE 'S_log' TO '{tmp_path / 'b'}'"
    client.run(f"RESTORE DATABASE T FROM DISK = '{bak}' WITH CHECKSUM, STATS = 1, {moves}")

    assert [each.number for each in client.messages].count(3211) > 3
    assert client.run("SELECT a FROM T..t") == [("x",)]

    storage = again(server).catalog("T").storage

    assert storage is not None
    assert b"".join(storage.filler()) == b"".join(made_up(size))
    assert bak.stat().st_size > size

    pages = "SELECT SUM(size) FROM sys.master_files WHERE database_id = DB_ID('T')"

    assert client.value(pages) == 2048 + size // 8192


def test_damaged_filler_is_found_half_way(
    server: SimulatedServer, client: Client, tmp_path: Path
) -> None:
    client.run("EXEC sim_filler 'S', 3")
    bak = tmp_path / "s.bak"
    client.run(f"BACKUP DATABASE S TO DISK = '{bak}' WITH INIT, CHECKSUM")
    with bak.open("r+b") as stream:
        stream.seek(2 * BLOCK_BYTES)
        stream.write(b"damaged")
    moves = f"MOVE 'S' TO '{tmp_path / 'a'}', MOVE 'S_log' TO '{tmp_path / 'b'}'"

    assert client.fails(f"RESTORE DATABASE T FROM DISK = '{bak}' WITH {moves}") == [3183, 3013]
    assert server.catalog("T").state == "RESTORING"
    assert client.fails(f"RESTORE VERIFYONLY FROM DISK = '{bak}'") == [3189, 3013]

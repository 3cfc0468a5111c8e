"""What the simulated server tells of itself and its catalogs, and small procedures."""
# ruff: noqa: S608 - the only texts that are put together are of this module

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.sqlserver.drivers import PASSWORD
from tests.sqlserver.engine.client import Client
from tests.sqlserver.engine.server import SimulatedServer
from tests.sqlserver.engine.views import VIEWS
from tests.sqlserver.profiles import PROFILES

if TYPE_CHECKING:
    from pathlib import Path

TABLE = (
    "CREATE TABLE pet (id int IDENTITY(5, 2) PRIMARY KEY, owner nvarchar(20) NOT NULL, "
    "born datetime2(3), weight decimal(9, 2), heavy AS (weight * 2), v rowversion); "
    "CREATE INDEX by_owner ON pet (owner)"
)


@pytest.mark.parametrize("name", sorted(VIEWS))
def test_each_view_has_rows_of_its_columns(client: Client, name: str) -> None:
    client.run(TABLE + "; ALTER DATABASE S SET CHANGE_TRACKING = ON")
    client.run("CREATE TRIGGER late ON pet AFTER INSERT AS PRINT 'x'")
    schema, _, view = name.partition(".")
    rows = client.run(f"SELECT * FROM {'msdb.dbo' if schema == 'dbo' else schema}.{view}")

    assert all(len(row) == len(VIEWS[name].fields) for row in rows)


def test_columns_have_the_sizes_of_their_types(client: Client) -> None:
    client.run(TABLE)
    found = client.run("SELECT name, max_length, precision, scale FROM sys.columns")

    assert found == [
        ("id", 4, 10, 0),
        ("owner", 40, 0, 0),
        ("born", 7, 23, 3),
        ("weight", 5, 9, 2),
        ("heavy", 13, 20, 2),
        ("v", 8, 0, 0),
    ]


def test_indexes_identity_and_computed_columns_are_told(client: Client) -> None:
    client.run(TABLE + "; INSERT pet (owner) VALUES ('x'), ('y')")
    indexes = client.run("SELECT index_id, type_desc, is_unique FROM sys.indexes ORDER BY index_id")
    ((seed, step, last),) = client.run(
        "SELECT seed_value, increment_value, last_value FROM sys.identity_columns"
    )
    computed = client.run("SELECT name, definition FROM sys.computed_columns")

    assert indexes == [(1, "CLUSTERED", 1), (2, "NONCLUSTERED", 0)]
    assert [each[1] for each in (seed, step, last)] == [5, 2, 7]
    assert computed == [("heavy", "(weight * 2)")]


def test_what_a_version_does_not_have_is_not_there(tmp_path: Path) -> None:
    with Client(SimulatedServer(tmp_path / "old", PROFILES["2008r2"].server)) as old:
        assert old.fails("SELECT CONCAT('a', 'b')") == [195]
        assert old.fails("SELECT * FROM sys.sequences") == [208]
        assert old.value("SELECT SERVERPROPERTY('InstanceDefaultDataPath')") is None
        assert old.value("SELECT SERVERPROPERTY('ProductVersion')")[1] == "10.50.6000.0"


def test_a_volume_has_room(client: Client, server: SimulatedServer) -> None:
    server.free_bytes = 7 * 2**20
    sql = (
        "SELECT f.name, v.available_bytes, v.volume_mount_point FROM sys.master_files f "
        "CROSS APPLY sys.dm_os_volume_stats(f.database_id, f.file_id) v "
        "WHERE f.database_id = DB_ID('S')"
    )

    assert client.run(sql) == [("S", 7 * 2**20, "C:\\"), ("S_log", 7 * 2**20, "C:\\")]
    assert client.run("EXEC master.dbo.xp_fixeddrives") == [("C", 7)]


def test_who_may_what_can_be_asked(server: SimulatedServer) -> None:
    server.add_login("guest", PASSWORD, sid=b"\2", rights=frozenset({"backup"}))
    with Client(server, "S", user="guest") as guest:
        ask = "SELECT HAS_PERMS_BY_NAME({}, '{}')"

        assert guest.value(ask.format("DB_NAME(), 'DATABASE'", "BACKUP DATABASE")) == 1
        assert guest.value(ask.format("NULL, NULL", "CREATE ANY DATABASE")) == 0
        assert guest.value(ask.format("'nowhere', 'DATABASE'", "SELECT")) is None
        assert guest.value("SELECT IS_SRVROLEMEMBER('dbcreator')") == 0


def test_who_is_denied_a_table_is_refused_and_can_ask(
    client: Client, server: SimulatedServer
) -> None:
    server.add_login("guest", PASSWORD, sid=b"\2", rights=frozenset())
    client.run("CREATE TABLE t (a int, b int); CREATE TABLE u (a int); CREATE USER guest")
    client.run("DENY SELECT (b), INSERT ON t TO guest; DENY SELECT ON OBJECT::dbo.u TO public")
    ask = "SELECT HAS_PERMS_BY_NAME('dbo.{}', 'OBJECT', '{}'{})"
    with Client(server, "S", user="guest") as guest:
        assert guest.run("SELECT a FROM t") == []
        assert guest.fails("SELECT * FROM t") == [230]
        assert guest.fails("SELECT a FROM t WHERE b = 1") == [230]
        assert guest.fails("INSERT t (a) VALUES (1)") == [229]
        assert guest.fails("SELECT COUNT(*) FROM u") == [229]
        assert guest.value(ask.format("u", "SELECT", "")) == 0
        assert guest.value(ask.format("t", "SELECT", "")) == 1
        assert guest.value(ask.format("t", "SELECT", ", 'b', 'COLUMN'")) == 0
        assert guest.value(ask.format("gone", "SELECT", "")) is None
        client.run("GRANT SELECT ON u TO public")
        assert guest.run("SELECT * FROM u") == []
    assert client.fails("DENY SELECT ON u TO nobody") == [15151]


def test_an_identity_is_reseeded(client: Client) -> None:
    client.run(TABLE + "; DBCC CHECKIDENT ('dbo.pet', RESEED, 100); INSERT pet (owner) VALUES ('')")
    client.run("SET IDENTITY_INSERT pet ON; INSERT pet (id, owner) VALUES (500, '')")
    client.run("DBCC CHECKIDENT ([pet], RESEED, 10); DBCC CHECKIDENT ('pet', NORESEED)")

    assert client.value("SELECT IDENT_CURRENT('pet')") == 10

    client.run("DBCC CHECKIDENT ('pet')")

    assert client.value("SELECT IDENT_CURRENT('pet')") == 500
    assert client.fails("CREATE TABLE u (a int); DBCC CHECKIDENT ('u')") == [7997]


def test_text_is_executed_with_variables_of_its_own(client: Client) -> None:
    sql = "DECLARE @n int = 1; EXEC sp_executesql N'SELECT @n + @m', N'@n int, @m int', {}"

    assert client.run(sql.format("@m = 4, @n = 3")) == [(7,)]
    assert client.run(sql.format("3, 5")) == [(8,)]


def test_a_delay_can_be_called_off(client: Client) -> None:
    client.run("WAITFOR DELAY '00:00:00.01'")
    client.session.server.on_statement = lambda *_: threading.Timer(
        0.05, client.session.cancel
    ).start()

    assert client.fails("WAITFOR DELAY '01:00:00'") == [3617]


def test_constraints_are_objects_with_a_definition(client: Client) -> None:
    client.run(TABLE + "; ALTER TABLE pet ADD CONSTRAINT light CHECK (weight < 100)")
    sql = (
        "SELECT definition FROM sys.check_constraints WHERE object_id = OBJECT_ID('[dbo].[light]')"
    )

    assert client.run(sql) == [("(weight < 100)",)]


def test_what_is_committed_is_written_to_the_log(client: Client) -> None:
    sql = (
        "SELECT SUM(v.num_of_bytes_written) FROM sys.master_files AS f CROSS APPLY "
        "sys.dm_io_virtual_file_stats(f.database_id, f.file_id) AS v "
        "WHERE f.database_id = DB_ID('S') AND f.type = 1"
    )
    client.run(TABLE)
    before = client.value(sql)
    client.run("BEGIN TRAN; INSERT pet (owner) VALUES (''); ROLLBACK")

    assert client.value(sql) == before

    client.run("INSERT pet (owner) VALUES ('')")

    assert client.value(sql) > before


def test_the_registry_tells_where_backups_go(client: Client, server: SimulatedServer) -> None:
    sql = (
        "DECLARE @d nvarchar(512); EXEC master.dbo.xp_instance_regread N'HKEY_LOCAL_MACHINE', "
        r"N'Software\Microsoft\MSSQLServer\MSSQLServer', N'BackupDirectory', @d OUTPUT; SELECT @d"
    )

    assert client.run(sql) == [(str(server.directory),)]


def test_a_catalog_is_checked_by_name(client: Client) -> None:
    client.run("USE master; DBCC CHECKDB ([S]) WITH PHYSICAL_ONLY, NO_INFOMSGS")

    assert client.fails("DBCC CHECKDB (N'nowhere')") == [2520]


def test_an_altered_table_tells_when_that_was(client: Client) -> None:
    sql = "SELECT modify_date FROM sys.tables WHERE name = 'pet'"
    client.run(TABLE)
    before = client.value(sql)
    client.run("WAITFOR DELAY '00:00:00.020'; ALTER TABLE pet ADD colour nvarchar(20) NULL")

    assert client.value(sql) > before

"""What the simulated server does not know, or a real one refuses, is no empty success."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.sqlserver.engine.client import Client

UNKNOWN = [
    "ALTER DATABASE S SET EMERGENCY",
    "ALTER DATABASE S SET RECOVERY NONSENSE",
    "ALTER DATABASE S SET CHANGE_TRACKING = ON (CHANGE_RETENTION = 2 FORTNIGHTS)",
    "ALTER DATABASE S SET CHANGE_TRACKING (AUTO_CLEANUP = OFF)",
    "ALTER DATABASE S ADD FILE (NAME = f, FILENAME = 'f')",
    "ALTER DATABASE S COLLATE Latin1_General_BIN",
    "ALTER DATABASE master MODIFY NAME = x",
    "ALTER INDEX ALL ON t REBUILD",
    "ALTER TABLE t REBUILD",
    "BACKUP LOG S TO DISK = 'x'",
    "BACKUP DATABASE S TO DISK = 'x', DISK = 'y'",
    "BACKUP DATABASE S TO URL = 'x'",
    "BACKUP DATABASE S TO device",
    "BACKUP DATABASE S FILEGROUP = 'PRIMARY' TO DISK = 'x'",
    "BACKUP DATABASE S TO DISK = 'x' WITH DIFFERENTIAL",
    "BULK INSERT t FROM 'x'",
    "CHECKPOINT",
    "CREATE CLUSTERED INDEX i ON t (a)",
    "CREATE DATABASE x COLLATE Latin1_General_BIN",
    "CREATE TABLE x (a decimal(50, 2))",
    "CREATE TABLE x (a int SPARSE)",
    "CREATE TABLE x (a nvarchar(9) COLLATE Klingon_CI_AS)",
    "CREATE TABLE x (a nvarchar(9999))",
    "CREATE VIEW v AS SELECT 1 AS a",
    "DBCC SHRINKDATABASE (S)",
    "DECLARE c CURSOR FOR SELECT k FROM t",
    "EXEC sp_configure",
    "EXEC xp_cmdshell 'dir'",
    "GRANT CONTROL ON t TO joe",
    "MERGE t USING u ON t.k = u.k WHEN MATCHED THEN DELETE;",
    "RAISERROR(50005, 16, 1)",
    "RECONFIGURE",
    "RESTORE DATABASE x WITH RECOVERY",
    "RESTORE LOG S FROM DISK = 'x'",
    "SELECT * FROM INFORMATION_SCHEMA.TABLES",
    "SELECT * FROM OPENROWSET(BULK 'x', SINGLE_BLOB) AS x",
    "SELECT * FROM msdb.dbo.sysjobs",
    "SELECT * FROM sys.dm_os_wait_stats",
    "SELECT * FROM sysobjects",
    "SELECT * FROM t TABLESAMPLE (10 PERCENT)",
    "SELECT * FROM t WITH (NOLOCK)",
    "SELECT FORMAT(1, 'x')",
    "SELECT TOP 50 PERCENT * FROM t",
    "SELECT a COLLATE Klingon_CI_AS FROM t",
    "SET DATEFORMAT dmy",
    "SET DEADLOCK_PRIORITY 11",
    "SET LANGUAGE German",
    "SET LOCK_TIMEOUT abc",
    "SET NOCOUNT maybe",
    "SHUTDOWN",
    "UPDATE STATISTICS t",
    "WAITFOR TIME '23:00'",
]
REFUSED = {
    "ALTER DATABASE S SET ALLOW_SNAPSHOT_ISOLATION ON WITH ROLLBACK IMMEDIATE": [5083, 5069],
    "ALTER DATABASE S SET CHANGE_TRACKING = OFF": [5089, 5069],
    "ALTER DATABASE master SET CHANGE_TRACKING = ON": [5090, 5069],
    "ALTER DATABASE master SET SINGLE_USER": [5058, 5069],
    "ALTER TABLE t ADD CONSTRAINT c CHECK (k > 0)": [2714, 1750],
    "ALTER TABLE t ADD CONSTRAINT p PRIMARY KEY (a)": [1779, 1750],
    "ALTER TABLE t ENABLE CHANGE_TRACKING": [1718],
    "CREATE INDEX i ON t (a); CREATE INDEX i ON t (a)": [1913],
    "CREATE LOGIN sa WITH PASSWORD = 'x'": [15025],
    "CREATE TABLE x (a int IDENTITY, b int IDENTITY)": [2744],
    "CREATE TRIGGER g ON t AFTER INSERT AS SELECT 1": [2714],
    "CREATE USER joe WITHOUT LOGIN; CREATE USER joe WITHOUT LOGIN": [15023],
    "CREATE USER nobody FOR LOGIN nobody": [15007],
    "DBCC CHECKDB (nothing)": [2520],
    "DBCC CHECKIDENT ('nothing')": [2501],
    "DROP DATABASE master": [3708],
    "INSERT elsewhere.S.dbo.t (k) VALUES (5)": [7202],
    "INSERT u DEFAULT VALUES": [515],
    "KILL 1": [6107],
    "SELECT * FROM CHANGETABLE(CHANGES t, 0)": [22104],
    "SELECT * FROM elsewhere.S.dbo.t": [7202],
    "SELECT DISTINCT a FROM t ORDER BY k": [145],
    "SELECT FROM": [156],
    "SELECT LEFT(N'abc', -1)": [537],
    "SELECT TOP (-1) * FROM t": [127],
    "SELECT k FROM t ORDER BY 9": [108],
    "SELECT t.nothing FROM t": [207],
    "UPDATE t SET a = N'1', a = N'2'": [264],
}


@pytest.fixture
def tables(client: Client) -> Client:
    client.run("CREATE TABLE t (k int PRIMARY KEY, a nvarchar(9), CONSTRAINT c CHECK (k < 9))")
    client.run("CREATE TABLE u (k int PRIMARY KEY)")
    client.run("CREATE TRIGGER g ON t AFTER DELETE AS SELECT 1")
    client.run("INSERT t (k) VALUES (1), (2)")
    return client


@pytest.mark.parametrize("sql", UNKNOWN)
def test_what_is_not_known_is_refused(tables: Client, sql: str) -> None:
    assert [50001] == tables.fails(sql)


@pytest.mark.parametrize(("sql", "numbers"), REFUSED.items())
def test_what_a_server_refuses_has_the_numbers_that_it_has_there(
    tables: Client, sql: str, numbers: list[int]
) -> None:
    assert numbers == tables.fails(sql)


def test_a_column_that_cannot_be_added_is_not_there(tables: Client) -> None:
    assert [4901] == tables.fails("ALTER TABLE t ADD b int NOT NULL")
    assert [207] == tables.fails("SELECT b FROM t")
    assert [(1, None), (2, None)] == tables.run("SELECT * FROM t")

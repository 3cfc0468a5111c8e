"""Sequences of the simulated SQL Server, after the reference of CREATE SEQUENCE."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sqlserver.engine.client import Client
from tests.sqlserver.engine.server import SimulatedServer
from tests.sqlserver.profiles import PROFILES
from tests.support.sql_copies import move

if TYPE_CHECKING:
    from pathlib import Path

STATE = "SELECT current_value, last_used_value, is_exhausted FROM sys.sequences"


def test_each_number_is_given_out_once_whatever_becomes_of_the_transaction(client: Client) -> None:
    client.run("CREATE SEQUENCE s AS int START WITH 5 INCREMENT BY 3")
    client.run("BEGIN TRAN; DECLARE @n int = NEXT VALUE FOR s; ROLLBACK")

    assert client.value("SELECT NEXT VALUE FOR dbo.s") == 8
    assert client.run("SELECT NEXT VALUE FOR s, v.a FROM (VALUES (1), (2)) v (a)") == [
        (11, 1),
        (14, 2),
    ]


def test_rows_get_numbers_by_default(client: Client) -> None:
    client.run("CREATE SEQUENCE s; CREATE TABLE t (id bigint DEFAULT (NEXT VALUE FOR s), a int)")
    client.run("ALTER SEQUENCE s RESTART WITH 7; INSERT t (a) VALUES (1), (2)")
    client.run("INSERT t VALUES (NEXT VALUE FOR s, 3); UPDATE t SET a = NEXT VALUE FOR s")

    assert client.run("SELECT id, a FROM t") == [(7, 10), (8, 11), (9, 12)]
    assert client.fails("DROP SEQUENCE s") == [3729]


def test_a_view_tells_where_it_is(client: Client) -> None:
    client.run("CREATE SEQUENCE s AS tinyint START WITH 254 CACHE 20")
    current, last, is_exhausted = client.run(STATE)[0]

    assert (current[1], last, is_exhausted) == (254, None, 0)

    client.run("DECLARE @n int = NEXT VALUE FOR s; SET @n = NEXT VALUE FOR s")
    current, last, is_exhausted = client.run(STATE)[0]

    assert (current[1], last[1], is_exhausted) == (255, 255, 1)
    assert client.fails("SELECT NEXT VALUE FOR s") == [11728]
    assert client.value("SELECT type FROM sys.objects WHERE name = 's'") == "SO"

    client.run("ALTER SEQUENCE s RESTART")

    assert client.value("SELECT NEXT VALUE FOR s") == 254


def test_one_that_cycles_begins_anew_at_its_lowest_or_highest(client: Client) -> None:
    client.run("CREATE SEQUENCE s START WITH 2 MINVALUE -1 MAXVALUE 3 CYCLE")
    client.run("CREATE SEQUENCE down START WITH 0 INCREMENT BY -1 MINVALUE 0 MAXVALUE 9 CYCLE")

    assert [client.value("SELECT NEXT VALUE FOR s") for _ in range(4)] == [2, 3, -1, 0]
    assert [client.value("SELECT NEXT VALUE FOR down") for _ in range(2)] == [0, 9]


@pytest.mark.parametrize(("how", "then"), [("CACHE 15", 31), ("NO CACHE", 23), ("CACHE", 51)])
def test_what_was_in_memory_is_lost_with_it(tmp_path: Path, how: str, then: int) -> None:
    """The example of the reference: 22 numbers were used."""
    with Client(SimulatedServer(tmp_path)) as client:
        client.run(f"CREATE SEQUENCE s AS int START WITH 1 {how}")
        for _ in range(22):
            client.value("SELECT NEXT VALUE FOR s")
    with Client(SimulatedServer(tmp_path)) as client:  # the one before was not closed
        assert client.value("SELECT NEXT VALUE FOR s") == then


def test_who_ends_in_peace_loses_nothing(tmp_path: Path) -> None:
    server = SimulatedServer(tmp_path)
    with Client(server) as client:
        client.run("CREATE SEQUENCE s AS int START WITH 1; CREATE SEQUENCE new AS tinyint")
        client.value("SELECT NEXT VALUE FOR s")
    server.close()
    with Client(SimulatedServer(tmp_path)) as client:
        assert client.value("SELECT NEXT VALUE FOR s") == 2
        assert client.value("SELECT NEXT VALUE FOR new") == 0


def test_a_backup_has_what_the_disk_has(client: Client, tmp_path: Path) -> None:
    client.run("CREATE SEQUENCE s AS int START WITH 1 CACHE 20")
    client.value("SELECT NEXT VALUE FOR s")
    other = SimulatedServer(tmp_path / "other")
    move(client.session.server, "S", other, "COPY", tmp_path)
    with Client(other, "COPY") as copy:
        assert copy.value("SELECT NEXT VALUE FOR s") == 21
    assert client.value("SELECT NEXT VALUE FOR s") == 2


@pytest.mark.parametrize(
    ("sql", "number"),
    [
        ("CREATE SEQUENCE s AS nvarchar(9)", 11702),
        ("CREATE SEQUENCE s AS decimal(9, 2)", 11702),
        ("CREATE SEQUENCE s INCREMENT BY 0", 11700),
        ("CREATE SEQUENCE s START WITH 9 MAXVALUE 8", 11703),
        ("CREATE SEQUENCE s MINVALUE 8 MAXVALUE 8", 11705),
        ("CREATE SEQUENCE s AS tinyint MAXVALUE 256", 11708),
        ("CREATE SEQUENCE nowhere.s", 2760),
        ("CREATE SEQUENCE t", 2714),
        ("CREATE SEQUENCE there", 2714),
        ("CREATE TABLE there (a int)", 2714),
        ("ALTER SEQUENCE there RESTART WITH 256", 11704),
        ("ALTER SEQUENCE s RESTART WITH 1", 15151),
        ("DROP SEQUENCE s", 3701),
        ("SELECT NEXT VALUE FOR s", 208),
        ("SELECT NEXT VALUE FOR t", 11726),
        ("SELECT 1 WHERE NEXT VALUE FOR there = 1", 11720),
        ("SELECT a FROM (SELECT NEXT VALUE FOR there a) x", 11721),
        ("SELECT NEXT VALUE FOR there UNION ALL SELECT 1", 11721),
        ("SELECT CASE WHEN 1 = 1 THEN NEXT VALUE FOR there END", 11741),
    ],
)
def test_a_sequence_is_refused_as_by_the_server(client: Client, sql: str, number: int) -> None:
    client.run("CREATE TABLE t (a int); CREATE SEQUENCE there AS tinyint")

    assert client.fails(sql) == [number]


def test_an_older_server_has_none(tmp_path: Path) -> None:
    with Client(SimulatedServer(tmp_path, PROFILES["2008r2"].server)) as old:
        assert old.fails("CREATE SEQUENCE s") == [343]
        assert old.value("SELECT OBJECT_ID(N'sys.sequences')") is None
    with Client(SimulatedServer(tmp_path / "new")) as new:
        assert new.value("SELECT OBJECT_ID(N'sys.sequences')") is not None

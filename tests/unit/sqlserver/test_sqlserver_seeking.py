"""Rows that are found by a key are those that would be found by looking at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.sqlserver.engine.client import Client

ROWS = "(1, 'a', N'x'), (1, 'B', N'y'), (2, 'a', N'z'), (3, 'c', NULL)"
TABLES = (
    "CREATE TABLE t (k bigint, w varchar(5), a nvarchar(9), PRIMARY KEY (k, w)); "
    "CREATE TABLE heap (k bigint, w varchar(5), a nvarchar(9)); "
    "CREATE TABLE s (k bigint NULL, w varchar(5) NULL)"
)


@pytest.fixture
def filled(client: Client) -> Client:
    client.run(TABLES)
    for table in ("t", "heap"):
        client.run(f"INSERT {table} VALUES {ROWS}")  # noqa: S608 - made up above
    client.run("INSERT s VALUES (1, 'b'), (2, NULL), (9, 'a'), (NULL, 'a'), (3, 'c')")
    return client


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a FROM {} WHERE k = 1 AND w = 'b'",
        "SELECT a FROM {} WHERE w = N'A ' AND 2 = k AND a <> N'x'",
        "SELECT a FROM {} WHERE k = 1",
        "SELECT a FROM {} WHERE k = 1 AND w = NULL",
        "SELECT a FROM {} WHERE k = 1.0 AND w = 'a'",
        "DECLARE @k int = 3, @w nvarchar(9) = N'C'; SELECT a FROM {} WHERE k = @k AND w = @w",
        "SELECT s.k, s.w, b.a FROM s LEFT JOIN {} b ON b.k = s.k AND b.w = s.w",
        "SELECT s.k, s.w, b.a FROM s JOIN {} b ON b.k = s.k AND b.w = s.w",
        "SELECT s.k, s.w, b.a FROM {} b JOIN s ON b.k = s.k AND b.w = s.w AND b.a IS NOT NULL",
        "SELECT b.a FROM (SELECT TOP (1) * FROM s) s JOIN {} b ON b.k = s.k AND b.w = s.w",
        "SELECT b.a FROM {} b JOIN (SELECT TOP (1) * FROM s) s ON b.k = s.k AND b.w = s.w",
        "SELECT s.k, b.a FROM s LEFT JOIN {} b ON b.k = s.k AND b.w = s.w AND b.a <> N'y'",
        "SELECT s.k, (SELECT COUNT(*) FROM {} t WHERE s.k = 1 AND s.w = 'b') FROM s",
        "SELECT s.k, b.a FROM {} b RIGHT JOIN s ON b.k = s.k AND b.w = s.w",
    ],
)
@pytest.mark.parametrize("level", ["READ COMMITTED", "SNAPSHOT"])
def test_a_key_changes_nothing_of_what_is_found(filled: Client, sql: str, level: str) -> None:
    filled.run("ALTER DATABASE S SET ALLOW_SNAPSHOT_ISOLATION ON")
    filled.run(f"SET TRANSACTION ISOLATION LEVEL {level}")
    by_key, by_looking = (filled.run(sql.format(table)) for table in ("t", "heap"))

    assert sorted(by_looking, key=str) == sorted(by_key, key=str)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE {} SET a = N'new' WHERE k = 1 AND w = 'B'",
        "DELETE {} WHERE k = 2 AND w = 'a'",
        "DELETE {} WHERE k = 77 AND w = 'a'",
        "DELETE b FROM {} b JOIN s ON s.k = b.k AND s.w = b.w",
        "UPDATE b SET a = N'new' FROM {} b LEFT JOIN s ON s.k = b.k AND s.w = b.w",
    ],
)
def test_a_key_changes_nothing_of_what_is_written(filled: Client, sql: str) -> None:
    counts = []
    for table in ("t", "heap"):
        filled.run(sql.format(table))
        counts.append(filled.count)
    by_key, by_looking = (filled.run(f"SELECT * FROM {each}") for each in ("t", "heap"))  # noqa: S608

    assert sorted(by_looking, key=str) == sorted(by_key, key=str)
    assert counts[0] == counts[1]

"""Rows of the simulated server: types, constraints and their numbers, queries."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.sqlserver.engine.client import Client
from tests.sqlserver.engine.server import ServerProfile, SimulatedServer
from tests.sqlserver.results import Kind, SqlType

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = """
CREATE TABLE person (
    id int IDENTITY(10, 5) CONSTRAINT pk_person PRIMARY KEY,
    name nvarchar(10) NOT NULL CONSTRAINT uq_person UNIQUE,
    code varchar(5) COLLATE Latin1_General_BIN NULL,
    age tinyint DEFAULT 7,
    twice AS (age * 2),
    seen rowversion,
    CONSTRAINT ck_age CHECK (age < 100)
);
CREATE TABLE pet (
    id int PRIMARY KEY,
    owner int NULL CONSTRAINT fk_owner FOREIGN KEY REFERENCES person (id)
);
"""


@pytest.fixture
def filled(client: Client) -> Client:
    client.run(SCHEMA)
    client.run("INSERT person (name, code) VALUES (N'Ann', 'a'), (N'Bob', 'B')")
    client.run("INSERT pet VALUES (1, 10), (2, NULL)")
    return client


def test_defaults_identity_and_computed_columns_are_filled_in(filled: Client) -> None:
    found = filled.run("SELECT id, name, code, age, twice FROM person ORDER BY id")

    assert found == [(10, "Ann", "a", 7, 14), (15, "Bob", "B", 7, 14)]


@pytest.mark.parametrize(
    ("sql", "number"),
    [
        ("INSERT pet VALUES (3, 99)", 547),
        ("DELETE person WHERE id = 10", 547),
        ("INSERT person (name, age) VALUES ('x', 100)", 547),
        ("UPDATE person SET age = 100", 547),
        ("INSERT pet VALUES (1, NULL)", 2627),
        ("INSERT person (name) VALUES ('BOB')", 2627),
        ("INSERT person (name) VALUES (NULL)", 515),
        ("UPDATE person SET name = NULL", 515),
        ("INSERT person (id, name) VALUES (1, 'x')", 544),
        ("INSERT person (name, seen) VALUES ('x', 0x01)", 273),
        ("UPDATE person SET id = 1", 8102),
        ("UPDATE person SET twice = 1", 271),
        ("INSERT person (name, twice) VALUES ('x', 1)", 271),
        ("INSERT person (name) VALUES ('12345678901')", 2628),
        ("INSERT person (name, age) VALUES ('x', 300)", 220),
        ("INSERT pet VALUES (2147483648, 10)", 8115),
        ("INSERT pet VALUES ('x', 10)", 245),
        ("INSERT pet VALUES (3)", 213),
        ("SELECT a FROM nowhere", 208),
        ("SELECT nothing FROM pet", 207),
        ("SELECT x.id FROM pet", 4104),
        ("SELECT id, COUNT(*) FROM pet", 8120),
        ("SELECT id FROM pet, person", 209),
        ("SELECT NOSUCH(1)", 195),
        ("SELECT @nothing", 137),
        ("SELECT (SELECT id FROM pet)", 512),
        ("SELECT 1 / 0", 8134),
        ("SELECT CAST('x' AS decimal(5, 2))", 8114),
        ("SELECT CAST('2021-02-30' AS datetime)", 241),
        ("SELECT 1 UNION SELECT 1, 2", 205),
        ("TRUNCATE TABLE person", 4712),
        ("ALTER TABLE nowhere ADD a int", 4902),
        ("CREATE TABLE x (a tinyint CONSTRAINT fx REFERENCES person (age))", 1776),
        ("DROP TABLE person", 3726),
    ],
)
def test_what_must_not_be_is_refused_and_changes_nothing(
    filled: Client, sql: str, number: int
) -> None:
    tables = ["SELECT * FROM person ORDER BY id", "SELECT * FROM pet ORDER BY id"]
    before = [filled.run(each) for each in tables]

    assert filled.fails(sql)[0] == number
    assert before == [filled.run(each) for each in tables]


def test_a_statement_fails_as_a_whole(filled: Client) -> None:
    assert filled.fails("INSERT pet VALUES (5, NULL), (6, NULL), (1, NULL)") == [2627]
    assert filled.value("SELECT COUNT(*) FROM pet") == 2


def test_after_most_errors_the_batch_goes_on(filled: Client) -> None:
    assert filled.fails("INSERT pet VALUES (1, NULL); INSERT pet VALUES (9, NULL)") == [2627]
    assert filled.fails("SELECT nothing FROM pet; INSERT pet VALUES (8, NULL)") == [207]
    assert filled.run("SELECT id FROM pet WHERE id > 5") == [(9,)]


def test_a_unique_index_has_a_number_of_its_own(filled: Client) -> None:
    filled.run("CREATE UNIQUE INDEX ix ON person (code)")

    assert filled.fails("INSERT person (name, code) VALUES ('x', 'a')") == [2601]
    assert filled.fails("CREATE UNIQUE INDEX iy ON person (age)") == [1505]


def test_an_identity_goes_on_behind_what_was_given(filled: Client) -> None:
    filled.run("SET IDENTITY_INSERT person ON")
    filled.run("INSERT person (id, name) VALUES (100, 'x')")

    assert filled.fails("INSERT person VALUES (1, 'y', NULL, 1)") == [8101]
    assert filled.fails("SET IDENTITY_INSERT pet ON") == [8106]

    filled.run("CREATE TABLE t (id int IDENTITY)")

    assert filled.fails("SET IDENTITY_INSERT t ON") == [8107]

    filled.run("SET IDENTITY_INSERT person OFF; INSERT person (name) VALUES ('z')")

    assert filled.value("SELECT SCOPE_IDENTITY()") == 105

    filled.run("DBCC CHECKIDENT ('person', RESEED, 500); INSERT person (name) VALUES ('zz')")

    assert filled.value("SELECT MAX(id) FROM person") == 505


def test_a_rowversion_changes_with_its_row(filled: Client) -> None:
    before = filled.run("SELECT id, seen FROM person ORDER BY id")
    filled.run("UPDATE person SET age = 8 WHERE id = 10")
    after = filled.run("SELECT id, seen FROM person ORDER BY id")

    assert before[0] < after[0]
    assert before[1] == after[1]


def test_text_is_compared_by_its_collation(filled: Client) -> None:
    assert filled.run("SELECT id FROM person WHERE name = 'ANN  '") == [(10,)]
    assert filled.run("SELECT id FROM person WHERE code = 'A'") == []
    assert filled.run("SELECT id FROM person WHERE code COLLATE Latin1_General_CI_AS = 'A'") == [
        (10,)
    ]
    assert filled.run("SELECT id FROM person WHERE name LIKE 'a%'") == [(10,)]
    assert filled.fails("SELECT 1 FROM person WHERE name = code") == [468]


def test_null_is_neither_equal_nor_different(filled: Client) -> None:
    assert filled.run("SELECT id FROM pet WHERE owner <> 10 OR owner = 10") == [(1,)]
    assert filled.run("SELECT id FROM pet WHERE NOT owner = 10") == []
    assert filled.run("SELECT id FROM pet WHERE owner NOT IN (1, NULL)") == []
    assert filled.run("SELECT id FROM pet WHERE owner IS NULL") == [(2,)]


def test_rows_are_joined_grouped_and_ordered(filled: Client) -> None:
    found = filled.run(
        "SELECT p.name, COUNT(t.id) AS n FROM person p LEFT JOIN pet t ON t.owner = p.id "
        "GROUP BY p.name HAVING COUNT(t.id) < 5 ORDER BY n DESC, p.name"
    )

    assert found == [("Ann", 1), ("Bob", 0)]
    assert filled.run("SELECT t.id, p.id FROM pet t FULL JOIN person p ON p.id = t.owner") == [
        (1, 10),
        (2, None),
        (None, 15),
    ]
    assert filled.run("SELECT owner FROM pet EXCEPT SELECT 10") == [(None,)]
    assert filled.run("SELECT TOP (1) id FROM pet ORDER BY id DESC") == [(2,)]
    assert filled.run(
        "SELECT id FROM person p WHERE EXISTS (SELECT 1 FROM pet WHERE owner = p.id)"
    ) == [(10,)]


def test_rows_are_changed_through_joins(filled: Client) -> None:
    filled.run("UPDATE p SET age = t.id FROM person p JOIN pet t ON t.owner = p.id")
    filled.run("DELETE t FROM pet t JOIN person p ON p.id = t.owner WHERE p.age = 1")

    assert filled.run("SELECT age FROM person ORDER BY id") == [(1,), (7,)]
    assert filled.run("SELECT id FROM pet") == [(2,)]


def test_a_cascade_deletes_what_refers_to_it(client: Client) -> None:
    client.run("CREATE TABLE a (k int PRIMARY KEY); INSERT a VALUES (1), (2)")
    client.run(
        "CREATE TABLE b (k int PRIMARY KEY, a int,"
        " CONSTRAINT fk FOREIGN KEY (a) REFERENCES a (k) ON DELETE CASCADE)"
    )
    client.run("INSERT b VALUES (1, 1), (2, 2); DELETE a WHERE k = 1")

    assert client.run("SELECT k FROM b") == [(2,)]


def test_constraints_can_be_off_and_are_then_not_trusted(filled: Client) -> None:
    trusted = "SELECT is_disabled, is_not_trusted FROM sys.foreign_keys WHERE name = 'fk_owner'"
    filled.run("ALTER TABLE pet NOCHECK CONSTRAINT fk_owner; INSERT pet VALUES (3, 99)")

    assert filled.run(trusted) == [(1, 1)]
    assert filled.fails("ALTER TABLE pet WITH CHECK CHECK CONSTRAINT ALL") == [547]

    filled.run("ALTER TABLE pet WITH NOCHECK CHECK CONSTRAINT ALL")

    assert filled.run(trusted) == [(0, 1)]

    filled.run("DELETE pet WHERE id = 3; ALTER TABLE pet WITH CHECK CHECK CONSTRAINT ALL")

    assert filled.run(trusted) == [(0, 0)]


def test_tables_can_be_altered(filled: Client) -> None:
    filled.run("ALTER TABLE pet ADD name nvarchar(20) NOT NULL DEFAULT 'Rex'")
    filled.run("ALTER TABLE pet ALTER COLUMN name nvarchar(30) NOT NULL")

    assert filled.run("SELECT name FROM pet") == [("Rex",), ("Rex",)]
    assert filled.fails("ALTER TABLE pet DROP COLUMN owner") == [4922]

    filled.run("ALTER TABLE pet DROP CONSTRAINT fk_owner")
    filled.run("ALTER TABLE pet DROP COLUMN owner")

    assert filled.run("SELECT * FROM pet") == [(1, "Rex"), (2, "Rex")]


def test_a_union_and_a_join_strip_the_identity_of_what_is_selected_into_a_table(
    filled: Client,
) -> None:
    filled.run("SELECT TOP (0) id, name INTO #a FROM person")
    filled.run(
        "SELECT TOP (0) id, name INTO #b FROM person UNION ALL SELECT TOP (0) id, name FROM person"
    )

    assert filled.fails("INSERT #a (id, name) VALUES (1, 'x')") == [544]

    filled.run("INSERT #b (id, name) VALUES (1, 'x')")

    assert filled.value("SELECT COUNT(*) FROM #b") == 1
    assert filled.fails("INSERT #b (id, name) VALUES (2, NULL)") == [515]

    filled.run(
        "SELECT TOP (0) p.id, p.name INTO #c FROM (SELECT 1 AS one) x LEFT JOIN person p ON 1 = 0"
    )
    filled.run("INSERT #c (id, name) VALUES (1, NULL)")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("CONVERT(varchar(30), CAST('2021-07-30T10:00' AS datetime))", "Jul 30 2021 10:00AM"),
        (
            "CONVERT(varchar(30), CAST('2021-07-30T10:00:00.005' AS datetime), 121)",
            "2021-07-30 10:00:00.007",
        ),
        ("CAST(0.1 + 0.2 AS decimal(5, 2))", Decimal("0.30")),
        ("CAST(2.5 AS decimal(5, 0))", Decimal(3)),
        ("CAST(-7 / 2 AS int)", -3),
        ("-7 % 3", -1),
        ("LEN('ab  ')", 2),
        ("CAST(1.5e0 AS varchar(9))", "1.5"),
        ("CAST(1e20 AS varchar(9))", "1e+020"),
        ("DATALENGTH(N'ab')", 4),
        ("CAST(N'abc' AS varchar(2))", "ab"),
        ("TRY_CONVERT(int, 'x')", None),
        ("ISNULL(NULL, 5)", 5),
        ("STUFF('abcdef', 2, 3, 'X')", "aXef"),
        ("REPLACE('C:\\VM\\x', 'c:\\vm\\', 'D:\\')", "D:\\x"),
        ("CHARINDEX('B', 'abc')", 2),
        ("QUOTENAME('a]b')", "[a]]b]"),
        ("CONVERT(varchar(10), 0xABCD, 1)", "0xABCD"),
        (
            "CONVERT(binary(8), CAST('1900-01-02T00:00:01' AS datetime))",
            bytes.fromhex("000000010000012C"),
        ),
        ("COALESCE(NULL, NULL, 'x')", "x"),
    ],
)
def test_an_expression_has_its_value(client: Client, sql: str, expected: Any) -> None:
    assert expected == client.value(f"SELECT {sql}")


def test_a_datetime_is_rounded_to_three_hundredths(client: Client) -> None:
    sql = "SELECT CONVERT(varchar(30), CAST(CAST('2021-07-30T10:00:00.005' AS datetime)"

    assert client.value(sql + " AS datetime2(7)))") == "2021-07-30 10:00:00.0066667"


def test_a_parameter_is_a_variable(client: Client) -> None:
    kind = SqlType(Kind.NVARCHAR, 10)

    assert client.value("SELECT @a + N'!'", a=(kind, "x")) == "x!"
    assert client.value("SELECT @a", a=(kind, None)) is None


def test_before_2019_nobody_says_which_value_is_too_long(tmp_path: Path) -> None:
    with Client(SimulatedServer(tmp_path, ServerProfile((13, 0, 5026)))) as client:
        client.run("CREATE TABLE #t (a char(1))")
        client.run("CREATE DATABASE S")
        client.run("USE S")
        client.run("CREATE TABLE t (a char(1))")

        assert client.fails("INSERT t VALUES ('ab')") == [8152]


def test_what_nothing_was_written_for_is_refused(filled: Client) -> None:
    for sql in [
        "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "SET ANSI_NULLS OFF",
        "SET NONSENSE ON",
        "SELECT * FROM OPENJSON('{}')",
        "DBCC SHRINKDATABASE",
        "CREATE ROLE r",
        "SELECT -N'a'",
        "BEGIN TRAN CREATE TABLE inside (a int)",
    ]:
        assert filled.fails(sql) == [50001], sql

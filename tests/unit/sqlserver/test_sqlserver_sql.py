"""T-SQL is parsed: what the product says, and nothing that is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sqlserver.results import Kind, SqlType
from tests.sqlserver.sql import statements as s
from tests.sqlserver.sql import tree
from tests.sqlserver.sql.lexer import UNKNOWN, SqlError, Token, tokens
from tests.sqlserver.sql.parser import parse_batch

NIGHTLY = [
    "USE [CTSERVER]",
    "SELECT CHANGE_TRACKING_CURRENT_VERSION(), recovery_fork_guid, database_guid"
    " FROM sys.database_recovery_status WHERE database_id = DB_ID()",
    "BACKUP DATABASE [CTSERVER] TO DISK = N'run.bak' WITH COPY_ONLY, FORMAT, INIT, CHECKSUM,"
    " COMPRESSION, STATS = 1, NAME = N'run'",
    "RESTORE HEADERONLY FROM DISK = @bak",
    "RESTORE FILELISTONLY FROM DISK = @bak",
    "RESTORE DATABASE [S__new] FROM DISK = @bak WITH CHECKSUM, STATS = 1, RESTRICTED_USER,"
    " MOVE N'a' TO N'run_1', MOVE N'b' TO N'run_2'",
    "ALTER DATABASE [S__new] SET AUTO_CLOSE OFF, AUTO_UPDATE_STATISTICS_ASYNC OFF, RECOVERY SIMPLE",
    "ALTER TABLE [t] DISABLE CHANGE_TRACKING",
    "ALTER DATABASE [S__new] SET CHANGE_TRACKING = OFF",
    "DISABLE TRIGGER ALL ON DATABASE",
    "ALTER TABLE [t] DISABLE TRIGGER ALL",
    "ALTER TABLE [t] NOCHECK CONSTRAINT [fk]",
    "ALTER TABLE [t] WITH CHECK CHECK CONSTRAINT [fk]",
    "DBCC CHECKDB WITH PHYSICAL_ONLY, NO_INFOMSGS",
    "SET DEADLOCK_PRIORITY HIGH",
    "ALTER DATABASE [S] SET SINGLE_USER WITH ROLLBACK IMMEDIATE",
    "ALTER DATABASE [S] MODIFY NAME = [S__old]",
    "ALTER DATABASE [S] SET MULTI_USER",
    "DROP DATABASE [S__old]",
]
ROUND = [
    "SET TRANSACTION ISOLATION LEVEL SNAPSHOT",
    "BEGIN TRAN",
    "SELECT c.[k], CASE WHEN b.[k] IS NULL THEN 1 ELSE 0 END AS gone, b.[a]"
    " FROM CHANGETABLE(CHANGES [t], @old) c LEFT JOIN [t] b ON b.[k] = c.[k]",
    "COMMIT",
    "SET XACT_ABORT ON",
    "SELECT TOP (0) 0 AS gone, [k], [a] INTO #t FROM [t]"
    " UNION ALL SELECT TOP (0) 0, [k], [a] FROM [t]",
    "UPDATE ipfx_failover.watermark SET version = @new WHERE version = @old AND fork = @fork",
    "DELETE b FROM [t] b JOIN #t s ON s.[k] = b.[k]",
    "SET IDENTITY_INSERT [t] ON",
    "INSERT [t] ([k], [a]) SELECT [k], [a] FROM #t WHERE gone = 0",
    "SET IDENTITY_INSERT [t] OFF",
]


def number_of(sql: str) -> int:
    with pytest.raises(SqlError) as caught:
        parse_batch(sql)
    return caught.value.messages[0].number


@pytest.mark.parametrize("sql", NIGHTLY + ROUND)
def test_what_the_product_says_is_one_statement(sql: str) -> None:
    (statement,) = parse_batch(sql)

    assert not isinstance(statement, s.Execute)


def test_a_whole_sequence_is_one_batch_too() -> None:
    assert len(parse_batch(";\n".join(NIGHTLY + ROUND) + ";")) == len(NIGHTLY) + len(ROUND)


@pytest.mark.parametrize(
    ("sql", "number"),
    [
        ("SELECT 'a", 105),
        ("SELECT [a", 105),
        ("SELECT a FROM", 102),
        ("SELECT `a`", 102),
        ("SELECT a FROM t WHERE", 102),
        ("BACKUP DATABASE a TO 'x'", 102),
        ("CREATE TABLE t (a nonsense)", 2715),
        ("/* never closed", 113),
        ("BEGIN SELECT 1", 102),
    ],
)
def test_a_syntax_error_has_its_number(sql: str, number: int) -> None:
    assert number_of(sql) == number


@pytest.mark.parametrize(
    "sql",
    [
        "MERGE t USING u ON 1 = 1",
        "CREATE VIEW v AS SELECT 1",
        "SELECT ROW_NUMBER() OVER (ORDER BY a) FROM t",
        "DELETE t OUTPUT deleted.a",
        "INSERT t EXEC p",
        "RESTORE DATABASE a FROM DISK = 'x' WITH REPLACE",
        "SELECT a FROM t WITH (NOLOCK)",
        "ALTER TABLE t SWITCH TO u",
    ],
)
def test_what_is_not_known_is_refused(sql: str) -> None:
    assert number_of(sql) == UNKNOWN


def test_an_error_tells_its_line() -> None:
    with pytest.raises(SqlError) as caught:
        parse_batch("SELECT 1\n\nSELECT FROM t")

    assert caught.value.messages[0].line == 3


@given(st.text(alphabet="ab1 '[]\"N.-/*@#,=\n", max_size=40))
def test_a_token_stands_where_it_says(sql: str) -> None:
    try:
        found = tokens(sql)
    except SqlError:
        return
    opening = {Token.TEXT: "'", Token.WIDE_TEXT: "N'", Token.BINARY: "0"}
    for each in found[:-1]:
        if each.token is Token.NAME:
            assert sql[each.start] in '["'
        else:
            assert sql.startswith(opening.get(each.token, each.text), each.start)
        assert each.line == sql.count("\n", 0, each.start) + 1


@given(st.text(max_size=30))
def test_any_name_and_any_text_can_be_quoted(text: str) -> None:
    name, constant = text.replace("]", "]]"), text.replace("'", "''")
    sql = f"SELECT N'{constant}' AS [{name}]"
    (statement,) = parse_batch(sql)

    assert isinstance(statement, s.QueryStatement)
    assert isinstance(statement.query.body, tree.Select)

    (item,) = statement.query.body.items

    assert item.alias == text
    assert isinstance(item.expression, tree.Literal)
    assert item.expression.value == text


def test_constants_have_the_types_of_the_server() -> None:
    (statement,) = parse_batch("SELECT 1, 2147483648, 1.50, 1e0, 0xAB, 'ab', N'ab'")

    assert isinstance(statement, s.QueryStatement)
    assert isinstance(statement.query.body, tree.Select)

    found = [item.expression for item in statement.query.body.items]
    expected = [
        SqlType(Kind.INT),
        SqlType(Kind.NUMERIC, precision=10),
        SqlType(Kind.NUMERIC, precision=3, scale=2),
        SqlType(Kind.FLOAT),
        SqlType(Kind.VARBINARY, 1),
        SqlType(Kind.VARCHAR, 2),
        SqlType(Kind.NVARCHAR, 2),
    ]

    assert expected == [each.type for each in found if isinstance(each, tree.Literal)]


def test_and_binds_closer_than_or_and_comparisons_closest() -> None:
    one, other = parse_batch("IF 1=1 OR 2=2 AND 3=3 PRINT 'a' IF 1=1 OR (2=2 AND 3=3) PRINT 'a'")

    assert one == other


def test_a_trigger_keeps_its_body_as_text() -> None:
    (statement,) = parse_batch("CREATE TRIGGER t ON u AFTER INSERT, DELETE AS UPDATE v SET a = 1")

    assert isinstance(statement, s.CreateTrigger)
    assert statement.body == "UPDATE v SET a = 1"
    assert statement.events == ["INSERT", "DELETE"]

"""Statements of the product are recorded, and judged as a server of 2008 would."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sqlserver.drivers import PASSWORD
from tests.sqlserver.recording import normal
from tests.sqlserver.results import Login, Prepared
from tests.support.golden import check_golden
from tests.support.tsql_judge import Record, refusals

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sqlserver.engine.server import SimulatedServer


@pytest.mark.parametrize(
    "sql",
    [
        "RESTORE DATABASE [a]]b] FROM DISK = N'' WITH CHECKSUM, STATS = 1, MOVE N'' TO N''",
        "SELECT c.[k] FROM CHANGETABLE(CHANGES [t], 1000) AS c LEFT JOIN [t] b ON b.[k] = c.[k]",
        "ALTER DATABASE [S] SET CHANGE_TRACKING = ON (CHANGE_RETENTION = 7 DAYS)",
        normal("ALTER AUTHORIZATION ON DATABASE::[S] TO [sa]"),
        "DBCC CHECKIDENT (N'', RESEED, 5)",
        "IF OBJECT_ID(N'') IS NULL CREATE TABLE #t ([a] nvarchar(20) NOT NULL)",
        "UPDATE [t] SET [a] = @P1 WHERE [b] IN (SELECT TOP (5) [b] FROM [u])",
    ],
)
def test_t_sql_of_2008_is_accepted(sql: str) -> None:
    assert refusals([sql]) == []


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT CONCAT(N'', N'')",
        "SELECT TRY_CONVERT(int, N'')",
        "SELECT STRING_AGG([a], N'') FROM [t]",
        "SELECT [a] FROM [t] ORDER BY [a] OFFSET 1 ROWS FETCH NEXT 1 ROWS ONLY",
        "DROP TABLE IF EXISTS [t]",
        "SELECT IIF(1 = 1, 2, 3)",  # codespell:ignore
        "BACKUP DATABASE [S] TO DISK = N'' WITH CHEKSUM",  # codespell:ignore
        "SELECT [a] FROM [t] WHERE [b] = ?",
    ],
)
def test_what_is_newer_or_wrong_is_refused(sql: str) -> None:
    right = "SELECT 1"

    assert all(each.endswith(sql) for each in refusals([right, sql, right]))
    assert refusals([right, sql, right])


def test_what_changes_with_each_run_is_left_out() -> None:
    sql = "SELECT 123456, 12 /* x */ FROM [S__20261122] WHERE a = N'it''s' AND b = 0xFF -- y"

    assert normal(sql) == "SELECT 1000, 12 FROM [S__0] WHERE a = N'' AND b = 0x00"


def test_only_what_the_product_sends_is_recorded_and_each_once(
    server: SimulatedServer, statement_record: Record
) -> None:
    statement_record.unjudged()
    for program, sql in [("ipfx-failover", "SELECT 1001, N'x'"), ("other", "SELECT 2")] * 2:
        session = server.log_in(Login("sa", PASSWORD, "", application=program))
        list(session.execute(Prepared(sql)))
        session.close()

    assert statement_record.unjudged() == ["SELECT 1000, N''"]
    assert statement_record.unjudged() == []


def test_a_golden_file_shows_statements_and_fails_when_they_drift(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AssertionError, match="UPDATE_GOLDEN"):
        check_golden("one", "SELECT 1", tmp_path)

    monkeypatch.setenv("UPDATE_GOLDEN", "1")
    check_golden("one", ["SELECT 1", "SELECT 2"], tmp_path)
    monkeypatch.delenv("UPDATE_GOLDEN")
    check_golden("one", ["SELECT 1", "SELECT 2"], tmp_path)

    assert (tmp_path / "one.sql").read_text() == "SELECT 1\nGO\nSELECT 2\n"

    with pytest.raises(AssertionError, match="UPDATE_GOLDEN"):
        check_golden("one", "SELECT 3", tmp_path)
    with pytest.raises(AssertionError, match="CONCAT"):
        check_golden("one", "SELECT CONCAT(1, 2)", tmp_path)

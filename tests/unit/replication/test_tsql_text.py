"""Statements as people read and copy them."""

from __future__ import annotations

import pytest

from ipfx_failover.replication.tsql import tracking
from ipfx_failover.replication.tsql.text import folded

ODD = "my [SET] WITH (odd) ENABLE ']' one"


def test_a_short_statement_stays_on_its_line() -> None:
    assert ["ALTER DATABASE [CT] SET CHANGE_TRACKING = OFF;"] == folded(
        tracking.disable_tracking("CT"), 78
    )


def test_a_long_one_is_broken_before_its_clauses() -> None:
    assert [
        "ALTER DATABASE [CTSERVER]",
        "  SET CHANGE_TRACKING = ON",
        "  (CHANGE_RETENTION = 7 DAYS, AUTO_CLEANUP = ON);",
    ] == folded(tracking.enable_tracking("CTSERVER"), 78)


@pytest.mark.parametrize("name", [ODD, "o'clock SET x"])
def test_no_name_is_broken(name: str) -> None:
    lines = folded(tracking.track_table("dbo", name), 20)

    assert [
        f"ALTER TABLE [dbo].[{name.replace(']', ']]')}]",
        "  ENABLE CHANGE_TRACKING",
        "  WITH (TRACK_COLUMNS_UPDATED = OFF);",
    ] == lines

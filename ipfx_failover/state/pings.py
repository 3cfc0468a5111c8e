"""The record of pings in the store: sums a server, by the minute for days, by the hour for a year.

A batch comes once a minute and is added to both, so nothing has to be summed up later, and a
batch for a minute that has one already (a restart, a clock put back) loses nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ipfx_failover.records import PingTotals

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ipfx_failover.state.reading import Reading
    from ipfx_failover.state.writing import Transaction

MINUTE_S, HOUR_S = 60, 3600
_DAY_S = 24 * HOUR_S
KEPT_S = {MINUTE_S: 2 * _DAY_S, HOUR_S: 400 * _DAY_S}
"""How far back each kind of sum goes."""

_ADD = """
INSERT INTO pings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (period_s, begins_at, server) DO UPDATE SET
  sent = sent + excluded.sent,
  lost = lost + excluded.lost,
  rtt_min_us = min(coalesce(rtt_min_us, excluded.rtt_min_us),
                   coalesce(excluded.rtt_min_us, rtt_min_us)),
  rtt_sum_us = rtt_sum_us + excluded.rtt_sum_us,
  rtt_max_us = max(coalesce(rtt_max_us, excluded.rtt_max_us),
                   coalesce(excluded.rtt_max_us, rtt_max_us)),
  watched_ms = watched_ms + excluded.watched_ms,
  down_ms = down_ms + excluded.down_ms,
  served_ms = served_ms + excluded.served_ms
"""


def add(tx: Transaction, totals: Iterable[PingTotals]) -> None:
    """Add the sums of minutes, and forget what is too old."""
    newest = 0
    for minute in totals:
        begins_at = int(minute.begins_at.timestamp())
        newest = max(newest, begins_at)
        for period_s in KEPT_S:
            begins_at -= begins_at % period_s
            tx.connection.execute(_ADD, _row(minute, period_s, begins_at))
    for period_s, kept_s in KEPT_S.items():
        tx.connection.execute(
            "DELETE FROM pings WHERE period_s = ? AND begins_at < ?", (period_s, newest - kept_s)
        )


def pings_between(
    store: Reading, period_s: int, since: datetime, until: datetime
) -> list[PingTotals]:
    """All sums of that period which begin in [since, until), oldest first.

    `since` is taken back to where its own period begins.
    """
    from_s = int(since.timestamp())
    rows = store.rows(
        "SELECT * FROM pings WHERE period_s = ? AND begins_at >= ? AND begins_at < ? "
        "ORDER BY begins_at, server",
        period_s,
        from_s - from_s % period_s,
        until.timestamp(),
    )
    return [_of(row) for row in rows]


def _row(totals: PingTotals, period_s: int, begins_at: int) -> tuple[object, ...]:
    return (
        period_s,
        begins_at,
        totals.server,
        totals.sent,
        totals.lost,
        totals.rtt_min_us,
        totals.rtt_sum_us,
        totals.rtt_max_us,
        totals.watched_ms,
        totals.down_ms,
        totals.served_ms,
    )


def _of(row: dict[str, Any]) -> PingTotals:
    return PingTotals(**{**row, "begins_at": datetime.fromtimestamp(row["begins_at"], UTC)})

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
EVER_S = 0
"""The period of a server's sum since its first ping, which never gets smaller."""

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

_SUM = """
SELECT server, (begins_at - ?) / ? AS slot, sum(sent) AS sent, sum(lost) AS lost,
  min(rtt_min_us) AS rtt_min_us, sum(rtt_sum_us) AS rtt_sum_us, max(rtt_max_us) AS rtt_max_us,
  sum(watched_ms) AS watched_ms, sum(down_ms) AS down_ms, sum(served_ms) AS served_ms
FROM pings WHERE period_s = ? AND begins_at >= ? AND begins_at < ?
GROUP BY server, slot ORDER BY slot, server
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
        tx.connection.execute(_ADD, _row(minute, EVER_S, 0))
    for period_s, kept_s in KEPT_S.items():
        # Two periods at a time: a clock that is wrong for a moment must not empty the record.
        tx.connection.execute(
            "DELETE FROM pings WHERE period_s = ?1 AND begins_at < ?2 AND begins_at <= "
            "(SELECT min(begins_at) FROM pings WHERE period_s = ?1) + ?1",
            (period_s, newest - kept_s),
        )


def ever(store: Reading) -> list[PingTotals]:
    """The sum of each server's pings since its first one; for counters."""
    return [_of(row, 0, EVER_S) for row in store.rows(_SUM, 0, 1, EVER_S, 0, 1)]


def first_ping(store: Reading) -> datetime | None:
    """When the first hour began that is still known."""
    row = store.row(
        "SELECT begins_at FROM pings WHERE period_s = ? ORDER BY begins_at LIMIT 1", HOUR_S
    )
    return datetime.fromtimestamp(row["begins_at"], UTC) if row else None


def finest(since: datetime, now: datetime) -> int:
    """The shortest period, in seconds, that is kept back to `since`."""
    age_s = (now - since).total_seconds()
    return MINUTE_S if age_s <= KEPT_S[MINUTE_S] else HOUR_S


def summed_up(
    store: Reading, since: datetime, until: datetime, *, period_s: int, slot_s: int | None = None
) -> list[PingTotals]:
    """The sums of what begins in [since, until), by slots from `since` on, or of all of it.

    Oldest first.
    """
    begin = int(since.timestamp())
    length_s = slot_s or max(1, round((until - since).total_seconds()))
    rows = store.rows(_SUM, begin, length_s, period_s, begin, until.timestamp())
    return [_of(row, begin, length_s) for row in rows]


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


def _of(row: dict[str, Any], begin: int, length_s: int) -> PingTotals:
    begins_at = datetime.fromtimestamp(begin + row.pop("slot") * length_s, UTC)
    return PingTotals(**row, begins_at=begins_at, period_s=length_s)

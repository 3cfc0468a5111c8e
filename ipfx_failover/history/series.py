"""The pings of one server as a series of slots of equal length, for charts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfx_failover.history.failovers import Failover
    from ipfx_failover.history.record import History
    from ipfx_failover.records import PingTotals


class State(Enum):
    """The worst that a slot saw."""

    UNKNOWN = "not known"
    UP = "answered pings"
    DOWN = "down"
    STAND_IN = "stood in for"


@dataclass(frozen=True, slots=True)
class Slot:
    """Ping times are microseconds; None: no ping was answered."""

    begins_at: datetime
    ends_at: datetime
    state: State = State.UNKNOWN
    rtt_min_us: int | None = None
    rtt_mean_us: float | None = None
    rtt_max_us: int | None = None
    lost_percent: float = 0.0


def slots_of(history: History, server: str) -> list[Slot]:
    """All slots of the history, oldest first, also those that nobody watched."""
    if history.slot_s <= 0:
        return []
    length = timedelta(seconds=history.slot_s)
    totals = {t.begins_at: t for t in history.pings if t.server.casefold() == server.casefold()}
    roles = [f for f in history.failovers if f.server.casefold() == server.casefold()]
    found, begin = [], history.since.replace(microsecond=0)
    while begin < history.as_of:
        found.append(_slot(begin, begin + length, totals.get(begin), roles, history.as_of))
        begin += length
    return found


def _slot(
    begin: datetime,
    end: datetime,
    totals: PingTotals | None,
    roles: Sequence[Failover],
    now: datetime,
) -> Slot:
    stood_in = any(
        role.stood_in_at is not None and role.stood_in_at < end and (role.stopped_at or now) > begin
        for role in roles
    )
    if totals is None:
        return Slot(begin, end, State.STAND_IN if stood_in else State.UNKNOWN)
    answered = totals.sent - totals.lost
    return Slot(
        begin,
        end,
        State.STAND_IN if stood_in else _state(totals),
        totals.rtt_min_us,
        totals.rtt_sum_us / answered if answered else None,
        totals.rtt_max_us,
        100 * totals.lost / totals.sent if totals.sent else 0.0,
    )


def _state(totals: PingTotals) -> State:
    if totals.served_ms:
        return State.STAND_IN
    if totals.down_ms:
        return State.DOWN
    return State.UP if totals.watched_ms else State.UNKNOWN

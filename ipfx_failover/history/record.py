"""What `history` shows, as one value; the tables, `--json` and the report are drawn from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ipfx_failover.history.availability import availability
from ipfx_failover.history.copies import FILE_SYNCS, REPLICATIONS, file_syncs, replications
from ipfx_failover.history.failovers import KINDS, failovers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfx_failover.events import Event
    from ipfx_failover.history.availability import Availability, Month
    from ipfx_failover.history.copies import FileSyncs, Replication
    from ipfx_failover.history.failovers import Failover
    from ipfx_failover.records import PingTotals

EVENTS = (*KINDS, *REPLICATIONS, *FILE_SYNCS)
"""The kinds of event that it is drawn from."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the store has of some servers, oldest first.

    `calendar`: the sums of each month. `pings`: those of slots of `slot_s`, for the charts.
    """

    servers: tuple[str, ...]
    since: datetime
    calendar: Sequence[tuple[Month, Sequence[PingTotals]]]
    pings: Sequence[PingTotals]
    slot_s: int
    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class History:
    """The past of some servers, everything oldest first."""

    as_of: datetime
    since: datetime
    servers: tuple[str, ...]
    availability: tuple[Availability, ...]
    failovers: tuple[Failover, ...]
    replications: tuple[Replication, ...]
    file_syncs: tuple[FileSyncs, ...]
    pings: tuple[PingTotals, ...]
    slot_s: int


def draw(found: Found, now: datetime) -> History:
    """The history; a failover counts where it was not over before its beginning."""
    since = [event for event in found.events if event.at >= found.since]
    told = failovers(found.events)
    return History(
        as_of=now,
        since=found.since,
        servers=found.servers,
        availability=tuple(availability(found.calendar, found.servers)),
        failovers=tuple(
            one for one in told if (one.stopped_at or one.ended_at or now) >= found.since
        ),
        replications=tuple(replications(since)),
        file_syncs=tuple(file_syncs(since)),
        pings=tuple(found.pings),
        slot_s=found.slot_s,
    )


def document(history: History, *, with_pings: bool) -> dict[str, Any]:
    """The history as values of JSON; times are ISO 8601 in UTC, percentages rounded down."""
    shown: dict[str, Any] = _plain(asdict(history))
    if not with_pings:
        del shown["pings"], shown["slot_s"]
    for figures, month in zip(shown["availability"], history.availability, strict=True):
        figures["watched_percent"] = month.watched_percent
        figures["available_percent"] = month.available_percent
        figures["served_percent"] = month.served_percent
    for figures, failover in zip(shown["failovers"], history.failovers, strict=True):
        figures["stood_in_s"] = failover.stood_in_s(history.as_of)
    return shown


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value

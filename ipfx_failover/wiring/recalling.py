"""What `history` reads of the store, and the report that it writes."""

from __future__ import annotations

import math
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from ipfx_failover.adapters.clock import SystemClock, SystemLocalTime
from ipfx_failover.adapters.durable import rewrite_file
from ipfx_failover.errors import Failed, UsageError
from ipfx_failover.history.availability import months
from ipfx_failover.history.record import EVENTS, Found, draw
from ipfx_failover.state import pings
from ipfx_failover.state.log import Wanted
from ipfx_failover.wiring.looking import open_to_read, outline_told
from ipfx_failover.wiring.past import known_server, span

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ipfx_failover.events import Event
    from ipfx_failover.history.record import History
    from ipfx_failover.records import PingTotals
    from ipfx_failover.state.reading import Reading

_MODE = 0o644


def recall(
    config_path: Path | None,
    name: str | None,
    since: str | None,
    slots: int | None,
    say: Callable[[str], object],
) -> History:
    """The history of one server or of all; for charts with the pings in so many sums at most.

    `say` is told of a config that is broken.

    Raises:
        UsageError: what is asked for makes no sense; there is no such server.
        Refused: this user may not open the store.
        InDoubt: the store is damaged.
    """
    outline = outline_told(config_path, say)
    now, asked = SystemClock().now(), span(since, None)[0]
    with closing(open_to_read(outline.state_dir)) as store:
        only = known_server(name, outline, store) if name else None
        servers = (only,) if only else tuple(watched.name for watched in outline.servers)
        return draw(_found(store, servers, only, asked, now, slots), now)


def _found(
    store: Reading,
    servers: tuple[str, ...],
    only: str | None,
    asked: datetime | None,
    now: datetime,
    slots: int | None,
) -> Found:
    events = [logged.event for logged in store.all_events(Wanted(server=only, kinds=EVENTS))]
    known_since = _beginning(store, events, now)
    # What was before the beginning nobody knows: that month counts as a whole.
    is_cut = asked is not None and asked > known_since
    since = asked if asked and is_cut else known_since
    period_s = pings.finest(since, now)
    since = datetime.fromtimestamp(since.timestamp() // period_s * period_s, UTC)
    slot_s = math.ceil((now - since).total_seconds() / (slots or 1) / period_s) * period_s
    sums = partial(_sums, store, only, period_s)
    calendar = months(since, now, SystemLocalTime(), cut=is_cut)
    return Found(
        servers=servers,
        since=since,
        calendar=[(month, sums(month.begins_at, month.ends_at)) for month in calendar],
        pings=sums(since, now, slot_s) if slots else [],
        slot_s=slot_s,
        events=events,
    )


def _beginning(store: Reading, events: Sequence[Event], now: datetime) -> datetime:
    known = [first for first in (pings.first_ping(store), *(e.at for e in events[:1])) if first]
    return min(known, default=now)


def _sums(
    store: Reading,
    only: str | None,
    period_s: int,
    since: datetime,
    until: datetime,
    slot_s: int | None = None,
) -> list[PingTotals]:
    totals = pings.summed_up(store, since, until, period_s=period_s, slot_s=slot_s)
    return [t for t in totals if only is None or t.server.casefold() == only.casefold()]


def save(path: Path, text: str) -> None:
    """Write a file in one step; who has the old one open keeps it.

    Raises:
        UsageError: it is something else than a file.
        Failed: it cannot be written.
    """
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is no file", "name a file; it is made, or replaced")
    try:
        path = path.resolve()
        rewrite_file(path, text.encode(), mode=None if path.exists() else _MODE)
    except OSError as error:
        raise Failed(
            f"{path} cannot be written: {error.strerror or error}",
            "name a file in a directory that is there and can be written",
        ) from None

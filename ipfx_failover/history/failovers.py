"""The failovers of the past, out of the log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from ipfx_failover.events import EventKind, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ipfx_failover.events import Event

_K = EventKind

KINDS = (
    _K.SERVER_SUSPECT,
    _K.SERVER_FAILED,
    _K.SERVER_ANSWERING,
    _K.SERVER_RESET,
    _K.TAKEOVER_STARTED,
    _K.TAKEOVER_FAILED,
    _K.STAND_IN_STARTED,
    _K.STAND_IN_INTERRUPTED,
    _K.STAND_IN_STOPPED,
    _K.AUTO_STOPPED,
    _K.FAILBACK_COMPLETED,
    _K.STANDBY_DISCARDED,
)
"""The events that it is told by."""


class Ending(StrEnum):
    """How a failover ended, or how far it is."""

    TAKING_OVER = "taking over"
    UNDONE = "takeover failed, undone"
    STANDING_IN = "still standing in"
    INTERRUPTED = "interrupted"
    PENDING = "stopped, failback pending"
    GIVEN_BACK = "given back"
    DISCARDED = "standby discarded"
    AUTO_STOPPED = "stopped by itself"


_STOPS = {_K.STAND_IN_STOPPED: Ending.PENDING, _K.AUTO_STOPPED: Ending.AUTO_STOPPED}
_ENDS = {_K.FAILBACK_COMPLETED: Ending.GIVEN_BACK, _K.STANDBY_DISCARDED: Ending.DISCARDED}


@dataclass(frozen=True, slots=True)
class Failover:
    """One takeover of a role, and what became of it.

    `outage_s`: from the first ping that was not answered until the stand-in served, as the monitor
    saw it; by hand from the command on. `stopped_at`: when the stand-in ended. `ended_at`: when
    the role was given back, or else given up.
    """

    server: str
    began_at: datetime
    by: str
    why: str
    ending: Ending = Ending.TAKING_OVER
    stood_in_at: datetime | None = None
    stopped_at: datetime | None = None
    ended_at: datetime | None = None
    outage_s: float | None = None

    def stood_in_s(self, now: datetime) -> float | None:
        """How long the Failover Server stood in, or has so far; None: it did not."""
        if self.stood_in_at is None:
            return None
        return ((self.stopped_at or now) - self.stood_in_at).total_seconds()


def failovers(events: Iterable[Event]) -> list[Failover]:
    """The failovers that these events (oldest first) tell of, oldest first."""
    story = _Story()
    for event in events:
        story.hear(event)
    return story.told


class _Story:
    """What is known while the events are read one by one."""

    def __init__(self) -> None:
        self.told: list[Failover] = []
        self._latest: dict[str, int] = {}
        """Where each server's latest failover stands in `told`, while it can still change."""
        self._silent_since: dict[str, datetime] = {}
        self._misses: dict[str, int] = {}

    def hear(self, event: Event) -> None:
        server = (event.server or "").casefold()
        match event.kind:
            case _K.SERVER_SUSPECT:
                self._silent_since[server] = event.at
            case _K.SERVER_FAILED:
                self._failed(server, event)
            case _K.SERVER_ANSWERING | _K.SERVER_RESET:
                self._silent_since.pop(server, None)
                self._misses.pop(server, None)
            case _K.TAKEOVER_STARTED if not self._goes_on(server):
                self._begin(server, event)
            case _ if server in self._latest:
                place = self._latest[server]
                self.told[place] = self._changed(self.told[place], event, server)

    def _failed(self, server: str, event: Event) -> None:
        if isinstance(silent_s := event.data.get("silent_s"), int | float):
            self._silent_since[server] = event.at - timedelta(seconds=silent_s)
        if isinstance(misses := event.data.get("misses"), int):
            self._misses[server] = misses

    def _goes_on(self, server: str) -> bool:
        """Whether it is a stand-in that was interrupted, and is taken up again."""
        place = self._latest.get(server)
        return place is not None and self.told[place].ending is Ending.INTERRUPTED

    def _begin(self, server: str, event: Event) -> None:
        misses = self._misses.get(server)
        why = f"{misses} pings in a row failed" if misses else ""
        by = one_line(str(event.data.get("by") or ""))
        self._latest[server] = len(self.told)
        self.told.append(Failover(event.server or "", event.at, by, why))

    def _changed(self, failover: Failover, event: Event, server: str) -> Failover:
        kind, at = event.kind, event.at
        if kind is _K.STAND_IN_STARTED:
            return self._stands_in(failover, at, server)
        if kind is _K.TAKEOVER_FAILED and failover.stood_in_at is None:
            reason = one_line(str(event.data.get("reason") or ""))
            why = "; ".join(text for text in (failover.why, reason) if text)
            return replace(failover, ending=Ending.UNDONE, ended_at=at, why=why)
        if kind is _K.STAND_IN_INTERRUPTED:
            return replace(failover, ending=Ending.INTERRUPTED)
        if (ending := _STOPS.get(kind)) is not None:
            ended_at = at if ending is Ending.AUTO_STOPPED else None
            return replace(failover, ending=ending, stopped_at=at, ended_at=ended_at)
        if failover.ending is Ending.PENDING and kind in _ENDS:
            return replace(failover, ending=_ENDS[kind], ended_at=at)
        return failover

    def _stands_in(self, failover: Failover, at: datetime, server: str) -> Failover:
        if failover.stood_in_at is not None:  # taken up again
            return replace(failover, ending=Ending.STANDING_IN)
        since = self._silent_since.get(server, failover.began_at)
        return replace(
            failover,
            ending=Ending.STANDING_IN,
            stood_in_at=at,
            outage_s=(at - since).total_seconds(),
        )

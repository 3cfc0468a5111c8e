"""Since when a config is in use, and what keeps the one on disk from being that one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.events import EventKind
from ipfx_failover.records import Concern, Condition

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfx_failover.clock import Clock
    from ipfx_failover.monitor.scribe import Scribe


class ConfigInUse:
    """Tells `scribe`; `trouble` is what `status` is to show, None when all is in use."""

    def __init__(self, scribe: Callable[[], Scribe], clock: Clock) -> None:
        self._scribe = scribe
        self._clock = clock
        self._since = clock.now()
        self._waits: Condition | None = None
        self.trouble: Condition | None = None

    def replaced(self, changes: str, waits: str) -> None:
        """By another; `waits`: what of that one is not in use yet, empty when all is."""
        self._since = self._clock.now()
        detail = f"; not yet: {waits}" if waits else ""
        self._scribe().emit(EventKind.CONFIG_CHANGED, changes=changes, detail=detail)
        self._waits = self._condition(f"the config waits: {waits}") if waits else None
        self.trouble = self._waits

    def broken(self, reason: str | None) -> None:
        """The last good one stays in use; `reason` None: the file is again as that."""
        if reason is None:
            self.trouble = self._waits
            self._scribe().emit(EventKind.CONFIG_CHANGED, changes="it is again as it was")
            return
        since = f"{self._since.astimezone():%Y-%m-%d %H:%M}"
        self._scribe().emit(EventKind.CONFIG_BROKEN, reason=reason, since=since)
        text = f"the config on disk is broken: {reason}; the one of {since} is in use"
        self.trouble = self._condition(text, "ipfx-failover config check")

    def _condition(self, text: str, advice: str = "") -> Condition:
        return Condition(Concern.CONFIG, None, text, advice, self._clock.now())

"""The monitor of the Failover Server, run as `ipfx-failover monitor --json`: its events."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ipfx_failover.errors import Failed

if TYPE_CHECKING:
    from ipfxlab.process import LabProcess

_TAIL_LINES = 15


@dataclass(frozen=True)
class Happened:
    """An event of the monitor; `at_s` on the monotonic clock."""

    kind: str
    at_s: float
    words: str


class MonitorRun:
    """A running monitor, whose events one can wait for."""

    def __init__(self, process: LabProcess) -> None:
        self.process = process
        self._clock_offset_s = time.time() - time.monotonic()

    def event(self, line: str) -> Happened:
        """What a line of its output tells; one that is no event has the empty kind."""
        if not line.startswith("{"):
            return Happened("", time.monotonic(), line)
        told: dict[str, Any] = json.loads(line)
        if "error" in told:
            return Happened("", time.monotonic(), told["error"]["message"])
        at_s = datetime.fromisoformat(told["at"]).timestamp() - self._clock_offset_s
        server = f"{told['server']}: " if told["server"] else ""
        return Happened(told["kind"], at_s, f"{server}{told['text']}")

    def told(self, line: str) -> tuple[float, str]:
        """When a line's event happened, and its words."""
        happened = self.event(line)
        return (happened.at_s, happened.words)

    def mark(self) -> int:
        """Where the output is now: `wait_for` looks only behind it."""
        return len(self.process.lines)

    def wait_for(self, *kinds: str, since: int = 0) -> Happened:
        """The first event of one of these kinds behind a mark.

        Raises:
            Failed: it did not come in time, or the monitor has ended.
        """

        def find() -> Happened | None:
            events = map(self.event, self.process.lines[since:])
            return next((event for event in events if event.kind in kinds), None)

        wanted = " or ".join(kinds)
        try:
            return self.process.wait_for(find, wanted)
        except Failed:
            how = "did not tell in time of" if self.process.running else "ended without"
            raise Failed(f"the monitor {how} {wanted}", "see its last words above") from None

    def last_words(self) -> list[str]:
        return [self.event(line).words for line in self.process.lines[-_TAIL_LINES:]]

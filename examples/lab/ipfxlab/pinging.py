"""The pinger as a process on a host, and the outage that its record shows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ipfxlab import pinger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfxlab.host import Host


@dataclass(frozen=True)
class Gap:
    """Pings without answer: between the last answer before and the first after, in nanoseconds."""

    last_answer_ns: int
    first_answer_ns: int
    unanswered: int

    @property
    def outage_ns(self) -> int:
        return self.first_answer_ns - self.last_answer_ns


@dataclass(frozen=True)
class PingRecord:
    """When each ping was sent and answered (0: not), on the monotonic clock, in nanoseconds."""

    sent_ns: list[int]
    received_ns: list[int]

    @property
    def gaps(self) -> list[Gap]:
        """Every run of unanswered pings that has an answer before and after it."""
        return list(self._gaps())

    @property
    def longest_gap(self) -> Gap | None:
        return max(self.gaps, key=lambda gap: gap.outage_ns, default=None)

    def _gaps(self) -> Iterator[Gap]:
        last, unanswered = 0, 0
        for received in self.received_ns:
            if not received:
                unanswered += 1
                continue
            if last and unanswered:
                yield Gap(last, received, unanswered)
            last, unanswered = received, 0


class Pinging:
    """Pings `address` from `host` until it is stopped."""

    def __init__(self, host: Host, address: str, *, interval_ms: float = 2.0) -> None:
        self._log = host.directory / f"pings-{address}.json"
        script = str(Path(pinger.__file__))
        self.process = host.popen(
            *(host.python, "-I", "-S", script, address, str(self._log), str(interval_ms)),
            name=f"the pinger on {host.name}",
        )
        self.process.wait_for_line("^answered$")

    def stop(self) -> PingRecord:
        self.process.stop()
        return PingRecord(**json.loads(self._log.read_text("utf-8")))

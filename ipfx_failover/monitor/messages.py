"""What the monitor's threads tell its deciding thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.monitor.prober import ProbeRound
from ipfx_failover.standin.upkeep import Asked, Conflict, Gone

if TYPE_CHECKING:
    from ipfx_failover.errors import FailoverError


@dataclass(frozen=True, slots=True)
class WorkDone:
    """The stand-in thread has finished a job for a server, or could not."""

    server: str
    job: str
    error: FailoverError | None


@dataclass(frozen=True, slots=True)
class Stop:
    """The monitor is to end; `reason` for the log."""

    reason: str


Message = ProbeRound | Asked | Conflict | Gone | WorkDone | Stop

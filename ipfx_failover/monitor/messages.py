"""What the monitor's threads tell its deciding thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.monitor.prober import ProbeRound
from ipfx_failover.standin.upkeep import Asked, Conflict, Gone

if TYPE_CHECKING:
    from ipfx_failover.errors import FailoverError
    from ipfx_failover.monitor.view import View
    from ipfx_failover.workflow.runner import Effect


@dataclass(frozen=True, slots=True)
class Looked:
    """The store, or our network, has changed."""

    view: View


@dataclass(frozen=True, slots=True)
class Doubted:
    """The store is damaged: nobody knows which side is ahead, until the next `Looked`."""

    error: FailoverError


@dataclass(frozen=True, slots=True)
class WorkDone:
    """The stand-in thread has finished a job for a server, or could not.

    `unsaid`: what it was to commit with the job's beginning, and did not. `begun`: a takeover's
    journal was written; then its own events tell how it ended, unless it is in doubt.
    """

    server: str
    job: str
    error: FailoverError | None
    unsaid: tuple[Effect, ...] = ()
    begun: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """The monitor is to end; `reason` for the log."""

    reason: str


@dataclass(frozen=True, slots=True)
class ThreadDied:
    """A thread that is to run as long as the monitor has ended by an error."""

    error: BaseException


Message = Looked | Doubted | ProbeRound | Asked | Conflict | Gone | WorkDone | Stop | ThreadDied

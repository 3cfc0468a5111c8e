"""What the monitor's threads tell its deciding thread."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from ipfx_failover.errors import FailoverError
    from ipfx_failover.monitor.prober import ProbeRound
    from ipfx_failover.monitor.threads import Generation
    from ipfx_failover.monitor.view import View
    from ipfx_failover.standin.upkeep import Asked, Conflict, Gone
    from ipfx_failover.workflow.ports import Effect


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
    journal was written; then its own events tell how it ended, unless it is in doubt. `untold`:
    it failed, and all of that was kept from the store, which could not be written.
    """

    server: str
    job: str
    error: FailoverError | None
    unsaid: tuple[Effect, ...] = ()
    begun: bool = False
    untold: bool = False


@dataclass(slots=True)
class Reconfigured:
    """Another config is to be taken up, with the threads that were built for it.

    `standing_in`: whose role was performed when it was built. `changes`, `waits`: in words. Whoever
    sent it waits for the answer.
    """

    generation: Generation
    standing_in: str | None
    changes: str
    waits: str
    is_taken: bool = False
    is_answered: threading.Event = field(default_factory=threading.Event)

    def answer(self, *, is_taken: bool) -> None:
        self.is_taken = is_taken
        self.is_answered.set()


@dataclass(frozen=True, slots=True)
class ConfigBroken:
    """The config file cannot be used, and why; None: it is again as it is in use."""

    reason: str | None


@dataclass(frozen=True, slots=True)
class Stop:
    """The monitor is to end; `reason` for the log."""

    reason: str


@dataclass(frozen=True, slots=True)
class ThreadDied:
    """A thread that is to run as long as the monitor has ended by an error."""

    error: BaseException


Message: TypeAlias = (
    "Looked | Doubted | ProbeRound | Asked | Conflict | Gone | WorkDone | Reconfigured "
    "| ConfigBroken | Stop | ThreadDied"
)

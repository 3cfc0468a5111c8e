"""The monitor's threads: those of its whole life, and those that work by one config."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from ipfx_failover.config.models import Config
    from ipfx_failover.monitor.chores import Chores
    from ipfx_failover.monitor.copy_watch import CopyWatch
    from ipfx_failover.monitor.executor import Executor
    from ipfx_failover.monitor.lookout import Lookout
    from ipfx_failover.monitor.mailer import Mailer
    from ipfx_failover.monitor.prober import Prober
    from ipfx_failover.monitor.scribe import Scribe
    from ipfx_failover.monitor.view import View
    from ipfx_failover.standin.upkeep import Upkeep


@dataclass(frozen=True, slots=True)
class Threads:
    """What runs beside the deciding thread. Scribe and mailer live as long as the monitor."""

    prober: Prober
    upkeep: Upkeep
    executor: Executor
    scribe: Scribe
    mailer: Mailer
    lookout: Lookout
    chores: Chores
    copies: CopyWatch


@dataclass(frozen=True, slots=True)
class Generation:
    """A config and the threads that work by it; what did not have to change is the former one's.

    `view`: what is known, by this config. `take_effect`: for those who ask for the config each
    time. `started`: the threads that run already: a desk is to be open before it is needed.
    `desk_for`: the config that the stand-in thread works by, when it is another one: while a role
    is performed its desk goes on.
    """

    config: Config
    threads: Threads
    view: View
    take_effect: Callable[[], None]
    started: tuple[threading.Thread, ...] = field(default=())
    desk_for: Config | None = None

    def discard(self, in_use: Generation) -> None:
        """It is not taken up: close what was opened for it."""
        new, old = self.threads, in_use.threads
        if new.prober is not old.prober:
            new.prober.close()
        if new.upkeep is not old.upkeep:
            new.upkeep.close()
        if new.executor is not old.executor:
            new.executor.stop()

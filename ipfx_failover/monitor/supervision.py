"""Whoever started the monitor as a service is told that it works, and that it goes on working.

What counts as life is a judged round: the thread that pings has pinged, and the thread that
decides has heard of it. When either hangs, nothing is told any more, and the monitor is restarted.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, Protocol

from ipfx_failover.records import Mode

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfx_failover.config.models import Config
    from ipfx_failover.decide.fleet import Fleet
    from ipfx_failover.monitor.view import View

PATIENT_ROUNDS: Final = 5
"""So many rounds may pass without a judgement before the monitor counts as hung."""
TELL_EVERY_NS: Final = 1_000_000_000
"""How often at most it is told: people read the status text."""


class Supervisor(Protocol):
    """The service manager. No call waits for it, and none fails."""

    def expect(self, round_ms: int) -> None:
        """Rounds are judged that far apart from now on."""
        ...

    def ready(self, text: str) -> None:
        """It has every right that it needs, and all its threads run; `text` for people."""
        ...

    def alive(self, judged_ns: int, text: Callable[[], str]) -> None:
        """A round was judged (monotonic nanoseconds)."""
        ...

    def stopping(self) -> None: ...


class Host(Supervisor, Protocol):
    """A service manager that asks to stop by calling us, not by a signal."""

    def stop_with(self, stop: Callable[[str], object]) -> None:
        """`stop` is called with the reason when the service is to end."""
        ...


class Unsupervised:
    """Nobody wants to know: a monitor in a terminal."""

    def expect(self, round_ms: int) -> None:
        pass

    def ready(self, text: str) -> None:
        pass

    def alive(self, judged_ns: int, text: Callable[[], str]) -> None:
        pass

    def stopping(self) -> None:
        pass


def round_ms(config: Config) -> int:
    """How far two judged rounds are apart, at most."""
    return config.network.ping_interval_ms + config.network.ping_timeout_ms


def in_words(fleet: Fleet, view: View) -> str:
    """What it watches, on one line: `2 ok, 1 failed; standing in for DEMOSERVER`."""
    counts = Counter(
        str(server.liveness)
        if view.states[name].mode is Mode.MONITORING
        else view.states[name].mode
        for name, server in fleet.servers.items()
    )
    servers = ", ".join(f"{number} {what}" for what, number in counts.items()) or "no servers"
    return f"{servers}; standing in for {view.stand_in.server}" if view.stand_in else servers

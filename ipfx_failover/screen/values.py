"""What the main screen is told and what it needs, as values and ports. Without Textual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipfx_failover.errors import FailoverError
    from ipfx_failover.report.values import StatusReport
    from ipfx_failover.state.log import Logged

LOG_LINES = 500
"""How much of the log the screen keeps."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at the state.

    `report` is None when nothing can be said of the servers, `problem` is why, or what is wrong
    besides. `log` is what is new since the look before; None: this user may not read it.
    """

    report: StatusReport | None
    problem: FailoverError | None = None
    log: tuple[Logged, ...] | None = ()


class Look(Protocol):
    """Follows the state; used by one thread."""

    def look(self) -> Seen | None:
        """What is to be seen now; None when nothing has changed."""
        ...

    def close(self) -> None: ...


class Child(Protocol):
    """A command that runs."""

    def interrupt(self) -> None:
        """As Ctrl-C in its terminal would."""
        ...


class Commands(Protocol):
    """Commands of this program, each run in a process of its own, which outlives the screen."""

    def start(
        self,
        arguments: Sequence[str],
        said: Callable[[str], object],
        ended: Callable[[int], object],
    ) -> Child:
        """Start a command; `said` is told each line, `ended` the exit code, in another thread.

        Raises:
            Failed: it cannot be started.
        """
        ...

"""PURE: how far a piece of work has come, how fast it goes, and how long it will still take.

`Report` is the port: whoever works is given one when it is built (an engine, a sync, a transfer),
and whoever watches gives it. A value says all; losing one loses nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

Unit = Literal["bytes", "files", "rows", "percent"]

_WINDOW_NS = 10_000_000_000
_APART_NS = 250_000_000
_SHORTEST_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Progress:
    """How far `phase` (a word or two) has come: `done` of `total` units."""

    phase: str
    done: int
    total: int
    unit: Unit

    @property
    def share(self) -> float:
        """From 0 to 1. What grows while it is copied is done before it ends."""
        return min(1.0, self.done / self.total) if self.total else 1.0


class Report(Protocol):
    """Is told often; it must cost next to nothing, and never raise."""

    def __call__(self, progress: Progress, /) -> None: ...


def unreported(progress: Progress) -> None:
    """A report for whom nobody watches."""


def counted(phase: str, total: int, unit: Unit, report: Report) -> Callable[[int], None]:
    """Adds up what is done piece by piece, and reports the sum."""
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        report(Progress(phase, done, total, unit))

    return count


class Pace:
    """Reckons rate and time left from what was done when, over the last ten seconds.

    Times are nanoseconds of the monotonic clock.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[int, int]] = deque()

    def note(self, done: int, at_ns: int) -> None:
        """So much was done at that time. Less than before: something new has begun."""
        seen = self._seen
        if seen and done < seen[-1][1]:
            seen.clear()
        if len(seen) > 1 and at_ns - seen[-2][0] < _APART_NS:
            seen.pop()
        seen.append((at_ns, done))
        while len(seen) > 2 and at_ns - seen[1][0] >= _WINDOW_NS:
            seen.popleft()

    def rate(self, now_ns: int) -> float | None:
        """Units a second; None while nothing can be said."""
        if not self._seen:
            return None
        (first_ns, before), (_, done) = self._seen[0], self._seen[-1]
        passed_ns = now_ns - first_ns
        if passed_ns < _SHORTEST_NS or done == before:
            return None
        return (done - before) * 1e9 / passed_ns

    def left_s(self, total: int, now_ns: int) -> float | None:
        """Seconds until `total` is done at this rate; None while nothing can be said."""
        rate = self.rate(now_ns)
        return None if rate is None else max(0, total - self._seen[-1][1]) / rate

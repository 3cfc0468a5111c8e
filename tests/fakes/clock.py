"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

A_WEDNESDAY_NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


class FakeClock:
    """The `Clock` port. What was planned with `at` happens when the clock gets there."""

    def __init__(self, start: datetime = A_WEDNESDAY_NOON) -> None:
        self._monotonic_ns = 1_000_000_000_000
        self._plans: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()
        self.set_wall(start)

    def now(self) -> datetime:
        return self._wall + timedelta(microseconds=(self._monotonic_ns - self._wall_set_ns) // 1000)

    def monotonic_ns(self) -> int:
        return self._monotonic_ns

    def sleep(self, duration_s: float) -> None:
        self.advance(duration_s)

    def advance(self, duration_s: float) -> None:
        """Move on, through everything that is planned for this time, in its order."""
        end_ns = self._monotonic_ns + round(duration_s * 1e9)
        while self._plans and self._plans[0][0] <= end_ns:
            due_ns, _, action = heappop(self._plans)
            self._monotonic_ns = max(self._monotonic_ns, due_ns)
            action()
        self._monotonic_ns = end_ns

    @property
    def next_ns(self) -> int | None:
        """When the next thing is planned for."""
        return self._plans[0][0] if self._plans else None

    def at(self, monotonic_ns: int, action: Callable[[], None]) -> None:
        """Plan something. Even if its time has come already, it happens at the next `advance`."""
        heappush(self._plans, (monotonic_ns, next(self._order), action))

    def set_wall(self, now: datetime) -> None:
        """Somebody sets the wall clock; the monotonic one does not notice."""
        self._wall = now
        self._wall_set_ns = self._monotonic_ns

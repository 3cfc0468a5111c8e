"""Waiting for something that can only be looked at, on the clock port."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfx_failover.clock import Clock

_SHORTEST_PAUSE_S = 0.01
_LONGEST_PAUSE_S = 0.2


class Deadline:
    """A moment `timeout_s` from now."""

    def __init__(self, clock: Clock, timeout_s: float) -> None:
        self._clock = clock
        self._at_ns = clock.monotonic_ns() + round(timeout_s * 1e9)

    @property
    def left_s(self) -> float:
        """Seconds until then; 0 once it has passed."""
        return max(0, self._at_ns - self._clock.monotonic_ns()) / 1e9


def wait_until(done: Callable[[], bool], clock: Clock, timeout_s: float) -> bool:
    """Look again and again, at growing intervals, until `done` says so; False when it is too late.

    It is looked at once at least, and once more after the last pause.
    """
    deadline = Deadline(clock, timeout_s)
    pause_s = _SHORTEST_PAUSE_S
    while not done():
        if not deadline.left_s:
            return False
        clock.sleep(min(pause_s, deadline.left_s))
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
    return True

"""Waiting for sockets of a simulated network: time passes on the `FakeClock`, not on the wall."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ipfx_failover.net import Readable, wait_readable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.fakes.clock import FakeClock

_Socket = TypeVar("_Socket", bound=Readable)


class FakeWait:
    """The `Wait` port: moves the clock on to the first frame that comes, or to the end."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock

    def __call__(self, sockets: Sequence[_Socket], timeout_s: float) -> list[_Socket]:
        end_ns = self._clock.monotonic_ns() + round(timeout_s * 1e9)
        while not (ready := wait_readable(sockets, 0)):
            left_ns = end_ns - self._clock.monotonic_ns()
            if left_ns <= 0:
                return []
            next_ns = self._clock.next_ns
            until_ns = end_ns if next_ns is None else min(end_ns, next_ns)
            self._clock.advance(max(until_ns - self._clock.monotonic_ns(), 0) / 1e9)
        return ready


def at_once(sockets: Sequence[_Socket], timeout_s: float) -> list[_Socket]:  # noqa: ARG001
    """Waits for nothing: takes what is there."""
    return wait_readable(sockets, 0)

"""Work for many servers in one process: the first error that nobody foresaw ends it all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.errors import Interrupted
from ipfx_failover.wiring.side_by_side import Strand, go_on

if TYPE_CHECKING:
    import threading


def test_an_error_of_one_ends_the_others_and_is_raised() -> None:
    def fails(_: threading.Event) -> None:
        raise LookupError("a bug")

    def works(stop: threading.Event) -> None:
        stop.wait(60)

    other = Strand("works", works)
    with pytest.raises(LookupError, match="a bug"):
        go_on(SystemClock(), [other, Strand("fails", fails)])

    assert not other.thread.is_alive()


def test_one_that_was_interrupted_is_no_error() -> None:
    def interrupted(_: threading.Event) -> None:
        raise Interrupted("interrupted", "run it again")

    looks: list[int] = []

    def look() -> None:
        looks.append(len(looks))
        if len(looks) > 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go_on(SystemClock(), [Strand("interrupted", interrupted)], look)

    assert [0, 1, 2] == looks

"""Work for many in one process: all at the same time, and what fails is not lost."""

from __future__ import annotations

import threading

import pytest

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.errors import Interrupted
from ipfx_failover.wiring.side_by_side import Strand, at_once, go_on


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


def test_what_is_done_at_once_waits_for_nobody_and_is_told_in_order() -> None:
    second_ended = threading.Event()

    def first() -> str:
        assert second_ended.wait(60), "the second has not begun before the first ended"
        return "first"

    def second() -> str:
        second_ended.set()
        return "second"

    assert ["first", "second"] == [*at_once([first, second])]


def test_what_one_raises_comes_behind_what_others_before_it_have_done() -> None:
    def fails() -> str:
        raise LookupError("a bug")

    results = at_once([lambda: "first", fails])

    assert next(results) == "first"
    with pytest.raises(LookupError, match="a bug"):
        next(results)

"""A child that runs and does nothing any more: it is killed, told of, and started again."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.monitor.workers import Worker
from tests.fakes.clock import FakeClock
from tests.support.processes import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

UNTIL_EOF = "import sys; sys.stdin.read()"
LIMIT_S = 60.0
KILLED = ("sync-rows", "killed: no sign of life for 60 s", 1.0)


class Watch:
    """A worker that is looked at each second; `signs` counts its signs of life."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.signs = 0
        self.failures: list[tuple[str, str, float]] = []
        self.recoveries: list[str] = []
        self.worker = Worker(
            ["sync-rows"],
            keeps_running=True,
            clock=self.clock,
            failed=lambda *told: self.failures.append(told),
            recovered=self.recoveries.append,
            sign=lambda: self.signs,
            hung_after_s=LIMIT_S,
            program=(sys.executable, "-c", UNTIL_EOF),
        )
        self.worker.start()

    def passes(self, duration_s: int, *, shows_life: bool) -> None:
        for _ in range(duration_s):
            self.clock.advance(1.0)
            self.signs += shows_life
            self.worker.look()

    def is_killed(self, *, within_s: int = 62) -> None:
        """It shows no life until it is killed, and the worker has seen it."""
        for _ in range(within_s):
            if not self.failures:
                self.passes(1, shows_life=False)
        eventually(lambda: not self.worker.is_running, "it has ended")
        self.worker.look()


@pytest.fixture
def watch() -> Iterator[Watch]:
    made = Watch()
    yield made
    made.worker.stop()


def test_a_child_that_shows_no_life_any_more_is_killed_and_that_is_told_at_once(
    watch: Watch,
) -> None:
    watch.passes(300, shows_life=True)
    watch.is_killed(within_s=60)

    assert [KILLED] == watch.failures


def test_a_child_that_never_showed_life_is_killed_too(watch: Watch) -> None:
    watch.is_killed()

    assert ([KILLED], []) == (watch.failures, watch.recoveries)


def test_it_is_started_again_and_has_recovered_when_it_shows_life_for_a_while(
    watch: Watch,
) -> None:
    watch.is_killed()
    watch.passes(2, shows_life=False)
    was_started_again = watch.worker.is_running
    watch.passes(62, shows_life=True)

    assert was_started_again
    assert (1, ["sync-rows"]) == (len(watch.failures), watch.recoveries)


def test_a_child_that_shows_life_seldom_is_let_alone(watch: Watch) -> None:
    for _ in range(5):
        watch.passes(50, shows_life=False)
        watch.passes(1, shows_life=True)

    assert (True, []) == (watch.worker.is_running, watch.failures)


def test_time_in_which_nobody_looked_is_not_held_against_it(watch: Watch) -> None:
    watch.passes(5, shows_life=True)
    watch.clock.advance(3600)
    watch.worker.look()
    threading.Event().wait(0.1)  # a kill would take a moment
    watch.passes(5, shows_life=True)

    assert (True, []) == (watch.worker.is_running, watch.failures)


def test_a_silent_child_has_not_recovered_however_long_it_runs(watch: Watch) -> None:
    watch.is_killed()
    watch.passes(50, shows_life=False)
    watch.clock.advance(3600)
    watch.worker.look()

    assert ([KILLED], []) == (watch.failures, watch.recoveries)

from __future__ import annotations

from ipfx_failover.adapters.waiting import Deadline, wait_until
from tests.fakes.clock import FakeClock


def test_what_is_so_already_is_not_waited_for() -> None:
    clock = FakeClock()
    before_ns = clock.monotonic_ns()

    assert wait_until(lambda: True, clock, 0.0)
    assert before_ns == clock.monotonic_ns()


def test_it_is_noticed_within_a_fifth_of_a_second() -> None:
    clock = FakeClock()
    start_ns = clock.monotonic_ns()

    assert wait_until(lambda: clock.monotonic_ns() - start_ns >= 3_000_000_000, clock, 10.0)
    assert clock.monotonic_ns() - start_ns <= 3_200_000_000


def test_a_last_look_is_taken_when_the_time_is_over() -> None:
    clock = FakeClock()
    looks_ns: list[int] = []
    start_ns = clock.monotonic_ns()

    def look() -> bool:
        looks_ns.append(clock.monotonic_ns() - start_ns)
        return False

    assert not wait_until(look, clock, 1.0)
    assert looks_ns[0] == 0
    assert looks_ns[-1] == 1_000_000_000


def test_a_deadline_that_has_passed_leaves_nothing() -> None:
    clock = FakeClock()
    deadline = Deadline(clock, 2.0)
    clock.advance(0.5)

    assert deadline.left_s == 1.5

    clock.advance(9.0)

    assert deadline.left_s == 0.0

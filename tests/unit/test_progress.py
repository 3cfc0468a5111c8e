"""Rate and time left, from what was done when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipfx_failover.progress import Pace, Progress, counted

SECOND_NS = 1_000_000_000


def pace(*seen: tuple[float, int]) -> Pace:
    """What was done (the second) after so many seconds (the first)."""
    made = Pace()
    for at_s, done in seen:
        made.note(done, round(at_s * SECOND_NS))
    return made


def test_rate_and_time_left_come_from_what_was_done() -> None:
    steady = pace((0, 0), (1, 100), (2, 200), (4, 400))

    assert 100.0 == steady.rate(4 * SECOND_NS)
    assert 6.0 == steady.left_s(1000, 4 * SECOND_NS)


def test_nothing_is_said_in_the_first_second_or_before_anything_was_done() -> None:
    assert pace().rate(SECOND_NS) is None
    assert pace((0, 0), (0.5, 50)).rate(SECOND_NS // 2) is None
    assert pace((0, 0), (5, 0)).left_s(100, 5 * SECOND_NS) is None


def test_only_the_last_ten_seconds_count() -> None:
    seen = [(second, 1000 * min(second, 60)) for second in range(60)]
    slow = [(60 + second, 60_000 + second) for second in range(30)]

    assert pace(*seen, *slow).rate(89 * SECOND_NS) == pytest.approx(1.0, rel=0.2)


def test_work_that_stands_still_becomes_slower() -> None:
    stuck = pace((0, 0), (2, 200))

    assert (100.0, 20.0) == (stuck.rate(2 * SECOND_NS), stuck.rate(10 * SECOND_NS))


def test_a_new_piece_of_work_begins_from_the_start() -> None:
    again = pace((0, 0), (5, 500), (6, 0), (8, 20))

    assert 10.0 == again.rate(8 * SECOND_NS)


def test_pieces_are_added_up() -> None:
    told: list[Progress] = []
    count = counted("transfer", 10, "bytes", told.append)
    count(4)
    count(6)

    assert [Progress("transfer", 4, 10, "bytes"), Progress("transfer", 10, 10, "bytes")] == told


@pytest.mark.parametrize(("done", "total", "share"), [(1, 4, 0.25), (9, 4, 1.0), (0, 0, 1.0)])
def test_a_share_is_never_more_than_the_whole(done: int, total: int, share: float) -> None:
    assert share == Progress("x", done, total, "files").share


@given(st.lists(st.tuples(st.integers(0, 10**10), st.integers(0, 10**12)), max_size=60))
def test_whatever_is_noted_the_time_left_is_not_negative(steps: list[tuple[int, int]]) -> None:
    made, now_ns = Pace(), 0
    for more_ns, done in steps:
        now_ns += more_ns
        made.note(done, now_ns)
        left = made.left_s(10**9, now_ns)

        assert left is None or left >= 0

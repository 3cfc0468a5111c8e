"""Points in time as people type them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipfx_failover.errors import UsageError
from ipfx_failover.history.moments import moment
from ipfx_failover.wiring.past import span
from tests.fakes.clock import A_WEDNESDAY_NOON as NOON
from tests.fakes.clock import FakeClock
from tests.fakes.local_time import FakeLocalTime

AUCKLAND = FakeLocalTime(FakeClock(), ahead_h=13)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("90s", NOON - timedelta(seconds=90)),
        ("15m", NOON - timedelta(minutes=15)),
        ("1h", NOON - timedelta(hours=1)),
        (" 2D ", NOON - timedelta(days=2)),
        ("3 w", NOON - timedelta(weeks=3)),
        ("1d12h", NOON - timedelta(hours=36)),
        ("1H 30m", NOON - timedelta(minutes=90)),
        # It is one o'clock at night there, on the fifth.
        ("03:00", datetime(2026, 3, 4, 14, tzinfo=UTC)),
        ("3:00:05", datetime(2026, 3, 4, 14, 0, 5, tzinfo=UTC)),
        ("2026-03-04", datetime(2026, 3, 3, 11, tzinfo=UTC)),
        ("2026-03-04 03:00", datetime(2026, 3, 3, 14, tzinfo=UTC)),
        ("2026-03-04T03:00:00+00:00", datetime(2026, 3, 4, 3, tzinfo=UTC)),
    ],
)
def test_what_people_type_is_understood_as_local_time(typed: str, meant: datetime) -> None:
    assert meant == moment(typed, NOON, AUCKLAND)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("00:30", datetime(2026, 3, 4, 11, 30, tzinfo=UTC)),
        ("23:59", datetime(2026, 3, 4, 10, 59, tzinfo=UTC)),
    ],
)
def test_a_time_of_day_that_is_to_have_passed_may_be_yesterdays(
    typed: str, meant: datetime
) -> None:
    assert meant == moment(typed, NOON, AUCKLAND, passed=True)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "yesterday",
        "2",
        "h",
        "25:00",
        "2026-13-01",
        "-1h",
        "9999999999999d",
        "0001-01-01T00:00+14:00",
    ],
)
def test_anything_else_is_refused_with_examples(typed: str) -> None:
    with pytest.raises(UsageError) as caught:
        moment(typed, NOON, AUCKLAND)

    assert "2026-11-20 03:00" in caught.value.hint


@pytest.mark.parametrize(("since", "until"), [("", None), (None, "")])
def test_an_empty_time_is_none(since: str | None, until: str | None) -> None:
    with pytest.raises(UsageError, match="'' is no point in time"):
        span(since, until)


@given(st.text())
def test_nothing_that_is_typed_ends_in_a_traceback(typed: str) -> None:
    try:
        found = moment(typed, NOON, AUCKLAND)
    except UsageError:
        return
    assert UTC is found.tzinfo

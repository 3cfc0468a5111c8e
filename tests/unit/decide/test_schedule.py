"""When the daily replication is due, over daylight saving, missed nights and failures."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipfx_failover.decide.schedule import RETRY_AFTER, is_due, last_planned, next_planned

AUCKLAND = ZoneInfo("Pacific/Auckland")
HAVANA = ZoneInfo("America/Havana")
BERLIN = ZoneInfo("Europe/Berlin")
A_NEW_YEAR = datetime(2024, 1, 1, tzinfo=UTC)
ONE = time(1, 0)
HALF_PAST_TWO = time(2, 30)


class Calendar:
    """A place's calendar, and a replication that runs in it whenever it is due."""

    def __init__(self, zone: ZoneInfo, daily: time) -> None:
        self.zone = zone
        self.daily = daily
        self.copy_as_of: datetime | None = None
        self.last_begun: datetime | None = None
        self.runs: list[datetime] = []

    def instant(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self.zone).astimezone(UTC)

    def planned(self, now: datetime) -> datetime:
        return last_planned(self.daily, now.astimezone(self.zone).date(), now, self.instant)

    def next(self, now: datetime) -> datetime:
        return next_planned(self.daily, now.astimezone(self.zone).date(), now, self.instant)

    def is_due(self, now: datetime) -> bool:
        return is_due(
            planned=self.planned(now),
            copy_as_of=self.copy_as_of,
            last_begun=self.last_begun,
            now=now,
        )

    def look(self, now: datetime, *, works: bool = True) -> None:
        if self.is_due(now):
            self.runs.append(now)
            self.last_begun = now
            if works:
                self.copy_as_of = now

    def live_through(self, begin: datetime, end: datetime, every: timedelta) -> None:
        while begin < end:
            self.look(begin)
            begin += every


def local(zone: ZoneInfo, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("zone", "daily", "first", "last"),
    [
        (BERLIN, HALF_PAST_TWO, "2026-03-28T12:00", "2026-03-31T12:00"),
        (BERLIN, HALF_PAST_TWO, "2026-10-23T12:00", "2026-10-26T12:00"),
        (AUCKLAND, HALF_PAST_TWO, "2026-09-25T12:00", "2026-09-28T12:00"),
        (AUCKLAND, HALF_PAST_TWO, "2026-04-03T12:00", "2026-04-06T12:00"),
        (HAVANA, time(0, 30), "2026-03-07T12:00", "2026-03-10T12:00"),
        (HAVANA, time(0, 30), "2026-10-30T12:00", "2026-11-02T12:00"),
        (BERLIN, time(0, 0), "2026-03-28T12:00", "2026-03-31T12:00"),
    ],
    ids=[
        "berlin spring",
        "berlin autumn",
        "auckland spring",
        "auckland autumn",
        "havana spring",
        "havana autumn",
        "midnight",
    ],
)
def test_each_night_has_one_replication_whatever_the_clocks_do(
    zone: ZoneInfo, daily: time, first: str, last: str
) -> None:
    place = Calendar(zone, daily)
    place.copy_as_of = local(zone, first)

    place.live_through(local(zone, first), local(zone, last), timedelta(minutes=10))

    assert 3 == len(place.runs)
    assert 3 == len({run.astimezone(zone).date() for run in place.runs})


def test_an_hour_that_does_not_exist_is_replaced_by_the_one_after() -> None:
    place = Calendar(BERLIN, HALF_PAST_TWO)
    place.copy_as_of = local(BERLIN, "2026-03-28T12:00")

    place.live_through(
        local(BERLIN, "2026-03-28T23:00"), local(BERLIN, "2026-03-29T12:00"), timedelta(minutes=1)
    )

    assert [local(BERLIN, "2026-03-29T03:30")] == place.runs


def test_an_hour_that_comes_twice_is_used_the_first_time() -> None:
    place = Calendar(BERLIN, HALF_PAST_TWO)
    place.copy_as_of = local(BERLIN, "2026-10-24T12:00")

    place.live_through(
        local(BERLIN, "2026-10-24T23:00"), local(BERLIN, "2026-10-25T12:00"), timedelta(minutes=1)
    )

    assert [datetime(2026, 10, 25, 0, 30, tzinfo=UTC)] == place.runs


def test_a_missed_night_is_caught_up_as_soon_as_somebody_looks() -> None:
    place = Calendar(BERLIN, ONE)
    place.copy_as_of = local(BERLIN, "2026-05-01T01:00")

    place.look(local(BERLIN, "2026-05-04T09:17"))
    place.look(local(BERLIN, "2026-05-04T09:18"))

    assert [local(BERLIN, "2026-05-04T09:17")] == place.runs


def test_a_copy_made_by_hand_after_the_planned_time_counts() -> None:
    place = Calendar(BERLIN, ONE)
    place.copy_as_of = local(BERLIN, "2026-05-04T01:00")

    assert not place.is_due(local(BERLIN, "2026-05-04T23:59"))
    assert place.is_due(local(BERLIN, "2026-05-05T01:00"))


def test_without_any_copy_it_is_due_at_once() -> None:
    assert Calendar(BERLIN, ONE).is_due(local(BERLIN, "2026-05-04T13:00"))


def test_what_failed_is_tried_again_after_a_while_and_not_before() -> None:
    place = Calendar(BERLIN, ONE)
    begun = local(BERLIN, "2026-05-04T01:00")
    place.look(begun, works=False)

    assert not place.is_due(begun + RETRY_AFTER - timedelta(seconds=1))
    assert place.is_due(begun + RETRY_AFTER)


def test_yesterdays_failure_does_not_delay_tonight() -> None:
    place = Calendar(BERLIN, ONE)
    place.look(local(BERLIN, "2026-05-04T00:59"), works=False)

    assert place.is_due(local(BERLIN, "2026-05-04T01:00"))


def test_a_clock_that_is_put_back_a_little_does_not_double_it() -> None:
    place = Calendar(BERLIN, ONE)
    place.look(local(BERLIN, "2026-05-04T01:02"))

    assert not place.is_due(local(BERLIN, "2026-05-04T01:00"))
    assert not place.is_due(local(BERLIN, "2026-05-03T23:30"))


def test_a_copy_from_a_far_future_does_not_stop_replication_until_then() -> None:
    place = Calendar(BERLIN, ONE)
    place.look(local(BERLIN, "2031-05-04T01:02"))

    assert place.is_due(local(BERLIN, "2026-05-04T09:00"))


@given(
    st.integers(0, 6 * 365 * 86_400).map(lambda s: A_NEW_YEAR + timedelta(seconds=s)),
    st.times(),
    st.sampled_from([AUCKLAND, BERLIN, HAVANA, ZoneInfo("UTC")]),
)
def test_now_always_lies_between_the_last_and_the_next_planned_time(
    now: datetime, daily: time, zone: ZoneInfo
) -> None:
    place = Calendar(zone, daily)

    assert place.planned(now) <= now < place.next(now)
    assert place.next(now) - place.planned(now) <= timedelta(hours=49)

"""Availability: months of any calendar, and percentages that promise nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipfx_failover.history.availability import Availability, Month, availability, months, percent
from ipfx_failover.records import PingTotals

ZONES = ("UTC", "Pacific/Auckland", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu")
INSTANTS = st.datetimes(
    datetime(2020, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2030, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


class Calendar:
    """The `LocalTime` of a place, daylight saving and all."""

    def __init__(self, zone: str, now: datetime) -> None:
        self._zone = ZoneInfo(zone)
        self._now = now

    def today(self) -> date:
        return self._now.astimezone(self._zone).date()

    def instant(self, day: date, time_of_day: time) -> datetime:
        return datetime.combine(day, time_of_day, tzinfo=self._zone).astimezone(UTC)


def spans() -> st.SearchStrategy[tuple[datetime, datetime]]:
    lengths = st.timedeltas(timedelta(seconds=1), timedelta(days=800))
    return st.tuples(INSTANTS, lengths).map(lambda span: (span[0], span[0] + span[1]))


@given(spans(), st.sampled_from(ZONES))
def test_cut_months_fill_the_span_without_gap_or_overlap(
    span: tuple[datetime, datetime], zone: str
) -> None:
    since, now = span
    found = months(since, now, Calendar(zone, now), cut=True)

    assert (since, now) == (found[0].begins_at, found[-1].ends_at)
    assert all(one.ends_at == other.begins_at for one, other in pairwise(found))
    assert sum(month.length_ms for month in found) == pytest.approx(
        (now - since) / timedelta(milliseconds=1), abs=len(found)
    )


@given(spans(), st.sampled_from(ZONES))
def test_whole_months_begin_at_local_midnight_of_the_first(
    span: tuple[datetime, datetime], zone: str
) -> None:
    since, now = span
    found = months(since, now, Calendar(zone, now), cut=False)
    begins = [month.begins_at.astimezone(ZoneInfo(zone)) for month in found]

    assert begins[0] <= since
    assert {(1, time())} == {(begin.day, begin.time()) for begin in begins}
    assert [month.name for month in found] == [f"{begin:%Y-%m}" for begin in begins]


def test_a_month_in_which_clocks_change_is_an_hour_shorter_or_longer() -> None:
    now = datetime(2026, 11, 1, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    since = datetime(2026, 3, 1, tzinfo=ZoneInfo("Europe/Berlin"))
    hours = {
        month.name: month.length_ms / 3_600_000
        for month in months(since, now, Calendar("Europe/Berlin", now), cut=False)
    }

    assert (31 * 24 - 1, 31 * 24, 31 * 24 + 1) == (
        hours["2026-03"],
        hours["2026-05"],
        hours["2026-10"],
    )


def test_no_time_has_no_months() -> None:
    now = datetime(2026, 3, 4, 12, tzinfo=UTC)

    assert [] == months(now, now, Calendar("UTC", now), cut=False)


@given(st.integers(0, 10**12), st.integers(1, 10**12))
def test_a_percentage_is_never_better_than_the_truth(part: int, whole: int) -> None:
    part = min(part, whole)
    shown = percent(part, whole)

    assert shown is not None
    assert 0 <= 100 * part / whole - shown <= 0.01 + 1e-9
    assert (shown == 100) is (part == whole)


def test_nothing_of_nothing_is_not_known() -> None:
    assert percent(0, 0) is None


def month(name: str, days: int = 30) -> Month:
    begin = datetime.fromisoformat(f"{name}-01T00:00:00+00:00")
    return Month(name, begin, begin + timedelta(days=days))


def totals(server: str, watched_ms: int, down_ms: int = 0, served_ms: int = 0) -> PingTotals:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return PingTotals(server, at, 1, 10, 1, 1, 9, 1, watched_ms, down_ms, served_ms)


def test_only_what_was_watched_is_judged() -> None:
    day_ms = 86_400_000
    (known,) = availability(
        [(month("2026-06"), [totals("DEMO", 20 * day_ms, 2 * day_ms, day_ms)])], ["DEMO"]
    )

    assert (66.66, 90.0, 95.0, 10.0) == (
        known.watched_percent,
        known.available_percent,
        known.served_percent,
        known.lost_percent,
    )


def test_a_month_that_nobody_watched_has_no_availability() -> None:
    june, july = month("2026-06"), month("2026-07")
    found = availability([(june, [totals("DEMO", 1000)]), (july, [])], ["DEMO"])

    assert Availability("DEMO", "2026-07", july.length_ms) == found[1]
    assert (0.0, None, None) == (
        found[1].watched_percent,
        found[1].available_percent,
        found[1].served_percent,
    )


def test_a_server_begins_with_the_month_in_which_it_was_first_watched() -> None:
    calendar = [
        (month("2026-06"), [totals("DEMO", 1)]),
        (month("2026-07"), [totals("DEMO", 1), totals("new", 1)]),
    ]
    found = availability(calendar, ["DEMO", "NEW", "NEVER"])

    assert [("DEMO", "2026-06"), ("DEMO", "2026-07"), ("new", "2026-07")] == [
        (each.server, each.month) for each in found
    ]


def test_who_was_removed_from_the_config_comes_last() -> None:
    found = availability([(month("2026-06"), [totals("A", 1), totals("B", 1)])], ["B"])

    assert ["B", "A"] == [each.server for each in found]


@given(st.integers(0, 10**10), st.integers(0, 10**10), st.integers(0, 10**10))
def test_every_percentage_lies_between_none_and_all(watched: int, down: int, served: int) -> None:
    down = min(down, watched)
    served = min(served, down)
    (known,) = availability([(month("2026-06"), [totals("DEMO", watched, down, served)])], ["DEMO"])

    assert 0 <= known.watched_percent <= 100
    if watched:
        assert known.available_percent is not None
        assert known.served_percent is not None
        assert 0 <= known.available_percent <= known.served_percent <= 100

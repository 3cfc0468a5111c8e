"""The record of pings: sums that add up, by the minute and by the hour, within bounds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.records import PingTotals
from ipfx_failover.state.pings import (
    HOUR_S,
    KEPT_S,
    MINUTE_S,
    add,
    finest,
    first_ping,
    summed_up,
)
from ipfx_failover.state.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
MINUTE = PingTotals("DEMO", NOON, MINUTE_S, 30, 2, 400, 28 * 500, 900, 60_000, 4000, 2000)
SILENT = replace(
    MINUTE, sent=30, lost=30, rtt_min_us=None, rtt_sum_us=0, rtt_max_us=None, down_ms=60_000
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path) as opened:
        yield opened


def write(store: Store, *totals: PingTotals) -> None:
    with store.transaction() as tx:
        add(tx, totals)


def at(totals: PingTotals, minutes: int) -> PingTotals:
    return replace(totals, begins_at=NOON + timedelta(minutes=minutes))


def hours(store: Store) -> list[PingTotals]:
    day = timedelta(days=1)
    return summed_up(store, NOON - day, NOON + day, period_s=HOUR_S, slot_s=HOUR_S)


def test_a_minute_is_read_back_as_it_was(store: Store) -> None:
    write(store, MINUTE)
    until = NOON + timedelta(hours=1)

    assert [MINUTE] == summed_up(store, NOON, until, period_s=MINUTE_S, slot_s=MINUTE_S)


def test_two_batches_of_one_minute_add_up(store: Store) -> None:
    write(store, MINUTE)
    write(store, replace(MINUTE, rtt_min_us=300, rtt_max_us=500), SILENT)
    (minute,) = summed_up(store, NOON, NOON + timedelta(minutes=1), period_s=MINUTE_S)

    assert (90, 34, 300, 900) == (minute.sent, minute.lost, minute.rtt_min_us, minute.rtt_max_us)
    assert (180_000, 68_000, 6000) == (minute.watched_ms, minute.down_ms, minute.served_ms)


def test_a_minute_without_an_answer_has_no_ping_time(store: Store) -> None:
    write(store, SILENT)
    (minute,) = summed_up(store, NOON, NOON + timedelta(minutes=1), period_s=MINUTE_S)

    assert (None, None) == (minute.rtt_min_us, minute.rtt_max_us)


def test_an_hour_is_the_sum_of_its_minutes(store: Store) -> None:
    for minute in (0, 1, 59, 60):
        write(store, at(MINUTE, minute))

    assert [(NOON, 90, 6), (NOON + timedelta(hours=1), 30, 2)] == [
        (hour.begins_at, hour.sent, hour.lost) for hour in hours(store)
    ]


def test_slots_are_counted_from_where_one_asks_and_have_what_begins_in_them(store: Store) -> None:
    write(store, *(at(MINUTE, minute) for minute in range(10)))
    since = NOON + timedelta(minutes=2, seconds=30)
    until = NOON + timedelta(minutes=9)
    slots = summed_up(store, since, until, period_s=MINUTE_S, slot_s=3 * MINUTE_S)

    # 12:03 to 12:05, 12:06 to 12:08; nothing of 12:02 and 12:09, which begin outside.
    assert [(since, 3 * 30), (since + timedelta(minutes=3), 3 * 30)] == [
        (slot.begins_at, slot.sent) for slot in slots
    ]


def test_what_is_old_is_forgotten_minutes_first(store: Store) -> None:
    write(store, MINUTE)
    after_minutes = NOON + timedelta(seconds=KEPT_S[MINUTE_S] + MINUTE_S)
    write(store, replace(MINUTE, begins_at=after_minutes))

    assert 1 == store.rows("SELECT count(*) AS n FROM pings WHERE period_s = 60")[0]["n"]
    assert NOON == first_ping(store)

    after_hours = NOON + timedelta(seconds=KEPT_S[HOUR_S] + HOUR_S)
    write(store, replace(MINUTE, begins_at=after_hours))

    assert after_minutes.replace(minute=0) == first_ping(store)


def test_a_clock_that_is_wrong_for_a_minute_does_not_empty_the_record(store: Store) -> None:
    write(store, *(at(MINUTE, minute) for minute in range(10)))
    write(store, replace(MINUTE, begins_at=NOON + timedelta(days=9999)))

    assert 8 + 1 == store.rows("SELECT count(*) AS n FROM pings WHERE period_s = 60")[0]["n"]


def test_nothing_is_known_of_an_empty_record(store: Store) -> None:
    assert first_ping(store) is None
    assert [] == hours(store)


def test_minutes_are_asked_for_as_long_as_they_are_kept() -> None:
    assert MINUTE_S == finest(NOON - timedelta(hours=47), NOON)
    assert HOUR_S == finest(NOON - timedelta(hours=49), NOON)

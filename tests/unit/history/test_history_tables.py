"""The tables for a terminal of 80 columns, and the words for figures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ipfx_failover.history.record import document
from ipfx_failover.history.tables import (
    as_lines,
    availability_table,
    failover_table,
    file_sync_table,
    replication_table,
)
from ipfx_failover.history.wording import duration, milliseconds, percentage, size, stamp
from tests.unit.history.past import BEGIN, HOUR, history


def test_availability_says_of_how_much_it_speaks() -> None:
    assert [
        "Availability",
        "MONTH    SERVER  AVAILABLE  WITH STAND-IN  DOWN  PINGS LOST  WATCHED",
        "2026-03  DEMO    83.33 %    83.33 %        1 h   16.76 %     60 %",
        "Available: it answered pings, in percent of the time watched. The rest of a",
        "month is not known: no monitor ran, or it was suspended or stopped.",
    ] == list(as_lines([availability_table(history())], 80))


def test_reasons_stand_below_their_row() -> None:
    lines = list(as_lines([failover_table(history()), replication_table(history())], 80))

    assert [
        "Failovers",
        "BEGAN                SERVER  BY       OUTAGE  STOOD IN  ENDED",
        f"{stamp(BEGIN + 4 * HOUR)}  DEMO    monitor  31.4 s  48 min    given back",
        "    15 pings in a row failed",
        "",
        "Replications: 2, 1 failed",
        "ENDED                SERVER  DIRECTION  TOOK       SIZE   OUTCOME",
        f"{stamp(BEGIN)}  DEMO    from-live  1 min 1 s  3 MiB  done",
        f"{stamp(BEGIN + HOUR)}  DEMO    from-live  1 s        -      failed",
        "    no <route>",
    ] == lines


def test_columns_that_do_not_fit_stand_below_their_row() -> None:
    table = failover_table(history())
    narrow = list(as_lines([table], 64))

    assert [
        "Failovers",
        "BEGAN                SERVER  BY       OUTAGE  STOOD IN",
        f"{stamp(BEGIN + 4 * HOUR)}  DEMO    monitor  31.4 s  48 min",
        "    ended: given back; 15 pings in a row failed",
    ] == narrow
    assert all(len(line) <= 40 for line in as_lines([table], 40))


def test_of_many_replications_the_last_are_shown() -> None:
    past = history()
    many = replace(past, replications=past.replications * 10)
    table = replication_table(many, 10)

    assert ("Replications: 20, 10 failed; the last 10", 10) == (table.title, len(table.rows))


def test_what_there_is_nothing_of_is_said() -> None:
    past = history()
    empty = replace(past, availability=(), failovers=(), replications=(), file_syncs=())
    tables = [
        availability_table(empty),
        failover_table(empty),
        replication_table(empty, 10),
        file_sync_table(empty),
    ]

    assert [
        "Availability: nothing is recorded yet; a monitor does so once a minute",
        "Failovers: none",
        "Replications: none",
        "File syncs that changed something: none",
    ] == [line for line in as_lines(tables, 80) if line]


def test_the_document_has_the_same_figures() -> None:
    shown = document(history(), with_pings=False)

    assert (83.33, 60.0) == (
        shown["availability"][0]["available_percent"],
        shown["availability"][0]["watched_percent"],
    )
    assert ("given back", 2880.0) == (
        shown["failovers"][0]["ending"],
        shown["failovers"][0]["stood_in_s"],
    )
    assert "pings" not in shown
    assert 6 == len(document(history(), with_pings=True)["pings"])


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "-"),
        (0, "0 s"),
        (0.34, "340 ms"),
        (31.42, "31.4 s"),
        (59.97, "1 min"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (7800, "2 h 10 min"),
        (3599.9, "1 h"),
        (86_400 * 3 + 4 * 3600 + 59, "3 d 4 h"),
    ],
)
def test_durations_have_two_units_at_most(seconds: float | None, shown: str) -> None:
    assert shown == duration(seconds)


@pytest.mark.parametrize(
    ("number", "shown"),
    [(None, "-"), (0, "0 B"), (512, "512 B"), (1300, "1.3 KiB"), (1 << 50, "1024 TiB")],
)
def test_sizes_are_binary(number: int | None, shown: str) -> None:
    assert shown == size(number)


def test_percentages_and_ping_times() -> None:
    assert ["-", "100 %", "99.98 %", "0 %"] == [
        percentage(value) for value in (None, 100.0, 99.98, 0.0)
    ]
    assert ["-", "0.42 ms", "12.3 ms", "450 ms"] == [
        milliseconds(value) for value in (None, 420, 12_340, 450_000)
    ]

"""Charts in a terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ipfx_failover.history.plot import ASCII, BLOCKS, characters, plot
from ipfx_failover.history.wording import stamp
from tests.unit.history.past import BEGIN, HOUR, history, pings


def test_a_chart_shows_ping_time_loss_states_and_the_span() -> None:
    lines = plot(history(), 31, ASCII)

    assert lines == [
        "DEMO: mean ping time up to 3.00",
        "  ms, at most 9.00 ms; lost up",
        "  to 100 %",
        "  3.00 ms |          ##",
        "          |        ####",
        "          |        ####",
        "          |    ##  ####",
        "          |  ####  ####",
        "     0 ms |######  ####",
        "     lost |    ..##",
        "    state |------xxSS--",
        f"          |{stamp(BEGIN)[:-3]}",
        "",
        "QUIET: nothing was watched",
        "",
        "lost: from . a few pings to #",
        "  all of them",
        "state: - answered pings, x",
        "  down, S the Failover Server",
        "  stood in, blank: not known",
    ]


@pytest.mark.parametrize("drawn_with", [BLOCKS, ASCII])
@pytest.mark.parametrize("width", [1, 40, 80, 200])
def test_no_line_of_a_chart_is_wider_than_the_terminal(width: int, drawn_with: object) -> None:
    chosen = BLOCKS if drawn_with is BLOCKS else ASCII
    lines = plot(history("A-NAME-OF-LETTERS"), width, chosen)

    assert any(chosen.axis in line for line in lines)
    assert max(map(len, lines)) <= max(width, 31)


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", BLOCKS),
        ("ascii", ASCII),
        ("latin-1", ASCII),
        ("cp1252", ASCII),
        ("no-such", ASCII),
        (None, ASCII),
    ],
)
def test_the_encoding_says_what_can_be_drawn_with(encoding: str | None, expected: object) -> None:
    assert expected is characters(encoding)


def test_few_lost_pings_look_like_few_also_when_there_were_no_more() -> None:
    past = history()
    few = plot(replace(past, pings=past.pings[:3]), 31, BLOCKS)
    half = replace(past.pings[2], lost=900)

    assert "     lost │    ▁▁" in few
    assert "     lost │    ▄▄" in plot(replace(past, pings=(*past.pings[:2], half)), 31, BLOCKS)


def test_a_short_ping_time_beside_a_long_one_is_not_invisible() -> None:
    past = history()
    long = replace(past.pings[0], begins_at=past.pings[1].begins_at, rtt_sum_us=10**9)
    lines = plot(replace(past, pings=(past.pings[0], long), failovers=()), 31, ASCII)

    assert "     0 ms |..##" in lines


@pytest.mark.parametrize("hours", [1, 7, 19, 20])
def test_the_last_slot_is_drawn_also_while_it_is_not_over(hours: int) -> None:
    past = history()
    failed = (*(pings(hour) for hour in range(hours - 1)), pings(hours - 1, lost=1800, down=True))
    now = BEGIN + (hours - 0.5) * HOUR
    lines = plot(replace(past, pings=failed, failovers=(), as_of=now), 31, ASCII)
    lost = next(line for line in lines if line.startswith("     lost"))
    state = next(line for line in lines if line.startswith("    state"))

    assert (31, 31) == (len(lost), len(state))
    assert ("#", "x") == (lost[-1], state[-1])
    assert 20 // hours <= state.count("x") <= 20 // hours + 1


def test_blocks_show_a_third_of_a_cell() -> None:
    lines = plot(history(), 31, BLOCKS)

    assert "    state │──────✕✕██──" in lines
    assert "     lost │    ▁▁██" in lines

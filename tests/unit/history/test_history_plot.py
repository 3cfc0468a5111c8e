"""Charts in a terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ipfx_failover.history.plot import ASCII, BLOCKS, characters, plot
from ipfx_failover.history.wording import stamp
from tests.unit.history.past import BEGIN, history


def test_a_chart_shows_ping_time_loss_states_and_the_span() -> None:
    lines = plot(history(), 31, ASCII)

    assert lines == [
        "DEMO: ping time up to 3.00 ms in the mean, 9.00 ms at most; lost up to 100 %",
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
        "state: - answered pings, x down, S the Failover Server stood in, blank: not known",
    ]


@pytest.mark.parametrize("drawn_with", [BLOCKS, ASCII])
@pytest.mark.parametrize("width", [1, 40, 80, 200])
def test_no_line_of_a_chart_is_wider_than_the_terminal(width: int, drawn_with: object) -> None:
    chosen = BLOCKS if drawn_with is BLOCKS else ASCII
    charts = [line for line in plot(history(), width, chosen) if chosen.axis in line]

    assert charts
    assert max(map(len, charts)) <= max(width, 31)


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


def test_a_short_ping_time_beside_a_long_one_is_not_invisible() -> None:
    past = history()
    long = replace(past.pings[0], begins_at=past.pings[1].begins_at, rtt_sum_us=10**9)
    lines = plot(replace(past, pings=(past.pings[0], long), failovers=()), 31, ASCII)

    assert "     0 ms |..##" in lines


def test_blocks_show_a_third_of_a_cell() -> None:
    lines = plot(history(), 31, BLOCKS)

    assert "    state │──────✕✕██──" in lines
    assert "     lost │    ▁▁██" in lines

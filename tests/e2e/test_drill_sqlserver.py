"""The drill of examples/lab/run with simulated SQL Servers, hot: nothing is lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.support.running_drill import RunningDrill

if TYPE_CHECKING:
    from collections.abc import Iterator


class Ended(NamedTuple):
    """A drill that was played to its end."""

    code: int
    figures: dict[str, Any]
    narration: list[str]
    left_behind: list[str]


@pytest.fixture(scope="module")
def drill() -> Iterator[Ended]:
    running = RunningDrill("--engine", "sqlserver", "--json")
    try:
        running.read_until("Act 3")
        code, output = running.end()
        yield Ended(code, json.loads(output[-1]), running.narration, running.left_behind())
    finally:
        running.kill()


@pytest.mark.timeout(400)
def test_the_drill_with_sql_servers_loses_no_row(drill: Ended) -> None:
    figures = drill.figures

    assert drill.code == 0, drill.narration[-30:]
    assert drill.left_behind == []

    assert figures["rows_lost_to_hot_window"] == 0
    assert figures["rows_lost_to_warm_window"] == 0
    assert figures["rows_lost_at_failback"] == 0
    assert figures["voicemail_lost"] == 0
    assert figures["status_after"] == "OK"
    assert [figures[phase]["host"] for phase in ("before", "during", "after")] == [
        "DEMOSERVER",
        "FAILOVER",
        "DEMOSERVER",
    ]
    assert all(figures[phase]["rows"] > 0 for phase in ("before", "during", "after"))


@pytest.mark.timeout(400)
def test_the_stand_in_finds_its_own_files_by_the_paths_in_its_database(drill: Ended) -> None:
    assert drill.figures["paths"] > 0
    assert drill.figures["paths_elsewhere"] == 0


@pytest.mark.timeout(400)
def test_the_drill_says_at_both_ends_that_the_servers_are_simulated(drill: Ended) -> None:
    told = [number for number, line in enumerate(drill.narration) if line.startswith("SIMULATED")]

    assert drill.figures["engine"] == "sqlserver"
    assert drill.figures["simulated"]
    assert len(told) == 2
    assert told[0] == 0
    assert told[1] > len(drill.narration) - 5

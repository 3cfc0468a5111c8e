"""The drill of examples/lab/run, as a user runs it: its figures, and what it leaves behind."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ipfxlab.drill_stage import Stage
from ipfxlab.drill_timeline import Timeline

from tests.support.running_drill import RunningDrill

if TYPE_CHECKING:
    from collections.abc import Iterator

WARNING = "DEMOSERVER does not answer: failover is near"
TAKEN_OVER = "DEMOSERVER has failed: the Failover Server has taken over"
RESET = "DEMOSERVER has been reset"
CONFLICT = "uses the address 192.168.11.1 that we hold"


@pytest.fixture
def drill() -> Iterator[RunningDrill]:
    running = RunningDrill("--json")
    yield running
    running.kill()


def starting_with(subject: str, mails: list[str]) -> int:
    return next(number for number, mail in enumerate(mails) if subject in mail)


@pytest.mark.timeout(400)
def test_the_drill_loses_what_warm_means_and_nothing_else(drill: RunningDrill) -> None:
    drill.read_until("Act 3")
    code, output = drill.end()
    figures: dict[str, Any] = json.loads(output[-1])
    mails: list[str] = figures["mails"]

    assert code == 0, drill.narration[-30:]
    assert [output[-1]] == output
    assert drill.left_behind() == []

    assert figures["voicemail_lost"] == 0
    assert figures["rows_lost_at_failback"] == 0
    assert figures["rows_lost_to_warm_window"] > 0
    assert figures["rows_in_safety_backup"] == figures["rows_lost_to_warm_window"]
    assert figures["status_after"] == "OK"
    assert figures["detection_window_s"] == pytest.approx(3.2)
    assert 1 < figures["outage_s"] < 30
    assert 0 < figures["takeover_overhead_ms"] < figures["application_ready_ms"]

    assert [figures[phase]["host"] for phase in ("before", "during", "after")] == [
        "DEMOSERVER",
        "FAILOVER",
        "DEMOSERVER",
    ]
    assert all(figures[phase]["voicemail"] > 0 for phase in ("before", "during", "after"))

    assert mails[:2] == [WARNING, TAKEN_OVER]
    assert starting_with(RESET, mails) == 2
    assert mails.count(WARNING) == mails.count(TAKEN_OVER) == 2
    assert starting_with(CONFLICT, mails) > mails.index(TAKEN_OVER, 3)

    assert figures["without_guard"]["conflict_mails"] == 1
    assert figures["without_guard"]["calls_answered_by_stand_in"] > 0


@pytest.mark.timeout(200)
def test_ctrl_c_in_the_middle_of_a_takeover_leaves_nothing(drill: RunningDrill) -> None:
    drill.read_until("SUSPECT: no answer to a ping")
    drill.press_ctrl_c()
    drill.press_ctrl_c()
    code, output = drill.end()

    assert code == 130
    assert drill.narration[-1] == "Interrupted: the drill has removed all it made."
    assert not json.loads(output[-1])["ok"]
    assert "Traceback" not in "\n".join(drill.narration)
    assert drill.left_behind() == []


@pytest.fixture
def stage() -> Iterator[Stage]:
    """The drill's stage; nobody reads its narration."""
    with (
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        Timeline(nowhere) as timeline,
        Stage(timeline) as built,
    ):
        yield built


def test_a_guarded_primary_gets_its_address_back_while_the_monitor_asks_for_it(
    stage: Stage,
) -> None:
    network, primary, guard = stage.lab.network, stage.primary.host, stage.guard
    stage.start_monitor()
    stage.monitor.wait_for("server_answering")
    taken, since = len(guard.lines), stage.monitor.mark()
    network.pull_cable(primary)
    stage.monitor.wait_for("server_suspect", since=since)
    network.plug_cable(primary)
    guard.wait_for_line("nobody answered; taken", since=taken)
    stage.monitor.wait_for("server_answering", since=since)

    assert not [line for line in guard.lines if "is probed by" in line]

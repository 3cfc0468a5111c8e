"""What every `Application` does."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.errors import Failed, InDoubt
from tests.support.applications import (
    ANSWERING,
    SHORT_S,
    CommandRig,
    FakeRig,
    Rig,
    SystemdRig,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STOP = (sys.executable, "-IS", str(ANSWERING), "{vm_dir}", "--stop")
KINDS = ("fake", "foreground", "daemonising", "with stop command", "systemd")


@pytest.fixture(params=KINDS)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    made: Rig
    if request.param == "fake":
        made = FakeRig(tmp_path)
    elif request.param == "foreground":
        made = CommandRig(tmp_path)
    elif request.param == "daemonising":
        made = CommandRig(tmp_path, "--daemonise")
    elif request.param == "with stop command":
        made = CommandRig(tmp_path, stop=STOP)
    else:
        made = SystemdRig(tmp_path, request.getfixturevalue("systemd"))
    yield made
    made.close()


def test_a_started_application_runs_and_has_no_problem(rig: Rig) -> None:
    application = rig.application()
    process = application.start(rig.role)

    assert rig.runs()
    assert application.problem(rig.role, process) is None


def test_starting_what_runs_already_starts_nothing_more(rig: Rig) -> None:
    process = rig.application().start(rig.role)

    assert process == rig.application().start(rig.role)
    assert rig.starts() == 1


def test_the_application_is_given_the_values_of_its_role(rig: Rig) -> None:
    rig.application().start(rig.role)

    assert rig.role.environment().items() <= rig.environment().items()


def test_one_that_ends_at_once_fails_with_its_last_lines(rig: Rig) -> None:
    rig.behave("failing")
    with pytest.raises(Failed, match=r"exit code 3|exit-code") as raised:
        rig.application().start(rig.role)

    assert "no licence found" in raised.value.message
    assert "\n" not in raised.value.message


def test_a_start_that_failed_can_be_repeated(rig: Rig) -> None:
    rig.behave("failing")
    with pytest.raises(Failed):
        rig.application().start(rig.role)
    rig.behave("good")
    application = rig.application()

    assert application.problem(rig.role, application.start(rig.role)) is None


def test_one_that_is_not_ready_in_time_fails_and_is_left_for_stop(rig: Rig) -> None:
    rig.behave("silent")
    with pytest.raises(Failed, match="does not answer"):
        rig.application(ready_timeout_s=SHORT_S).start(rig.role)
    rig.application().stop(rig.role, None)

    assert not rig.runs()


def test_a_stopped_application_is_gone_with_all_that_it_started(rig: Rig) -> None:
    process = rig.application().start(rig.role)
    application = rig.application()
    application.stop(rig.role, process)

    assert not rig.runs()
    assert application.problem(rig.role, process) is not None


def test_what_was_started_is_stopped_without_its_process_being_known(rig: Rig) -> None:
    rig.application().start(rig.role)
    rig.application().stop(rig.role, None)

    assert not rig.runs()


def test_stopping_twice_is_no_error(rig: Rig) -> None:
    process = rig.application().start(rig.role)
    rig.application().stop(rig.role, process)
    rig.application().stop(rig.role, process)

    assert not rig.runs()


def test_stopping_what_was_never_started_is_no_error(rig: Rig) -> None:
    rig.application().stop(rig.role, None)

    assert not rig.runs()


def test_one_that_ignores_the_request_to_end_is_killed(rig: Rig) -> None:
    rig.behave("stubborn")
    process = rig.application().start(rig.role)
    rig.application(stop_timeout_s=SHORT_S).stop(rig.role, process)

    assert not rig.runs()


def test_one_that_was_never_started_has_a_problem(rig: Rig) -> None:
    assert "does not answer" in (rig.application().problem(rig.role, None) or "")


def test_a_crashed_one_has_a_problem_and_can_be_started_again(rig: Rig) -> None:
    application = rig.application()
    process = application.start(rig.role)
    rig.crash()

    assert "does not answer" in (application.problem(rig.role, process) or "")

    application.stop(rig.role, process)
    again = application.start(rig.role)

    assert application.problem(rig.role, again) is None
    assert rig.starts() == 2


def test_a_foreign_program_on_the_port_is_named_and_left_alone(rig: Rig) -> None:
    application = rig.application(stop_timeout_s=SHORT_S)
    with rig.foreign_program() as name:
        with pytest.raises(Failed, match=r"already in use by .+ on this machine") as raised:
            application.start(rig.role)
        application.stop(rig.role, None)

        assert name in raised.value.message
        assert not rig.runs()


def test_what_still_answers_after_a_stop_is_in_doubt(rig: Rig) -> None:
    process = rig.application().start(rig.role)
    with rig.unstoppable(), pytest.raises(InDoubt, match="still"):
        rig.application(stop_timeout_s=SHORT_S).stop(rig.role, process)
    rig.application().stop(rig.role, process)

    assert not rig.runs()

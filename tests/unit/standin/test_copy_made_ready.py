"""A copy that follows its live server is made ready for the application, and follows again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfx_failover.errors import Failed, Refused
from ipfx_failover.events import EventKind
from ipfx_failover.records import Authority, Phase
from ipfx_failover.standin import copy_steps, steps
from ipfx_failover.state import locks
from ipfx_failover.state.journal import Step, StepState, open_journal
from tests.fakes.application import Behaviour
from tests.support.stand_in import DEMO, SQLSERVER, FailoverMachine

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def machine(tmp_path: Path) -> FailoverMachine:
    return FailoverMachine.with_a_dead_primary(tmp_path, SQLSERVER)


def take_over(machine: FailoverMachine) -> None:
    with machine.desk() as desk:
        desk.take_over(machine.demo, by="operator")


def is_standing_in(machine: FailoverMachine) -> bool:
    with machine.store() as store:
        stand_in = store.stand_in()
    return stand_in is not None and stand_in.phase is Phase.STANDING_IN


def unready(machine: FailoverMachine) -> str:
    with machine.store() as store:
        stand_in = store.stand_in()
    assert stand_in is not None
    return stand_in.unready


def authority(machine: FailoverMachine) -> Authority:
    with machine.store() as store:
        return store.server(DEMO).authority


def test_the_copy_is_made_ready_behind_the_eviction_and_before_the_application(
    machine: FailoverMachine,
) -> None:
    with machine.desk() as desk:
        kinds = [step.kind for step in desk.plan_takeover(machine.demo, by="operator")]

    assert [steps.EVICT, copy_steps.READY_COPY, steps.START_APPLICATION] == kinds[-3:]


def test_sqlite_needs_nothing(tmp_path: Path) -> None:
    machine = FailoverMachine.with_a_dead_primary(tmp_path)
    with machine.desk() as desk:
        kinds = [step.kind for step in desk.plan_takeover(machine.demo, by="operator")]

    assert copy_steps.READY_COPY not in kinds


def test_a_copy_that_is_ready_is_nothing_to_tell_of(machine: FailoverMachine) -> None:
    take_over(machine)

    assert {DEMO} == machine.copies_in_use
    assert EventKind.COPY_NOT_READY not in machine.kinds()


@pytest.mark.parametrize("fault", ["copy_problem", "copy_troubles"])
def test_a_copy_that_is_not_ready_is_told_of_and_stops_nothing(
    machine: FailoverMachine, fault: str
) -> None:
    machine.copy_problem = "no answer" if fault == "copy_problem" else ""
    machine.copy_troubles = ["a constraint"] if fault == "copy_troubles" else []
    told: list[str] = []
    with machine.desk(observer=lambda _step, _state, text: told.append(text)) as desk:
        desk.take_over(machine.demo, by="operator")

    reason = machine.copy_problem or "a constraint"
    assert EventKind.COPY_NOT_READY in machine.kinds()
    assert is_standing_in(machine)
    assert reason == unready(machine)
    assert any(text.endswith(f"; NOT all of it: {reason}") for text in told)


def test_what_was_not_ready_is_tried_again_until_it_is(machine: FailoverMachine) -> None:
    machine.copy_troubles = ["fk_a is in use", "fk_b is in use"]
    take_over(machine)
    machine.copy_troubles = ["fk_b is in use"]
    with machine.desk() as desk:
        first = desk.ready_copy(machine.demo)
    still = unready(machine)
    machine.copy_troubles = []
    with machine.desk() as desk:
        second = desk.ready_copy(machine.demo)
        third = desk.ready_copy(machine.demo)

    assert (False, True, True) == (first, second, third)
    assert "fk_b is in use" == still
    assert "" == unready(machine)
    assert 1 == machine.kinds().count(EventKind.COPY_NOT_READY)
    assert 1 == machine.kinds().count(EventKind.COPY_READY)


def test_a_copy_that_does_not_answer_while_it_is_tried_again_stays_not_ready(
    machine: FailoverMachine,
) -> None:
    machine.copy_troubles = ["fk_a is in use"]
    take_over(machine)
    machine.copy_answers_after = 1
    with machine.desk() as desk:
        is_ready = desk.ready_copy(machine.demo)

    assert not is_ready
    assert "no answer" == unready(machine)


GONE = "there is no catalog DEMO_CT on the Failover Server"


def test_without_a_copy_nobody_is_stood_in_for_and_nothing_is_touched(
    machine: FailoverMachine,
) -> None:
    machine.copy_obstacle = GONE
    with pytest.raises(Refused, match=GONE) as refused:
        take_over(machine)

    assert refused.value.hint.endswith("ipfx-failover replicate-from-live DEMO")
    assert [] == machine.kinds()
    assert Authority.LIVE is authority(machine)


def test_a_copy_that_is_ahead_and_gone_is_not_said_to_be_copied_again(
    machine: FailoverMachine,
) -> None:
    machine.copy_obstacle = GONE
    with machine.store() as store, store.transaction() as tx:
        tx.set_authority(DEMO, Authority.STANDBY)
    with machine.desk() as desk:
        refused = desk.refusal(machine.demo)

    assert refused is not None
    assert "--discard-standby" in refused.hint


def test_a_copy_that_a_killed_swap_has_moved_is_looked_for_when_that_is_seen_to(
    machine: FailoverMachine,
) -> None:
    machine.copy_obstacle = GONE
    with machine.store() as store, store.transaction() as tx:
        open_journal(
            tx,
            resource=locks.database(DEMO),
            workflow="from live",
            server=DEMO,
            boot_id=machine.boot_id,
            steps=[],
            at=machine.clock.now(),
        )
    with machine.desk() as desk:
        foreseen = desk.refusal(machine.demo)
        with pytest.raises(Refused, match=GONE):
            desk.take_over(machine.demo, by="operator")

    assert foreseen is None
    assert not machine.holds()
    assert [] == machine.application.starts
    assert Authority.LIVE is authority(machine)


def test_a_server_that_has_just_been_started_is_waited_for(machine: FailoverMachine) -> None:
    machine.copy_answers_after = 5
    take_over(machine)

    assert EventKind.COPY_NOT_READY not in machine.kinds()
    assert {DEMO} == machine.copies_in_use


def test_a_server_that_does_not_answer_holds_no_takeover_up_for_long(
    machine: FailoverMachine,
) -> None:
    machine.copy_answers_after = 10_000
    take_over(machine)

    assert EventKind.COPY_NOT_READY in machine.kinds()
    assert is_standing_in(machine)


def test_a_copy_that_nobody_wrote_to_follows_again(machine: FailoverMachine) -> None:
    machine.application.behaviour = Behaviour.FAILING
    with pytest.raises(Failed):
        take_over(machine)

    assert set() == machine.copies_in_use
    assert Authority.LIVE is authority(machine)


def test_a_copy_that_the_application_wrote_to_stays_as_it_is(machine: FailoverMachine) -> None:
    def record(step: Step, state: StepState, text: str) -> None:  # noqa: ARG001 - the port
        if (step.kind, state) == (steps.START_APPLICATION, StepState.DOING):
            machine.record_a_call()

    machine.application.behaviour = Behaviour.FAILING
    with machine.desk(observer=record) as desk, pytest.raises(Failed):
        desk.take_over(machine.demo, by="operator")

    assert {DEMO} == machine.copies_in_use
    assert Authority.STANDBY is authority(machine)

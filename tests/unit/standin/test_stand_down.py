"""Giving a role back: the order, what a failure leaves, what a kill leaves, what is kept."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.errors import Busy, Failed, InDoubt, Refused
from ipfx_failover.events import EventKind
from ipfx_failover.records import Authority, Phase, ServerState
from ipfx_failover.standin import steps
from ipfx_failover.standin.stand_down import StandDown
from ipfx_failover.state import locks
from ipfx_failover.state.journal import StepState
from tests.fakes.application import Behaviour
from tests.support.stand_in import DEMO, OTHER, FailoverMachine, Fate, Killed

if TYPE_CHECKING:
    from ipfx_failover.records import StandIn
    from ipfx_failover.state.journal import Step

K = EventKind


def standing_in(directory: Path) -> FailoverMachine:
    machine = FailoverMachine.with_a_dead_primary(directory)
    with machine.desk() as desk:
        desk.take_over(machine.demo, by="monitor")
    return machine


@pytest.fixture
def machine(tmp_path: Path) -> FailoverMachine:
    return standing_in(tmp_path)


def stand_down(machine: FailoverMachine, *, discard: bool = False) -> None:
    with machine.desk() as desk:
        desk.stand_down(DEMO, discard=discard)


def state(machine: FailoverMachine) -> ServerState:
    with machine.store() as store:
        return store.server(DEMO)


def stand_in(machine: FailoverMachine) -> StandIn | None:
    with machine.store() as store:
        return store.stand_in()


def check_given_back(machine: FailoverMachine) -> None:
    assert stand_in(machine) is None
    assert not machine.holds()
    assert machine.application.role is None
    assert machine.record().read() is None
    with machine.store() as store:
        assert [] == store.held_addresses()
        assert store.application() is None
    with machine.desk() as desk:
        assert not desk.is_unfinished()


def check_standing_in(machine: FailoverMachine) -> None:
    role = stand_in(machine)
    assert role is not None
    assert Phase.STANDING_IN is role.phase
    assert machine.holds()
    assert machine.application.role is not None


def test_it_goes_the_way_of_the_takeover_in_reverse(machine: FailoverMachine) -> None:
    done: list[str] = []

    def observe(step: Step, state: StepState, text: str) -> None:  # noqa: ARG001 - the port
        if state is StepState.DONE:
            done.append(step.kind)

    with machine.desk(observer=observe) as desk:
        desk.stand_down(DEMO)

    assert [
        steps.END_UPKEEP,
        steps.STOP_APPLICATION,
        steps.RELEASE_ADDRESS,
        steps.GIVE_UP,
    ] == done
    check_given_back(machine)
    assert [K.ADDRESS_RELEASED, K.STAND_IN_STOPPED] == machine.kinds()[-2:]


def test_what_was_recorded_stays_ahead_and_failback_is_pending(machine: FailoverMachine) -> None:
    flushed = machine.flushed
    stand_down(machine)

    after = state(machine)
    assert (Authority.STANDBY, True) == (after.authority, after.failback_pending)
    assert flushed < machine.flushed


def test_what_is_discarded_is_kept_aside_and_the_copy_counts_as_old(
    machine: FailoverMachine,
) -> None:
    machine.record_a_call()
    stand_down(machine, discard=True)

    after = state(machine)
    assert (Authority.LIVE, False, True) == (after.authority, after.failback_pending, after.stale)
    with machine.store() as store:
        [stopped] = [
            logged.event for logged in store.events_after(0) if logged.event.kind is K.AUTO_STOPPED
        ]
    kept = Path(str(stopped.data["kept"]))
    assert (kept / "Mail" / "call.wav").exists()


def test_who_is_not_stood_in_for_cannot_be_given_back(machine: FailoverMachine) -> None:
    with (
        machine.desk() as desk,
        pytest.raises(Refused, match="not stand in for OTHER; it stands in for DEMO"),
    ):
        desk.stand_down(OTHER)
    check_standing_in(machine)


def test_the_case_of_the_name_does_not_matter(machine: FailoverMachine) -> None:
    with machine.desk() as desk:
        desk.stand_down("demo")

    check_given_back(machine)


def test_a_server_that_left_the_config_is_asked_for(machine: FailoverMachine) -> None:
    machine.config = machine.config.model_copy(
        update={"servers": {OTHER: machine.config.servers[OTHER]}}
    )
    with machine.desk() as desk, pytest.raises(Refused, match="the config does not know DEMO"):
        desk.stand_down(DEMO)


def test_a_busy_machine_is_named(machine: FailoverMachine) -> None:
    with (
        machine.machine_locks().hold(locks.STAND_IN, "ipfx-failover failover-now"),
        pytest.raises(Busy, match="failover-now"),
    ):
        stand_down(machine)


def test_an_application_that_does_not_stop_keeps_everything_up(machine: FailoverMachine) -> None:
    machine.application.behaviour = Behaviour.UNSTOPPABLE
    with pytest.raises(InDoubt, match="still runs"):
        stand_down(machine)

    check_standing_in(machine)


def test_a_role_that_could_not_be_given_back_is_performed_again(machine: FailoverMachine) -> None:
    with machine.desk() as desk:
        machine.us.adapter = "gone0"
        with pytest.raises(InDoubt):
            desk.stand_down(DEMO)
        machine.us.adapter = "eth0"
        desk.recover()

    check_standing_in(machine)
    assert 2 == len(machine.application.starts)


def test_a_copy_that_cannot_be_set_aside_is_not_discarded(machine: FailoverMachine) -> None:
    """And it is not tried again and again: a human is to say how it goes on."""
    machine.keep_problem = "no space left"
    with pytest.raises(Failed, match="no space left"):
        stand_down(machine, discard=True)

    role = stand_in(machine)
    assert role is not None
    assert Phase.STANDING_DOWN is role.phase
    assert machine.holds()
    assert machine.application.role is not None
    assert Authority.STANDBY is state(machine).authority


def test_an_interrupted_one_does_not_come_to_life_when_giving_it_back_fails(
    machine: FailoverMachine,
) -> None:
    machine.reboot()
    with machine.store() as store, store.transaction() as tx:
        tx.set_phase(Phase.INTERRUPTED)
    machine.keep_problem = "no space left"
    with pytest.raises(Failed):
        stand_down(machine, discard=True)

    assert stand_in(machine) is not None
    assert not machine.holds()
    assert machine.application.role is None


def test_an_interrupted_one_can_be_given_back(machine: FailoverMachine) -> None:
    machine.reboot()
    with machine.store() as store, store.transaction() as tx:
        tx.set_phase(Phase.INTERRUPTED)
    stand_down(machine)

    check_given_back(machine)
    assert Authority.STANDBY is state(machine).authority


def killed_at(machine: FailoverMachine, moment: int) -> bool:
    try:
        with machine.desk(fate=Fate(moment)) as desk:
            desk.stand_down(DEMO, discard=True)
    except Killed:
        return True
    return False


@pytest.mark.parametrize("reboots", [False, True])
def test_killed_at_any_moment_the_next_process_finishes_it(
    tmp_path: Path,
    reboots: bool,  # noqa: FBT001 - a parameter
) -> None:
    for moment in count(1):
        machine = standing_in(tmp_path / str(moment))
        if not killed_at(machine, moment):
            break
        if reboots:
            machine.reboot()
        with machine.desk() as desk:
            desk.recover()
        if moment == 1:
            assert stand_in(machine) is not None
        else:
            check_given_back(machine)
            assert Authority.LIVE is state(machine).authority
            assert 1 == machine.kinds().count(K.AUTO_STOPPED)
    assert moment > 15


def test_the_plan_is_told_in_words_a_line_a_step(machine: FailoverMachine) -> None:
    role = stand_in(machine)
    assert role is not None
    with machine.desk() as desk:
        lines = desk.describe(desk.plan_stand_down(role, discard=False), StandDown(desk.ports))

    assert [
        "end the upkeep of what DEMO was stood in for with",
        "stop the application that is DEMO",
        "release 10.0.0.1 from eth0",
        "give the role of DEMO up",
    ] == lines

"""Taking a role over: its order; what a failure, a kill or a full disk leaves of it."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import IPv4Address
from itertools import count
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.errors import Busy, Failed, FailoverError, InDoubt, Refused
from ipfx_failover.events import EventKind
from ipfx_failover.records import Authority, Mode, Phase, StandIn
from ipfx_failover.standin import address_steps, steps
from ipfx_failover.standin.takeover import Takeover
from ipfx_failover.state import locks
from ipfx_failover.state.journal import StepState
from ipfx_failover.state.locks import Locks
from ipfx_failover.state.store import StateUnwritableError
from tests.fakes.application import Behaviour, FakeApplication
from tests.support.stand_in import ADAPTER, ADDRESS, DEMO, OTHER, FailoverMachine, Fate, Killed

if TYPE_CHECKING:
    from pathlib import Path

    from ipfx_failover.records import ServerState
    from ipfx_failover.standin.application import Process, Role
    from ipfx_failover.state.journal import Step

K = EventKind
FENCED = {"servers": {DEMO: {"fence": {"command": ["/bin/fence"]}}}}
FENCED_FOR_SURE = {"servers": {DEMO: {"fence": {"command": ["/bin/fence"], "required": True}}}}


@pytest.fixture
def machine(tmp_path: Path) -> FailoverMachine:
    return FailoverMachine.with_a_dead_primary(tmp_path)


def take_over(machine: FailoverMachine, name: str = DEMO, *, state_dir: str = "state") -> None:
    with machine.desk(state_dir=state_dir) as desk:
        desk.take_over(machine.config.servers[name], by="operator")


def state(machine: FailoverMachine, name: str = DEMO) -> ServerState:
    with machine.store() as store:
        return store.server(name)


def stand_in(machine: FailoverMachine) -> StandIn | None:
    with machine.store() as store:
        return store.stand_in()


def check_standing_in(machine: FailoverMachine) -> None:
    role = stand_in(machine)
    assert role is not None
    assert (DEMO, Phase.STANDING_IN, machine.boot_id) == (role.server, role.phase, role.boot_id)
    assert [machine.us] == machine.owners()
    assert machine.application.role is not None
    assert Authority.STANDBY is state(machine).authority
    note = machine.record().read()
    assert note is not None
    assert (DEMO, str(ADDRESS), ADAPTER) == (note.server, note.address, note.adapter)
    with machine.store() as store:
        assert [str(ADDRESS)] == [held.address for held in store.held_addresses()]
    check_nothing_open(machine)


def check_nothing_taken(machine: FailoverMachine) -> None:
    assert stand_in(machine) is None
    assert not machine.holds()
    assert machine.application.role is None
    assert machine.record().read() is None
    with machine.store() as store:
        assert [] == store.held_addresses()
        assert store.application() is None
    check_nothing_open(machine)


def check_nothing_open(machine: FailoverMachine) -> None:
    with machine.desk() as desk:
        assert not desk.is_unfinished()


def test_the_address_comes_first_the_application_last(machine: FailoverMachine) -> None:
    done: list[str] = []

    def observe(step: Step, state: StepState, text: str) -> None:  # noqa: ARG001 - the port
        if state is StepState.DONE:
            done.append(step.kind)

    with machine.desk(observer=observe) as desk:
        desk.take_over(machine.demo, by="monitor")

    assert [
        steps.CLAIM,
        address_steps.TAKE_ADDRESS,
        address_steps.VERIFY_ADDRESS,
        steps.EVICT,
        steps.START_APPLICATION,
    ] == done
    check_standing_in(machine)
    assert [K.TAKEOVER_STARTED, K.ADDRESS_TAKEN, K.STAND_IN_STARTED] == machine.kinds()


def test_the_address_is_announced_in_a_burst(machine: FailoverMachine) -> None:
    heard = machine.gateway.arp(ADAPTER)
    take_over(machine)

    packets = [packet for packet in heard.receive() if packet.sender_ip == ADDRESS]
    heard.close()
    assert 2 * address_steps.ANNOUNCEMENTS_AT_ONCE == len(packets)
    assert all(packet.is_announcement for packet in packets)


def test_without_assume_ip_no_address_is_taken(machine: FailoverMachine) -> None:
    take_over(machine, OTHER)

    role = stand_in(machine)
    assert role is not None
    assert (OTHER, None) == (role.server, role.address)
    assert [OTHER] == [each.server for each in machine.application.starts]


class Witness(FakeApplication):
    """Looks at the store when it is started."""

    def __init__(self, machine: FailoverMachine) -> None:
        super().__init__(machine.clock)
        self.machine = machine
        self.authority: Authority | None = None
        self.flushed = 0

    def start(self, role: Role) -> Process | None:
        self.authority = state(self.machine).authority
        self.flushed = self.machine.flushed
        return super().start(role)


def test_authority_is_on_the_disk_before_the_application_records_anything(
    machine: FailoverMachine,
) -> None:
    witness = machine.application = Witness(machine)
    take_over(machine)

    assert Authority.STANDBY is witness.authority
    assert witness.flushed


def test_the_application_is_told_its_role(machine: FailoverMachine) -> None:
    take_over(machine)

    [role] = machine.application.starts
    assert (DEMO, str(ADDRESS), 100) == (role.server, role.address, role.port)
    assert str(machine.demo.local_vm_dir) == role.vm_dir


def test_a_fence_comes_before_the_address(tmp_path: Path) -> None:
    machine = FailoverMachine.with_a_dead_primary(tmp_path, FENCED)
    with machine.desk() as desk:
        kinds = [step.kind for step in desk.plan_takeover(machine.demo, by="operator")]
    take_over(machine)

    assert kinds.index(steps.FENCE) < kinds.index(address_steps.TAKE_ADDRESS)
    assert [DEMO] == machine.fences


def test_a_fence_that_fails_is_told_of_and_stops_nothing(tmp_path: Path) -> None:
    machine = FailoverMachine.with_a_dead_primary(tmp_path, FENCED)
    machine.fence_problem = "no answer"
    take_over(machine)

    check_standing_in(machine)
    assert K.FENCE_FAILED in machine.kinds()


def fail_at(machine: FailoverMachine, step: str) -> None:
    """Let a step of the takeover fail."""
    match step:
        case steps.FENCE:
            machine.fence_problem = "no answer"
        case address_steps.TAKE_ADDRESS:
            machine.us.adapter = "gone0"
        case address_steps.VERIFY_ADDRESS:
            machine.lost_from.add(ADDRESS)
        case _:
            machine.application.behaviour = Behaviour.FAILING


@pytest.mark.parametrize(
    "step", [steps.FENCE, address_steps.VERIFY_ADDRESS, steps.START_APPLICATION, "silent"]
)
def test_whatever_fails_everything_is_undone_in_reverse(tmp_path: Path, step: str) -> None:
    machine = FailoverMachine.with_a_dead_primary(tmp_path, FENCED_FOR_SURE)
    fail_at(machine, step)
    if step == "silent":
        machine.application.behaviour = Behaviour.SILENT
    begun: list[str] = []
    undone: list[str] = []

    def observe(step: Step, state: StepState, text: str) -> None:  # noqa: ARG001 - the port
        match state:
            case StepState.DOING:
                begun.append(step.kind)
            case StepState.UNDONE:
                undone.append(step.kind)

    with machine.desk(observer=observe) as desk, pytest.raises(Failed):
        desk.take_over(machine.demo, by="operator")

    assert begun[::-1] == undone
    check_nothing_taken(machine)
    assert K.TAKEOVER_FAILED is machine.kinds()[-1]
    after = state(machine)
    assert (Authority.LIVE, 1, False) == (after.authority, after.attempts, after.failback_pending)


def test_an_adapter_that_is_gone_undoes_it_too(machine: FailoverMachine) -> None:
    with machine.desk() as desk:
        machine.us.adapter = "gone0"
        with pytest.raises(FailoverError, match="no network adapter"):
            desk.take_over(machine.demo, by="operator")
        machine.us.adapter = ADAPTER
        desk.recover()

    check_nothing_taken(machine)


class Recording(FakeApplication):
    """Records a call before it fails to get ready."""

    def __init__(self, machine: FailoverMachine) -> None:
        super().__init__(machine.clock)
        self.machine = machine

    def start(self, role: Role) -> Process | None:
        self.machine.record_a_call()
        return super().start(role)


def test_a_copy_that_a_failed_start_has_written_to_is_ahead_and_may_be_tried_again(
    machine: FailoverMachine,
) -> None:
    machine.application = Recording(machine)
    machine.application.behaviour = Behaviour.SILENT
    with pytest.raises(Failed):
        take_over(machine)

    check_nothing_taken(machine)
    after = state(machine)
    assert (Authority.STANDBY, False) == (after.authority, after.failback_pending)
    machine.application.behaviour = Behaviour.GOOD
    take_over(machine)
    check_standing_in(machine)


def test_a_standby_that_was_ahead_before_a_failed_takeover_is_ahead_after_it(
    machine: FailoverMachine,
) -> None:
    with machine.store() as store, store.transaction() as tx:
        tx.set_authority(DEMO, Authority.STANDBY)
        tx.set_failback_pending(DEMO, pending=True)
    machine.application.behaviour = Behaviour.FAILING
    with pytest.raises(Failed):
        take_over(machine)

    after = state(machine)
    assert (Authority.STANDBY, True) == (after.authority, after.failback_pending)


def test_a_stand_in_that_succeeds_ends_failback_pending_and_the_count_of_attempts(
    machine: FailoverMachine,
) -> None:
    with machine.store() as store, store.transaction() as tx:
        tx.set_failback_pending(DEMO, pending=True)
        tx.set_attempts(DEMO, 3)
    take_over(machine)

    after = state(machine)
    assert (False, 0) == (after.failback_pending, after.attempts)
    assert machine.clock.now() == after.last_failover_at


def test_references_that_ignore_all_pings_show_nothing_and_stop_nothing(
    machine: FailoverMachine,
) -> None:
    machine.gateway.answers_icmp = False
    take_over(machine)

    check_standing_in(machine)


def test_a_switch_that_is_slow_to_learn_is_waited_for(machine: FailoverMachine) -> None:
    machine.lost_from.add(ADDRESS)
    machine.clock.at(machine.clock.monotonic_ns() + 1_500_000_000, machine.lost_from.clear)
    take_over(machine)

    check_standing_in(machine)


def test_while_one_role_is_performed_no_other_is_taken(machine: FailoverMachine) -> None:
    take_over(machine, OTHER)

    with pytest.raises(Refused, match="stands in for OTHER; one server at a time"):
        take_over(machine)
    with pytest.raises(Refused, match="stands in for OTHER already"):
        take_over(machine, OTHER)
    check_is(machine, OTHER)


def test_whoever_claimed_the_role_a_moment_before_keeps_it(machine: FailoverMachine) -> None:
    """As a process of an older version might, which does not know of our lock."""
    theirs = StandIn(OTHER, machine.boot_id, machine.clock.now(), Phase.STANDING_IN, None, None)

    def claim(step: Step, state: StepState, text: str) -> None:  # noqa: ARG001 - the port
        if (step.kind, state) == (steps.CLAIM, StepState.DOING):
            with machine.store() as store, store.transaction() as tx:
                tx.claim_stand_in(theirs)

    with machine.desk(observer=claim) as desk, pytest.raises(Refused, match="stands in for OTHER"):
        desk.take_over(machine.demo, by="operator")

    assert theirs == stand_in(machine)
    assert machine.record().read() is None
    assert Authority.LIVE is state(machine).authority


def check_is(machine: FailoverMachine, name: str) -> None:
    role, note = stand_in(machine), machine.record().read()
    assert role is not None
    assert note is not None
    assert (name, name) == (role.server, note.server)


def test_what_was_never_replicated_is_not_taken_over(tmp_path: Path) -> None:
    files = {"transport": "path", "path": str(tmp_path / "mounted")}
    machine = FailoverMachine.with_a_dead_primary(tmp_path, {"servers": {DEMO: {"files": files}}})
    machine.lose_copies()

    with pytest.raises(Refused, match="its files have never been replicated") as refused:
        take_over(machine)
    check_nothing_taken(machine)
    assert f"copy it while it is alive: ipfx-failover sync-files {DEMO}" == refused.value.hint


def test_a_busy_machine_is_named(machine: FailoverMachine) -> None:
    with (
        machine.machine_locks().hold(locks.STAND_IN, "ipfx-failover stop-failover"),
        pytest.raises(Busy, match="stop-failover"),
    ):
        take_over(machine)
    check_nothing_taken(machine)


@pytest.mark.parametrize("mode", [Mode.SUSPENDED, Mode.STOPPED])
def test_what_the_operator_has_suspended_is_taken_by_his_hand_only(
    machine: FailoverMachine, mode: Mode
) -> None:
    with machine.store() as store, store.transaction() as tx:
        tx.set_mode(DEMO, mode)
    with machine.desk() as desk:
        with pytest.raises(Refused, match=f"it is {mode}"):
            desk.take_over(machine.demo, by="monitor", automatic=True)
        check_nothing_taken(machine)
        desk.take_over(machine.demo, by="operator")

    check_standing_in(machine)


def test_while_failback_is_pending_nothing_is_taken_by_itself(machine: FailoverMachine) -> None:
    with machine.store() as store, store.transaction() as tx:
        tx.set_failback_pending(DEMO, pending=True)

    with machine.desk() as desk, pytest.raises(Refused, match="failback is pending"):
        desk.take_over(machine.demo, by="monitor", automatic=True)


def test_a_second_state_directory_is_refused_and_takes_nothing_from_the_first(
    machine: FailoverMachine,
) -> None:
    take_over(machine)
    for _ in range(2):
        with pytest.raises(Refused, match="already stands in for DEMO"):
            take_over(machine, OTHER, state_dir="second")

    check_standing_in(machine)
    with machine.store("second") as store:
        assert store.stand_in() is None
        assert Authority.LIVE is store.server(OTHER).authority


def test_the_note_of_a_boot_that_is_over_does_not_count(machine: FailoverMachine) -> None:
    take_over(machine)
    kept = (machine.run_dir / "stand-in.json").read_text()
    machine.reboot()
    machine.run_dir.mkdir()
    (machine.run_dir / "stand-in.json").write_text(kept)

    assert machine.record().read() is None


def test_a_store_that_lost_the_stand_in_gets_it_back_from_the_machines_note(
    machine: FailoverMachine,
) -> None:
    take_over(machine)
    for path in (machine.directory / "state").glob("state.db*"):
        path.unlink()
    with machine.desk() as desk:
        desk.recover()

    role = stand_in(machine)
    assert role is not None
    assert (DEMO, Phase.STANDING_IN, str(ADDRESS)) == (role.server, role.phase, role.address)
    assert Authority.STANDBY is state(machine).authority
    with machine.store() as store:
        assert [str(ADDRESS)] == [held.address for held in store.held_addresses()]


def test_a_note_that_cannot_be_read_is_none(machine: FailoverMachine) -> None:
    machine.run_dir.mkdir()
    (machine.run_dir / "stand-in.json").write_text('{"server": "DEMO"}')

    assert machine.record().read() is None


def test_a_note_that_cannot_be_written_is_a_failure_with_its_reason(
    machine: FailoverMachine,
) -> None:
    (machine.run_dir / "stand-in.new").mkdir(parents=True)

    with pytest.raises(Failed, match="the note of the stand-in cannot be written"):
        take_over(machine)


def moments_of(machine: FailoverMachine) -> int:
    """How many moments a takeover has at which it can be killed."""
    fate = Fate()
    with machine.desk(fate=fate) as desk:
        desk.take_over(machine.demo, by="operator")
    return fate.moment


def killed_at(machine: FailoverMachine, moment: int) -> bool:
    """Kill a takeover; whether there was such a moment."""
    try:
        with machine.desk(fate=Fate(moment)) as desk:
            desk.take_over(machine.demo, by="operator")
    except Killed:
        return True
    except Failed:
        return False
    return False


def recover(machine: FailoverMachine) -> None:
    with machine.desk() as desk:
        desk.recover()


def test_killed_at_any_moment_the_next_process_finishes_it(tmp_path: Path) -> None:
    for moment in count(1):
        machine = FailoverMachine.with_a_dead_primary(tmp_path / str(moment))
        if not killed_at(machine, moment):
            break
        recover(machine)
        if moment == 1:
            check_nothing_taken(machine)
        else:
            check_standing_in(machine)
            assert 1 == machine.kinds().count(K.STAND_IN_STARTED)
            assert 1 == machine.kinds().count(K.TAKEOVER_STARTED)
    assert moment > 20


def test_killed_at_any_moment_and_rebooted_it_is_undone(tmp_path: Path) -> None:
    for moment in count(1):
        machine = FailoverMachine.with_a_dead_primary(tmp_path / str(moment))
        if not killed_at(machine, moment):
            break
        finished = K.STAND_IN_STARTED in machine.kinds()
        machine.reboot()
        recover(machine)
        if finished:
            role = stand_in(machine)
            assert role is not None
            assert role.boot_id != machine.boot_id
        else:
            check_nothing_taken(machine)
            assert Authority.LIVE is state(machine).authority
    assert moment > 20


def test_killed_while_it_undoes_a_failure_the_next_process_undoes_the_rest(tmp_path: Path) -> None:
    for moment in count(1):
        machine = FailoverMachine.with_a_dead_primary(tmp_path / str(moment))
        machine.application.behaviour = Behaviour.FAILING
        if not killed_at(machine, moment):
            break
        # It goes forward, unless it was decided already to go back; then it fails once more.
        with suppress(Failed):
            recover(machine)
        check_nothing_taken(machine)
        assert Authority.LIVE is state(machine).authority
    assert moment > 25


def test_a_role_from_before_a_reboot_is_taken_again(machine: FailoverMachine) -> None:
    take_over(machine)
    machine.reboot()
    take_over(machine)

    check_standing_in(machine)
    assert 2 == len(machine.application.starts)


def test_one_that_cannot_be_taken_again_is_interrupted_and_keeps_authority(
    machine: FailoverMachine,
) -> None:
    take_over(machine)
    machine.reboot()
    machine.application.behaviour = Behaviour.FAILING
    with pytest.raises(Failed):
        take_over(machine)

    role = stand_in(machine)
    assert role is not None
    assert Phase.INTERRUPTED is role.phase
    assert Authority.STANDBY is state(machine).authority
    assert not machine.holds()
    with machine.store() as store:
        last = store.event(store.last_cursor())
    assert last is not None
    assert "It is NOT tried again" in str(last.data["advice"])


def test_addresses_of_a_boot_that_is_over_are_forgotten(machine: FailoverMachine) -> None:
    take_over(machine)
    machine.reboot()
    recover(machine)

    with machine.store() as store:
        assert [] == store.held_addresses()


class Stuck(FakeApplication):
    def stop(self, role: Role, process: Process | None) -> None:  # noqa: ARG002 - the port
        raise InDoubt("the application still runs", "end it by hand")


def test_undoing_that_fails_leaves_the_state_in_doubt_and_is_done_later(
    machine: FailoverMachine,
) -> None:
    stuck = Stuck(machine.clock)
    stuck.behaviour = Behaviour.SILENT
    free, machine.application = machine.application, stuck
    with pytest.raises(InDoubt, match="still runs"):
        take_over(machine)
    assert machine.holds()

    machine.application = free
    recover(machine)
    check_nothing_taken(machine)


def test_what_copies_from_live_is_ended_and_told_of(machine: FailoverMachine) -> None:
    with (
        Locks(machine.directory / "state" / "locks").hold(
            locks.database(DEMO), "ipfx-failover replicate-from-live DEMO"
        ),
        pytest.raises(Busy, match="in use by this process"),
    ):
        take_over(machine)

    check_nothing_taken(machine)


def test_a_full_disk_does_not_keep_the_role_from_being_taken(machine: FailoverMachine) -> None:
    with machine.desk(must_go_on=True) as desk:
        machine.fill_disk(desk)
        desk.take_over(machine.demo, by="monitor", automatic=True)

        assert [machine.us] == machine.owners()
        assert machine.application.role is not None
        assert stand_in(machine) is None
        machine.free_disk(desk)
        desk.catch_up()

    check_standing_in(machine)
    assert [K.TAKEOVER_STARTED, K.ADDRESS_TAKEN, K.STAND_IN_STARTED] == machine.kinds()


def test_while_the_disk_is_full_the_note_keeps_a_second_role_away(
    machine: FailoverMachine,
) -> None:
    with machine.desk(must_go_on=True) as desk:
        machine.fill_disk(desk)
        desk.take_over(machine.demo, by="monitor")

        with pytest.raises(Refused, match="stands in for DEMO; one server at a time"):
            desk.take_over(machine.config.servers[OTHER], by="monitor")
        with pytest.raises(Refused, match="stands in for DEMO already"):
            desk.take_over(machine.demo, by="monitor")
        machine.free_disk(desk)
        desk.recover()

    check_standing_in(machine)


def test_with_a_full_disk_the_role_can_be_given_back(machine: FailoverMachine) -> None:
    with machine.desk(must_go_on=True) as desk:
        machine.fill_disk(desk)
        desk.take_over(machine.demo, by="monitor")
        desk.stand_down(DEMO)
        assert not machine.holds()
        machine.free_disk(desk)
        desk.catch_up()

    check_nothing_taken(machine)


def test_a_command_knows_of_the_role_that_a_full_disk_kept_from_the_store(
    machine: FailoverMachine,
) -> None:
    with machine.desk(must_go_on=True) as monitor, machine.desk() as command:
        machine.fill_disk(monitor)
        machine.fill_disk(command)
        monitor.take_over(machine.demo, by="monitor")

        assert ADDRESS == IPv4Address(command.stand_in_for(DEMO).address or "")
        with pytest.raises(StateUnwritableError, match="disk is full"):
            command.stand_down(DEMO)
        assert [machine.us] == machine.owners()
        machine.free_disk(command)
        command.stand_down(DEMO)
        machine.free_disk(monitor)
        monitor.catch_up()
        with pytest.raises(Refused, match="does not stand in for DEMO"):
            command.stand_in_for(DEMO)

    check_nothing_taken(machine)


@pytest.mark.parametrize("after", ["another state directory", "a reboot"])
def test_a_note_that_is_not_of_now_and_here_is_no_role(
    machine: FailoverMachine, after: str
) -> None:
    with machine.desk(must_go_on=True) as monitor:
        machine.fill_disk(monitor)
        monitor.take_over(machine.demo, by="monitor")
    is_rebooted = after == "a reboot"
    if is_rebooted:
        note = machine.record().read()
        machine.reboot()
        assert note is not None
        machine.record().write(note)

    with (
        machine.desk(state_dir="state" if is_rebooted else "elsewhere") as command,
        pytest.raises(Refused, match="does not stand in for DEMO"),
    ):
        command.stand_in_for(DEMO)


def test_what_was_given_back_while_the_disk_was_full_does_not_come_to_life_again(
    machine: FailoverMachine,
) -> None:
    with machine.desk(must_go_on=True) as monitor:
        machine.fill_disk(monitor)
        monitor.take_over(machine.demo, by="monitor")
        machine.free_disk(monitor)
        with machine.desk() as command:
            command.stand_down(DEMO)
        monitor.catch_up()

    check_nothing_taken(machine)
    after = state(machine)
    assert (Authority.STANDBY, True) == (after.authority, after.failback_pending)


def test_a_command_takes_nothing_when_it_cannot_write_it_down(machine: FailoverMachine) -> None:
    with machine.desk() as desk:
        machine.fill_disk(desk)
        with pytest.raises(StateUnwritableError):
            desk.take_over(machine.demo, by="operator")

    check_nothing_taken(machine)


def test_the_plan_is_told_in_words_a_line_a_step(machine: FailoverMachine) -> None:
    with machine.desk() as desk:
        lines = desk.describe(desk.plan_takeover(machine.demo, by="operator"), Takeover(desk.ports))

    assert [
        "claim the role of DEMO; its copy becomes the one that counts",
        "take 10.0.0.1 on eth0 and announce it",
        "verify that a reference target answers a ping from 10.0.0.1",
        "end what works on the copy of DEMO, keep the last verified state",
        "start the application as DEMO",
    ] == lines

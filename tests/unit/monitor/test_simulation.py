"""The whole monitor through hours of outages, on a simulated LAN.

Beside what each test asserts, `Simulation` holds every takeover against its own books.
"""

from __future__ import annotations

from itertools import count, pairwise
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.errors import Busy
from ipfx_failover.events import EventKind
from ipfx_failover.records import Authority, Phase
from ipfx_failover.state import locks
from tests.fakes.application import Behaviour
from tests.support.simulation import AFTER_REBOOT, FAILOVER, INTERVAL_NS, TIMEOUT_NS, Simulation
from tests.support.stand_in import ADAPTER, ADDRESS, DEMO, OTHER, Fate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

K = EventKind
FALL = [K.SERVER_SUSPECT, K.WARNING_COUNT_REACHED, K.SERVER_FAILED]
RISE = [K.TAKEOVER_STARTED, K.ADDRESS_TAKEN, K.STAND_IN_STARTED]
NEAR = "DEMO does not answer: failover is near"
TAKEN = "DEMO has failed: the Failover Server has taken over"
AUTO_STOP = {"servers": {OTHER: {"auto_stop_failover": True}}}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Simulation]:
    made = Simulation(tmp_path)
    yield made
    made.close()


@pytest.fixture
def watched(world: Simulation) -> Simulation:
    """Both Primaries have answered."""
    world.rounds_pass(3)
    return world


@pytest.fixture
def standing(watched: Simulation) -> Simulation:
    """DEMO is stood in for."""
    watched.unplug(DEMO)
    watched.until(lambda: watched.stands_in_for(DEMO))
    return watched


def test_in_peace_nothing_happens(world: Simulation) -> None:
    world.rounds_pass(600)

    assert [K.MONITOR_STARTED, K.SERVER_ANSWERING, K.SERVER_ANSWERING] == world.kinds()
    assert [] == world.mails


def test_a_dead_primary_is_taken_over_once_and_told_of_once(watched: Simulation) -> None:
    watched.unplug(DEMO)
    watched.rounds_pass(300)

    assert [K.SERVER_ANSWERING, *FALL, *RISE] == watched.kinds(DEMO)
    assert [NEAR, TAKEN] == watched.mails
    assert [watched.machine.us] == watched.owners()
    assert [DEMO] == [role.server for role in watched.machine.application.starts]


def test_it_is_decided_as_many_intervals_as_needed_behind_the_last_answered_probe(
    watched: Simulation,
) -> None:
    answered_ns = watched.books[DEMO].last_answer_ns
    assert answered_ns is not None
    watched.unplug(DEMO)
    begun = watched.clock.now() - watched.clock_of(answered_ns)
    watched.until(lambda: watched.stands_in_for(DEMO))

    [taken] = [event.at for event in watched.events if event.kind is K.TAKEOVER_STARTED]
    window_ns = FAILOVER * INTERVAL_NS + TIMEOUT_NS
    assert window_ns == round((taken - begun).total_seconds() * 1e9)


def test_one_that_comes_back_before_the_count_is_full_is_left_alone(watched: Simulation) -> None:
    for _ in range(20):
        watched.unplug(DEMO)
        watched.rounds_pass(FAILOVER - 1)
        watched.plug(DEMO)
        watched.rounds_pass(2)

    assert K.SERVER_FAILED not in watched.kinds()
    assert len(watched.mails) < 10


def test_of_two_that_die_one_is_taken_and_the_other_told_of_once(standing: Simulation) -> None:
    standing.unplug(OTHER)
    standing.rounds_pass(100)

    assert standing.stands_in_for(DEMO)
    offline = "OTHER has failed too, and is offline"
    assert 1 == standing.mails.count(offline)

    standing.plug(DEMO)
    standing.stop_failover(DEMO)
    failed_at = standing.clock.now()
    standing.until(lambda: standing.stands_in_for(OTHER))

    [*_, taken] = [event.at for event in standing.events if event.kind is K.TAKEOVER_STARTED]
    assert (taken - failed_at).total_seconds() >= (FAILOVER - 1) * INTERVAL_NS / 1e9
    assert [standing.primaries[DEMO]] == standing.owners()


def test_with_our_own_cable_out_nobody_is_judged(watched: Simulation) -> None:
    watched.unplug_us()
    watched.unplug(DEMO)
    watched.rounds_pass(100)

    assert [K.ISOLATED] == watched.kinds()[3:]
    assert ["The Failover Server is cut off from the network"] == watched.mails

    watched.plug_us()
    watched.rounds_pass(FAILOVER - 2)
    assert not watched.stands_in_for(DEMO)
    watched.until(lambda: watched.stands_in_for(DEMO))
    assert K.ISOLATION_ENDED in watched.kinds()


def test_with_everybody_silent_it_is_us(watched: Simulation) -> None:
    watched.set_gateway(is_plugged=False)
    watched.unplug(DEMO)
    watched.unplug(OTHER)
    watched.rounds_pass(100)

    assert K.TAKEOVER_STARTED not in watched.kinds()
    assert 1 == watched.kinds().count(K.ISOLATED)


def test_one_that_ignores_pings_and_owns_its_address_keeps_it(watched: Simulation) -> None:
    watched.ignore_pings(DEMO, ignore=True)
    watched.rounds_pass(60)

    assert K.TAKEOVER_STARTED not in watched.kinds()
    assert 1 == watched.mails.count("DEMO has failed, and was NOT taken over")
    assert [watched.primaries[DEMO]] == watched.owners()


@pytest.mark.parametrize("verb", ["suspend", "stop"])
def test_what_is_suspended_is_neither_pinged_nor_taken_until_it_is_resumed(
    watched: Simulation, verb: str
) -> None:
    watched.change_mode(DEMO, verb)
    watched.rounds_pass(1)
    watched.unplug(DEMO)
    watched.rounds_pass(50)
    assert K.SERVER_SUSPECT not in watched.kinds()

    watched.change_mode(DEMO, "resume")
    watched.rounds_pass(FAILOVER - 1)
    assert K.TAKEOVER_STARTED not in watched.kinds()
    watched.until(lambda: watched.stands_in_for(DEMO), rounds=3)
    assert (verb == "stop") is watched.state(DEMO).stale


def test_a_suspension_in_the_middle_of_the_count_forgets_it(watched: Simulation) -> None:
    watched.unplug(DEMO)
    watched.rounds_pass(FAILOVER - 1)
    watched.change_mode(DEMO, "suspend")
    watched.rounds_pass(1)
    watched.change_mode(DEMO, "resume")
    watched.rounds_pass(FAILOVER - 1)

    assert K.TAKEOVER_STARTED not in watched.kinds()


def test_while_failback_is_pending_nothing_is_taken_until_the_operator_resumes(
    standing: Simulation,
) -> None:
    standing.stop_failover(DEMO)
    standing.rounds_pass(50)
    assert 1 == standing.kinds().count(K.TAKEOVER_STARTED)

    standing.change_mode(DEMO, "resume")
    standing.rounds_pass(FAILOVER - 1)
    assert 1 == standing.kinds().count(K.TAKEOVER_STARTED)
    standing.until(lambda: standing.stands_in_for(DEMO), rounds=3)


def test_after_failback_everything_is_as_before(standing: Simulation) -> None:
    standing.plug(DEMO)
    standing.stop_failover(DEMO)
    standing.rounds_pass(3)
    standing.replicate_to_live(DEMO)
    standing.rounds_pass(50)

    assert [standing.primaries[DEMO]] == standing.owners()
    state = standing.state(DEMO)
    assert (Authority.LIVE, False) == (state.authority, state.failback_pending)
    assert [K.SERVER_ANSWERING, K.FAILBACK_COMPLETED] == standing.kinds(DEMO)[-2:]
    standing.unplug(DEMO)
    standing.until(lambda: standing.stands_in_for(DEMO))


def test_a_restarted_monitor_goes_on(standing: Simulation) -> None:
    standing.start_monitor()
    standing.rounds_pass(50)

    assert standing.stands_in_for(DEMO)
    assert 1 == standing.kinds().count(K.TAKEOVER_STARTED)
    assert 1 == len(standing.machine.application.starts)


def test_a_restarted_monitor_counts_afresh_but_knows_who_has_answered(watched: Simulation) -> None:
    watched.unplug(DEMO)
    watched.rounds_pass(FAILOVER - 1)
    watched.start_monitor()
    watched.rounds_pass(FAILOVER - 1)

    assert K.TAKEOVER_STARTED not in watched.kinds()
    watched.until(lambda: watched.stands_in_for(DEMO), rounds=2)


def test_after_a_reboot_the_larger_count_holds_until_the_first_answer(watched: Simulation) -> None:
    watched.unplug(DEMO)
    watched.reboot()
    watched.rounds_pass(AFTER_REBOOT - 1)

    assert K.TAKEOVER_STARTED not in watched.kinds()
    watched.until(lambda: watched.stands_in_for(DEMO), rounds=2)


def test_a_role_that_was_ours_before_a_reboot_is_taken_again_after_the_larger_count(
    standing: Simulation,
) -> None:
    standing.reboot()
    assert [] == standing.owners()
    standing.rounds_pass(AFTER_REBOOT - 1)
    assert not standing.stands_in_for(DEMO)
    standing.until(lambda: standing.stands_in_for(DEMO), rounds=2)

    assert 2 == len(standing.machine.application.starts)
    assert [standing.machine.us] == standing.owners()


def test_a_role_whose_primary_answers_after_a_reboot_is_interrupted(standing: Simulation) -> None:
    standing.kill_monitor()
    standing.machine.reboot()
    standing.plug(DEMO)
    standing.start_monitor()
    standing.rounds_pass(10)
    standing.unplug(DEMO)
    standing.rounds_pass(50)

    stand_in = standing.stand_in
    assert stand_in is not None
    assert Phase.INTERRUPTED is stand_in.phase
    assert Authority.STANDBY is standing.state(DEMO).authority
    assert 1 == standing.kinds().count(K.STAND_IN_INTERRUPTED)
    assert 1 == standing.kinds().count(K.TAKEOVER_STARTED)
    assert 1 == standing.mails.count("The stand-in for DEMO was interrupted")


def test_killed_at_any_moment_of_a_takeover_the_next_monitor_has_it(tmp_path: Path) -> None:
    for moment in count(1):
        world = Simulation(tmp_path / str(moment))
        world.rounds_pass(2)
        fate = Fate()
        world.start_monitor(fate=fate)
        world.rounds_pass(2)
        fate.dies_at = fate.moment + moment
        world.unplug(DEMO)
        world.rounds_pass(FAILOVER + 1)
        if world.process is not None:
            world.close()
            break
        world.start_monitor()
        world.until(lambda seen=world: seen.stands_in_for(DEMO))  # type: ignore[misc]
        assert 1 == world.kinds().count(K.STAND_IN_STARTED)
        assert [world.machine.us] == world.owners()
        world.close()
    assert moment > 15


def test_a_full_disk_delays_nothing_and_is_caught_up_with(watched: Simulation) -> None:
    watched.fill_disk(is_full=True)
    watched.unplug(DEMO)
    watched.rounds_pass(30)

    assert [watched.machine.us] == watched.owners()
    assert watched.machine.application.role is not None
    assert watched.stand_in is None
    assert 1 == len(watched.machine.application.starts)

    watched.fill_disk(is_full=False)
    watched.until(lambda: watched.stands_in_for(DEMO), rounds=10)
    watched.rounds_pass(30)
    assert 1 == watched.kinds().count(K.TAKEOVER_STARTED)
    assert TAKEN in watched.mails
    assert K.STATE_WRITABLE in watched.kinds()


def test_while_the_disk_is_full_the_address_is_kept_and_no_other_role_is_taken(
    watched: Simulation,
) -> None:
    watched.fill_disk(is_full=True)
    watched.unplug(DEMO)
    watched.rounds_pass(10)
    watched.unplug(OTHER)
    heard = watched.machine.gateway.arp(ADAPTER)
    watched.rounds_pass(40)

    announced = [packet for packet in heard.receive() if packet.sender_ip == ADDRESS]
    heard.close()
    assert announced
    assert [DEMO] == [role.server for role in watched.machine.application.starts]


def test_takeovers_that_fail_while_the_disk_is_full_are_told_of_and_wait_longer_and_longer(
    watched: Simulation,
) -> None:
    watched.fill_disk(is_full=True)
    watched.machine.application.behaviour = Behaviour.FAILING
    watched.unplug(DEMO)
    watched.rounds_pass(12 * FAILOVER)
    process = watched.process
    assert process is not None

    assert [(K.STATE_UNWRITABLE, None), (K.TAKEOVER_FAILED, DEMO)] == [
        (event.kind, event.server) for event in process.cried
    ]
    # After 1, 2, 4 and 8 full counts.
    assert 4 == len(watched.machine.application.starts)

    watched.fill_disk(is_full=False)
    watched.rounds_pass(2)
    failed = [K.SERVER_FAILED, *[K.TAKEOVER_FAILED] * 4]
    assert failed == [kind for kind in watched.kinds(DEMO) if kind in failed]
    assert 4 == watched.state(DEMO).attempts


def test_an_answer_ends_the_wait_that_only_the_memory_knew_of(watched: Simulation) -> None:
    watched.fill_disk(is_full=True)
    watched.machine.application.behaviour = Behaviour.FAILING
    watched.unplug(DEMO)
    watched.rounds_pass(8 * FAILOVER)
    watched.plug(DEMO)
    watched.rounds_pass(2)
    before = len(watched.machine.application.starts)
    watched.unplug(DEMO)
    watched.rounds_pass(FAILOVER + 1)

    assert before + 1 == len(watched.machine.application.starts)


def test_an_application_that_dies_is_started_again_and_told_of(standing: Simulation) -> None:
    standing.machine.application.crash()
    standing.rounds_pass(10)

    assert 2 == len(standing.machine.application.starts)
    told = [k for k in standing.kinds() if k in {K.APPLICATION_DIED, K.APPLICATION_RESTARTED}]
    assert [K.APPLICATION_DIED, K.APPLICATION_RESTARTED] == told


def test_failover_stops_by_itself_when_the_server_is_back_for_good(tmp_path: Path) -> None:
    world = Simulation(tmp_path, AUTO_STOP)
    world.rounds_pass(3)
    world.unplug(OTHER)
    world.until(lambda: world.stands_in_for(OTHER))
    world.plug(OTHER)
    world.rounds_pass(FAILOVER + 5)
    assert world.stands_in_for(OTHER)

    world.machine.answering.add(OTHER)
    world.until(lambda: world.stand_in is None, rounds=5)
    world.rounds_pass(20)
    state = world.state(OTHER)
    assert (Authority.LIVE, False, True) == (state.authority, state.failback_pending, state.stale)
    assert 1 == world.mails.count("OTHER is back: failover was stopped automatically")
    world.unplug(OTHER)
    world.until(lambda: world.stands_in_for(OTHER))
    world.close()


def test_what_a_command_takes_the_monitor_keeps(watched: Simulation) -> None:
    watched.unplug(DEMO)
    watched.failover_now(DEMO)
    watched.rounds_pass(1)
    watched.machine.us.addresses().remove(ADDRESS, ADAPTER)
    watched.rounds_pass(3)

    assert [watched.machine.us] == watched.owners()
    assert K.ADDRESS_RESTORED in watched.kinds()


def test_a_machine_that_stalls_still_fails_over(watched: Simulation) -> None:
    watched.unplug(DEMO)
    for _ in range(8):
        watched.rounds_pass(1)
        watched.clock.advance(5)

    watched.until(lambda: watched.stands_in_for(DEMO), rounds=FAILOVER)


def test_stalls_alone_kill_nobody(watched: Simulation) -> None:
    for _ in range(40):
        watched.rounds_pass(1)
        watched.clock.advance(3.5)

    assert K.SERVER_FAILED not in watched.kinds()


def test_a_primary_that_returns_at_its_address_is_answered_and_told_of(
    standing: Simulation,
) -> None:
    primary = standing.primaries[DEMO]
    primary.is_plugged = True
    arp = primary.arp(ADAPTER)
    for _ in range(5):
        arp.announce(ADDRESS)
        standing.rounds_pass(1)
    arp.close()

    assert 1 == standing.mails.count(f"{primary.mac} uses the address 10.0.0.1 that we hold")
    assert standing.machine.us is standing.machine.lan.find(ADDRESS)


def test_a_primary_that_asks_for_its_address_is_told_of_once_as_reset(
    standing: Simulation,
) -> None:
    primary = standing.primaries[DEMO]
    arp = primary.arp(ADAPTER)
    primary.interfaces.clear()
    primary.is_plugged = True
    for _ in range(30):
        arp.probe(ADDRESS)
        standing.rounds_pass(1)
    arp.close()

    assert 1 == standing.mails.count("DEMO has been reset: it is back on the network")


def test_a_takeover_that_fails_is_tried_again_after_longer_and_longer(watched: Simulation) -> None:
    watched.machine.lost_from.add(ADDRESS)
    watched.unplug(DEMO)
    watched.rounds_pass(200)

    started = [event.at for event in watched.events if event.kind is K.TAKEOVER_STARTED]
    waits = [(later - sooner).total_seconds() for sooner, later in pairwise(started)]
    assert len(waits) >= 3
    assert sorted(waits) == waits
    assert 1 == watched.mails.count("Taking over DEMO failed")
    watched.machine.lost_from.clear()
    watched.until(lambda: watched.stands_in_for(DEMO))


def test_while_a_command_is_at_it_the_monitor_waits_its_turn(watched: Simulation) -> None:
    watched.unplug(DEMO)
    with watched.machine.machine_locks().hold(locks.STAND_IN, "ipfx-failover stop-failover"):
        watched.rounds_pass(FAILOVER + 1)
        assert not watched.stands_in_for(DEMO)
        with pytest.raises(Busy):
            watched.failover_now(DEMO)

    watched.until(lambda: watched.stands_in_for(DEMO))

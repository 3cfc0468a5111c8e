"""What keeps the monitor from acting is told while it is so, and no longer."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.errors import Busy, Failed
from ipfx_failover.events import Event, EventKind
from ipfx_failover.monitor.messages import WorkDone
from ipfx_failover.records import Concern, Condition
from ipfx_failover.state import locks
from tests.support.simulation import FAILOVER, NETWORK, WARNING, Simulation
from tests.support.stand_in import ADDRESS, DEMO, OTHER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

C = Concern
K = EventKind


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Simulation]:
    made = Simulation(tmp_path)
    made.rounds_pass(WARNING + 1)
    yield made
    made.close()


def held(world: Simulation) -> list[Condition]:
    with world.machine.store() as store:
        return store.conditions()


def found(world: Simulation) -> list[tuple[Concern, str | None]]:
    return [(each.concern, each.server) for each in held(world)]


def test_in_peace_nothing_is_in_the_way(world: Simulation) -> None:
    assert [] == held(world)


def test_our_own_pulled_cable_is_told_until_it_is_back(world: Simulation) -> None:
    world.unplug_us()
    world.rounds_pass(2)
    (cut_off,) = held(world)
    world.rounds_pass(5)

    assert (C.ISOLATED, None) == (cut_off.concern, cut_off.server)
    assert "the network cable has no carrier" == cut_off.text
    assert [cut_off] == held(world)

    world.plug_us()
    world.rounds_pass(2)
    assert [] == held(world)


def test_a_cable_that_is_back_leaves_the_silence_of_all_others(world: Simulation) -> None:
    world.unplug_us()
    world.rounds_pass(2)
    for name in (DEMO, OTHER):
        world.unplug(name)
    world.set_gateway(is_plugged=False)
    world.plug_us()
    world.rounds_pass(2)

    assert ["no reference target answers"] == [each.text for each in held(world)]


def test_references_that_never_answer_are_told_after_some_rounds(tmp_path: Path) -> None:
    with closing(Simulation(tmp_path)) as world:
        world.set_gateway(is_plugged=False)
        world.unplug(OTHER)
        world.rounds_pass(WARNING)
        assert [] == held(world)

        world.rounds_pass(1)
        assert (C.NO_REFERENCE, DEMO) in found(world)
        assert "reference_targets in [network]" in held(world)[0].advice

        world.set_gateway(is_plugged=True)
        world.rounds_pass(1)
        assert (C.NO_REFERENCE, DEMO) not in found(world)


def test_where_nobody_has_a_reference_it_is_told_once_for_all(tmp_path: Path) -> None:
    settings = {"network": {**NETWORK, "reference_targets": ["10.0.0.77"]}}
    with closing(Simulation(tmp_path, settings)) as world:
        world.rounds_pass(WARNING + 1)

        assert [(C.NO_REFERENCE, None)] == found(world)


def test_an_address_in_use_is_told_with_the_mac_and_whose_it_is(world: Simulation) -> None:
    world.ignore_pings(DEMO, ignore=True)
    world.rounds_pass(2)
    (suspected,) = held(world)
    world.rounds_pass(2 * FAILOVER)
    (refused,) = held(world)

    mac = world.primaries[DEMO].mac
    for each in (suspected, refused):
        assert (C.NOT_TAKEN, DEMO) == (each.concern, each.server)
        assert f"{mac} answers ARP, the adapter of {DEMO} itself" in each.text
        assert f"ipfx-failover failover-now {DEMO} --force" in each.advice
    assert suspected.since == refused.since

    world.ignore_pings(DEMO, ignore=False)
    world.rounds_pass(1)
    assert [] == held(world)


def test_a_takeover_that_waits_for_another_process_names_it_until_it_begins(
    world: Simulation,
) -> None:
    world.unplug(DEMO)
    with world.machine.machine_locks().hold(locks.STAND_IN, "ipfx-failover takeover-ip"):
        world.rounds_pass(FAILOVER + 2)
        (waits,) = held(world)

    assert (C.NOT_TAKEN, DEMO) == (waits.concern, waits.server)
    assert "ipfx-failover takeover-ip" in waits.text

    world.until(lambda: world.stands_in_for(DEMO))
    world.rounds_pass(1)
    assert [] == held(world)


def test_a_second_dead_primary_is_told_whom_we_stand_in_for(world: Simulation) -> None:
    world.unplug(DEMO)
    world.until(lambda: world.stands_in_for(DEMO))
    world.unplug(OTHER)
    world.rounds_pass(2 * FAILOVER)

    assert [f"the Failover Server stands in for {DEMO}"] == [each.text for each in held(world)]


@pytest.mark.parametrize("error", [Busy("in use", "wait"), Failed("no answer", "look at its log")])
def test_how_the_last_takeover_ended_is_told_of_a_failed_server_only(
    world: Simulation, error: Busy | Failed
) -> None:
    assert world.process is not None
    world.process.monitor.hear(WorkDone(DEMO, "take over", error))
    world.rounds_pass(2)

    assert [] == held(world)


def test_files_that_are_not_in_sync_are_told_until_they_are(world: Simulation) -> None:
    at = world.machine.clock.now()
    failed = {"reason": "too many deletions", "advice": "look"}
    for kind, data, expected in (
        (K.FILE_SYNC_FAILED, failed, [f"the files of {DEMO} are not in sync: too many deletions"]),
        (K.FILE_SYNC_RECOVERED, {}, []),
    ):
        event = Event(kind, at, DEMO, data)
        with world.machine.store() as store, store.transaction() as tx:
            tx.emit(event)
        world.rounds_pass(2)

        assert expected == [each.text for each in held(world)]


@pytest.mark.parametrize("over", [K.COPY_FOUND, K.STAND_IN_STARTED, K.REPLICATED, K.STOPPED])
def test_a_copy_that_could_not_be_taken_over_is_told_until_it_could(
    world: Simulation, over: EventKind
) -> None:
    at = world.machine.clock.now()
    lost = {"reason": "there is no copy.db", "advice": "see to it"}
    told = Condition(C.COPY, DEMO, lost["reason"], lost["advice"], at)
    for kind, data, expected in ((K.COPY_LOST, lost, [told]), (over, {}, [])):
        with world.machine.store() as store, store.transaction() as tx:
            tx.emit(Event(kind, at, DEMO, data))
        world.rounds_pass(2)

        assert expected == [replace(each, since=at) for each in held(world)]


def test_a_file_sync_that_fails_is_told_also_when_the_whole_store_is_read_just_then(
    world: Simulation,
) -> None:
    failed = {"reason": "too many deletions", "advice": "look"}
    told = []
    for _ in range(5):  # it is read afresh every few seconds, in one of these rounds
        for kind, data in ((K.FILE_SYNC_FAILED, failed), (K.FILE_SYNC_RECOVERED, {})):
            with world.machine.store() as store, store.transaction() as tx:
                tx.emit(Event(kind, world.machine.clock.now(), DEMO, data))
            world.rounds_pass(2)
            told.append([each.concern for each in held(world)])

    assert [[C.FILES], []] * 5 == told


def test_a_ping_that_our_own_kernel_refuses_is_told_with_its_reason(world: Simulation) -> None:
    world.machine.us.firewalled.add(ADDRESS)
    world.rounds_pass(2)

    (refused,) = held(world)
    assert (C.NOT_PINGED, DEMO) == (refused.concern, refused.server)
    assert "Operation not permitted" == refused.text


def test_what_the_monitor_before_saw_and_was_kept_from_is_not_known_any_more(
    world: Simulation,
) -> None:
    world.ignore_pings(DEMO, ignore=True)
    world.rounds_pass(2)
    assert held(world)

    world.start_monitor()
    with world.machine.store() as store:
        seen = store.observations()
    assert [("unknown", 0)] * 2 == [(each.liveness, each.misses) for each in seen.values()]
    assert [] == held(world)

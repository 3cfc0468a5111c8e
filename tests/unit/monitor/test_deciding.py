"""The deciding thread, message by message."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.decide.decisions import MarkInterrupted
from ipfx_failover.decide.liveness import Liveness
from ipfx_failover.errors import Busy, Failed, InDoubt, Refused
from ipfx_failover.events import Event, EventKind
from ipfx_failover.monitor.messages import Looked, WorkDone
from ipfx_failover.monitor.prober import LateAnswer, ProbeRound
from ipfx_failover.monitor.written import effects_of, trouble_of
from ipfx_failover.records import Phase, StandIn
from ipfx_failover.standin.upkeep import Asked, Conflict, Gone
from ipfx_failover.state.store import StateUnwritableError
from tests.support.simulation import FAILOVER, Simulation
from tests.support.stand_in import ADAPTER, ADDRESS, DEMO, OTHER, OTHER_ADDRESS, FailoverMachine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ipfx_failover.monitor.loop import Monitor
    from ipfx_failover.monitor.messages import Message

K = EventKind
DOUBT = InDoubt("the application still runs", "end it by hand")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Simulation]:
    made = Simulation(tmp_path)
    made.rounds_pass(3)
    yield made
    made.close()


@pytest.fixture
def monitor(world: Simulation) -> Monitor:
    assert world.process is not None
    return world.process.monitor


def hear(world: Simulation, *messages: Message) -> list[Event]:
    """Give it messages, as if they came at the same moment; what was logged of them."""
    assert world.process is not None
    before = len(world.events)
    for message in messages:
        world.process.monitor.hear(message)
    world.process.scribe.turn(world.process.store, world.process.committer, wait_s=0)
    world.follow()
    return world.events[before:]


def seen(
    world: Simulation,
    *,
    answered: bool = False,
    missed: bool = False,
    late: LateAnswer | None = None,
) -> ProbeRound:
    now_ns = world.clock.monotonic_ns()
    return ProbeRound(
        judged_ns=now_ns,
        carrier=True,
        answered={OTHER_ADDRESS: now_ns} | ({ADDRESS: now_ns} if answered else {}),
        missed={ADDRESS: now_ns} if missed else {},
        late={ADDRESS: late} if late else {},
        refused={},
        is_spoilt=False,
    )


def fail(world: Simulation) -> None:
    """DEMO has failed, and was not taken over for want of evidence."""
    for _ in range(FAILOVER):
        hear(world, seen(world, missed=True))


def kinds(events: list[Event]) -> list[EventKind]:
    return [event.kind for event in events]


def test_the_answer_of_an_address_that_has_just_become_ours_proves_nothing(
    world: Simulation,
) -> None:
    fail(world)
    world.machine.us.addresses().add(ADDRESS, ADAPTER)

    assert [] == hear(world, seen(world, answered=True))
    world.machine.us.addresses().remove(ADDRESS, ADAPTER)
    assert [K.SERVER_RESET] == kinds(hear(world, seen(world, answered=True)))


def test_nor_does_a_late_one(world: Simulation) -> None:
    fail(world)
    late = LateAnswer(world.clock.monotonic_ns(), missed_since=0)
    world.machine.us.addresses().add(ADDRESS, ADAPTER)

    assert [] == hear(world, seen(world, missed=True, late=late))
    world.machine.us.addresses().remove(ADDRESS, ADAPTER)
    assert [K.SERVER_RESET] == kinds(hear(world, seen(world, missed=True, late=late)))


def stand_in_of(world: Simulation, name: str, phase: Phase = Phase.TAKING_OVER) -> StandIn:
    return StandIn(name, world.machine.boot_id, world.clock.now(), phase, None, None)


def test_after_a_takeover_that_failed_the_counting_goes_on(
    world: Simulation, monitor: Monitor
) -> None:
    fail(world)
    view = monitor.view
    failed_once = {**view.states, DEMO: replace(view.states[DEMO], attempts=1)}
    hear(world, Looked(replace(view, stand_in=stand_in_of(world, DEMO))))
    hear(world, Looked(replace(view, stand_in=None, states=failed_once)))

    assert Liveness.FAILED is monitor.fleet.servers[DEMO].liveness


def test_after_a_role_was_given_back_nothing_is_known(world: Simulation, monitor: Monitor) -> None:
    fail(world)
    view = monitor.view
    hear(world, Looked(replace(view, stand_in=stand_in_of(world, DEMO))))
    hear(world, Looked(replace(view, stand_in=stand_in_of(world, OTHER))))

    assert Liveness.UNKNOWN is monitor.fleet.servers[DEMO].liveness


def test_trouble_that_lasts_is_told_once_and_again_when_it_is_another(world: Simulation) -> None:
    trouble = WorkDone("", "watch", DOUBT)
    begun = hear(world, trouble, trouble, replace(trouble, job="recover"))
    other = hear(world, replace(trouble, error=InDoubt("the adapter is gone", "look at it")))
    over = hear(world, WorkDone("", "recover", None), trouble)

    assert [K.STAND_IN_TROUBLE] * 3 == kinds([*begun, *other, *over])


def test_what_a_job_was_to_commit_and_did_not_is_committed_then(world: Simulation) -> None:
    event = Event(K.SERVER_FAILED, world.clock.now(), DEMO, {"misses": 4})

    def tell(tx: object) -> None:
        tx.emit(event)  # type: ignore[attr-defined]

    assert [K.SERVER_FAILED] == kinds(hear(world, WorkDone(DEMO, "take over", None, (tell,))))


def test_what_the_network_shows_of_an_address_is_told_of_its_server(world: Simulation) -> None:
    world.unplug(DEMO)
    world.until(lambda: world.stands_in_for(DEMO))
    told = hear(world, Asked(ADDRESS, "02::1"), Conflict(ADDRESS, "02::1"))

    assert [(K.PRIMARY_RETURNED, DEMO), (K.ADDRESS_CONFLICT, DEMO)] == [
        (event.kind, event.server) for event in told
    ]


def test_a_primary_that_returns_by_arp_and_then_by_its_management_address_is_mailed_once(
    tmp_path: Path,
) -> None:
    management = IPv4Address("10.0.0.5")
    world = Simulation(tmp_path, {"servers": {DEMO: {"management_address": str(management)}}})
    world.rounds_pass(3)
    world.unplug(DEMO)
    world.until(lambda: world.stands_in_for(DEMO))
    now_ns = world.clock.monotonic_ns()
    answered = replace(seen(world), answered={management: now_ns, OTHER_ADDRESS: now_ns})
    before = len(world.mails)
    told = hear(world, Asked(ADDRESS, "02::1"), answered)

    assert [K.PRIMARY_RETURNED, K.PRIMARY_RETURNED] == kinds(told)
    assert ["DEMO has been reset: it is back on the network"] == world.mails[before:]
    world.close()


def test_who_asks_for_an_address_without_a_role_is_no_primary_that_returns(
    world: Simulation,
) -> None:
    assert [] == hear(world, Asked(ADDRESS, "02::1"))


def test_an_address_that_is_gone_is_ordered_back(world: Simulation) -> None:
    world.unplug(DEMO)
    world.until(lambda: world.stands_in_for(DEMO))
    world.machine.us.addresses().remove(ADDRESS, ADAPTER)
    hear(world, Gone(ADDRESS, ADAPTER))
    world.rounds_pass(1)

    assert world.machine.holds()


@pytest.mark.parametrize(
    ("done", "stands_in", "expected"),
    [
        (WorkDone(DEMO, "take over", None), False, None),
        (WorkDone(DEMO, "take over", Refused("no copy", "make one")), False, K.TAKEOVER_REFUSED),
        (WorkDone(DEMO, "take over", Busy("in use", "wait")), False, K.TAKEOVER_REFUSED),
        (WorkDone(DEMO, "take over", Busy("in use", "wait")), True, None),
        (WorkDone(DEMO, "take over", Failed("x", "y"), begun=True), False, None),
        (WorkDone(DEMO, "take over", Refused("x", "y"), begun=True), False, None),
        (
            WorkDone(DEMO, "take over", Failed("x", "y"), begun=True, untold=True),
            False,
            K.TAKEOVER_FAILED,
        ),
        (WorkDone(DEMO, "take over", DOUBT, begun=True), False, K.STAND_IN_TROUBLE),
        (WorkDone(DEMO, "stop failover", Refused("over", "see")), True, None),
        (WorkDone(DEMO, "stop failover", Failed("x", "y")), True, K.STAND_IN_TROUBLE),
        (WorkDone("10.0.0.1", "restore address", Failed("x", "y")), True, K.STAND_IN_TROUBLE),
        (WorkDone("10.0.0.1", "restore address", Busy("x", "y")), True, None),
        (WorkDone("", "recover", Busy("x", "y")), False, None),
        (WorkDone("", "watch", StateUnwritableError("full", "make room")), False, None),
        (WorkDone("", "watch", DOUBT), True, K.STAND_IN_TROUBLE),
    ],
)
def test_each_failed_job_is_told_by_its_own_name_or_has_told_itself(
    tmp_path: Path,
    done: WorkDone,
    stands_in: bool,  # noqa: FBT001 - a column of the table
    expected: EventKind | None,
) -> None:
    machine = FailoverMachine(tmp_path)
    told = trouble_of(done, machine.clock.now(), DEMO, stands_in=stands_in)

    assert expected == (told.kind if told else None)


@pytest.mark.parametrize(
    ("boot", "phase", "marks"),
    [
        ("boot 0", Phase.STANDING_IN, True),
        ("boot 0", Phase.TAKING_OVER, True),
        ("boot 0", Phase.INTERRUPTED, False),
        ("boot 1", Phase.STANDING_IN, False),
        ("boot 1", Phase.TAKING_OVER, False),
    ],
)
def test_only_a_role_from_before_the_reboot_is_marked_as_interrupted(
    tmp_path: Path,
    boot: str,
    phase: Phase,
    marks: bool,  # noqa: FBT001 - a column of the table
) -> None:
    machine = FailoverMachine(tmp_path)
    now = machine.clock.now()
    decision = MarkInterrupted(DEMO, "it answers")
    with machine.store() as store, store.transaction() as tx:
        tx.claim_stand_in(StandIn(DEMO, boot, now, phase, None, None))
        for effect in effects_of(decision, now, "boot 1"):
            effect(tx)

    assert ([K.STAND_IN_INTERRUPTED] if marks else []) == machine.kinds()


def test_nobody_is_marked_when_the_role_is_another_ones(tmp_path: Path) -> None:
    machine = FailoverMachine(tmp_path)
    now = machine.clock.now()
    with machine.store() as store, store.transaction() as tx:
        tx.claim_stand_in(StandIn(OTHER, "boot 0", now, Phase.STANDING_IN, None, None))
        for effect in effects_of(MarkInterrupted(DEMO, "it answers"), now, "boot 1"):
            effect(tx)

    assert [] == machine.kinds()

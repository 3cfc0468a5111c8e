"""What the monitor adds up of its pings, on a simulated LAN."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfx_failover.state.pings import MINUTE_S, summed_up
from tests.fakes.clock import A_WEDNESDAY_NOON
from tests.fakes.network import LATENCY_NS
from tests.support.simulation import FAILOVER, INTERVAL_MS, Simulation
from tests.support.stand_in import DEMO, OTHER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ipfx_failover.records import PingTotals

ROUNDS_A_MINUTE = 60_000 // INTERVAL_MS


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Simulation]:
    made = Simulation(tmp_path)
    made.rounds_pass(3)
    yield made
    made.close()


def recorded(world: Simulation, name: str) -> list[PingTotals]:
    """The minutes that were written, also the one that is not over yet."""
    assert world.process is not None
    world.rounds_pass(ROUNDS_A_MINUTE)
    with world.machine.store() as store:
        totals = summed_up(
            store, A_WEDNESDAY_NOON, world.clock.now(), period_s=MINUTE_S, slot_s=MINUTE_S
        )
    return [each for each in totals if each.server == name]


def sums(world: Simulation, name: str) -> tuple[int, int, int]:
    """Watched, down and served, in rounds."""
    totals = recorded(world, name)
    return (
        sum(each.watched_ms for each in totals) // INTERVAL_MS,
        sum(each.down_ms for each in totals) // INTERVAL_MS,
        sum(each.served_ms for each in totals) // INTERVAL_MS,
    )


def test_in_peace_every_round_is_watched_and_answered(world: Simulation) -> None:
    world.rounds_pass(2 * ROUNDS_A_MINUTE)
    _, minute, *_ = recorded(world, DEMO)

    assert (ROUNDS_A_MINUTE, 0) == (minute.sent, minute.lost)
    assert (60_000, 0, 0) == (minute.watched_ms, minute.down_ms, minute.served_ms)


def test_a_ping_takes_what_lies_between_sending_and_receiving(world: Simulation) -> None:
    world.rounds_pass(ROUNDS_A_MINUTE)
    minute, *_ = recorded(world, DEMO)

    assert LATENCY_NS // 1000 == minute.rtt_min_us
    assert minute.rtt_sum_us == minute.sent * LATENCY_NS // 1000


def test_a_few_lost_pings_are_lost_and_no_time_down(world: Simulation) -> None:
    world.unplug(DEMO)
    world.rounds_pass(FAILOVER - 1)
    world.plug(DEMO)
    world.rounds_pass(1)
    totals = recorded(world, DEMO)

    assert FAILOVER - 1 == sum(each.lost for each in totals)
    assert 0 == sum(each.down_ms for each in totals)
    assert sum(each.sent for each in totals) * INTERVAL_MS == sum(t.watched_ms for t in totals)


def test_a_failed_server_was_down_from_its_first_miss_on(world: Simulation) -> None:
    world.ignore_pings(DEMO, ignore=True)  # it still owns its address: nobody takes over
    world.rounds_pass(FAILOVER + 5)
    world.ignore_pings(DEMO, ignore=False)
    world.rounds_pass(1)
    _, down, served = sums(world, DEMO)

    assert (FAILOVER + 5, 0) == (down, served)


def test_who_stands_in_serves_and_the_primary_is_down(world: Simulation) -> None:
    world.unplug(DEMO)
    world.until(lambda: world.stands_in_for(DEMO))
    watched, down, served = sums(world, DEMO)

    assert 3 == watched - down
    assert FAILOVER <= down - served <= FAILOVER + 1
    assert served >= ROUNDS_A_MINUTE // 2


def test_while_our_own_cable_is_out_nothing_is_known_of_anybody(world: Simulation) -> None:
    known = sums(world, DEMO)
    world.unplug_us()
    world.rounds_pass(ROUNDS_A_MINUTE)
    with world.machine.store() as store:
        totals = summed_up(store, A_WEDNESDAY_NOON, world.clock.now(), period_s=MINUTE_S)
    isolated = {each.server: each.watched_ms // INTERVAL_MS for each in totals}

    # The rounds of the minute in which the cable was pulled, at most.
    assert isolated[DEMO] <= known[0] + ROUNDS_A_MINUTE
    assert [0, 0] == [each.down_ms for each in totals]
    assert [0, 0] == [each.lost for each in totals]


def test_nobody_knows_of_a_suspended_server(world: Simulation) -> None:
    world.change_mode(DEMO, "suspend")
    world.rounds_pass(4 * ROUNDS_A_MINUTE)

    assert sums(world, DEMO)[0] <= 5 < 4 * ROUNDS_A_MINUTE < sums(world, OTHER)[0]


def test_misses_before_a_suspension_mean_nothing_any_more(world: Simulation) -> None:
    world.unplug(DEMO)
    world.rounds_pass(FAILOVER - 1)
    world.change_mode(DEMO, "suspend")
    world.rounds_pass(3)
    world.plug(DEMO)
    world.change_mode(DEMO, "resume")

    assert 0 == sum(each.lost for each in recorded(world, DEMO))


def test_two_servers_are_told_apart(world: Simulation) -> None:
    world.ignore_pings(OTHER, ignore=True)
    world.rounds_pass(ROUNDS_A_MINUTE)

    assert 0 == sum(each.lost for each in recorded(world, DEMO))
    assert 0 < sum(each.lost for each in recorded(world, OTHER))

"""What the service manager is told: the monitor lives as long as rounds are judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfx_failover.standin.upkeep import Gone
from tests.support.simulation import Simulation
from tests.support.stand_in import ADAPTER, ADDRESS, DEMO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes.supervisor import FakeSupervisor


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Simulation]:
    made = Simulation(tmp_path)
    made.rounds_pass(3)
    yield made
    made.close()


def supervisor(world: Simulation) -> FakeSupervisor:
    assert world.process is not None
    return world.process.supervisor


def test_each_judged_round_is_a_sign_of_life(world: Simulation) -> None:
    before = len(supervisor(world).told)
    world.rounds_pass(3)

    assert supervisor(world).told[before:] == ["alive"] * 3


def test_without_rounds_there_is_no_sign_of_life(world: Simulation) -> None:
    before = len(supervisor(world).told)
    assert world.process is not None
    world.process.monitor.hear(Gone(ADDRESS, ADAPTER))

    assert supervisor(world).told[before:] == []


def test_the_status_text_counts_the_servers_by_what_is_known_of_them(world: Simulation) -> None:
    assert supervisor(world).texts[-1] == "2 ok"

    world.change_mode(DEMO, "suspend")
    world.rounds_pass(1)

    assert sorted(supervisor(world).texts[-1].split(", ")) == ["1 ok", "1 suspended"]


def test_another_config_says_how_far_its_rounds_are_apart(world: Simulation) -> None:
    assert world.process is not None
    config = world.machine.config
    network = config.network.model_copy(
        update={"ping_interval_ms": 60_000, "ping_timeout_ms": 1_000}
    )
    taken = world.process.take_up(config.model_copy(update={"network": network}))

    assert taken
    assert supervisor(world).told[-1] == "expect 61000 ms"

"""The deciding thread takes up another config between two rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ipfx_failover.decide.liveness import Liveness
from ipfx_failover.events import EventKind
from ipfx_failover.monitor.messages import ConfigBroken, Looked
from ipfx_failover.records import Concern
from tests.support.simulation import FAILOVER, Simulation
from tests.support.stand_in import DEMO, OTHER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ipfx_failover.config.models import Config
    from tests.support.simulation import MonitorProcess

K, L = EventKind, Liveness


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Simulation]:
    made = Simulation(tmp_path)
    made.rounds_pass(3)
    yield made
    made.close()


@pytest.fixture
def process(world: Simulation) -> MonitorProcess:
    assert world.process is not None
    return world.process


def without(world: Simulation, name: str) -> Config:
    config = world.machine.config
    servers = {n: s for n, s in config.servers.items() if n != name}
    return config.model_copy(update={"servers": servers})


def with_network(world: Simulation, **changes: Any) -> Config:
    config = world.machine.config
    return config.model_copy(update={"network": config.network.model_copy(update=changes)})


def observed(world: Simulation) -> dict[str, str]:
    with world.machine.store() as store:
        return {name: str(seen.liveness) for name, seen in store.observations().items()}


def test_a_server_that_is_removed_is_not_judged_any_more(
    world: Simulation, process: MonitorProcess
) -> None:
    assert process.take_up(without(world, OTHER))
    world.unplug(OTHER)
    world.rounds_pass(3 * FAILOVER)

    assert [] == [kind for kind in world.kinds(OTHER) if kind is not K.SERVER_ANSWERING]
    assert {DEMO: "ok"} == observed(world)
    assert 1 == world.kinds().count(K.CONFIG_CHANGED)


def test_one_that_is_added_is_unknown_until_it_was_seen_and_taken_after_its_own_count(
    world: Simulation, process: MonitorProcess
) -> None:
    full = world.machine.config
    process.take_up(without(world, OTHER))
    world.rounds_pass(2)
    world.unplug(OTHER)
    process.take_up(full)

    assert L.UNKNOWN is process.monitor.fleet.servers[OTHER].liveness
    assert OTHER not in observed(world)
    world.rounds_pass(FAILOVER - 1)
    assert K.TAKEOVER_STARTED not in world.kinds()
    world.until(lambda: world.stands_in_for(OTHER), rounds=2)


def test_other_counts_hold_at_once_and_from_zero(
    world: Simulation, process: MonitorProcess
) -> None:
    world.unplug(DEMO)
    world.rounds_pass(FAILOVER - 1)
    process.take_up(with_network(world, failover_count=FAILOVER + 2))
    world.rounds_pass(FAILOVER + 1)

    assert K.SERVER_FAILED not in world.kinds()
    world.until(lambda: world.stands_in_for(DEMO), rounds=3)


def test_an_edit_that_concerns_no_count_disturbs_none(
    world: Simulation, process: MonitorProcess
) -> None:
    world.unplug(DEMO)
    world.rounds_pass(FAILOVER - 2)
    process.take_up(world.machine.config.model_copy())

    world.until(lambda: world.stands_in_for(DEMO), rounds=4)


def test_one_that_was_built_before_a_role_was_taken_is_not_taken_up(
    world: Simulation, process: MonitorProcess
) -> None:
    world.unplug(DEMO)
    world.until(lambda: world.stands_in_for(DEMO))

    assert not process.take_up(without(world, DEMO), built_for=None)
    assert process.take_up(without(world, OTHER), built_for=DEMO, waits="[servers.DEMO]")
    world.rounds_pass(5)
    assert world.stands_in_for(DEMO)
    assert world.machine.holds()


def test_what_waits_is_a_condition_until_nothing_waits(
    world: Simulation, process: MonitorProcess
) -> None:
    process.take_up(world.machine.config.model_copy(), waits="[servers.DEMO]")
    world.rounds_pass(1)
    with world.machine.store() as store:
        (waits,) = store.conditions()

    assert (Concern.CONFIG, "the config waits: [servers.DEMO]") == (waits.concern, waits.text)

    process.monitor.hear(ConfigBroken("line 4: what is wrong"))
    process.monitor.hear(ConfigBroken(None))
    world.rounds_pass(1)
    with world.machine.store() as store:
        assert [waits] == store.conditions()

    process.take_up(world.machine.config.model_copy())
    world.rounds_pass(1)
    with world.machine.store() as store:
        assert [] == store.conditions()


def test_a_broken_config_is_an_event_a_mail_and_a_condition_until_it_is_mended(
    world: Simulation, process: MonitorProcess
) -> None:
    process.monitor.hear(ConfigBroken("config.toml:4: what is wrong"))
    world.rounds_pass(1)
    with world.machine.store() as store:
        (broken,) = store.conditions()

    assert "the config on disk is broken: config.toml:4: what is wrong; the one of " in broken.text
    assert "ipfx-failover config check" == broken.advice
    assert 1 == len(world.mails)

    process.monitor.hear(ConfigBroken("config.toml:5: something else"))
    process.monitor.hear(ConfigBroken(None))
    world.rounds_pass(1)
    with world.machine.store() as store:
        assert [] == store.conditions()
    assert [K.CONFIG_BROKEN, K.CONFIG_BROKEN, K.CONFIG_CHANGED] == world.kinds()[-3:]
    assert 1 == len(world.mails)


def test_what_the_former_lookout_still_tells_is_not_believed(
    world: Simulation, process: MonitorProcess
) -> None:
    former = process.monitor.view
    process.take_up(without(world, OTHER))
    process.monitor.hear(Looked(former))

    assert [DEMO] == list(process.monitor.view.config.servers)

"""The reading thread: what a commit is to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.monitor.hurry import Hurry
from ipfx_failover.monitor.lookout import Lookout
from tests.support.simulation import Simulation

if TYPE_CHECKING:
    from pathlib import Path

    from ipfx_failover.monitor.messages import Message


def test_every_commit_is_noticed_and_what_decides_nothing_is_not_told(tmp_path: Path) -> None:
    world = Simulation(tmp_path)
    world.rounds_pass(1)
    machine = world.machine
    told: list[Message] = []
    noticed: list[int] = []
    lookout = Lookout(
        config=machine.config,
        clock=machine.clock,
        boot_id=machine.boot_id,
        open_store=machine.store,
        gateway=lambda: None,
        note=machine.record().read,
        tell=told.append,
        noticed=lambda: noticed.append(len(told)),
        hurry=Hurry(machine.clock),
    )
    with machine.store() as looking, machine.store() as writing:
        lookout.turn(looking)
        lookout.turn(looking)
        machine.clock.advance(1)
        with writing.transaction() as tx:
            tx.beat(machine.clock.now())
        lookout.turn(looking)
        lookout.turn(looking)
    world.close()

    assert ([0, 1], 1) == (noticed, len(told))

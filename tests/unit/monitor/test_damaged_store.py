"""The store is damaged under a running monitor: pings go on, nobody is taken over, one alert."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.events import EventKind
from ipfx_failover.state.store import DATABASE
from tests.support.simulation import FAILOVER, Simulation
from tests.support.stand_in import DEMO, OTHER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.simulation import MonitorProcess

K = EventKind
UNTIL_IT_IS_SEEN = 5
"""Rounds, until all of the store is read again."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Simulation]:
    made = Simulation(tmp_path)
    made.rounds_pass(3)
    yield made
    made.close()


def overwrite(database: Path) -> None:
    for side in ("-wal", "-shm"):
        database.with_name(f"{database.name}{side}").unlink(missing_ok=True)
    database.write_bytes(b"\xa5" * database.stat().st_size)


def remove(database: Path) -> None:
    database.unlink()


def exchange(database: Path) -> None:
    other = database.with_name("other")
    other.write_bytes(database.read_bytes())
    other.replace(database)


def spoil_a_value(database: Path) -> None:
    """What SQLite finds sound need not make sense."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE servers SET mode = 'zonitoring'")


def judged(process: MonitorProcess, rounds: int) -> int:
    """How many of the rounds showed an answer."""
    answered = 0
    for _ in range(rounds):
        while (seen := process.turn()) is None:
            pass
        answered += bool(seen.answered)
    return answered


@pytest.mark.parametrize("damage", [overwrite, remove, exchange, spoil_a_value])
def test_a_primary_that_dies_then_is_not_taken_but_pinged_and_told_of_once(
    world: Simulation, damage: Callable[[Path], None]
) -> None:
    process = world.process
    assert process is not None
    damage(world.machine.directory / "state" / DATABASE)
    judged(process, UNTIL_IT_IS_SEEN)

    assert [K.STATE_DAMAGED] == [event.kind for event in process.cried]

    world.unplug(DEMO)
    rounds = 5 * FAILOVER
    assert rounds == judged(process, rounds)
    assert [] == world.machine.application.starts
    assert not world.machine.holds()
    assert [(K.STATE_DAMAGED, None), (K.TAKEOVER_REFUSED, DEMO)] == [
        (event.kind, event.server) for event in process.cried
    ]
    assert "is damaged" in process.cried[1].text

    world.unplug(OTHER)
    judged(process, 2 * FAILOVER)
    assert [OTHER] == [event.server for event in process.cried[2:]]


def test_a_store_whose_file_is_back_is_believed_again(world: Simulation) -> None:
    process = world.process
    assert process is not None
    database = world.machine.directory / "state" / DATABASE
    database.rename(database.with_name("away"))
    judged(process, UNTIL_IT_IS_SEEN)
    database.with_name("away").rename(database)
    judged(process, 1)
    world.unplug(DEMO)
    world.until(lambda: world.stands_in_for(DEMO))

    assert 1 == len(process.cried)

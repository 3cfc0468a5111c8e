"""How old the data are said to be that a stand-in begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfx_failover.events import EventKind
from ipfx_failover.records import RowState
from tests.support.stand_in import DEMO, SQLSERVER, FailoverMachine

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

TWO_HOURS_S = 7200.0


def hot(directory: Path, real_time: str) -> FailoverMachine:
    demo = SQLSERVER["servers"][DEMO]
    database = {**demo["database"], "configuration_tables": ["users"]}
    demo = {**demo, "database": database, "real_time": real_time}
    return FailoverMachine.with_a_dead_primary(directory, {**SQLSERVER, "servers": {DEMO: demo}})


@pytest.fixture
def machine(tmp_path: Path) -> FailoverMachine:
    return hot(tmp_path, "all")


def follow_rows(machine: FailoverMachine, until: datetime | None, **left: str) -> None:
    with machine.store() as store, store.transaction() as tx:
        tx.set_row_state(RowState(DEMO, until, 0, "", "", left))


def said_of_the_data(machine: FailoverMachine) -> str:
    with machine.desk() as desk:
        desk.take_over(machine.demo, by="operator")
    with machine.store() as store:
        texts = [logged.event for logged in store.events_after(0)]
    return next(
        str(event.data["detail"]) for event in texts if event.kind is EventKind.STAND_IN_STARTED
    )


def test_a_copy_is_as_old_as_its_replication(machine: FailoverMachine) -> None:
    machine.clock.advance(TWO_HOURS_S)

    assert said_of_the_data(machine).endswith("(2 h ago)")


def test_a_copy_whose_rows_are_followed_is_as_of_the_last_round(machine: FailoverMachine) -> None:
    machine.clock.advance(TWO_HOURS_S)
    follow_rows(machine, machine.clock.now())

    assert said_of_the_data(machine).endswith("(0 s ago)")


def test_rows_that_were_never_followed_make_no_copy_younger(machine: FailoverMachine) -> None:
    machine.clock.advance(TWO_HOURS_S)
    follow_rows(machine, None)

    assert said_of_the_data(machine).endswith("(2 h ago)")


def test_tables_that_are_not_followed_are_as_old_as_the_last_replication(
    machine: FailoverMachine,
) -> None:
    machine.clock.advance(TWO_HOURS_S)
    follow_rows(machine, machine.clock.now(), log="no key")

    assert said_of_the_data(machine).endswith("(2 h ago)")


def test_where_only_the_configuration_follows_the_rest_is_as_of_the_last_replication(
    tmp_path: Path,
) -> None:
    machine = hot(tmp_path, "configuration")
    machine.clock.advance(TWO_HOURS_S)
    follow_rows(machine, machine.clock.now())

    assert said_of_the_data(machine).endswith("(2 h ago)")

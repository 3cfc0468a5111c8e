"""A failback that a killed process left is finished by whoever comes next, perhaps too late."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.records import Authority, RowState
from ipfx_failover.replication.steps import ReplicationPorts
from ipfx_failover.replication.workflow import TO_LIVE, Replication
from ipfx_failover.state.store import Store
from tests.fakes.clock import FakeClock
from tests.support.replication import DEMO, NOTHING_SYNCED, Copies

if TYPE_CHECKING:
    from pathlib import Path

    from ipfx_failover.state.journal import Parameter

PORTS = ReplicationPorts(
    sides={},
    carry=lambda *_: None,
    sync_files_to_live=lambda: NOTHING_SYNCED,
    own_kinds={},
)


def facts_of(clock: FakeClock) -> dict[str, Parameter]:
    return {
        "backup_path": "/backup",
        "backup_size_bytes": 1,
        "backup_sha256": "",
        "backup_as_of": clock.now().isoformat(),
        "backup_version": "1",
    }


@pytest.mark.parametrize(
    ("recovers", "failover_later_s", "expected"),
    [
        (False, -60, (Authority.LIVE, False)),
        (True, -60, (Authority.LIVE, False)),
        (True, 60, (Authority.STANDBY, True)),
    ],
)
def test_what_a_later_stand_in_recorded_is_not_given_up_by_an_earlier_failback(
    tmp_path: Path, *, recovers: bool, failover_later_s: int, expected: tuple[Authority, bool]
) -> None:
    clock = FakeClock()
    failover_at = clock.now() + timedelta(seconds=failover_later_s)
    with Store(tmp_path) as store:
        with store.transaction() as tx:
            tx.set_authority("DEMO", Authority.STANDBY)
            tx.set_failback_pending("DEMO", pending=True)
            tx.set_last_failover("DEMO", failover_at)
            for effect in Replication(PORTS, clock, TO_LIVE, recovers).finished(
                "DEMO", facts_of(clock)
            ):
                effect(tx)

        state = store.server("DEMO")
    assert expected == (state.authority, state.failback_pending)


def test_a_failback_ends_the_following_of_rows_and_says_how_it_begins_again(tmp_path: Path) -> None:
    clock = FakeClock()
    followed = RowState("DEMO", clock.now(), 0, "", "", {"calls": "no key"})
    with Store(tmp_path) as store:
        with store.transaction() as tx:
            tx.set_row_state(followed)
            for effect in Replication(PORTS, clock, TO_LIVE).finished("DEMO", facts_of(clock)):
                effect(tx)

        found = store.row_states()["demo"]

    assert (clock.now(), None, {"calls": "no key"}) == (found.as_of, found.behind, found.left)
    assert "its rows are not followed since the failback" == found.trouble
    assert found.advice.endswith("ipfx-failover replicate-from-live DEMO")


@pytest.mark.parametrize("is_hot", [True, False])
def test_a_hot_copy_that_was_given_back_is_due_to_be_replaced_at_once_and_a_warm_one_is_not(
    tmp_path: Path, *, is_hot: bool
) -> None:
    with closing(Copies(tmp_path)) as copies:
        made = copies.replicator()
        made.from_live()
        copies.is_ahead()
        hot = copies.server.model_copy(update={"real_time": "all"})
        server = hot if is_hot else copies.server
        replace(made, server=server).to_live(application_answers=False)

        assert is_hot == copies.store.server(DEMO).stale

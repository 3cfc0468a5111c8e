"""A damaged store is set aside, and nothing is overwritten until the operator decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfx_failover.errors import Busy, InDoubt, Refused
from ipfx_failover.events import EventKind
from ipfx_failover.records import Authority, Mode
from ipfx_failover.state import locks
from ipfx_failover.state.locks import Locks
from ipfx_failover.state.reset import reset
from ipfx_failover.state.store import DATABASE, Store
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from pathlib import Path

SERVERS = ("DEMO", "OTHER")


def damage(state_dir: Path) -> bytes:
    with Store(state_dir) as store, store.transaction() as tx:
        tx.set_mode("DEMO", Mode.STOPPED)
    path = state_dir / DATABASE
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))
    return path.read_bytes()


def make_new(state_dir: Path) -> Path:
    return reset(
        state_dir, servers=SERVERS, locks_of_state=Locks(state_dir / "locks"), clock=FakeClock()
    )


def test_the_damaged_store_is_kept_and_every_copy_counts_as_ahead(tmp_path: Path) -> None:
    content = damage(tmp_path)

    aside = make_new(tmp_path)

    assert tmp_path / "state.db.damaged-20260304T120000Z" == aside
    assert content == aside.read_bytes()
    with Store(tmp_path) as store:
        assert dict.fromkeys(SERVERS, Authority.STANDBY) == {
            name: state.authority for name, state in store.servers().items()
        }
        assert [EventKind.STATE_RESET] == [logged.event.kind for logged in store.events_after(0)]
        assert str(aside) in store.events_after(0)[0].event.text


def test_what_sqlite_keeps_beside_the_store_goes_with_it(tmp_path: Path) -> None:
    damage(tmp_path)
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"{DATABASE}{suffix}").write_bytes(b"left behind")

    aside = make_new(tmp_path)

    assert aside.with_name(f"{aside.name}-shm").exists()
    assert b"left behind" == aside.with_name(f"{aside.name}-wal").read_bytes()
    assert not (tmp_path / f"{DATABASE}-wal").exists()


def test_a_file_that_is_no_database_at_all_is_replaced_too(tmp_path: Path) -> None:
    (tmp_path / DATABASE).write_bytes(b"no database")

    assert b"no database" == make_new(tmp_path).read_bytes()
    Store(tmp_path).close()


def test_a_second_damaged_store_does_not_overwrite_the_first(tmp_path: Path) -> None:
    damage(tmp_path)
    first = make_new(tmp_path)
    damage(tmp_path)

    second = make_new(tmp_path)

    assert first != second
    assert first.exists()


def test_a_store_that_is_fine_is_not_reset(tmp_path: Path) -> None:
    with Store(tmp_path) as store, store.transaction() as tx:
        tx.set_mode("DEMO", Mode.STOPPED)

    with pytest.raises(Refused, match="is not damaged"):
        make_new(tmp_path)

    with Store(tmp_path) as store:
        assert Mode.STOPPED is store.server("DEMO").mode


def test_without_a_store_there_is_nothing_to_reset(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="there is no state store"):
        make_new(tmp_path)

    assert not (tmp_path / DATABASE).exists()


@pytest.mark.parametrize("resource", [locks.MONITOR, locks.database("OTHER"), locks.files("DEMO")])
def test_while_a_monitor_or_work_on_a_copy_runs_it_is_refused(
    tmp_path: Path, resource: str
) -> None:
    damage(tmp_path)

    with Locks(tmp_path / "locks").hold(resource, "monitor"), pytest.raises(Busy, match="monitor"):
        make_new(tmp_path)
    with pytest.raises(InDoubt), Store(tmp_path) as store:
        store.servers()


def test_a_new_store_that_cannot_be_put_in_place_leaves_the_damaged_one(tmp_path: Path) -> None:
    content = damage(tmp_path)
    (tmp_path / f"{DATABASE}.new").mkdir()

    with pytest.raises(Refused, match="cannot be replaced"):
        make_new(tmp_path)

    assert content == (tmp_path / DATABASE).read_bytes()

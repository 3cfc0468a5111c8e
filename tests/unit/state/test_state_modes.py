"""Who may open a lock or a database may lock it: no other user of the machine may do so."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.state.locks import Locks
from ipfx_failover.state.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name == "nt", reason="file modes mean nothing on Windows")


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def others_may(path: Path) -> int:
    """What the mode of a file grants to those who do not own it."""
    return stat.S_IMODE(path.stat().st_mode) & 0o077


def test_nobody_else_can_hold_a_lock_of_ours(tmp_path: Path) -> None:
    with Locks(tmp_path).hold("stand-in", "failover-now DEMO"):
        assert 0 == others_may(tmp_path / "stand-in.lock")


def test_nobody_else_can_hold_up_the_state_store(tmp_path: Path) -> None:
    with Store(tmp_path) as store, store.transaction() as tx:
        tx.set_stale("DEMO", stale=True)
        found = {path.name: others_may(path) for path in tmp_path.glob("state.db*")}

    assert {"state.db": 0, "state.db-wal": 0, "state.db-shm": 0} == {
        name: mode for name, mode in found.items() if name != "state.db.creating"
    }
    assert 0 == found.get("state.db.creating", 0)

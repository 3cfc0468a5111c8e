"""The monitor's children, when another config is taken up."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

from ipfx_failover.monitor.chores import Chores
from ipfx_failover.monitor.nightly import Nightly
from ipfx_failover.monitor.workers import Worker
from ipfx_failover.state.store import Store
from tests.fakes.clock import FakeClock
from tests.fakes.local_time import FakeLocalTime

if TYPE_CHECKING:
    from pathlib import Path

GENEROUS_S = 30
UNTIL_EOF = "import sys; sys.stdin.read()"


def worker(*, keeps_running: bool) -> Worker:
    """A child that ends when it is told to."""
    return Worker(
        [],
        keeps_running=keeps_running,
        clock=FakeClock(),
        failed=lambda _worker, _reason, _delay_s: None,
        program=(sys.executable, "-c", UNTIL_EOF),
    )


def chores(
    state_dir: Path, watching: Worker, replicating: Worker, before: Chores | None = None
) -> Chores:
    clock = FakeClock()
    return Chores(
        open_store=lambda: Store(state_dir),
        workers=[watching],
        nightly=Nightly({}, replicating, clock, FakeLocalTime(clock)),
        before=before,
    )


def running(one: Chores) -> threading.Thread:
    thread = threading.Thread(target=one.run, daemon=True)
    thread.start()
    return thread


def test_what_follows_all_the_time_is_started_again_and_a_replication_goes_on(
    tmp_path: Path,
) -> None:
    old, new, replicating = (worker(keeps_running=keeps) for keeps in (True, True, False))
    first = chores(tmp_path, old, replicating)
    second = chores(tmp_path, new, first.nightly.worker, before=first)
    replicating.start()
    threads = [running(first), running(second)]
    first.hand_over()
    threads[0].join(GENEROUS_S)

    assert not old.is_running
    assert replicating.is_running

    second.stop()
    threads[1].join(GENEROUS_S)
    assert not new.is_running
    assert not replicating.is_running

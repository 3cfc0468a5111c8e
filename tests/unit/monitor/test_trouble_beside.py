"""Trouble in the monitor's other threads: none ends unnoticed, a damaged store ends none."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

from ipfx_failover.events import Event, EventKind
from ipfx_failover.monitor.hurry import Hurry
from ipfx_failover.monitor.messages import Message, ThreadDied
from ipfx_failover.monitor.scribe import Scribe
from ipfx_failover.monitor.watched import watched
from ipfx_failover.state.store import DATABASE, Store
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from pathlib import Path

GENEROUS_S = 30


def overwrite(database: Path) -> None:
    """A broken disk: what was the store is noise; its side files are gone."""
    for side in ("-wal", "-shm"):
        database.with_name(f"{database.name}{side}").unlink(missing_ok=True)
    database.write_bytes(b"\xa5" * database.stat().st_size)


def test_a_thread_that_ends_by_an_error_is_told_to_the_deciding_thread() -> None:
    messages: SimpleQueue[Message] = SimpleQueue()
    error = OSError("the adapter exploded")

    def run() -> None:
        raise error

    watched("prober", run, messages).start()

    assert ThreadDied(error) == messages.get(timeout=GENEROUS_S)


class BreakingDown:
    """Opens a store, which breaks before it is used."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir

    def __call__(self) -> Store:
        store = Store(self.state_dir)
        overwrite(self.state_dir / DATABASE)
        return store


def test_the_scribe_outlives_a_damaged_store_and_says_so_once(tmp_path: Path) -> None:
    said: list[str] = []
    cried: list[Event] = []
    refreshed: list[Store] = []
    scribe = Scribe(
        open_store=BreakingDown(tmp_path),
        clock=FakeClock(),
        after_commit=refreshed.append,
        say=said.append,
        cry=cried.append,
        hurry=Hurry(FakeClock()),
    )
    thread = threading.Thread(target=scribe.run)
    thread.start()
    for _ in range(3):
        scribe.emit(EventKind.ISOLATED, reason="a test")
    scribe.stop()
    thread.join(GENEROUS_S)

    assert [True] == ["is damaged" in text for text in said]
    assert [True] == ["is damaged" in event.text for event in cried]
    # For who may not open the store the snapshot grows old; it must not go on to say OK.
    assert [] == refreshed

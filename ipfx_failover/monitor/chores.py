"""The monitor's thread for bulk work: starts its child processes, and starts them again."""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING

from ipfx_failover.errors import FailoverError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipfx_failover.monitor.nightly import Nightly
    from ipfx_failover.monitor.workers import Worker
    from ipfx_failover.state.store import Store

_LOOK_EVERY_S = 0.5


class Chores:
    """Looks after the children; starting one can take as long as the disk likes."""

    def __init__(
        self, *, open_store: Callable[[], Store], workers: Sequence[Worker], nightly: Nightly
    ) -> None:
        self._open_store = open_store
        self._workers = workers
        self._nightly = nightly
        self._stop = threading.Event()

    def stop(self) -> None:
        """Let `run` end, with its children; from any thread."""
        self._stop.set()

    def run(self) -> None:
        """Look after them until `stop`, then end them."""
        try:
            with self._open_store() as store:
                for worker in self._workers:
                    worker.start()
                while not self._stop.wait(_LOOK_EVERY_S):
                    self.turn(store)
        finally:
            for worker in (*self._workers, self._nightly.worker):
                worker.stop()

    def turn(self, store: Store) -> None:
        """Does every child run, is the daily replication due?"""
        for worker in self._workers:
            worker.look()
        try:
            self._nightly.look(store)
        except (FailoverError, sqlite3.DatabaseError):
            return  # the scribe tells of a store in trouble; the next look tries again

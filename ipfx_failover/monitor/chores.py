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
    """Looks after the children; starting one can take as long as the disk likes.

    `before`: whose children these follow. A daily replication that is under way goes on.
    """

    def __init__(
        self,
        *,
        open_store: Callable[[], Store],
        workers: Sequence[Worker],
        nightly: Nightly,
        before: Chores | None = None,
    ) -> None:
        self._open_store = open_store
        self._workers = workers
        self._nightly = nightly
        self._before = before
        self._hands_over = False
        self._stop = threading.Event()
        self._ended = threading.Event()

    @property
    def nightly(self) -> Nightly:
        return self._nightly

    def stop(self) -> None:
        """Let `run` end, with its children; from any thread."""
        self._stop.set()

    def hand_over(self) -> None:
        """Let `run` end; another one goes on with the daily replication."""
        self._hands_over = True
        self._stop.set()

    def run(self) -> None:
        """Look after them until `stop`, then end them."""
        if self._before is not None:
            self._before.wait_until_ended()
            self._before = None
        try:
            with self._open_store() as store:
                for worker in self._workers:
                    worker.start()
                while not self._stop.wait(_LOOK_EVERY_S):
                    self.turn(store)
        finally:
            for worker in self._workers:
                worker.stop()
            if not self._hands_over:
                self._nightly.worker.stop()
            self._ended.set()

    def wait_until_ended(self) -> None:
        self._ended.wait()

    def turn(self, store: Store) -> None:
        """Does every child run, is the daily replication due?"""
        for worker in self._workers:
            worker.look()
        try:
            self._nightly.look(store)
        except (FailoverError, sqlite3.DatabaseError):
            return  # the scribe tells of a store in trouble; the next look tries again

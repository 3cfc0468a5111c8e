"""The log as it grows, whoever writes it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ipfx_failover.errors import FailoverError
from ipfx_failover.state.reading import EVERYTHING
from ipfx_failover.state.store import DATABASE
from ipfx_failover.wiring.looking import open_to_read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ipfx_failover.state.reading import Logged, Reading, Wanted

_EVERY_S = 0.2


class Follower:
    """Shows every event behind `cursor` that is wanted; a slow reader delays nothing else.

    A store that cannot be read is asked again; one that was made anew is followed from its
    beginning. `say` is told of such trouble, once.
    """

    def __init__(
        self,
        state_dir: Path,
        cursor: int,
        show: Callable[[Logged], None],
        say: Callable[[str], None],
        wanted: Wanted = EVERYTHING,
    ) -> None:
        self._state_dir = state_dir
        self._cursor = cursor
        self._show = show
        self._say = say
        self._wanted = wanted
        self._trouble = ""
        self._store: Reading | None = None
        self._file = _identity(state_dir)
        self._version = -1
        self._stop = threading.Event()

    def stop(self) -> None:
        self._stop.set()

    def run(self) -> None:
        """Follow until `stop`, and show what is left then."""
        try:
            while not self._stop.wait(_EVERY_S):
                self.turn()
            self._version = -1
            self.turn()
        finally:
            self._close()

    def turn(self) -> None:
        """Show what came since the last turn."""
        try:
            store = self._opened()
            version = store.data_version()
            if version != self._version:
                for logged in store.all_events(self._wanted, behind=self._cursor):
                    self._cursor = logged.cursor
                    self._show(logged)
                self._version = version
        except FailoverError as error:
            self._close()
            if error.message != self._trouble:
                self._trouble = error.message
                self._say(f"{error.message}; {error.hint}")

    def _opened(self) -> Reading:
        file = _identity(self._state_dir)
        if file != self._file:
            self._close()
            self._file, self._cursor = file, 0
        if self._store is None:
            self._store, self._version = open_to_read(self._state_dir), -1
        return self._store

    def _close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None


def _identity(state_dir: Path) -> tuple[int, int] | None:
    """Which file the store is; None where there is none."""
    try:
        found = (state_dir / DATABASE).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino

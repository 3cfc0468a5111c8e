"""The log as it grows, whoever writes it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ipfx_failover.errors import FailoverError
from ipfx_failover.state.log import EVERYTHING
from ipfx_failover.state.store import DATABASE
from ipfx_failover.wiring.looking import open_to_read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ipfx_failover.state.log import Logged, Wanted
    from ipfx_failover.state.reading import Reading

_EVERY_S = 0.2


class Follower:
    """Shows every event behind `cursor` that is wanted; a slow reader delays nothing else.

    A store that cannot be read is asked again; one that was made anew is followed from its
    beginning. `say` is told of such trouble, once. Whoever calls `soon` at each commit may let it
    look by itself less often than `every_s`.
    """

    def __init__(
        self,
        state_dir: Path,
        cursor: int,
        show: Callable[[Logged], object],
        say: Callable[[str], object],
        wanted: Wanted = EVERYTHING,
        *,
        every_s: float = _EVERY_S,
    ) -> None:
        self._place = StoreInPlace(state_dir)
        self._number = self._place.number
        self._cursor = cursor
        self._show = show
        self._say = say
        self._wanted = wanted
        self._every_s = every_s
        self._trouble = ""
        self._soon = threading.Event()
        self._is_stopped = False

    def soon(self) -> None:
        """Somebody has committed; from any thread."""
        self._soon.set()

    def stop(self) -> None:
        self._is_stopped = True
        self._soon.set()

    def run(self, goes_on: Callable[[], bool] = lambda: True) -> None:
        """Follow until `stop`, or as long as it goes on; and show what is left then."""
        try:
            while goes_on() and not self._is_stopped:
                self._soon.wait(self._every_s)
                self._soon.clear()
                self.turn()
            self.turn(in_any_case=True)
        finally:
            self._place.close()

    def turn(self, *, in_any_case: bool = False) -> None:
        """Show what came since the last turn."""
        try:
            if self._place.has_news() or in_any_case:
                self._show_all(self._place.opened())
        except FailoverError as error:
            self._place.close()
            if error.message != self._trouble:
                self._trouble = error.message
                self._say(f"{error.message}; {error.hint}")

    def _show_all(self, store: Reading) -> None:
        if self._place.number != self._number:
            self._number, self._cursor = self._place.number, 0
        for logged in store.all_events(self._wanted, behind=self._cursor):
            self._cursor = logged.cursor
            self._show(logged)


class StoreInPlace:
    """The store of a state directory, opened to read; again when another one is in its place.

    `number` counts the stores that were there.
    """

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._file = _identity(state_dir)
        self._store: Reading | None = None
        self._version = -1
        self.number = 0

    def has_news(self) -> bool:
        """Whether anything was committed since it was asked before."""
        store, before = self.opened(), self._version
        self._version = store.data_version()
        return self._version != before

    def opened(self) -> Reading:
        """The store that is there now."""
        file = _identity(self._state_dir)
        if file != self._file:
            self.close()
            self._file = file
            self.number += 1
        if self._store is None:
            self._store, self._version = open_to_read(self._state_dir), -1
        return self._store

    def close(self) -> None:
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

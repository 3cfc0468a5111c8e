"""What the main screen follows: the same status as `status`, and the log, looked at cheaply."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.adapters.readers import has_reader
from ipfx_failover.config.find import find
from ipfx_failover.errors import FailoverError, Refused
from ipfx_failover.screen.values import LOG_LINES, Seen
from ipfx_failover.wiring.following import StoreInPlace
from ipfx_failover.wiring.looking import drawn, from_snapshot, outline_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ipfx_failover.state.log import Logged
    from ipfx_failover.state.reading import Reading

_PAUSE_S = 0.2
_AGAIN_NS = 1_000_000_000
"""What no commit tells is looked at so often: locks, the age of the last probe, the config."""

_Version = tuple[int, ...] | None


class StateLook:
    """Follows the state of an installation through resets and changes of its config.

    Raises:
        UsageError: there is no config, or it is wrong where it matters here.
    """

    def __init__(self, config_path: Path | None) -> None:
        self.config = find(config_path, environ=os.environ)
        self._clock = SystemClock()
        self._config_version = _version(self.config)
        self._outline = outline_at(self.config)
        self._config_problem: FailoverError | None = self._outline.problem
        self._place = StoreInPlace(self._outline.state_dir)
        self._number = -1
        self._cursor = 0
        self._looked_ns: int | None = None

    def look(self) -> Seen | None:
        """What is to be seen now; None when nothing was committed, and it was seen just now."""
        now_ns = self._clock.monotonic_ns()
        is_due = self._looked_ns is None or now_ns - self._looked_ns >= _AGAIN_NS
        try:
            if not self._place.has_news() and not is_due:
                return None
            self._looked_ns = now_ns
            self._take_up_config()
            return self._see(self._place.opened())
        except FailoverError as problem:
            self.close()
            if not is_due:
                return None
            self._looked_ns = now_ns
            return self._see_less(problem)

    def follow(self) -> Iterator[Seen]:
        """Everything that is to be seen, as it changes, while somebody reads what we print."""
        while has_reader(sys.stdout):
            if (seen := self.look()) is not None:
                yield seen
            self._clock.sleep(_PAUSE_S)

    def close(self) -> None:
        self._place.close()

    def _see(self, store: Reading) -> Seen:
        report = drawn(self._outline, store, self._clock)
        return Seen(report, self._config_problem, self._news(store))

    def _see_less(self, problem: FailoverError) -> Seen:
        if not isinstance(problem, Refused):
            return Seen(None, problem)
        snapshot = from_snapshot(self._outline, self._clock)
        return Seen(snapshot, self._config_problem if snapshot else problem, None)

    def _news(self, store: Reading) -> tuple[Logged, ...]:
        if self._place.number != self._number:
            self._number = self._place.number
            self._cursor = store.cursor_before_last(LOG_LINES)
        news = tuple(store.events_after(self._cursor))
        if news:
            self._cursor = news[-1].cursor
        return news

    def _take_up_config(self) -> None:
        """Read the config again when it was changed; a broken one leaves the old one in use."""
        version = _version(self.config)
        if version == self._config_version:
            return
        self._config_version = version
        try:
            outline = outline_at(self.config)
        except FailoverError as problem:
            self._config_problem = problem
            return
        self._config_problem = outline.problem
        if outline.problem is not None:
            self._outline = replace(self._outline, problem=outline.problem)
            return
        if outline.state_dir != self._outline.state_dir:
            self.close()
            self._place, self._number = StoreInPlace(outline.state_dir), -1
        self._outline = outline


def show_screen(look: StateLook) -> None:
    """Show the main screen until somebody leaves it, or the system asks us to end."""
    from ipfx_failover.adapters.own_commands import OwnCommands
    from ipfx_failover.adapters.signals import on_end
    from ipfx_failover.screen.app import show

    show(look, OwnCommands(look.config), on_end)


def _version(path: Path) -> _Version:
    """What tells a file from another one, and from itself before it was changed."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size

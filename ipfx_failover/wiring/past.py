"""What `log` reads: as `status`, from the store, without the config's models."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.adapters.clock import SystemClock, SystemLocalTime
from ipfx_failover.adapters.readers import has_reader
from ipfx_failover.errors import UsageError
from ipfx_failover.events import Level
from ipfx_failover.history.moments import moment
from ipfx_failover.state.log import Wanted
from ipfx_failover.wiring.following import Follower
from ipfx_failover.wiring.looking import open_to_read, outline_told

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from ipfx_failover.config.outline import Outline
    from ipfx_failover.state.log import Logged
    from ipfx_failover.state.reading import Reading

_LAST = 20
"""So many lines are shown where nobody says which."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of the log, as it was typed; `level` and graver."""

    since: str | None = None
    until: str | None = None
    server: str | None = None
    level: Level | None = None
    lines: int | None = None


def show_log(
    config_path: Path | None,
    asked: Asked,
    show: Callable[[Logged], bool],
    say: Callable[[str], object],
    *,
    follow: bool,
) -> None:
    """Show the log, and go on as it grows with `follow`, until `show` says that nobody reads it.

    Raises:
        UsageError: what is asked for makes no sense; there is no such server.
        Refused: this user may not open the store.
        InDoubt: the store is damaged.
    """
    if follow and asked.until:
        raise UsageError("--follow has no end, so it has no --until", "leave one of the two away")
    outline = outline_told(config_path, say)
    with closing(open_to_read(outline.state_dir)) as store:
        wanted = _wanted(asked, outline, store)
        lines = asked.lines
        if lines is None and not (asked.since or asked.until):
            lines = _LAST
        cursor = 0 if lines is None else store.cursor_before_last(lines, wanted)
        for logged in store.all_events(wanted, behind=cursor):
            cursor = logged.cursor
            if not show(logged):
                return
    if follow:
        _follow(outline.state_dir, cursor, show, say, wanted)


def _follow(
    state_dir: Path,
    cursor: int,
    show: Callable[[Logged], bool],
    say: Callable[[str], object],
    wanted: Wanted,
) -> None:
    def show_or_stop(logged: Logged) -> None:
        if not show(logged):
            follower.stop()

    follower = Follower(state_dir, cursor, show_or_stop, say, wanted)
    follower.run(lambda: has_reader(sys.stdout))


def _wanted(asked: Asked, outline: Outline, store: Reading) -> Wanted:
    since, until = span(asked.since, asked.until)
    levels = list(Level)
    return Wanted(
        since=since,
        until=until,
        server=asked.server and known_server(asked.server, outline, store),
        levels=tuple(levels[levels.index(asked.level) :]) if asked.level else (),
    )


def span(since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    """From when until when, as it was typed.

    Raises:
        UsageError: it is no time, ends before it begins, or has not begun.
    """
    now, local = SystemClock().now(), SystemLocalTime()
    begin = moment(since, now, local, passed=True) if since is not None else None
    end = moment(until, now, local) if until is not None else None
    if begin and begin > now:
        raise UsageError("--since lies in the future", "give a time that has passed")
    if begin and end and end <= begin:
        raise UsageError("--until is not later than --since", "swap the two")
    return begin, end


def known_server(name: str, outline: Outline, store: Reading) -> str:
    """The server's name as it is written; one that was removed from the config is remembered.

    Raises:
        UsageError: nobody knows it; the known ones are listed.
    """
    configured = [watched.name for watched in outline.servers]
    remembered = [
        row["server"]
        for row in store.rows("SELECT DISTINCT server FROM events WHERE server IS NOT NULL")
    ]
    for known in (*configured, *remembered):
        if known.casefold() == name.casefold():
            return str(known)
    raise UsageError(
        f"there is no server {name!r}", f"the known ones: {', '.join(configured) or 'none'}"
    )

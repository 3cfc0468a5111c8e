"""A new state store in the place of a damaged one, which is kept aside.

Nobody knows any more which side holds the data that must not be lost, so every server counts as
ahead: nothing overwrites its copy until the operator decides.
"""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from ipfx_failover.errors import InDoubt, Refused
from ipfx_failover.events import Event, EventKind
from ipfx_failover.records import Authority
from ipfx_failover.state import locks
from ipfx_failover.state.creation import create_beside, side_files
from ipfx_failover.state.store import DATABASE
from ipfx_failover.state.trouble import classified
from ipfx_failover.state.writing import Transaction

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from ipfx_failover.clock import Clock
    from ipfx_failover.state.locks import Locks


def reset(state_dir: Path, *, servers: Sequence[str], locks_of_state: Locks, clock: Clock) -> Path:
    """Set the damaged store aside and make a new one; where the damaged one is now.

    Args:
        state_dir: where the store is.
        servers: the names of all servers; their authority becomes STANDBY.
        locks_of_state: the locks of this state directory.
        clock: for the name of the damaged store and the event.

    Raises:
        Busy: a monitor, or work on a server's copy, runs.
        Refused: the store is not damaged, or its directory cannot be written.
    """
    with ExitStack() as held:
        for resource in _resources(servers):
            held.enter_context(locks_of_state.hold(resource, locks.this_command()))
        path = state_dir / DATABASE
        _refuse_sound(path)
        aside = _free_name(path, clock.now())
        try:
            new = create_beside(path)
            _fill(new, servers, aside, clock.now())
            _exchange(path, new, aside)
        except (OSError, sqlite3.DatabaseError) as error:
            raise Refused(
                f"the state store {path} cannot be replaced: {error}",
                "end every ipfx-failover process, and run this as the user that runs the monitor",
            ) from error
    return aside


def _resources(servers: Sequence[str]) -> list[str]:
    of_servers = [kind(name) for name in servers for kind in (locks.database, locks.files)]
    return [locks.MONITOR, *of_servers]


def _refuse_sound(path: Path) -> None:
    if not path.exists():
        raise Refused(f"there is no state store {path}", "nothing has to be done: it is made anew")
    if not _is_damaged(path):
        raise Refused(
            f"the state store {path} is not damaged", "see what it says: ipfx-failover status"
        )


def _is_damaged(path: Path) -> bool:
    """Looks without changing anything, so that all of it can be kept."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            found = connection.execute("PRAGMA integrity_check").fetchall()
    except sqlite3.DatabaseError as error:
        trouble = classified(path, error)
        if isinstance(trouble, InDoubt):
            return True
        raise trouble or error from None
    return version == 0 or found != [("ok",)]


def _free_name(path: Path, now: datetime) -> Path:
    stamp = f"{path.name}.damaged-{now:%Y%m%dT%H%M%SZ}"
    names = [stamp, *(f"{stamp}.{number}" for number in range(2, 100))]
    return next(path.with_name(name) for name in names if not path.with_name(name).exists())


def _fill(new: Path, servers: Sequence[str], aside: Path, now: datetime) -> None:
    with closing(sqlite3.connect(new, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        tx = Transaction(connection, new)
        for name in servers:
            tx.set_authority(name, Authority.STANDBY)
        tx.emit(Event(EventKind.STATE_RESET, now, None, {"kept": str(aside)}))
        connection.execute("COMMIT")


def _exchange(path: Path, new: Path, aside: Path) -> None:
    """At no moment is there no store: an empty one would be made, and believed."""
    for side, its_aside in zip(side_files(path), side_files(aside), strict=True):
        if side.exists():
            side.replace(its_aside)
    try:
        aside.hardlink_to(path)
    except OSError:
        path.replace(aside)  # a file system without hard links
    new.replace(path)

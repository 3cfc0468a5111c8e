"""What SQLite says when it fails, sorted: damaged, unwritable for now, or a bug of ours."""

from __future__ import annotations

import errno
import os
import sqlite3
from typing import TYPE_CHECKING

from ipfx_failover.errors import Failed, FailoverError, InDoubt

if TYPE_CHECKING:
    from pathlib import Path

_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_NO_RIGHT = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN})
_WAITS = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})
# A disk that is full shows as an I/O error where the shared memory file cannot grow.
_NO_ROOM = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})


class StateUnwritableError(Failed):
    """The store cannot be written now (disk full, a stuck writer); the takeover goes on without.

    `needs_room`: more room on the disk may help. `is_passing`: waiting may help; False where this
    user has no right.
    """

    def __init__(
        self, reason: str, hint: str, *, needs_room: bool = False, is_passing: bool = True
    ) -> None:
        super().__init__(f"the state store cannot be written: {reason}", hint)
        self.reason = reason
        self.needs_room = needs_room
        self.is_passing = is_passing


def damaged(path: Path, reason: str) -> InDoubt:
    """The refusal to work on a damaged store."""
    return InDoubt(
        f"the state store {path} is damaged: {reason}",
        "check by hand whether this machine stands in for a server (its address, its application); "
        "then make a new store: ipfx-failover state reset",
    )


def how_to_write(directory: Path) -> str:
    """What to do where a file of ours cannot be opened; `directory`: where it is."""
    try:
        os.utime(directory)  # changes nothing that anybody looks at
    except OSError as error:
        if error.errno == errno.EROFS:
            return f"make the file system of {directory} writable again: it is read-only"
    return "run this as the user that runs the monitor (root or an administrator)"


def classified(path: Path, error: sqlite3.DatabaseError) -> FailoverError | None:
    """What an error means for those who use the store; None when it is a bug of ours."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    reason = str(error)
    if code in _DAMAGE:
        return damaged(path, reason)
    if code in _NO_RIGHT:
        return StateUnwritableError(
            reason,
            how_to_write(path.parent),
            is_passing=False,
        )
    if code in _WAITS:
        return StateUnwritableError(
            f"{reason} (another process does not end its work on it)",
            "look for a stopped ipfx-failover process, and end it",
        )
    if code in _NO_ROOM:
        return StateUnwritableError(
            reason, f"make room on the disk of {path.parent}", needs_room=True
        )
    return None

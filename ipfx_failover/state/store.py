"""The one truth: a SQLite database in `state_dir`, WAL, written in short transactions.

Everything that is to be known after this process has ended is committed here, the state change,
its event and its mail together. FULL synchronisation where power loss must not undo the commit
(`durable`), NORMAL on the takeover path (0.4 ms; the address is volatile anyway).
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from ipfx_failover.errors import Refused
from ipfx_failover.state.creation import create_if_missing, upgrade, version_of
from ipfx_failover.state.reading import Reading
from ipfx_failover.state.schema import SCHEMA_VERSION
from ipfx_failover.state.trouble import StateUnwritableError, classified, damaged, how_to_write
from ipfx_failover.state.writing import Transaction

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DATABASE = "state.db"
BALLAST = "ballast"
_BALLAST_BYTES = 4 * 1024 * 1024

__all__ = ["BALLAST", "DATABASE", "StateUnwritableError", "Store"]


class Store(Reading):
    """A connection to the state store; one a thread.

    Raises:
        InDoubt: the database is damaged.
        Refused: the database cannot be opened by this user, or is of a newer version.
        StateUnwritableError: it cannot be opened now (disk full, a stuck writer).
    """

    def __init__(self, state_dir: Path, *, busy_timeout_s: float = 5.0) -> None:
        self.state_dir = state_dir
        path = state_dir / DATABASE
        try:
            state_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
            create_if_missing(path)
            connection = _connect(path, busy_timeout_s)
        except OSError as error:
            raise _refused(path, error.strerror or str(error)) from None
        except sqlite3.DatabaseError as error:
            raise _cannot_open(path, error) from None
        super().__init__(connection, path)
        self._busy_timeout_s = busy_timeout_s
        self._file = _identity(path)

    def check_place(self) -> None:
        """See that the file at its path is the one that was opened.

        It is not opened again for that: closing it would drop SQLite's own locks on it.

        Raises:
            InDoubt: it is gone, or another one.
        """
        if _identity(self.path) != self._file:
            raise damaged(self.path, "its file is gone, or another one is in its place")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(
        self, *, durable: bool = False, busy_timeout_s: float | None = None
    ) -> Iterator[Transaction]:
        """One commit; nothing of it stays when the block raises.

        Args:
            durable: whether it must survive a power cut.
            busy_timeout_s: how long to wait for another writer, if not as long as usual.

        Raises:
            StateUnwritableError: the disk is full, or another writer does not end.
            InDoubt: the database is damaged.
        """
        wait_s = self._busy_timeout_s if busy_timeout_s is None else busy_timeout_s
        try:
            self.connection.execute(f"PRAGMA busy_timeout = {int(wait_s * 1000)}")
            self.connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self.connection.execute("BEGIN IMMEDIATE")
            yield Transaction(self.connection, self.path)
            self.connection.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            self._roll_back()
            if trouble := classified(self.path, error):
                raise trouble from error
            raise
        except BaseException:
            self._roll_back()
            raise

    def release_ballast(self) -> bool:
        """Give the disk the room that was kept for the day it is full; False when it was gone."""
        try:
            (self.state_dir / BALLAST).unlink()
        except OSError:
            return False
        return True

    def renew_ballast(self) -> None:
        """Keep some room for the day the disk is full; without effect where there is none."""
        ballast = self.state_dir / BALLAST
        try:
            if not ballast.exists() or ballast.stat().st_size < _BALLAST_BYTES:
                ballast.write_bytes(b"\0" * _BALLAST_BYTES)
        except OSError:
            self.release_ballast()

    def _roll_back(self) -> None:
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")


def _connect(path: Path, busy_timeout_s: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        version = version_of(connection)
        if version == 0:
            raise damaged(path, "it is not a state store")
        if version > SCHEMA_VERSION:
            raise Refused(
                f"the state store {path} was written by a newer ipfx-failover",
                "upgrade ipfx-failover on this machine",
            )
        if version < SCHEMA_VERSION:
            upgrade(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file is at a path; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _cannot_open(path: Path, error: sqlite3.DatabaseError) -> Exception:
    trouble = classified(path, error)
    if isinstance(trouble, StateUnwritableError) and not trouble.is_passing:
        return _refused(path, str(error))
    return trouble or error


def _refused(path: Path, reason: str) -> Refused:
    return Refused(
        f"the state store {path} cannot be opened: {reason}",
        how_to_write(path.parent),
    )

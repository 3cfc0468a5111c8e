"""The one truth: a SQLite database in `state_dir`, WAL, written in short transactions.

Everything that is to be known after this process has ended is committed here, the state change,
its event and its mail together. FULL synchronisation where power loss must not undo the commit
(`durable`), NORMAL on the takeover path (0.4 ms; the address is volatile anyway).
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from ipfx_failover.errors import InDoubt, Refused
from ipfx_failover.state.reading import Reading
from ipfx_failover.state.schema import SCHEMA, SCHEMA_VERSION
from ipfx_failover.state.writing import Transaction

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DATABASE = "state.db"
BALLAST = "ballast"
_BALLAST_BYTES = 4 * 1024 * 1024


class StateUnwritableError(Exception):
    """The store cannot be written now (disk full, a stuck writer); the takeover goes on without."""


class Store(Reading):
    """A connection to the state store; one a thread.

    Raises:
        InDoubt: the database is damaged.
        Refused: the database cannot be opened by this user, or is of a newer version.
    """

    def __init__(self, state_dir: Path, *, busy_timeout_s: float = 5.0) -> None:
        self.state_dir = state_dir
        self.path = state_dir / DATABASE
        try:
            state_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
            super().__init__(_connect(self.path, busy_timeout_s))
        except (sqlite3.OperationalError, OSError) as error:
            raise Refused(
                f"the state store {self.path} cannot be opened: {error}",
                "run this as the user that runs the monitor (root or an administrator)",
            ) from None
        except sqlite3.DatabaseError as error:
            raise damaged(self.path, error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.connection.close()

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[Transaction]:
        """One commit; nothing of it stays when the block raises.

        Raises:
            StateUnwritableError: the disk is full, or another writer does not end.
        """
        try:
            self.connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self.connection.execute("BEGIN IMMEDIATE")
        except sqlite3.DatabaseError as error:
            raise self._classified(error) from error
        try:
            yield Transaction(self.connection)
            self._commit()
        except sqlite3.DatabaseError as error:
            self._roll_back()
            raise self._classified(error) from error
        except BaseException:
            self._roll_back()
            raise

    def data_version(self) -> int:
        """Changes whenever another connection has committed (5 microseconds)."""
        return int(self.connection.execute("PRAGMA data_version").fetchone()[0])

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
            if not ballast.exists():
                ballast.write_bytes(b"\0" * _BALLAST_BYTES)
        except OSError:
            ballast.unlink(missing_ok=True)

    def _commit(self) -> None:
        self.connection.execute("COMMIT")

    def _roll_back(self) -> None:
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def _classified(self, error: sqlite3.DatabaseError) -> Exception:
        if isinstance(error, sqlite3.IntegrityError):
            return error
        if isinstance(error, sqlite3.OperationalError):
            return StateUnwritableError(str(error))
        return damaged(self.path, error)


def damaged(path: Path, error: Exception) -> InDoubt:
    """The refusal to work on a damaged store."""
    return InDoubt(
        f"the state store {path} is damaged: {error}",
        "check by hand whether this machine stands in for a server (its address, its application); "
        "then make a new store: ipfx-failover state reset",
    )


def _connect(path: Path, busy_timeout_s: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=busy_timeout_s, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA foreign_keys = ON")
        if _schema_version(connection) == 0:
            _create(connection)
        if _schema_version(connection) > SCHEMA_VERSION:
            raise Refused(
                f"the state store {path} was written by a newer ipfx-failover",
                "upgrade ipfx-failover on this machine",
            )
    except BaseException:
        connection.close()
        raise
    return connection


def _schema_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    if _schema_version(connection) == 0:
        for statement in SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")

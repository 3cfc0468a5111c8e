"""Making a state store: beside its place, then into it in one go.

Two processes that start at the same time would disturb each other: SQLite does not wait for the
other one while it switches to WAL. And nobody may ever see a store without its tables.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from ipfx_failover.state.schema import MIGRATIONS, SCHEMA, SCHEMA_VERSION, TRIGGERS

if TYPE_CHECKING:
    from pathlib import Path

_WAIT_S = 30.0


def create_if_missing(path: Path) -> None:
    """Make an empty store at `path` unless there is one.

    Raises:
        OSError: the directory cannot be written, or another process does not end making it.
        sqlite3.DatabaseError: it cannot be written.
    """
    if _is_there(path):
        return
    from filelock import FileLock

    with FileLock(path.with_name(f"{path.name}.creating"), timeout=_WAIT_S, mode=0o600):
        if not _is_there(path):
            create_beside(path).replace(path)


def create_beside(path: Path) -> Path:
    """Make a complete, empty store that is to become `path`; where it is meanwhile."""
    beside = path.with_name(f"{path.name}.new")
    for leftover in (beside, *side_files(beside)):
        leftover.unlink(missing_ok=True)
    # Its side files get the same mode: whoever may read a database may lock it, too.
    beside.touch(mode=0o600, exist_ok=False)
    with closing(sqlite3.connect(beside, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN")
        _make_tables(connection)
        connection.execute("COMMIT")
    return beside


def upgrade(connection: sqlite3.Connection) -> None:
    """Bring the store of an older version up to date, in one commit; all that it knows stays.

    Raises:
        sqlite3.DatabaseError: it cannot be written.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have done it since we looked.
        for version in range(version_of(connection), SCHEMA_VERSION):
            for statement in MIGRATIONS[version]:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def version_of(connection: sqlite3.Connection) -> int:
    """The store's SCHEMA_VERSION; 0 where it is none."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def empty() -> sqlite3.Connection:
    """A store in memory that knows nothing: what a reader sees where none was made yet."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    _make_tables(connection)
    return connection


def _make_tables(connection: sqlite3.Connection) -> None:
    for statement in (*SCHEMA.split(";"), *TRIGGERS):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def side_files(path: Path) -> tuple[Path, Path]:
    """What SQLite keeps beside a database in WAL mode."""
    return path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")


def _is_there(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False

"""What both sides had when each file was last in sync, kept in a small database a server.

It is a file of its own, so that a sync never makes the takeover wait for the state store. Entries
are written only after a file has its final name: a kill at any time leaves no false claim. What a
loss of power may take away is noticed by the next comparison.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from ipfx_failover.errors import Failed
from ipfx_failover.files.listing import Stamp
from ipfx_failover.files.values import Direction, Known

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_VERSION = 1
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS trees (side TEXT PRIMARY KEY, location TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY,
    live_size INTEGER NOT NULL,
    live_mtime_ns INTEGER NOT NULL,
    standby_size INTEGER NOT NULL,
    standby_mtime_ns INTEGER NOT NULL,
    settled INTEGER NOT NULL
) WITHOUT ROWID;
PRAGMA user_version = {_VERSION};
COMMIT;
"""
_BUSY_TIMEOUT_S = 30.0


class Manifest:
    """The manifest of one server's files. Used by the thread that made it."""

    def __init__(self, file: Path, *, live: str, standby: str) -> None:
        """Open or make it.

        Args:
            file: the database; one that is damaged is moved aside and begun anew, which is safe:
                what a new manifest does not know is never deleted.
            live: the live tree's location. A manifest of other trees is begun anew as well.
            standby: the standby tree's location.

        Raises:
            Failed: the file cannot be opened or written.
        """
        self.was_damaged = False
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._database = self._opened(file)
        except (OSError, sqlite3.Error) as error:
            raise Failed(
                f"the sync manifest {file} cannot be opened: {error}",
                "see that the state directory can be written and its disk is not full",
            ) from None
        self._begin_anew_for_other_trees(live, standby)

    def _opened(self, file: Path) -> sqlite3.Connection:
        try:
            return _open(file)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            self.was_damaged = True
            file.replace(file.with_name(f"{file.name}.damaged"))
            for ending in ("-wal", "-shm"):
                file.with_name(file.name + ending).unlink(missing_ok=True)
            return _open(file)

    def _begin_anew_for_other_trees(self, live: str, standby: str) -> None:
        wanted = {("live", live), ("standby", standby)}
        with self._database:
            found = set(self._database.execute("SELECT side, location FROM trees"))
            if found != wanted:
                self._database.execute("DELETE FROM files")
                self._database.executemany("INSERT OR REPLACE INTO trees VALUES (?, ?)", wanted)

    def close(self) -> None:
        self._database.close()

    def load(self, direction: Direction) -> dict[str, Known]:
        """All entries, with source and target as they are in this direction."""
        entries = {}
        rows = self._database.execute(
            "SELECT path, live_size, live_mtime_ns, standby_size, standby_mtime_ns, settled"
            " FROM files"
        )
        for path, live_size, live_mtime, standby_size, standby_mtime, settled in rows:
            live, standby = Stamp(live_size, live_mtime), Stamp(standby_size, standby_mtime)
            sides = (live, standby) if direction is Direction.FROM_LIVE else (standby, live)
            entries[path] = Known(*sides, bool(settled))
        return entries

    def record(self, direction: Direction, entries: Iterable[tuple[str, Known]]) -> None:
        """Say that these files are in sync, in one transaction."""
        rows = []
        for path, known in entries:
            live, standby = known.source, known.target
            if direction is Direction.TO_LIVE:
                live, standby = standby, live
            rows.append((path, *live, *standby, int(known.settled)))
        if rows:
            with self._database:
                self._database.executemany(
                    "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)", rows
                )

    def forget(self, paths: Iterable[str]) -> None:
        """Say nothing about these files any more, in one transaction."""
        rows = [(path,) for path in paths]
        if rows:
            with self._database:
                self._database.executemany("DELETE FROM files WHERE path = ?", rows)


def _open(file: Path) -> sqlite3.Connection:
    database = sqlite3.connect(file, timeout=_BUSY_TIMEOUT_S)
    try:
        with closing(database.execute("PRAGMA journal_mode = WAL")):
            database.execute("PRAGMA synchronous = NORMAL")
        database.executescript(_SCHEMA)
        database.execute("SELECT count(*) FROM files").fetchone()
    except BaseException:
        with suppress(sqlite3.Error):
            database.close()
        raise
    return database

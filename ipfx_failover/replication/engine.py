"""The port of a database engine: what full replication asks of it, in both directions.

It has SQL Server's shape: backup on one side, restore beside on the other, verify, swap, drop.
Paths are strings, because journalled steps are data. Every operation may be repeated after a kill.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of a database as it was `as_of`.

    `sha256`: empty where whoever carries it has to find out. `version`: sqlite: changes with the
    schema; sqlserver: the GUID of the backup set. `mark`: how far the database had come before
    (sqlserver: a `Watermark` as text).
    """

    path: str
    size_bytes: int
    sha256: str
    as_of: datetime
    version: str
    mark: str = ""


class Side(Protocol):
    """A database engine on one machine: the live server, or this one.

    Raises (everywhere):
        Unreachable: the machine is lost.
        Failed: the engine refuses; the message says why.
    """

    @property
    def name(self) -> str:
        """What people call the machine."""
        ...

    def exists(self, database: str) -> bool: ...

    def backup(self, database: str, to: str) -> Backup:
        """An online backup, also under constant write load; `to` is overwritten."""
        ...

    def verify(self, database: str) -> None:
        """Check a database that nobody uses, completely."""
        ...

    def close_down(self, database: str) -> None:
        """Make sure that nobody uses the database, and that it is all in one file.

        Raises:
            Refused: somebody uses it.
        """
        ...

    def swap(self, current: str, new: str, previous: str) -> None:
        """Put `new` in the place of `current`, which stays under the name `previous`."""
        ...

    def swap_back(self, current: str, new: str, previous: str, *, had_current: bool) -> None:
        """Undo `swap`, however far it got."""
        ...

    def drop(self, *databases: str) -> None:
        """Remove databases and backups, and what belongs to them; gone already is no error."""
        ...

    def begin_to_drop(self, database: str) -> Callable[[], None]:
        """The same, without waiting for another machine; what is returned does.

        It raises what `drop` would. To begin twice before that is to begin once.
        """
        ...


class FileSide(Side, Protocol):
    """An engine whose databases are files, one each."""

    def free_bytes(self, near: str) -> int | None:
        """Free space where `near` lies or will lie; None when it cannot be told."""
        ...

    def size_bytes(self, database: str) -> int: ...

    def leftovers(self, database: str, marker: str) -> list[str]:
        """Files beside `database` whose name has `marker` in it: what killed runs left."""
        ...


class Carrier(Protocol):
    """Carries a backup to the side `to_side`: `live` or `standby`."""

    def __call__(self, to_side: str, backup: Backup, to: str, like: str, /) -> None:
        """Copy it to `to` (flushed, then renamed), compare the hash, give it `like`'s owner.

        Raises:
            Failed: it did not arrive as it was sent, or there is no room.
            Unreachable: the other machine is lost.
        """
        ...

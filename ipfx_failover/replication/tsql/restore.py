"""PURE: RESTORE beside what is there, and DROP. Never REPLACE: every file gets a new name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.replication.tsql.text import name, text

if TYPE_CHECKING:
    from collections.abc import Sequence


def header(path: str) -> str:
    """What a backup file tells of the backup in it."""
    return f"RESTORE HEADERONLY FROM DISK = {text(path)}"


def file_list(path: str) -> str:
    """Which files the catalog in a backup consists of."""
    return f"RESTORE FILELISTONLY FROM DISK = {text(path)}"


def verify(path: str) -> str:
    """Read a backup again, its checksums with it; of one that nothing restores."""
    return f"RESTORE VERIFYONLY FROM DISK = {text(path)} WITH CHECKSUM"


def restore(catalog: str, path: str, moves: Sequence[tuple[str, str]]) -> str:
    """Restore a new catalog; `moves`: for each of its files, by logical name, where it goes."""
    options = [
        "CHECKSUM",
        "STATS = 1",
        "RESTRICTED_USER",
        *(f"MOVE {text(logical)} TO {text(to)}" for logical, to in moves),
    ]
    return f"RESTORE DATABASE {name(catalog)} FROM DISK = {text(path)} WITH {', '.join(options)}"


def throw_out(catalog: str) -> str:
    """End whoever is in a catalog that is about to be dropped."""
    return f"ALTER DATABASE {name(catalog)} SET SINGLE_USER WITH ROLLBACK IMMEDIATE"


def drop(catalog: str) -> str:
    return f"DROP DATABASE {name(catalog)}"


CHECK = "DBCC CHECKDB WITH PHYSICAL_ONLY, NO_INFOMSGS"
"""Every page of the session's catalog."""

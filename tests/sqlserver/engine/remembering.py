"""What a server keeps besides its catalogs' files: which there are, its logins, and msdb."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sqlserver.engine.backup import Header
    from tests.sqlserver.engine.catalog import Catalog

_NAME = "server.state"


@dataclass(slots=True)
class LoginAccount:
    """`rights`: sysadmin, or what it may do."""

    name: str
    password: str
    sid: bytes
    rights: frozenset[str] = frozenset({"sysadmin"})

    def may(self, right: str) -> bool:
        return bool({"sysadmin", right} & self.rights)


@dataclass(frozen=True, slots=True)
class BackupMade:
    """`begun`, `ended`: as datetime."""

    header: Header
    path: str
    begun: int
    ended: int


@dataclass(slots=True)
class Memory:
    """`online`: where the files of catalogs are, data and log; `restoring`: those without any.

    `restores`: when, to which catalog, by whom.
    """

    online: list[tuple[Path, Path]] = field(default_factory=list)
    restoring: list[Catalog] = field(default_factory=list)
    logins: dict[str, LoginAccount] = field(default_factory=dict)
    backups: list[BackupMade] = field(default_factory=list)
    restores: list[tuple[int, str, str]] = field(default_factory=list)
    next_database: int = 1


def recall(directory: Path) -> Memory | None:
    """What was kept in a directory, if anything."""
    try:
        found: Any = pickle.loads((directory / _NAME).read_bytes())  # noqa: S301 - our own
    except FileNotFoundError:
        return None
    assert isinstance(found, Memory)
    return found


def keep(directory: Path, memory: Memory) -> None:
    beside = directory / f"{_NAME}.new"
    beside.write_bytes(pickle.dumps(memory))
    beside.replace(directory / _NAME)

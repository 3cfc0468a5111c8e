"""Catalogs: their tables, files, users and options; kept in their data file on disk."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine.comparing import DEFAULT_COLLATION
from tests.sqlserver.engine.moments import datetime_now
from tests.sqlserver.results import Message
from tests.sqlserver.sql.lexer import SqlError

if TYPE_CHECKING:
    from tests.sqlserver.engine.sequences import Sequence
    from tests.sqlserver.engine.storage import Storage
    from tests.sqlserver.engine.tables import Table, Trigger
    from tests.sqlserver.sql.tree import Name

_FIRST_OBJECT = 245_575_913
_LAST_OF_THE_SYSTEM = 4
_OBJECT_STEP = 16_000_057


@dataclass(slots=True)
class File:
    """A file of a catalog. `kind`: ROWS or LOG."""

    file_id: int
    logical: str
    path: str
    kind: str
    size_pages: int = 1024


@dataclass(slots=True)
class User:
    name: str
    sid: bytes
    kind: str = "SQL_USER"


@dataclass(slots=True)
class Catalog:
    """`version`: of change tracking, of the last commit; `retention`: what was asked for."""

    name: str
    database_id: int
    files: list[File]
    compatibility: int
    owner_sid: bytes = b"\x01"
    collation: str = DEFAULT_COLLATION
    tables: dict[str, Table] = field(default_factory=dict)
    sequences: dict[str, Sequence] = field(default_factory=dict)
    schemas: set[str] = field(default_factory=lambda: {"dbo", "sys"})
    triggers: list[Trigger] = field(default_factory=list)
    users: dict[str, User] = field(default_factory=dict)
    denied: set[tuple[str, str, str, str]] = field(default_factory=set)
    """User, table, column (none: all of it) and permission."""
    options: dict[str, str] = field(default_factory=dict)
    family_guid: str = field(default_factory=lambda: str(uuid.uuid4()).upper())
    guid: str = field(default_factory=lambda: str(uuid.uuid4()).upper())
    fork_guid: str = field(default_factory=lambda: str(uuid.uuid4()).upper())
    is_tracking: bool = False
    retention: str = ""
    version: int = 0
    state: str = "ONLINE"
    access: str = "MULTI_USER"
    object_number: int = _FIRST_OBJECT
    row_version: int = 2000
    created: int = field(default_factory=datetime_now)
    commits: dict[int, int] = field(default_factory=dict)
    """When each version was committed."""
    filler_bytes: int = 0
    storage: Storage | None = None

    def new_object_id(self) -> int:
        self.object_number = (self.object_number + _OBJECT_STEP) % 2**31
        return self.object_number

    def new_row_version(self) -> bytes:
        """The next value of a rowversion column."""
        self.row_version += 1
        return self.row_version.to_bytes(8, "big")

    @property
    def is_system(self) -> bool:
        """Whether it is master, tempdb, model or msdb."""
        return self.database_id <= _LAST_OF_THE_SYSTEM

    def is_on(self, option: str, default: str = "OFF") -> int:
        return int(self.options.get(option, default) == "ON")

    def table(self, name: Name) -> Table:
        """A table by its name.

        Raises:
            SqlError: there is none (208).
        """
        found = self.find(name)
        if found is None:
            raise SqlError(Message(208, 16, f"Invalid object name '{name}'."))
        return found

    def find(self, name: Name) -> Table | None:
        return self.tables.get(table_key(name.schema or "dbo", name.last))

    def find_sequence(self, name: Name) -> Sequence | None:
        return self.sequences.get(table_key(name.schema or "dbo", name.last))

    def __getstate__(self) -> dict[str, Any]:
        """All but its rows and its files, which are elsewhere on another disk."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "storage"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.storage = None
        for name, value in state.items():
            setattr(self, name, value)


def table_key(schema: str, name: str) -> str:
    return f"{schema}.{name}".casefold()

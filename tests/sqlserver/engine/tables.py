"""Tables: typed columns, rows, keys, what must hold of them; and what a transaction changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine.comparing import DEFAULT_COLLATION, comparable
from tests.sqlserver.engine.moments import datetime_now
from tests.sqlserver.results import Message, SqlType
from tests.sqlserver.sql.lexer import SqlError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.sqlserver.engine.tracking import TableTracking
    from tests.sqlserver.sql.tree import Expression

Row = tuple[Any, ...]
TERMINATED = Message(3621, 0, "The statement has been terminated.")


@dataclass(slots=True)
class Column:
    """`identity`: seed and step. `computed`, `default`: expressions as they were defined."""

    name: str
    type: SqlType
    is_nullable: bool = True
    identity: tuple[int, int] | None = None
    default: Expression | None = None
    computed: Expression | None = None
    collation: str = DEFAULT_COLLATION
    definition: str = ""
    """Of a computed column, as text."""
    traits: frozenset[str] = frozenset()
    """What views tell of it: FILESTREAM, COLUMN_SET, ENCRYPTED, MASKED."""


@dataclass(slots=True)
class Key:
    """A primary key, or another index. `columns`: positions."""

    name: str
    columns: tuple[int, ...]
    is_primary: bool = False
    is_constraint: bool = True
    is_unique: bool = True
    object_id: int = 0


@dataclass(slots=True)
class ForeignKey:
    """`referenced`: names of the columns there. `is_trusted`: all rows were checked."""

    name: str
    columns: tuple[int, ...]
    schema: str
    table: str
    referenced: tuple[str, ...]
    cascades: bool = False
    is_enabled: bool = True
    is_trusted: bool = True
    object_id: int = 0


@dataclass(slots=True)
class Check:
    """`definition`: the condition as text."""

    name: str
    condition: Expression
    definition: str = ""
    is_enabled: bool = True
    is_trusted: bool = True
    object_id: int = 0


@dataclass(slots=True)
class Trigger:
    """`events`: INSERT, UPDATE, DELETE. `body`: its statements, as text."""

    name: str
    events: frozenset[str]
    body: str
    is_enabled: bool = True
    object_id: int = 0


@dataclass(slots=True)
class Table:
    """`rows`: by a number that a row keeps as long as it lives."""

    schema: str
    name: str
    columns: list[Column]
    object_id: int
    keys: list[Key] = field(default_factory=list)
    foreign_keys: list[ForeignKey] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    triggers: list[Trigger] = field(default_factory=list)
    rows: dict[int, Row] = field(default_factory=dict)
    identity: int | None = None
    """The last identity value that was given out."""
    tracking: TableTracking | None = None
    modified: int = field(default_factory=datetime_now)
    traits: frozenset[str] = frozenset()
    """What views tell of it: FILETABLE, MEMORY_OPTIMIZED, EXTERNAL, NODE, EDGE, LEDGER, POLICY."""
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _indexes: dict[tuple[int, ...], dict[Any, int]] = field(default_factory=dict)

    def __getstate__(self) -> dict[str, Any]:
        """All but its rows, which are kept beside it."""
        kept = (n for n in self.__slots__ if not n.startswith("_") and n != "rows")
        return {name: getattr(self, name) for name in kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)
        self.take_rows({})

    def take_rows(self, rows: dict[int, Row]) -> None:
        """Have these rows, whatever there was."""
        self.rows = rows
        self._numbers = count(max(rows, default=0) + 1)
        self._indexes = {}

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def primary_key(self) -> Key | None:
        return next((key for key in self.keys if key.is_primary), None)

    def position(self, column: str) -> int:
        """Where a column is.

        Raises:
            SqlError: there is none (207).
        """
        wanted = column.casefold()
        for position, each in enumerate(self.columns):
            if each.name.casefold() == wanted:
                return position
        raise SqlError(Message(207, 16, f"Invalid column name '{column}'."))

    def key_of(self, row: Row, columns: Sequence[int]) -> tuple[Any, ...]:
        """What rows are compared by in some columns; NULLs are equal in a key."""
        return tuple(
            None
            if row[at] is None
            else comparable(row[at], self.columns[at].type, self.columns[at].collation)
            for at in columns
        )

    def index(self, columns: tuple[int, ...]) -> dict[Any, int]:
        """Row numbers by key; made when it is asked for first, then kept up."""
        if columns not in self._indexes:
            self._indexes[columns] = {
                self.key_of(row, columns): number for number, row in self.rows.items()
            }
        return self._indexes[columns]

    def new_number(self) -> int:
        return next(self._numbers)

    def put(self, number: int, row: Row) -> None:
        """Insert or replace a row.

        Raises:
            SqlError: a key would be there twice (2627, 2601).
        """
        before = self.rows.get(number)
        for key in self.keys:
            if not key.is_unique:
                continue
            index, value = self.index(key.columns), self.key_of(row, key.columns)
            if index.get(value, number) != number:
                raise self._duplicate(key, row)
        for columns, index in self._indexes.items():
            if before is not None and index.get(self.key_of(before, columns)) == number:
                del index[self.key_of(before, columns)]
            index[self.key_of(row, columns)] = number
        self.rows[number] = row

    def remove(self, number: int) -> Row:
        row = self.rows.pop(number)
        for columns, index in self._indexes.items():
            if index.get(self.key_of(row, columns)) == number:
                del index[self.key_of(row, columns)]
        return row

    def forget_indexes(self) -> None:
        """The columns have changed."""
        self._indexes.clear()

    def _duplicate(self, key: Key, row: Row) -> SqlError:
        shown = ", ".join(str(row[at]) for at in key.columns)
        if not key.is_constraint:
            text = (
                f"Cannot insert duplicate key row in object '{self.full_name}' with unique index "
                f"'{key.name}'. The duplicate key value is ({shown})."
            )
            return SqlError(Message(2601, 14, text), TERMINATED)
        kind = "PRIMARY KEY" if key.is_primary else "UNIQUE KEY"
        text = (
            f"Violation of {kind} constraint '{key.name}'. Cannot insert duplicate key in object "
            f"'{self.full_name}'. The duplicate key value is ({shown})."
        )
        return SqlError(Message(2627, 14, text), TERMINATED)


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to a row, so that it can be undone and told of."""

    table: Table
    number: int
    before: Row | None
    after: Row | None
    is_truncation: bool = False

    def undo(self) -> None:
        if self.after is not None and self.number in self.table.rows:
            self.table.remove(self.number)
        if self.before is not None:
            self.table.put(self.number, self.before)


def undo(changes: Iterable[Change]) -> None:
    """Take changes back: all that were put first go first, so that no key is there twice."""
    newest_first = list(changes)[::-1]
    for change in newest_first:
        change.undo()

"""PURE: the tables of a catalog, and how each column's values travel without losing anything.

What a driver makes of a value is not relied upon: datetime2 would lose digits, datetimeoffset and
CLR types are refused, code pages guessed (pyodbc). So a column is read as an integer, a float, a
text or bytes, is written into a batch as a literal, and converted on the server.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from ipfx_failover.events import one_line
from ipfx_failover.replication.tsql.text import name

_WHOLE: Final = frozenset({"bit", "tinyint", "smallint", "int", "bigint"})
_FLOATS: Final = frozenset({"float", "real"})
_DECIMALS: Final = frozenset({"decimal", "numeric"})
_MONEYS: Final = {"money": "decimal(19, 4)", "smallmoney": "decimal(10, 4)"}
_STYLES: Final = {
    "date": 126,
    "datetime": 126,
    "smalldatetime": 126,
    "datetime2": 126,
    "time": 121,
    "datetimeoffset": 121,
}
"""How the types of time are written: ISO 8601, and as ODBC has it; neither asks for a language."""
_SCALED: Final = frozenset({"datetime2", "time", "datetimeoffset"})
_NARROW: Final = frozenset({"char", "varchar"})
_WIDE: Final = frozenset({"nchar", "nvarchar"})
_OLD_TEXTS: Final = {"text": "varchar(max)", "ntext": "nvarchar(max)"}
_BINARIES: Final = frozenset({"binary", "varbinary"})
_OF_CLR: Final = frozenset({"hierarchyid", "geography", "geometry"})
_MAX: Final = -1
_LONGEST: Final = 8000
"""Bytes; longer ones are of the kind (max)."""
_MOST_COLUMNS: Final = 1023
"""One less than a table that has no column set, such as the one where rows wait (1702)."""
_GENERATED: Final = "timestamp"
"""rowversion, as sys.types calls it."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column as sys.columns has it. `length`: bytes, -1 for (max)."""

    name: str
    type: str
    length: int
    precision: int
    scale: int
    collation: str | None
    is_identity: bool
    is_computed: bool
    is_generated: bool = False
    """Whether the server alone writes it, as it does in temporal and ledger tables."""

    @property
    def is_written(self) -> bool:
        """Whether it has values of its own."""
        return not self.is_computed and self.type != _GENERATED

    @property
    def is_text(self) -> bool:
        return self.type in _NARROW | _WIDE or self.type in _OLD_TEXTS or self.type == "xml"

    @property
    def is_known(self) -> bool:
        """Whether its values can travel."""
        return self.is_text or self.type in (
            _WHOLE | _FLOATS | _DECIMALS | _MONEYS.keys() | _STYLES.keys() | _BINARIES | _OF_CLR
        ) | {"image", "uniqueidentifier"}

    @property
    def declared(self) -> str:
        """Its type as it stands in a definition."""
        if self.type in _DECIMALS:
            return f"{self.type}({self.precision}, {self.scale})"
        if self.type in _SCALED:
            return f"{self.type}({self.scale})"
        if self.type in _NARROW | _BINARIES:
            return f"{self.type}({_length(self.length)})"
        if self.type in _WIDE:
            return f"{self.type}({_length(self.length, 2)})"
        return self.type

    @property
    def staged(self) -> str:
        """Its type where rows wait to be applied: what a comparison by key needs, and no more."""
        if self.type == "xml":
            return "nvarchar(max)"
        if self.type in _OF_CLR or self.type == "image":
            return "varbinary(max)"
        kind = _OLD_TEXTS.get(self.type, self.declared)
        return f"{kind} COLLATE {self.collation}" if self.collation else kind

    def read(self, value: str) -> str:
        """The expression that reads it; `value` is the column's."""
        if self.is_text:
            return self._read_text(value)
        if self._is_binary:
            size = _length(self.length) if self.type in _BINARIES else "max"
            return f"CONVERT(varbinary({size}), {value})"
        if self.type in _WHOLE | _FLOATS:
            return value
        exact = f"CONVERT({_MONEYS[self.type]}, {value})" if self.type in _MONEYS else value
        style = f", {_STYLES[self.type]}" if self.type in _STYLES else ""
        return f"CONVERT(nvarchar(41), {exact}{style})"

    def _read_text(self, value: str) -> str:
        # As UTF-16 in bytes: a half of a surrogate pair, which SQL Server stores, is no text here.
        is_short = self.type in _NARROW | _WIDE and self.length != _MAX
        of_text = self.length if self.type in _WIDE else 2 * self.length
        size = str(of_text) if is_short and of_text <= _LONGEST else "max"
        wide = value if self.type in _WIDE else f"CONVERT(nvarchar({_halved(size)}), {value})"
        return f"CONVERT(varbinary({size}), {wide})"

    def written(self, literal: str) -> str:
        """The expression that makes the staged value of a literal."""
        if self.type in _STYLES:
            return f"CONVERT({self.declared}, {literal}, {_STYLES[self.type]})"
        if self.type in _MONEYS:
            return f"CONVERT({self.type}, CONVERT({_MONEYS[self.type]}, {literal}))"
        if self.is_text or self.type in _OF_CLR or self.type == "image":
            return literal  # the column where it waits has another type
        return f"CONVERT({self.declared}, {literal})"

    def applied(self, staged: str) -> str:
        """The expression that makes the column's value of the staged one."""
        if self.type == "xml":
            return f"CONVERT(xml, {staged}, 1)"  # 1: white space is kept
        return f"CONVERT({self.type}, {staged})" if self.type in _OF_CLR else staged

    def literal(self, value: object, *, is_typed: bool = False) -> str:
        """A value that was read, as it stands in a batch.

        `is_typed`: NULL says its type, too, where no other row tells it.
        """
        if value is None:
            return f"CAST(NULL AS {self._travels})" if is_typed else "NULL"
        if isinstance(value, bytes):
            return _text_of(value) if self.is_text else f"0x{value.hex()}"
        if isinstance(value, float):
            return f"{value:.16e}"  # 17 digits tell any two apart
        return str(int(value)) if isinstance(value, int) else _quoted(str(value))

    @property
    def _travels(self) -> str:
        if self.type in _WHOLE | _FLOATS:
            return self.type
        return "varbinary(1)" if self._is_binary else "nvarchar(1)"

    @property
    def _is_binary(self) -> bool:
        return self.type in _BINARIES | _OF_CLR or self.type == "image"


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns in their order, and the names of those of its primary key.

    `peculiarity`: what else keeps its rows from being followed; `is_denied`: it is lack of a right.
    Both are of the login, too, and so say nothing of whether two tables are alike.
    """

    schema: str
    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    peculiarity: str | None = field(default=None, compare=False)
    is_denied: bool = field(default=False, compare=False)

    @property
    def quoted(self) -> str:
        return name(self.schema, self.name)

    @property
    def shown(self) -> str:
        """As people call it, on a terminal, too: the schema dbo goes without saying."""
        return one_line(self.name if self.schema == "dbo" else f"{self.schema}.{self.name}")

    @property
    def written(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.is_written)

    @property
    def keys(self) -> tuple[Column, ...]:
        by_name = {column.name: column for column in self.columns}
        return tuple(by_name[each] for each in self.key)

    @property
    def has_identity(self) -> bool:
        return any(column.is_identity for column in self.columns)

    @property
    def obstacle(self) -> str | None:
        """Why its rows cannot be followed; None if they can."""
        if self.peculiarity:
            return self.peculiarity
        if not self.key:
            return "it has no primary key"
        if any(not column.is_written for column in self.keys):
            return "its primary key is computed"
        generated = [c.name for c in self.columns if c.is_generated]
        if generated:
            return f"the server itself writes its column {generated[0]} (a temporal table)"
        if len(self.written) > _MOST_COLUMNS:
            return f"it has more than {_MOST_COLUMNS} columns"
        unknown = [f"{c.name} is {c.type}" for c in self.written if not c.is_known]
        return f"column {unknown[0]}" if unknown else None


def tables() -> str:
    """A row for each column of each table.

    schema, table, column, type, length, precision, scale, collation, identity, computed,
    generated, place in the primary key (NULL). A type of the user's is told as what it is made of,
    but for the CLR's. A set of sparse columns counts as computed: it is made of them.
    """
    return (
        "SELECT s.name, t.name, c.name, COALESCE(b.name, u.name), CONVERT(int, c.max_length), "
        "CONVERT(int, c.precision), CONVERT(int, c.scale), c.collation_name, "
        "CONVERT(int, c.is_identity), "
        "CASE WHEN c.is_computed = 1 OR c.is_column_set = 1 THEN 1 ELSE 0 END, "
        # sys.columns tells of it from 2016 on only; before that, the property is NULL.
        "COALESCE(COLUMNPROPERTY(c.object_id, c.name, 'GeneratedAlwaysType'), 0), "
        "CONVERT(int, k.key_ordinal) "
        "FROM sys.tables t JOIN sys.schemas s ON s.schema_id = t.schema_id "
        "JOIN sys.columns c ON c.object_id = t.object_id "
        "LEFT JOIN sys.types b ON b.user_type_id = c.system_type_id "
        "LEFT JOIN sys.types u ON u.user_type_id = c.user_type_id "
        "LEFT JOIN (SELECT i.object_id, x.column_id, x.key_ordinal FROM sys.indexes i "
        "JOIN sys.index_columns x ON x.object_id = i.object_id AND x.index_id = i.index_id "
        "WHERE i.is_primary_key = 1) k ON k.object_id = c.object_id AND k.column_id = c.column_id "
        "WHERE t.is_ms_shipped = 0 ORDER BY s.name, t.name, c.column_id"
    )


def foreign_keys() -> str:
    """Of all that are enforced: name, schema and table, schema and table that are referred to."""
    return (
        "SELECT f.name, s.name, t.name, p.name, r.name FROM sys.foreign_keys f "
        "JOIN sys.tables t ON t.object_id = f.parent_object_id "
        "JOIN sys.schemas s ON s.schema_id = t.schema_id "
        "JOIN sys.tables r ON r.object_id = f.referenced_object_id "
        "JOIN sys.schemas p ON p.schema_id = r.schema_id "
        "WHERE f.is_disabled = 0 ORDER BY f.name"
    )


def fingerprint() -> str:
    """What changes with any definition of a table: the sums of what they are, and of when.

    With the security policies (SP), which hide rows of them, from SQL Server 2016 on.

    The last change alone would not do, for clocks are set back. CHECKSUM_AGG is an XOR: two tables
    that are altered alike at the same moment cancel each other out in it.
    """
    return (
        "SELECT COUNT(*), SUM(CONVERT(bigint, object_id)), "
        "SUM(CONVERT(bigint, CONVERT(binary(8), modify_date))) FROM sys.objects "
        "WHERE type IN ('U', 'SP')"
    )


def _length(length: int, bytes_each: int = 1) -> str:
    return "max" if length == _MAX else str(length // bytes_each)


def _halved(size: str) -> str:
    return size if size == "max" else str(int(size) // 2)


def _quoted(value: str) -> str:
    return "N'" + value.replace("'", "''") + "'"


def _text_of(value: bytes) -> str:
    """UTF-16 as a literal; what no batch can have in it goes as bytes."""
    try:
        found = value.decode("utf-16-le")
    except UnicodeDecodeError:
        found = "\0"
    if "\0" in found:
        return f"CONVERT(nvarchar(max), 0x{value.hex()})"
    return _quoted(found)

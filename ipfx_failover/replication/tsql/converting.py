r"""PURE: paths that begin otherwise on the other server (manual, "Converting … Profile Paths").

A converted path may begin as one that is not: `C:\VM\DEMOSERVER\VM\` begins with `C:\VM\`. So
nothing here can be done twice: a marker in the same transaction says that it was done.
"""

from __future__ import annotations

from os.path import commonprefix
from typing import TYPE_CHECKING

from ipfx_failover.replication.tsql.text import name, text
from ipfx_failover.replication.tsql.tracking import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ipfx_failover.replication.sqlserver.conversion import Conversion

_TO_THE_END = 2**31 - 1
_RECORD = name(SCHEMA, "conversion")


def columns() -> str:
    """schema, table, column, its type, longest in bytes (-1: no limit), computed (0, 1)."""
    return (
        "SELECT s.name, t.name, c.name, y.name, CONVERT(int, c.max_length), "
        "CONVERT(int, c.is_computed) FROM sys.columns c "
        "JOIN sys.tables t ON t.object_id = c.object_id "
        "JOIN sys.schemas s ON s.schema_id = t.schema_id "
        "JOIN sys.types y ON y.user_type_id = c.system_type_id "
        "ORDER BY s.name, t.name, c.column_id"
    )


def converted(column: str, conversions: Iterable[Conversion]) -> str:
    """The value of a column (quoted), converted; `conversions` are all of this column.

    The longest beginning counts. Beginnings are compared as the column's collation has it; what
    both have in common stays as it is written, so that the way back ends where it began. To
    `nvarchar(max)`, because LEFT knows no text, and nvarchar ends at 4,000 characters.
    """
    value = _value(column)
    longest_first = sorted(conversions, key=lambda each: -len(each.begins))
    cases = " ".join(
        f"WHEN {_begins(value, each)} THEN {_becomes(value, each)}" for each in longest_first
    )
    return f"CASE {cases} ELSE {value} END"


def _becomes(value: str, conversion: Conversion) -> str:
    """By SUBSTRING: STUFF is NULL behind the end of a value that is all beginning."""
    kept = len(commonprefix((conversion.begins, conversion.becomes)))
    rest = f"SUBSTRING({value}, {len(conversion.begins) + 1}, {_TO_THE_END})"
    return f"LEFT({value}, {kept}) + {text(conversion.becomes[kept:])} + {rest}"


def convert(conversions: Sequence[Conversion]) -> str:
    """Convert all rows of the one column that all `conversions` are of."""
    table, column = _place(conversions)
    return (
        f"UPDATE {table} SET {column} = {converted(column, conversions)} "  # noqa: S608 - quoted
        f"WHERE {_any(column, conversions)}"
    )


def how_many_too_long(conversions: Sequence[Conversion], longest: int) -> str:
    """How many values would not fit their column, which takes `longest` characters.

    Blanks at the end do not count: they are cut off without an error (8152, 2628).
    """
    table, column = _place(conversions)
    return (
        f"SELECT COUNT(*) FROM {table} WHERE ({_any(column, conversions)}) "  # noqa: S608 - quoted
        f"AND LEN({converted(column, conversions)}) > {longest}"
    )


def how_many_begin(conversions: Sequence[Conversion]) -> str:
    """How many values begin as `conversions` would have them begin."""
    table, column = _place(conversions)
    return f"SELECT COUNT(*) FROM {table} WHERE {_any(column, conversions)}"  # noqa: S608 - quoted


def _place(conversions: Sequence[Conversion]) -> tuple[str, str]:
    first = conversions[0]
    return name(first.schema, first.table), name(first.column)


def _value(column: str) -> str:
    return f"CAST({column} AS nvarchar(max))"


def _any(column: str, conversions: Iterable[Conversion]) -> str:
    return " OR ".join(_begins(_value(column), each) for each in conversions)


def _begins(value: str, conversion: Conversion) -> str:
    return f"LEFT({value}, {len(conversion.begins)}) = {text(conversion.begins)}"


# The record in the copy: what its paths were converted by, whatever the config says later.


def create_record() -> str:
    """Its table, if it is not there; the schema must be."""
    return (
        f"IF OBJECT_ID({text(_RECORD)}) IS NULL CREATE TABLE {_RECORD} ("
        "schema_name nvarchar(128) NOT NULL, table_name nvarchar(128) NOT NULL, "
        "column_name nvarchar(128) NOT NULL, begins nvarchar(4000) NOT NULL, "
        "becomes nvarchar(4000) NOT NULL)"
    )


def has_record() -> str:
    """One value: NULL if there is no table for it."""
    return f"SELECT OBJECT_ID({text(_RECORD)})"


def forget() -> str:
    """The paths are as on the live server again."""
    return f"DELETE FROM {_RECORD}"  # noqa: S608 - a constant


def remember(conversion: Conversion) -> str:
    parts = (
        conversion.schema,
        conversion.table,
        conversion.column,
        conversion.begins,
        conversion.becomes,
    )
    return f"INSERT INTO {_RECORD} VALUES ({', '.join(map(text, parts))})"  # noqa: S608 - quoted


def remembered() -> str:
    return f"SELECT schema_name, table_name, column_name, begins, becomes FROM {_RECORD}"  # noqa: S608 - a constant


def drop_record() -> str:
    return f"IF OBJECT_ID({text(_RECORD)}) IS NOT NULL DROP TABLE {_RECORD}"

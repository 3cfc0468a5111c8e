"""PURE: what keeps rows of a table from being followed that its columns' types do not show.

What a version of SQL Server does not know yet must not be asked of it (207, 208). Not all of it is
an error where it is overlooked: masked values would be copied as they are shown, and rows that a
security policy hides would be taken for deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ipfx_failover.events import one_line
from ipfx_failover.replication.tsql.text import name as quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

_TABLES: Final = "sys.tables t JOIN sys.schemas s ON s.schema_id = t.schema_id"


class _Peculiarity(NamedTuple):
    """`since`: the major version that has it. `of`: the column that it is told of, if any."""

    since: int
    joined: str
    where: str
    why: str
    of: str = "N''"


def _may(permission: str, of_column: str = "") -> str:
    table = "QUOTENAME(s.name) + N'.' + QUOTENAME(t.name)"
    return f"HAS_PERMS_BY_NAME({table}, 'OBJECT', '{permission}'{of_column})"


_DENIALS: Final = (
    _Peculiarity(
        10,
        "",
        f"{_may('VIEW CHANGE TRACKING')} = 0",
        "this login may not see its changes (GRANT VIEW CHANGE TRACKING ON {table})",
    ),
    _Peculiarity(
        10,
        "JOIN sys.columns c ON c.object_id = t.object_id",
        f"{_may('SELECT')} = 1 AND " + _may("SELECT", ", c.name, 'COLUMN'") + " = 0",
        "this login may not read its column {column} (GRANT SELECT ON {table})",
        "c.name",
    ),
    _Peculiarity(
        10,
        "",
        f"{_may('SELECT')} = 0",
        "this login may not read it (GRANT SELECT ON {table})",
    ),
)
"""By them one who reads is refused (229, 230), and with it all that is read in the same round."""

_PECULIARITIES: Final = (
    *_DENIALS,
    _Peculiarity(11, "", "t.is_filetable = 1", "it is a FileTable"),
    _Peculiarity(12, "", "t.is_memory_optimized = 1", "it is memory-optimized"),
    _Peculiarity(13, "", "t.is_external = 1", "it is an external table"),
    _Peculiarity(14, "", "t.is_node = 1 OR t.is_edge = 1", "it is a graph table"),
    _Peculiarity(16, "", "t.ledger_type <> 0", "it is a ledger table"),
    _Peculiarity(
        13,
        "JOIN sys.security_predicates p ON p.target_object_id = t.object_id "
        "JOIN sys.security_policies y ON y.object_id = p.object_id",
        "y.is_enabled = 1",
        "a security policy may hide rows of it",
    ),
    _Peculiarity(
        10,
        "JOIN sys.columns c ON c.object_id = t.object_id",
        "c.is_filestream = 1",
        "its column {column} is FILESTREAM",
        "c.name",
    ),
    _Peculiarity(
        13,
        "JOIN sys.columns c ON c.object_id = t.object_id",
        "c.encryption_type IS NOT NULL",
        "its column {column} is encrypted (Always Encrypted)",
        "c.name",
    ),
    _Peculiarity(
        13,
        "JOIN sys.masked_columns c ON c.object_id = t.object_id",
        "c.is_masked = 1 AND HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'UNMASK') = 0",
        "its column {column} is masked for this login, which lacks the right UNMASK",
        "c.name",
    ),
)


def peculiarities(major: int) -> str:
    """A row for each, in a catalog of a server of this version: schema, table, column, number."""
    return _rows_of(_PECULIARITIES, major)


def _rows_of(peculiarities: Sequence[_Peculiarity], major: int) -> str:
    return " UNION ALL ".join(
        f"SELECT s.name, t.name, {each.of}, {number} FROM {_TABLES} "  # noqa: S608 - constants
        f"{each.joined}{' ' if each.joined else ''}WHERE {each.where}"
        for number, each in enumerate(peculiarities)
        if each.since <= major
    )


DENIALS: Final = _rows_of(_DENIALS, 10)
"""Those rows of `peculiarities` that come and go with rights, which change no definition."""


def is_denial(number: int) -> bool:
    """Of a row of `peculiarities`: whether it is one of DENIALS."""
    return number < len(_DENIALS)


def why(number: int, schema: str, table: str, column: str) -> str:
    """What a row of `peculiarities` means, for people."""
    at = one_line(quoted(schema, table))
    return _PECULIARITIES[number].why.format(column=one_line(column), table=at)

"""PURE: what keeps rows of a table from being followed that its columns' types do not show.

What a version of SQL Server does not know yet must not be asked of it (207, 208). Not all of it is
an error where it is overlooked: masked values would be copied as they are shown, and rows that a
security policy hides would be taken for deleted.
"""

from __future__ import annotations

from typing import Final, NamedTuple

_TABLES: Final = "sys.tables t JOIN sys.schemas s ON s.schema_id = t.schema_id"


class _Peculiarity(NamedTuple):
    """`since`: the major version that has it. `of`: the column that it is told of, if any."""

    since: int
    joined: str
    where: str
    why: str
    of: str = "N''"


_PECULIARITIES: Final = (
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
    return " UNION ALL ".join(
        f"SELECT s.name, t.name, {each.of}, {number} FROM {_TABLES} "  # noqa: S608 - constants
        f"{each.joined}{' ' if each.joined else ''}WHERE {each.where}"
        for number, each in enumerate(_PECULIARITIES)
        if each.since <= major
    )


def why(number: int, column: str) -> str:
    """What a row of `peculiarities` means, for people."""
    return _PECULIARITIES[number].why.format(column=column)

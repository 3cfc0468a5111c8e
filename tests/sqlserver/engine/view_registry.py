"""How views of the catalog are defined: a function that yields their rows, with their columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine.compiled import Field
from tests.sqlserver.results import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.sqlserver.engine.catalog import Catalog
    from tests.sqlserver.engine.server import SimulatedServer

    Rows = Iterator[tuple[Any, ...]]
    RowsOf = Callable[[SimulatedServer, Catalog], Rows]

NAME = SqlType(Kind.NVARCHAR, 128)
PATH = SqlType(Kind.NVARCHAR, 260)
SHORT_TEXT = SqlType(Kind.NVARCHAR, 60)
INT = SqlType(Kind.INT)
BIT = SqlType(Kind.BIT)
TINYINT = SqlType(Kind.TINYINT)
SMALLINT = SqlType(Kind.SMALLINT)
BIGINT = SqlType(Kind.BIGINT)
GUID = SqlType(Kind.UNIQUEIDENTIFIER)
SID = SqlType(Kind.VARBINARY, 85)
DATETIME = SqlType(Kind.DATETIME)
VARIANT = SqlType(Kind.SQL_VARIANT)
BYTES = SqlType(Kind.NUMERIC, precision=20, scale=0)


def fixed_text(length: int) -> SqlType:
    return SqlType(Kind.CHAR, length)


@dataclass(frozen=True, slots=True)
class View:
    """`since`: the major version of the server that has it first.

    `later`: the columns that came later, and with which version.
    """

    fields: list[Field]
    rows: RowsOf
    since: int = 10
    later: dict[str, int] = field(default_factory=dict)

    def known_to(self, major: int) -> list[int]:
        """Which of the fields there are, by their positions."""
        return [at for at, each in enumerate(self.fields) if self.later.get(each.name, 10) <= major]


_SINCE = {
    "sys.sequences": 11,
    "sys.masked_columns": 13,
    "sys.security_policies": 13,
    "sys.security_predicates": 13,
}
_LATER = {
    "sys.tables": {
        "is_filetable": 11,
        "is_memory_optimized": 12,
        "is_external": 13,
        "is_node": 14,
        "is_edge": 14,
        "ledger_type": 16,
    },
    "sys.sequences": {"last_used_value": 14},
    "sys.columns": {"encryption_type": 13, "encryption_type_desc": 13},
}

VIEWS: dict[str, View] = {}
"""By schema and name; those of msdb are in dbo."""


def view(qualified: str, /, **columns: SqlType) -> Callable[[RowsOf], RowsOf]:
    """Define a view; its function yields tuples in the order of the columns."""

    def define(rows: RowsOf) -> RowsOf:
        fields = [Field("", column, kind) for column, kind in columns.items()]
        VIEWS[qualified] = View(fields, rows, _SINCE.get(qualified, 10), _LATER.get(qualified, {}))
        return rows

    return define

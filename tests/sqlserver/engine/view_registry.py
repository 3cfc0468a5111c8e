"""How views of the catalog are defined: a function that yields their rows, with their columns."""

from __future__ import annotations

from dataclasses import dataclass
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
    """`since`: the major version of the server that has it first."""

    fields: list[Field]
    rows: RowsOf
    since: int = 10


_SINCE = {"sys.sequences": 11}

VIEWS: dict[str, View] = {}
"""By schema and name; those of msdb are in dbo."""


def view(qualified: str, /, **columns: SqlType) -> Callable[[RowsOf], RowsOf]:
    """Define a view; its function yields tuples in the order of the columns."""

    def define(rows: RowsOf) -> RowsOf:
        fields = [Field("", column, kind) for column, kind in columns.items()]
        VIEWS[qualified] = View(fields, rows, _SINCE.get(qualified, 10))
        return rows

    return define

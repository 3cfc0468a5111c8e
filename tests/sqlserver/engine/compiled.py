"""What expressions become, and what they may refer to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tests.sqlserver.results import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.sqlserver.sql import tree


Row = tuple[Any, ...]
Rows = tuple[Row, ...]
"""The rows that an expression is about: its own query's last, those of outer queries before."""

BIT = SqlType(Kind.BIT)
INT = SqlType(Kind.INT)
NULL = SqlType(Kind.INT)


@dataclass(frozen=True, slots=True)
class Compiled:
    """An expression. A condition finds True, False or None, which is neither."""

    type: SqlType
    run: Callable[[Rows], Any]
    collation: str = ""
    is_null: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a query's sources. `source`: what it is called there.

    `refused`: what the server says of who reads it, who may not.
    """

    source: str
    name: str
    type: SqlType
    collation: str = ""
    is_nullable: bool = True
    is_identity: bool = False
    is_computed: bool = False
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """The fields of one query, and those of the queries around it."""

    fields: Sequence[Field]
    outer: Scope | None = None

    @property
    def depth(self) -> int:
        return 0 if self.outer is None else self.outer.depth + 1


class Surroundings(Protocol):
    """What an expression may ask the session for."""

    def variable(self, name: str) -> tuple[SqlType, Any]: ...
    def function(self, call: tree.Call, arguments: Sequence[Compiled]) -> Compiled: ...
    def next_value(self, sequence: tree.Name) -> Compiled: ...
    def subquery(
        self, query: tree.Query, scope: Scope | None
    ) -> tuple[Sequence[Field], Callable[[Rows], list[Row]]]: ...

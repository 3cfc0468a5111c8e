"""Aggregates: which ones a query asks for, and what they make of the rows of a group."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine.comparing import (
    DEFAULT_COLLATION,
    comparable,
)
from tests.sqlserver.engine.compiled import INT, Compiled, Row, Rows
from tests.sqlserver.engine.conversion import DECIMALS, INTEGERS
from tests.sqlserver.results import Kind, SqlType
from tests.sqlserver.sql import tree
from tests.sqlserver.sql.lexer import unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

AGGREGATES = {"COUNT", "COUNT_BIG", "SUM", "MIN", "MAX", "AVG"}


def hashed(value: Any, of: Compiled) -> Any:
    if value is None:
        return None
    return comparable(value, of.type, of.collation.lstrip("!") or DEFAULT_COLLATION)


def aggregates_in(select: tree.Select, query: tree.Query) -> Iterator[tree.Call]:
    seen: list[tree.Call] = []
    places = [item.expression for item in select.items]
    places += [select.having] if select.having is not None else []
    places += [order.expression for order in query.order]
    for place in places:
        for call in _calls(place):
            if call.name in AGGREGATES and call not in seen:
                seen.append(call)
                yield call


def _calls(expression: Any) -> Iterator[tree.Call]:
    if isinstance(expression, tree.Call):
        yield expression
        if expression.name in AGGREGATES:
            return
    if isinstance(expression, tree.Query):
        return
    for name in getattr(expression, "__slots__", ()):
        value = getattr(expression, name)
        for each in value if isinstance(value, (list, tuple)) else [value]:
            for one in each if isinstance(each, tuple) else [each]:
                yield from _calls(one)


class Aggregate:
    """A function over the rows of a group; NULLs do not count."""

    def __init__(self, call: tree.Call, arguments: Sequence[Compiled]) -> None:
        self._call = call
        self._arguments = arguments
        self.type = self._type()

    def over(self, rows: Sequence[Row], outside: Rows) -> Any:
        if self._call.is_star:
            return len(rows)
        argument = self._arguments[0]
        values = [argument.run((*outside, row)) for row in rows]
        values = [value for value in values if value is not None]
        if self._call.is_distinct:
            values = list({hashed(value, argument): value for value in values}.values())
        if self._call.name.startswith("COUNT"):
            return len(values)
        return self._folded(values, argument) if values else None

    def _folded(self, values: list[Any], argument: Compiled) -> Any:
        match self._call.name:
            case "MIN":
                return min(values, key=lambda value: hashed(value, argument))
            case "MAX":
                return max(values, key=lambda value: hashed(value, argument))
            case "SUM":
                return self._total(values)
            case "AVG":
                total = self._total(values)
                whole = self.type.kind in INTEGERS
                return int(total / len(values)) if whole else total / len(values)
            case name:
                raise unknown(f"the aggregate {name}", 1)

    def _total(self, values: list[Any]) -> Any:
        return sum(values, Decimal(0)) if self.type.kind in DECIMALS else sum(values)

    def _type(self) -> SqlType:
        if self._call.name == "COUNT_BIG":
            return SqlType(Kind.BIGINT)
        if self._call.name == "COUNT":
            return INT
        of = self._arguments[0].type
        if self._call.name in {"SUM", "AVG"}:
            if of.kind in {Kind.TINYINT, Kind.SMALLINT}:
                return INT
            if of.kind in DECIMALS:
                return replace(of, precision=38)
        return of

"""Operators: comparisons, AND and OR, arithmetic."""

from __future__ import annotations

import operator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine.comparing import (
    DEFAULT_COLLATION,
    as_decimal,
    collation_of,
    common_type,
    comparable,
    meet,
)
from tests.sqlserver.engine.compiled import BIT, INT, Compiled, Rows
from tests.sqlserver.engine.conversion import (
    BINARIES,
    DECIMALS,
    FLOATS,
    INTEGERS,
    MONEYS,
    TEXTS,
    converted,
    overflow,
)
from tests.sqlserver.results import MAX, PLACES, Kind, Message, SqlType
from tests.sqlserver.sql.lexer import SqlError

if TYPE_CHECKING:
    from collections.abc import Callable


def negated(value: Any) -> Any:
    return None if value is None else not value


def any_true(found: Any) -> Any:
    """OR of many: true where one is, unknown where one is and none is true."""
    unknown_ = False
    for each in found:
        if each is True:
            return True
        unknown_ |= each is None
    return None if unknown_ else False


def logical(sign: str, left: Compiled, right: Compiled) -> Compiled:
    decides = sign == "OR"

    def run(rows: Rows) -> Any:
        one = left.run(rows)
        if one is decides:
            return decides
        other = right.run(rows)
        if other is decides:
            return decides
        return None if one is None or other is None else not decides

    return Compiled(BIT, run)


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


def comparison(holds: Callable[[Any, Any], bool], left: Compiled, right: Compiled) -> Compiled:
    collation = collation_of(left.collation, right.collation).lstrip("!") or DEFAULT_COLLATION
    for side in (left, right):
        if side.type.kind in {Kind.TEXT, Kind.NTEXT, Kind.IMAGE, Kind.XML}:
            text = f"The data types {left.type.kind} and {right.type.kind} are incompatible."
            raise SqlError(Message(402, 16, text))
        if side.type.kind in PLACES:
            text = f"Invalid operator for data type. Operator equals, type equals {side.type.kind}."
            raise SqlError(Message(403, 16, text))

    def run(rows: Rows) -> Any:
        one, other = left.run(rows), right.run(rows)
        if one is None or other is None:
            return None
        one, other, common = meet(one, left.type, other, right.type)
        return holds(comparable(one, common, collation), comparable(other, common, collation))

    return Compiled(BIT, run)


def arithmetic(sign: str, left: Compiled, right: Compiled) -> Compiled:
    """+ - * / % & | ^ of numbers, + of texts and binaries."""
    if left.type.kind in TEXTS and right.type.kind in TEXTS | BINARIES and sign == "+":
        return _joined(left, right)
    if left.type.kind in BINARIES and right.type.kind in BINARIES and sign == "+":
        return _joined(left, right)
    kind = _result_type(sign, common_type(left.type, right.type), left.type, right.type)

    def run(rows: Rows) -> Any:
        one, other = left.run(rows), right.run(rows)
        if one is None or other is None:
            return None
        one, other, common = meet(one, left.type, other, right.type)
        return _computed(sign, one, other, common, kind)

    return Compiled(kind, run)


def _joined(left: Compiled, right: Compiled) -> Compiled:
    common = common_type(left.type, right.type)
    lengths = (left.type.length, right.type.length)
    kind = {Kind.CHAR: Kind.VARCHAR, Kind.NCHAR: Kind.NVARCHAR, Kind.BINARY: Kind.VARBINARY}
    joined = SqlType(
        kind.get(common.kind, common.kind), MAX if MAX in lengths else max(sum(lengths), 1)
    )
    empty: Any = b"" if joined.kind in BINARIES else ""

    def run(rows: Rows) -> Any:
        one, other = left.run(rows), right.run(rows)
        return None if one is None or other is None else empty + one + other

    return Compiled(joined, run, collation_of(left.collation, right.collation))


def _result_type(sign: str, common: SqlType, left: SqlType, right: SqlType) -> SqlType:
    if common.kind not in DECIMALS:
        return INT if common.kind is Kind.BIT else common
    (p1, s1), (p2, s2) = as_decimal(left), as_decimal(right)
    if sign == "*":
        precision, scale = p1 + p2 + 1, s1 + s2
    elif sign == "/":
        scale = max(6, s1 + p2 + 1)
        precision = p1 - s1 + s2 + scale
    else:
        scale = max(s1, s2)
        precision = max(p1 - s1, p2 - s2) + scale + 1
    return SqlType(common.kind, precision=min(precision, 38), scale=min(scale, 38))


_COMPUTE: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": lambda one, other: one - other * int(one / other),
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
}


def _computed(sign: str, one: Any, other: Any, common: SqlType, kind: SqlType) -> Any:
    if sign in {"/", "%"} and other == 0:
        raise SqlError(Message(8134, 16, "Divide by zero error encountered."))
    found = (_WHOLE if common.kind in INTEGERS | {Kind.BIT: 0} else _COMPUTE)[sign](one, other)
    if kind.kind in DECIMALS | MONEYS:
        return converted(Decimal(found), SqlType(Kind.NUMERIC, precision=38, scale=20), kind)
    if kind.kind in INTEGERS and not INTEGERS[kind.kind][0] <= found <= INTEGERS[kind.kind][1]:
        raise overflow(kind)
    return float(found) if kind.kind in FLOATS else found


def _towards_zero(one: int, other: int) -> int:
    found = abs(one) // abs(other)
    return found if (one < 0) == (other < 0) else -found


# Of whole numbers, too, the sign of the remainder is the dividend's.
_WHOLE = _COMPUTE | {
    "/": _towards_zero,
    "%": lambda one, other: one - other * _towards_zero(one, other),
}

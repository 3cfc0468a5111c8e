"""Expressions are compiled: their type is known before the first row, as a result set needs it."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from tests.sqlserver.engine.comparing import (
    DEFAULT_COLLATION,
    as_decimal,
    collation_of,
    common_type,
    comparable,
    like,
    meet,
)
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
from tests.sqlserver.results import MAX, Kind, Message, SqlType
from tests.sqlserver.sql import tree
from tests.sqlserver.sql.lexer import SqlError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Row = tuple[Any, ...]
Rows = tuple[Row, ...]
"""The rows that an expression is about: its own query's last, those of outer queries before."""

BIT = SqlType(Kind.BIT)
INT = SqlType(Kind.INT)
_NULL = SqlType(Kind.INT)


@dataclass(frozen=True, slots=True)
class Compiled:
    """An expression. A condition finds True, False or None, which is neither."""

    type: SqlType
    run: Callable[[Rows], Any]
    collation: str = ""
    is_null: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a query's sources. `source`: what it is called there."""

    source: str
    name: str
    type: SqlType
    collation: str = ""
    is_nullable: bool = True
    is_identity: bool = False
    is_computed: bool = False


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
    def subquery(
        self, query: tree.Query, scope: Scope | None
    ) -> tuple[Sequence[Field], Callable[[Rows], list[Row]]]: ...


@dataclass(frozen=True, slots=True)
class Compiler:
    """Compiles for one scope.

    `aggregates`: expressions that are fields already, where rows are grouped.
    """

    around: Surroundings
    scope: Scope | None = None
    aggregates: dict[tree.Expression, int] = field(default_factory=dict)

    def compile(self, expression: tree.Expression) -> Compiled:  # noqa: C901, PLR0911, PLR0912 - a table
        if self.aggregates and expression in self.aggregates:
            return self._aggregate(expression)
        match expression:
            case tree.Literal():
                value = expression.value
                return Compiled(expression.type, lambda _: value)
            case tree.Null():
                return Compiled(_NULL, lambda _: None, is_null=True)
            case tree.Variable():
                kind, _ = self.around.variable(expression.name)
                name = expression.name
                return Compiled(kind, lambda _: self.around.variable(name)[1])
            case tree.ColumnName():
                return self._column(expression.name)
            case tree.Unary():
                return self._unary(expression)
            case tree.Binary():
                return self._binary(expression)
            case tree.Between():
                return self._between(expression)
            case tree.In():
                return self._in(expression)
            case tree.Like():
                return self._like(expression)
            case tree.IsNull():
                inner, negated = self.compile(expression.operand), expression.is_negated
                return Compiled(BIT, lambda rows: (inner.run(rows) is None) != negated)
            case tree.Exists():
                _, find = self.around.subquery(expression.query, self.scope)
                return Compiled(BIT, lambda rows: bool(find(rows)))
            case tree.Scalar():
                return self._scalar(expression)
            case tree.Case():
                return self._case(expression)
            case tree.Cast():
                return self._cast(expression)
            case tree.Collate():
                inner = self.compile(expression.operand)
                return Compiled(inner.type, inner.run, "!" + expression.collation)
            case tree.Call():
                arguments = [self.compile(each) for each in expression.arguments]
                return self.around.function(expression, arguments)
            case tree.Star():
                raise SqlError(Message(102, 15, "Incorrect syntax near '*'."))

    def condition(self, expression: tree.Expression) -> Callable[[Rows], bool]:
        """A condition that holds only where it is true."""
        run = self.compile(expression).run
        return lambda rows: run(rows) is True

    def _aggregate(self, expression: tree.Expression) -> Compiled:
        assert self.scope is not None
        return _field(self.scope, self.aggregates[expression])

    def _column(self, name: tree.Name) -> Compiled:
        scope = self.scope
        while scope is not None:
            found = [at for at, each in enumerate(scope.fields) if _is_called(each, name)]
            if len(found) > 1:
                raise SqlError(Message(209, 16, f"Ambiguous column name '{name.last}'."))
            if found:
                return _field(scope, found[0])
            scope = scope.outer
        if len(name.parts) > 1:
            text = f'The multi-part identifier "{name}" could not be bound.'
            raise SqlError(Message(4104, 16, text))
        raise SqlError(Message(207, 16, f"Invalid column name '{name.last}'."))

    def _unary(self, expression: tree.Unary) -> Compiled:
        inner = self.compile(expression.operand)
        if expression.sign == "NOT":
            return Compiled(BIT, lambda rows: _negated(inner.run(rows)))
        if expression.sign == "~":
            return Compiled(inner.type, lambda rows: _maybe(inner.run(rows), lambda v: ~v))
        if expression.sign == "-":
            return Compiled(inner.type, lambda rows: _maybe(inner.run(rows), lambda v: -v))
        return inner

    def _binary(self, expression: tree.Binary) -> Compiled:
        left, right = self.compile(expression.left), self.compile(expression.right)
        if expression.sign in {"AND", "OR"}:
            return _logical(expression.sign, left, right)
        if expression.sign in _COMPARE:
            return _comparison(_COMPARE[expression.sign], left, right)
        return arithmetic(expression.sign, left, right)

    def _between(self, expression: tree.Between) -> Compiled:
        low = tree.Binary(">=", expression.operand, expression.low)
        high = tree.Binary("<=", expression.operand, expression.high)
        both = tree.Binary("AND", low, high)
        return self.compile(tree.Unary("NOT", both) if expression.is_negated else both)

    def _in(self, expression: tree.In) -> Compiled:
        operand = self.compile(expression.operand)
        if isinstance(expression.values, tree.Query):
            fields, find = self.around.subquery(expression.values, self.scope)
            of = fields[0]
            equal = _comparison(
                _COMPARE["="],
                Compiled(operand.type, lambda rows: rows[-1][0], operand.collation),
                Compiled(of.type, lambda rows: rows[-1][1], of.collation),
            )

            def found(rows: Rows) -> Any:
                value = operand.run(rows)
                return _any(equal.run(((value, row[0]),)) for row in find(rows))

        else:
            equals = [
                _comparison(_COMPARE["="], operand, self.compile(each))
                for each in expression.values
            ]

            def found(rows: Rows) -> Any:
                return _any(equal.run(rows) for equal in equals)

        if expression.is_negated:
            return Compiled(BIT, lambda rows: _negated(found(rows)))
        return Compiled(BIT, found)

    def _like(self, expression: tree.Like) -> Compiled:
        operand, pattern = self.compile(expression.operand), self.compile(expression.pattern)
        escape = self.compile(expression.escape) if expression.escape else None
        collation = collation_of(operand.collation, pattern.collation).lstrip("!")

        def matches(rows: Rows) -> Any:
            text, wanted = operand.run(rows), pattern.run(rows)
            if text is None or wanted is None:
                return None
            escaped = str(escape.run(rows)) if escape else ""
            compiled = like(str(wanted), escaped, collation or DEFAULT_COLLATION)
            found = compiled.fullmatch(str(text)) is not None
            return found != expression.is_negated

        return Compiled(BIT, matches)

    def _scalar(self, expression: tree.Scalar) -> Compiled:
        fields, find = self.around.subquery(expression.query, self.scope)

        def one(rows: Rows) -> Any:
            found = find(rows)
            if len(found) > 1:
                raise SqlError(Message(512, 16, "Subquery returned more than 1 value."))
            return found[0][0] if found else None

        return Compiled(fields[0].type, one, fields[0].collation)

    def _case(self, expression: tree.Case) -> Compiled:
        operand = expression.operand
        conditions = [
            self.condition(when if operand is None else tree.Binary("=", operand, when))
            for when, _ in expression.branches
        ]
        results = [self.compile(then) for _, then in expression.branches]
        otherwise = self.compile(expression.otherwise or tree.Null())
        known = [each for each in (*results, otherwise) if not each.is_null] or [otherwise]
        kind, collation = known[0].type, known[0].collation
        for each in known[1:]:
            kind = common_type(kind, each.type)
            collation = collation_of(collation, each.collation)

        def choose(rows: Rows) -> Any:
            for holds, then in zip(conditions, results, strict=True):
                if holds(rows):
                    return converted(then.run(rows), then.type, kind)
            return converted(otherwise.run(rows), otherwise.type, kind)

        return Compiled(kind, choose, collation)

    def _cast(self, expression: tree.Cast) -> Compiled:
        inner, target = self.compile(expression.operand), expression.type
        style = self.compile(expression.style) if expression.style else None

        def cast(rows: Rows) -> Any:
            how = int(style.run(rows)) if style else 0
            try:
                return converted(inner.run(rows), inner.type, target, how)
            except SqlError:
                if expression.is_try:
                    return None
                raise

        length = 30 if target.length == 1 and target.kind in TEXTS | BINARIES else target.length
        if length != target.length:  # CAST(x AS varchar) is one of 30
            target = SqlType(target.kind, length)
        return Compiled(target, cast, inner.collation)


def _is_called(field_: Field, name: tree.Name) -> bool:
    if field_.name.casefold() != name.last.casefold():
        return False
    if len(name.parts) == 1:
        return True
    return field_.source.casefold() == name.parts[-2].casefold()


def _field(scope: Scope, at: int) -> Compiled:
    found, depth = scope.fields[at], scope.depth
    return Compiled(found.type, lambda rows: rows[depth][at], found.collation)


def _negated(value: Any) -> Any:
    return None if value is None else not value


def _maybe(value: Any, change: Callable[[Any], Any]) -> Any:
    return None if value is None else change(value)


def _any(found: Any) -> Any:
    """OR of many: true where one is, unknown where one is and none is true."""
    unknown_ = False
    for each in found:
        if each is True:
            return True
        unknown_ |= each is None
    return None if unknown_ else False


def _logical(sign: str, left: Compiled, right: Compiled) -> Compiled:
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


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


def _comparison(holds: Callable[[Any, Any], bool], left: Compiled, right: Compiled) -> Compiled:
    collation = collation_of(left.collation, right.collation).lstrip("!") or DEFAULT_COLLATION
    for side in (left, right):
        if side.type.kind in {Kind.TEXT, Kind.NTEXT, Kind.IMAGE, Kind.XML}:
            text = f"The data types {left.type.kind} and {right.type.kind} are incompatible."
            raise SqlError(Message(402, 16, text))

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

"""Expressions are compiled: their type is known before the first row, as a result set needs it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine.comparing import (
    DEFAULT_COLLATION,
    check_collation,
    collation_of,
    common_type,
    like,
)
from tests.sqlserver.engine.compiled import BIT, NULL, Compiled, Field, Rows, Scope, Surroundings
from tests.sqlserver.engine.conversion import (
    BINARIES,
    TEXTS,
    converted,
)
from tests.sqlserver.engine.operators import (
    COMPARE,
    any_true,
    arithmetic,
    comparison,
    logical,
    negated,
)
from tests.sqlserver.results import Message, SqlType
from tests.sqlserver.sql import tree
from tests.sqlserver.sql.lexer import SqlError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Compiler:
    """Compiles for one scope.

    `aggregates`: expressions that are fields already, where rows are grouped. `no_number`: the
    error of NEXT VALUE FOR, which is allowed in few places (0).
    """

    around: Surroundings
    scope: Scope | None = None
    aggregates: dict[tree.Expression, int] = field(default_factory=dict)
    no_number: int = 11720

    def compile(self, expression: tree.Expression) -> Compiled:  # noqa: C901, PLR0911, PLR0912 - a table
        if self.aggregates and expression in self.aggregates:
            return self._aggregate(expression)
        match expression:
            case tree.Literal():
                value = expression.value
                return Compiled(expression.type, lambda _: value)
            case tree.Null():
                return Compiled(NULL, lambda _: None, is_null=True)
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
                check_collation(expression.collation)
                inner = self.compile(expression.operand)
                return Compiled(inner.type, inner.run, "!" + expression.collation)
            case tree.Call():
                arguments = [self.compile(each) for each in expression.arguments]
                return self.around.function(expression, arguments)
            case tree.NextValue():
                return self._next_value(expression)
            case tree.Star():
                raise SqlError(Message(102, 15, "Incorrect syntax near '*'."))

    def condition(self, expression: tree.Expression) -> Callable[[Rows], bool]:
        """A condition that holds only where it is true."""
        run = replace(self, no_number=11720).compile(expression).run
        return lambda rows: run(rows) is True

    def _next_value(self, expression: tree.NextValue) -> Compiled:
        if self.no_number:
            text = "NEXT VALUE FOR function is not allowed here."
            raise SqlError(Message(self.no_number, 15, text))
        return self.around.next_value(expression.sequence)

    def _aggregate(self, expression: tree.Expression) -> Compiled:
        assert self.scope is not None
        return _field(self.scope, self.aggregates[expression])

    def _column(self, name: tree.Name) -> Compiled:
        scope, qualifier = self.scope, name.schema.casefold()
        is_source_known = not qualifier
        while scope is not None:
            found = [at for at, each in enumerate(scope.fields) if _is_called(each, name)]
            is_source_known |= qualifier in {each.source.casefold() for each in scope.fields}
            if len(found) > 1:
                raise SqlError(Message(209, 16, f"Ambiguous column name '{name.last}'."))
            if found:
                return _field(scope, found[0])
            scope = scope.outer
        if not is_source_known:
            text = f'The multi-part identifier "{name}" could not be bound.'
            raise SqlError(Message(4104, 16, text))
        if self.aggregates:
            text = f"Column '{name}' is invalid: it is neither in an aggregate nor grouped by."
            raise SqlError(Message(8120, 16, text))
        raise SqlError(Message(207, 16, f"Invalid column name '{name.last}'."))

    def _unary(self, expression: tree.Unary) -> Compiled:
        inner = self.compile(expression.operand)
        if expression.sign == "NOT":
            return Compiled(BIT, lambda rows: negated(inner.run(rows)))
        if expression.sign == "~":
            return Compiled(inner.type, lambda rows: _maybe(inner.run(rows), lambda v: ~v))
        if expression.sign == "-":
            return Compiled(inner.type, lambda rows: _maybe(inner.run(rows), lambda v: -v))
        return inner

    def _binary(self, expression: tree.Binary) -> Compiled:
        left, right = self.compile(expression.left), self.compile(expression.right)
        if expression.sign in {"AND", "OR"}:
            return logical(expression.sign, left, right)
        if expression.sign in COMPARE:
            return comparison(COMPARE[expression.sign], left, right)
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
            equal = comparison(
                COMPARE["="],
                Compiled(operand.type, lambda rows: rows[-1][0], operand.collation),
                Compiled(of.type, lambda rows: rows[-1][1], of.collation),
            )

            def found(rows: Rows) -> Any:
                value = operand.run(rows)
                return any_true(equal.run(((value, row[0]),)) for row in find(rows))

        else:
            equals = [
                comparison(COMPARE["="], operand, self.compile(each)) for each in expression.values
            ]

            def found(rows: Rows) -> Any:
                return any_true(equal.run(rows) for equal in equals)

        if expression.is_negated:
            return Compiled(BIT, lambda rows: negated(found(rows)))
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
        operand, inner = expression.operand, replace(self, no_number=11741)
        conditions = [
            self.condition(when if operand is None else tree.Binary("=", operand, when))
            for when, _ in expression.branches
        ]
        results = [inner.compile(then) for _, then in expression.branches]
        otherwise = inner.compile(expression.otherwise or tree.Null())
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
    if found.refused:
        raise SqlError(Message(230, 14, found.refused))
    return Compiled(found.type, lambda rows: rows[depth][at], found.collation)


def _maybe(value: Any, change: Callable[[Any], Any]) -> Any:
    return None if value is None else change(value)

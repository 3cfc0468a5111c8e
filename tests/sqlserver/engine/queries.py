"""Queries: sources become rows, rows are filtered, grouped, ordered and selected."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cmp_to_key
from typing import TYPE_CHECKING, Any, Protocol

from tests.sqlserver.engine.comparing import (
    DEFAULT_COLLATION,
    common_type,
    comparable,
)
from tests.sqlserver.engine.conversion import DECIMALS, INTEGERS, converted
from tests.sqlserver.engine.expressions import (
    INT,
    Compiled,
    Compiler,
    Field,
    Row,
    Rows,
    Scope,
    Surroundings,
)
from tests.sqlserver.results import Kind, Message, SqlType
from tests.sqlserver.sql import tree
from tests.sqlserver.sql.lexer import SqlError, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

AGGREGATES = {"COUNT", "COUNT_BIG", "SUM", "MIN", "MAX", "AVG"}


class Sources(Surroundings, Protocol):
    """Where rows come from."""

    def source(self, source: tree.Source) -> Relation:
        """The rows of a table, a view of the catalog, or a function."""
        ...


@dataclass(frozen=True, slots=True)
class Relation:
    """Fields, and their rows for the rows of outer queries."""

    fields: Sequence[Field]
    rows: Callable[[Rows], Iterable[Row]]


@dataclass(frozen=True, slots=True)
class Planned:
    """A query that can be run again and again."""

    fields: Sequence[Field]
    run: Callable[[Rows], list[Row]]


class Planner:
    """Plans the queries of one statement."""

    def __init__(self, around: Sources) -> None:
        self._around = around

    def query(self, query: tree.Query, outer: Scope | None = None) -> Planned:
        """Plan a query; `outer`: the scope that it stands in."""
        if isinstance(query.body, tree.Combined):
            return self._ordered(query, self._combined(query.body, outer), outer)
        return self._select(query.body, outer, query)

    # Sources

    def relation(self, source: tree.Source | None, outer: Scope | None) -> Relation:
        """What stands behind FROM; without it there is one row without columns."""
        match source:
            case None:
                return Relation((), lambda _: [()])
            case tree.Join():
                return self._join(source, outer)
            case tree.QuerySource():
                planned = self.query(source.query, outer)
                names = source.columns or [each.name for each in planned.fields]
                fields = [
                    replace(each, source=source.alias, name=name)
                    for each, name in zip(planned.fields, names, strict=True)
                ]
                return Relation(fields, planned.run)
            case tree.ValuesSource():
                return self._values(source, outer)
            case _:
                return self._around.source(source)

    def _values(self, source: tree.ValuesSource, outer: Scope | None) -> Relation:
        compiler = Compiler(self._around, outer)
        rows = [[compiler.compile(each) for each in row] for row in source.rows]
        types = [_common([row[at] for row in rows]) for at in range(len(source.columns))]
        fields = [
            Field(source.alias, name, kind)
            for name, kind in zip(source.columns, types, strict=True)
        ]

        def run(outside: Rows) -> list[Row]:
            return [
                tuple(
                    converted(each.run(outside), each.type, kind)
                    for each, kind in zip(row, types, strict=True)
                )
                for row in rows
            ]

        return Relation(fields, run)

    def _join(self, join: tree.Join, outer: Scope | None) -> Relation:
        left = self.relation(join.left, outer)
        if join.kind.endswith("apply"):
            return self._apply(join, left, outer)
        right = self.relation(join.right, outer)
        fields = _joined_fields(join.kind, left.fields, right.fields)
        holds: Callable[[Rows], bool] = _always
        if join.condition is not None:
            holds = Compiler(self._around, Scope(fields, outer)).condition(join.condition)
        keys = _equal_fields(join.condition, left.fields, right.fields)

        def run(outside: Rows) -> Iterator[Row]:
            pairing = _Pairing(
                join.kind, left.fields, right.fields, lambda row: holds((*outside, row)), keys
            )
            return pairing.rows(left.rows(outside), list(right.rows(outside)))

        return Relation(fields, run)

    def _apply(self, join: tree.Join, left: Relation, outer: Scope | None) -> Relation:
        inside = Scope(left.fields, outer)
        right = self.relation(join.right, inside)
        nothing = (None,) * len(right.fields)

        def run(outside: Rows) -> Iterator[Row]:
            for row in left.rows(outside):
                found = list(right.rows((*outside, row)))
                if not found and join.kind == "outer apply":
                    found = [nothing]
                yield from ((*row, *other) for other in found)

        kind = "left" if join.kind == "outer apply" else "cross"
        return Relation(_joined_fields(kind, left.fields, right.fields), run)

    # SELECT

    def _select(self, select: tree.Select, outer: Scope | None, query: tree.Query) -> Planned:
        relation = self.relation(select.source, outer)
        scope = Scope(relation.fields, outer)
        holds: Callable[[Rows], bool] = _always
        if select.where is not None:
            holds = Compiler(self._around, scope).condition(select.where)

        def rows(outside: Rows) -> list[Row]:
            return [row for row in relation.rows(outside) if holds((*outside, row))]

        called = list(_aggregates_in(select, query))
        if called or select.group:
            grouped, compiler = self._grouped(select, called, scope, rows)
            return self._selected(select, query, compiler, grouped)
        return self._selected(select, query, Compiler(self._around, scope), rows)

    def _grouped(
        self,
        select: tree.Select,
        called: list[tree.Call],
        scope: Scope,
        rows: Callable[[Rows], list[Row]],
    ) -> tuple[Callable[[Rows], list[Row]], Compiler]:
        """Rows of groups: what they are grouped by, then their aggregates."""
        inner = Compiler(self._around, scope)
        keys = [inner.compile(each) for each in select.group]
        aggregates = [
            _Aggregate(call, [inner.compile(a) for a in call.arguments]) for call in called
        ]
        fields = [_key_field(e, k, scope) for e, k in zip(select.group, keys, strict=True)]
        fields += [Field("", "", each.type) for each in aggregates]
        grouped = Scope(fields, scope.outer)
        compiler = Compiler(
            self._around,
            grouped,
            aggregates={
                **{each: at for at, each in enumerate(select.group)},
                **{call: len(keys) + at for at, call in enumerate(called)},
            },
        )
        having: Callable[[Rows], bool] = _always
        if select.having is not None:
            having = compiler.condition(select.having)

        def run(outside: Rows) -> list[Row]:
            groups: dict[Any, list[Row]] = {}
            values: dict[Any, Row] = {}
            for row in rows(outside):
                found = tuple(key.run((*outside, row)) for key in keys)
                mark = tuple(map(_hashed, found, keys))
                values.setdefault(mark, found)
                groups.setdefault(mark, []).append(row)
            if not keys and not groups:
                groups, values = {(): []}, {(): ()}
            made = (
                (*values[mark], *(each.over(group, outside) for each in aggregates))
                for mark, group in groups.items()
            )
            return [row for row in made if having((*outside, row))]

        return run, compiler

    def _selected(
        self,
        select: tree.Select,
        query: tree.Query,
        compiler: Compiler,
        rows: Callable[[Rows], list[Row]],
    ) -> Planned:
        assert compiler.scope is not None
        items = list(_expanded(select.items, compiler.scope))
        compiled = [compiler.compile(item.expression) for item in items]
        fields = [
            _named(item, each, compiler.scope) for item, each in zip(items, compiled, strict=True)
        ]
        order = [self._order(each, items, compiled, compiler) for each in query.order]
        outer = compiler.scope.outer
        limits = Compiler(self._around, outer)
        top = limits.compile(select.top) if select.top is not None else None
        offset = limits.compile(query.offset) if query.offset is not None else None
        fetch = limits.compile(query.fetch) if query.fetch is not None else None

        def run(outside: Rows) -> list[Row]:
            found = rows(outside)
            if order:
                found = _sorted(found, order, outside)
            made = [tuple(each.run((*outside, row)) for each in compiled) for row in found]
            if select.is_distinct:
                made = _distinct(made, fields)
            begin = int(offset.run(outside)) if offset else 0
            limit = top or fetch
            return made[begin : begin + int(limit.run(outside))] if limit else made[begin:]

        return Planned(fields, run)

    def _order(
        self,
        order: tree.Order,
        items: Sequence[tree.Item],
        compiled: Sequence[Compiled],
        compiler: Compiler,
    ) -> tuple[Compiled, bool]:
        expression = order.expression
        if isinstance(expression, tree.Literal) and isinstance(expression.value, int):
            return compiled[expression.value - 1], order.is_descending
        if isinstance(expression, tree.ColumnName) and len(expression.name.parts) == 1:
            for item, each in zip(items, compiled, strict=True):
                if item.alias.casefold() == expression.name.last.casefold():
                    return each, order.is_descending
        return compiler.compile(expression), order.is_descending

    # UNION and its like

    def _combined(self, combined: tree.Combined, outer: Scope | None) -> Planned:
        sides = [
            self._combined(side, outer)
            if isinstance(side, tree.Combined)
            else self._select(side, outer, tree.Query(side))
            for side in (combined.left, combined.right)
        ]
        left, right = sides
        if len(left.fields) != len(right.fields):
            text = "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an "
            raise SqlError(Message(205, 16, text + "equal number of expressions."))
        types = [
            common_type(a.type, b.type) for a, b in zip(left.fields, right.fields, strict=True)
        ]
        fields = [
            Field("", a.name, kind, a.collation or b.collation, a.is_nullable or b.is_nullable)
            for a, b, kind in zip(left.fields, right.fields, types, strict=True)
        ]

        def run(outside: Rows) -> list[Row]:
            one = _as_types(left.run(outside), left.fields, types)
            other = _as_types(right.run(outside), right.fields, types)
            return _combine(combined.kind, one, other, fields)

        return Planned(fields, run)

    def _ordered(self, query: tree.Query, planned: Planned, outer: Scope | None) -> Planned:
        scope = Scope(planned.fields, outer)
        compiler = Compiler(self._around, scope)
        items = [tree.Item(tree.ColumnName(tree.Name((f.name,))), f.name) for f in planned.fields]
        compiled = [compiler.compile(item.expression) for item in items] if query.order else []
        order = [self._order(each, items, compiled, compiler) for each in query.order]

        def run(outside: Rows) -> list[Row]:
            found = planned.run(outside)
            return _sorted(found, order, outside) if order else found

        return Planned(planned.fields, run)


def _always(rows: Rows) -> bool:
    del rows
    return True


def _joined_fields(kind: str, left: Sequence[Field], right: Sequence[Field]) -> list[Field]:
    """No identity comes through a join; what an outer one may leave out is nullable."""
    return [
        replace(each, is_identity=False, is_nullable=each.is_nullable or kind in outer)
        for fields, outer in ((left, {"right", "full"}), (right, {"left", "full"}))
        for each in fields
    ]


def _common(cells: Sequence[Compiled]) -> SqlType:
    known = [each for each in cells if not each.is_null] or list(cells)
    kind = known[0].type
    for each in known[1:]:
        kind = common_type(kind, each.type)
    return kind


def _hashed(value: Any, of: Compiled) -> Any:
    if value is None:
        return None
    return comparable(value, of.type, of.collation.lstrip("!") or DEFAULT_COLLATION)


def _expanded(items: Sequence[tree.Item], scope: Scope) -> Iterator[tree.Item]:
    for item in items:
        if not isinstance(item.expression, tree.Star):
            yield item
            continue
        source = item.expression.source.casefold()
        found = [f for f in scope.fields if source in {"", f.source.casefold()}]
        if not found:
            raise SqlError(Message(107, 15, f"The column prefix '{source}' does not match."))
        for each in found:
            parts = (each.source, each.name) if each.source else (each.name,)
            yield tree.Item(tree.ColumnName(tree.Name(parts)), each.name)


def _named(item: tree.Item, compiled: Compiled, scope: Scope) -> Field:
    """A selected column, with what is known of the one that it comes from."""
    name = item.alias
    if isinstance(item.expression, tree.ColumnName):
        name = name or item.expression.name.last
        wanted = item.expression.name
        for each in scope.fields:
            if each.name.casefold() == wanted.last.casefold() and each.type == compiled.type:
                return replace(each, source="", name=name)
    return Field("", name, compiled.type, compiled.collation.lstrip("!"))


def _key_field(expression: tree.Expression, key: Compiled, scope: Scope) -> Field:
    if isinstance(expression, tree.ColumnName):
        wanted = expression.name
        for each in scope.fields:
            sourced = (
                len(wanted.parts) == 1 or each.source.casefold() == wanted.parts[-2].casefold()
            )
            if sourced and each.name.casefold() == wanted.last.casefold():
                return each
    return Field("", "", key.type, key.collation)


def _aggregates_in(select: tree.Select, query: tree.Query) -> Iterator[tree.Call]:
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


class _Aggregate:
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
            values = list({_hashed(value, argument): value for value in values}.values())
        if self._call.name.startswith("COUNT"):
            return len(values)
        return self._folded(values, argument) if values else None

    def _folded(self, values: list[Any], argument: Compiled) -> Any:
        match self._call.name:
            case "MIN":
                return min(values, key=lambda value: _hashed(value, argument))
            case "MAX":
                return max(values, key=lambda value: _hashed(value, argument))
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


def _equal_fields(
    condition: tree.Expression | None, left: Sequence[Field], right: Sequence[Field]
) -> list[tuple[int, int]]:
    """Pairs of fields that a join compares, where it is by these alone that rows are found."""
    if isinstance(condition, tree.Binary) and condition.sign == "AND":
        return _equal_fields(condition.left, left, right) + _equal_fields(
            condition.right, left, right
        )
    if not isinstance(condition, tree.Binary) or condition.sign != "=":
        return []
    sides = (condition.left, condition.right)
    if not all(isinstance(side, tree.ColumnName) and len(side.name.parts) > 1 for side in sides):
        return []
    for one, other in (sides, sides[::-1]):
        at, there = _found(one, left), _found(other, right)
        if at is not None and there is not None and left[at].type == right[there].type:
            return [(at, there)]
    return []


def _found(expression: Any, fields: Sequence[Field]) -> int | None:
    name = expression.name
    for at, each in enumerate(fields):
        if (
            each.name.casefold() == name.last.casefold()
            and each.source.casefold() == name.parts[-2].casefold()
        ):
            return at
    return None


@dataclass(frozen=True, slots=True)
class _Pairing:
    """How a join finds the rows that belong together. `keys`: positions that must be equal."""

    kind: str
    left: Sequence[Field]
    right: Sequence[Field]
    holds: Callable[[Row], bool]
    keys: Sequence[tuple[int, int]]

    def rows(self, left_rows: Iterable[Row], right_rows: list[Row]) -> Iterator[Row]:
        by_key: dict[Any, list[int]] = {}
        for number, row in enumerate(right_rows):
            mark = _mark(row, self.right, [there for _, there in self.keys])
            by_key.setdefault(mark, []).append(number)
        matched: set[int] = set()
        for row in left_rows:
            mark = _mark(row, self.left, [here for here, _ in self.keys])
            found = [n for n in by_key.get(mark, ()) if self.holds((*row, *right_rows[n]))]
            matched.update(found)
            yield from ((*row, *right_rows[number]) for number in found)
            if not found and self.kind in {"left", "full"}:
                yield (*row, *((None,) * len(self.right)))
        if self.kind in {"right", "full"}:
            alone = (row for number, row in enumerate(right_rows) if number not in matched)
            yield from ((*((None,) * len(self.left)), *row) for row in alone)


def _mark(row: Row, fields: Sequence[Field], positions: Iterable[int]) -> Any:
    """What rows with equal values in some columns have in common."""
    return tuple(
        None if row[at] is None else comparable(row[at], fields[at].type, _collation(fields[at]))
        for at in positions
    )


def _collation(field: Field) -> str:
    return field.collation.lstrip("!") or DEFAULT_COLLATION


def _sorted(rows: list[Row], order: list[tuple[Compiled, bool]], outside: Rows) -> list[Row]:
    def compare(one: tuple[list[Any], Row], other: tuple[list[Any], Row]) -> int:
        for (a, b), (_, descending) in zip(zip(one[0], other[0], strict=True), order, strict=True):
            if a != b:
                less = a is None or (b is not None and a < b)
                return (1 if descending else -1) * (1 if less else -1)
        return 0

    marked = [([_hashed(c.run((*outside, row)), c) for c, _ in order], row) for row in rows]
    return [row for _, row in sorted(marked, key=cmp_to_key(compare))]


def _marks(rows: list[Row], fields: Sequence[Field]) -> list[Any]:
    return [_mark(row, fields, range(len(fields))) for row in rows]


def _distinct(rows: list[Row], fields: Sequence[Field]) -> list[Row]:
    found: dict[Any, Row] = {}
    for mark, row in zip(_marks(rows, fields), rows, strict=True):
        found.setdefault(mark, row)
    return list(found.values())


def _as_types(rows: list[Row], fields: Sequence[Field], types: Sequence[SqlType]) -> list[Row]:
    return [
        tuple(
            converted(value, each.type, kind)
            for value, each, kind in zip(row, fields, types, strict=True)
        )
        for row in rows
    ]


def _combine(kind: str, one: list[Row], other: list[Row], fields: Sequence[Field]) -> list[Row]:
    if kind == "UNION ALL":
        return one + other
    if kind == "UNION":
        return _distinct(one + other, fields)
    there = set(_marks(other, fields))
    keeps = kind == "INTERSECT"
    marked = zip(_marks(one, fields), one, strict=True)
    return _distinct([row for mark, row in marked if (mark in there) == keeps], fields)

"""Queries: sources become rows, rows are filtered, grouped, ordered and selected."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from tests.sqlserver.engine.aggregates import Aggregate, aggregates_in, hashed
from tests.sqlserver.engine.combining import (
    Pairing,
    as_types,
    combine,
    distinct,
    equal_fields,
    in_order,
    joined_fields,
)
from tests.sqlserver.engine.comparing import (
    common_type,
)
from tests.sqlserver.engine.compiled import Compiled, Field, Row, Rows, Scope, Surroundings
from tests.sqlserver.engine.conversion import converted
from tests.sqlserver.engine.expressions import Compiler
from tests.sqlserver.engine.seeking import chosen, given, mark_given
from tests.sqlserver.results import Message, SqlType
from tests.sqlserver.sql import tree
from tests.sqlserver.sql.lexer import SqlError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tests.sqlserver.engine.seeking import Finder


class Sources(Surroundings, Protocol):
    """Where rows come from."""

    def source(self, source: tree.Source, outer: Scope | None) -> Relation:
        """The rows of a table, a view of the catalog, or a function."""
        ...


def _no_seek(key: tuple[int, ...]) -> Finder:
    raise LookupError(key)


@dataclass(frozen=True, slots=True)
class Relation:
    """Fields, and their rows for the rows of outer queries.

    A table also has `keys`, by which `seek` finds a row, and its `size`.
    """

    fields: Sequence[Field]
    rows: Callable[[Rows], Iterable[Row]]
    keys: Sequence[tuple[int, ...]] = ()
    seek: Callable[[tuple[int, ...]], Finder] = _no_seek
    size: Callable[[], int] = int


@dataclass(frozen=True, slots=True)
class Planned:
    """A query that can be run again and again."""

    fields: Sequence[Field]
    run: Callable[[Rows], list[Row]]


class Planner:
    """Plans the queries of one statement. `gives_numbers`: of sequences, but for those inside."""

    def __init__(self, around: Sources, *, gives_numbers: bool = False) -> None:
        self._around = around
        self._gives_numbers = gives_numbers

    def query(self, query: tree.Query, outer: Scope | None = None) -> Planned:
        """Plan a query; `outer`: the scope that it stands in."""
        if isinstance(query.body, tree.Combined):
            self._gives_numbers = False
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
                planned = Planner(self._around).query(source.query, outer)
                names = source.columns or [each.name for each in planned.fields]
                fields = [
                    replace(each, source=source.alias, name=name)
                    for each, name in zip(planned.fields, names, strict=True)
                ]
                return Relation(fields, planned.run)
            case tree.ValuesSource():
                return self._values(source, outer)
            case _:
                return self._around.source(source, outer)

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
        fields = joined_fields(join.kind, left.fields, right.fields)
        holds: Callable[[Rows], bool] = _always
        if join.condition is not None:
            holds = Compiler(self._around, Scope(fields, outer)).condition(join.condition)
        keys = equal_fields(join.condition, left.fields, right.fields)

        by_right = chosen(right.keys, [there for _, there in keys])
        by_left = chosen(left.keys, [here for here, _ in keys])

        def run(outside: Rows) -> Iterator[Row]:
            pairing = Pairing(
                join.kind, left.fields, right.fields, lambda row: holds((*outside, row)), keys
            )
            if by_right is not None and join.kind in {"inner", "left"}:
                return pairing.seek_right(left.rows(outside), by_right, right.seek(by_right))
            others = list(right.rows(outside))
            if by_left is not None and join.kind == "inner" and len(others) * 2 < left.size():
                return pairing.seek_left(others, by_left, left.seek(by_left))
            return pairing.rows(left.rows(outside), others)

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
        return Relation(joined_fields(kind, left.fields, right.fields), run)

    # SELECT

    def _select(self, select: tree.Select, outer: Scope | None, query: tree.Query) -> Planned:
        relation = self.relation(select.source, outer)
        scope = Scope(relation.fields, outer)
        holds: Callable[[Rows], bool] = _always
        if select.where is not None:
            holds = Compiler(self._around, scope).condition(select.where)

        constants = given(select.where, relation.fields, Compiler(self._around, outer))
        key = chosen(relation.keys, constants)

        def rows(outside: Rows) -> list[Row]:
            found = relation.rows(outside) if key is None else _sought(key, outside)
            return [row for row in found if holds((*outside, row))]

        def _sought(key: tuple[int, ...], outside: Rows) -> list[Row]:
            row = relation.seek(key)(mark_given(key, constants, relation.fields, outside))
            return [] if row is None else [row]

        called = list(aggregates_in(select, query))
        if called or select.group:
            grouped, compiler = self._grouped(select, called, scope, rows)
            return self._selected(select, query, compiler, grouped)
        gives = self._gives_numbers and not (select.is_distinct or query.order or select.top)
        compiler = Compiler(self._around, scope, no_number=0 if gives else 11721)
        return self._selected(select, query, compiler, rows)

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
            Aggregate(call, [inner.compile(a) for a in call.arguments]) for call in called
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
                mark = tuple(map(hashed, found, keys))
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
                found = in_order(found, order, outside)
            made = [tuple(each.run((*outside, row)) for each in compiled) for row in found]
            if select.is_distinct:
                made = distinct(made, fields)
            begin = int(offset.run(outside)) if offset else 0
            limit = top or fetch
            return made[begin : begin + _count(limit.run(outside))] if limit else made[begin:]

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
            if not 0 < expression.value <= len(compiled):
                text = f"The ORDER BY position number {expression.value} is out of range."
                raise SqlError(Message(108, 15, text))
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
            one = as_types(left.run(outside), left.fields, types)
            other = as_types(right.run(outside), right.fields, types)
            return combine(combined.kind, one, other, fields)

        return Planned(fields, run)

    def _ordered(self, query: tree.Query, planned: Planned, outer: Scope | None) -> Planned:
        scope = Scope(planned.fields, outer)
        compiler = Compiler(self._around, scope)
        items = [tree.Item(tree.ColumnName(tree.Name((f.name,))), f.name) for f in planned.fields]
        compiled = [compiler.compile(item.expression) for item in items] if query.order else []
        order = [self._order(each, items, compiled, compiler) for each in query.order]

        def run(outside: Rows) -> list[Row]:
            found = planned.run(outside)
            return in_order(found, order, outside) if order else found

        return Planned(planned.fields, run)


def _always(rows: Rows) -> bool:
    del rows
    return True


def _common(cells: Sequence[Compiled]) -> SqlType:
    known = [each for each in cells if not each.is_null] or list(cells)
    kind = known[0].type
    for each in known[1:]:
        kind = common_type(kind, each.type)
    return kind


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


def _count(value: Any) -> int:
    """Of rows, for TOP and FETCH."""
    if int(value) < 0:
        text = "A TOP or FETCH clause contains an invalid value."
        raise SqlError(Message(127, 15, text))
    return int(value)

"""Rows joined, ordered and combined."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cmp_to_key
from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine.aggregates import hashed
from tests.sqlserver.engine.conversion import converted
from tests.sqlserver.engine.seeking import mark_of
from tests.sqlserver.sql import tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tests.sqlserver.engine.compiled import Compiled, Field, Row, Rows
    from tests.sqlserver.engine.seeking import Finder
    from tests.sqlserver.results import SqlType


def joined_fields(kind: str, left: Sequence[Field], right: Sequence[Field]) -> list[Field]:
    """No identity comes through a join; what an outer one may leave out is nullable."""
    return [
        replace(each, is_identity=False, is_nullable=each.is_nullable or kind in outer)
        for fields, outer in ((left, {"right", "full"}), (right, {"left", "full"}))
        for each in fields
    ]


def equal_fields(
    condition: tree.Expression | None, left: Sequence[Field], right: Sequence[Field]
) -> list[tuple[int, int]]:
    """Pairs of fields that a join compares, where it is by these alone that rows are found."""
    if isinstance(condition, tree.Binary) and condition.sign == "AND":
        return equal_fields(condition.left, left, right) + equal_fields(
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
class Pairing:
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

    def seek_right(
        self, left_rows: Iterable[Row], key: tuple[int, ...], find: Finder
    ) -> Iterator[Row]:
        """As `rows`, where the right side has a key and the left one decides what comes."""
        here = [next(a for a, b in self.keys if b == at) for at in key]
        for row in left_rows:
            other = find(_mark(row, self.left, here))
            if other is not None and self.holds((*row, *other)):
                yield (*row, *other)
            elif self.kind == "left":
                yield (*row, *((None,) * len(self.right)))

    def seek_left(
        self, right_rows: Iterable[Row], key: tuple[int, ...], find: Finder
    ) -> Iterator[Row]:
        """As `rows` of an inner join, where the left side has a key."""
        there = [next(b for a, b in self.keys if a == at) for at in key]
        for row in right_rows:
            other = find(_mark(row, self.right, there))
            if other is not None and self.holds((*other, *row)):
                yield (*other, *row)


def _mark(row: Row, fields: Sequence[Field], positions: Iterable[int]) -> Any:
    """What rows with equal values in some columns have in common."""
    places = list(positions)
    return mark_of([row[at] for at in places], [fields[at] for at in places])


def in_order(rows: list[Row], order: list[tuple[Compiled, bool]], outside: Rows) -> list[Row]:
    def compare(one: tuple[list[Any], Row], other: tuple[list[Any], Row]) -> int:
        for (a, b), (_, descending) in zip(zip(one[0], other[0], strict=True), order, strict=True):
            if a != b:
                less = a is None or (b is not None and a < b)
                return (1 if descending else -1) * (1 if less else -1)
        return 0

    marked = [([hashed(c.run((*outside, row)), c) for c, _ in order], row) for row in rows]
    return [row for _, row in sorted(marked, key=cmp_to_key(compare))]


def _marks(rows: list[Row], fields: Sequence[Field]) -> list[Any]:
    return [_mark(row, fields, range(len(fields))) for row in rows]


def distinct(rows: list[Row], fields: Sequence[Field]) -> list[Row]:
    found: dict[Any, Row] = {}
    for mark, row in zip(_marks(rows, fields), rows, strict=True):
        found.setdefault(mark, row)
    return list(found.values())


def as_types(rows: list[Row], fields: Sequence[Field], types: Sequence[SqlType]) -> list[Row]:
    return [
        tuple(
            converted(value, each.type, kind)
            for value, each, kind in zip(row, fields, types, strict=True)
        )
        for row in rows
    ]


def combine(kind: str, one: list[Row], other: list[Row], fields: Sequence[Field]) -> list[Row]:
    if kind == "UNION ALL":
        return one + other
    if kind == "UNION":
        return distinct(one + other, fields)
    there = set(_marks(other, fields))
    keeps = kind == "INTERSECT"
    marked = zip(_marks(one, fields), one, strict=True)
    return distinct([row for mark, row in marked if (mark in there) == keeps], fields)

"""Rows found by a key instead of by looking at all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine.comparing import DEFAULT_COLLATION, comparable
from tests.sqlserver.engine.conversion import TEXTS
from tests.sqlserver.results import Kind
from tests.sqlserver.sql import tree

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from tests.sqlserver.engine.compiled import Compiled, Field, Row, Rows
    from tests.sqlserver.engine.expressions import Compiler
    from tests.sqlserver.engine.tables import Table

    Mark = tuple[Any, ...]
    Finder = Callable[[Mark], Row | None]

_WHOLE = {Kind.TINYINT, Kind.SMALLINT, Kind.INT, Kind.BIGINT}


def unique_keys(table: Table) -> list[tuple[int, ...]]:
    """The positions of the columns by which there is only one row."""
    return [key.columns for key in table.keys if key.is_unique]


def chosen(keys: Iterable[tuple[int, ...]], known: Collection[int]) -> tuple[int, ...] | None:
    """A key all of whose columns are known."""
    return next((key for key in keys if set(key) <= set(known)), None)


def mark_of(values: Iterable[Any], fields: Iterable[Field]) -> Mark:
    """What rows with these values have in common, as `Table.key_of` has it."""
    return tuple(
        None
        if value is None
        else comparable(value, each.type, each.collation.lstrip("!") or DEFAULT_COLLATION)
        for value, each in zip(values, fields, strict=True)
    )


def given(
    condition: tree.Expression | None, fields: Sequence[Field], compiler: Compiler
) -> dict[int, Compiled]:
    """Constants that columns must equal for a condition to hold, by position."""
    found: dict[int, Compiled] = {}
    for each in _conjuncts(condition):
        if isinstance(each, tree.Binary) and each.sign == "=":
            for one, other in ((each.left, each.right), (each.right, each.left)):
                if isinstance(one, tree.ColumnName) and isinstance(other, _CONSTANTS):
                    constant = compiler.compile(other)
                    found |= dict.fromkeys(_places(one.name, fields, constant), constant)
    return found


_CONSTANTS = (tree.Literal, tree.Variable)


def _conjuncts(condition: tree.Expression | None) -> Iterator[tree.Expression]:
    if isinstance(condition, tree.Binary) and condition.sign == "AND":
        yield from _conjuncts(condition.left)
        yield from _conjuncts(condition.right)
    elif condition is not None:
        yield condition


def _places(name: tree.Name, fields: Sequence[Field], constant: Compiled) -> Iterator[int]:
    """Where the column is, if its values are compared with the constant as they are."""
    for at, each in enumerate(fields):
        is_named = each.name.casefold() == name.last.casefold()
        is_ours = len(name.parts) == 1 or each.source.casefold() == name.parts[-2].casefold()
        if is_named and is_ours and _compares(each.type.kind, constant.type.kind):
            yield at


def _compares(one: Kind, other: Kind) -> bool:
    return one is other or {one, other} <= _WHOLE or {one, other} <= TEXTS


def mark_given(
    key: tuple[int, ...], constants: dict[int, Compiled], fields: Sequence[Field], outside: Rows
) -> Mark:
    """The mark of the row that has these constants in a key."""
    values = [constants[at].run(outside) for at in key]
    return mark_of(values, [fields[at] for at in key])

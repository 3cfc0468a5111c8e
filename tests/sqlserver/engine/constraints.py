"""Constraints: added to a table, checked, switched off and on, dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from tests.sqlserver.engine.catalog import Catalog, table_key
from tests.sqlserver.engine.compiled import Scope
from tests.sqlserver.engine.expressions import Compiler
from tests.sqlserver.engine.rows import fields_of
from tests.sqlserver.engine.tables import Check, ForeignKey, Key, Table
from tests.sqlserver.results import PLACES, Done, Message
from tests.sqlserver.sql import statements as s
from tests.sqlserver.sql.lexer import SqlError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.sqlserver.engine.session import EngineSession
    from tests.sqlserver.results import Result


_NOT_MADE = Message(1750, 16, "Could not create constraint or index. See previous errors.")


def _see_that_they_can_be_keys(table: Table, columns: Sequence[int]) -> None:
    for column in (table.columns[at] for at in columns):
        if column.type.kind in PLACES:
            text = (
                f"Column '{column.name}' in table '{table.name}' is of a type that is invalid for "
                "use as a key column in an index."
            )
            raise SqlError(Message(1919, 16, text), _NOT_MADE)


def add_constraint(
    session: EngineSession,
    catalog: Catalog,
    table: Table,
    constraint: s.Constraint,
    *,
    is_checked: bool,
) -> None:
    _see_that_it_is_new(catalog, table, constraint.name)
    number = catalog.new_object_id()
    match constraint:
        case s.Key():
            if constraint.is_primary and table.primary_key is not None:
                text = f"Table '{table.name}' already has a primary key defined on it."
                raise SqlError(Message(1779, 16, text), _NOT_MADE)
            columns = tuple(table.position(name) for name in constraint.columns)
            _see_that_they_can_be_keys(table, columns)
            if constraint.is_primary:
                for at in columns:
                    table.columns[at].is_nullable = False
            kind = "PK" if constraint.is_primary else "UQ"
            name = constraint.name or f"{kind}__{table.name}__{number:X}"
            key = Key(name, columns, is_primary=constraint.is_primary, object_id=number)
            check_unique(table, key)
            table.keys.append(key)
        case s.ForeignKey():
            _add_foreign_key(catalog, table, constraint, number, is_checked=is_checked)
        case s.Check():
            name = constraint.name or f"CK__{table.name}__{number:X}"
            check = Check(
                name, constraint.condition, constraint.text, is_trusted=is_checked, object_id=number
            )
            if is_checked:
                _check_rows(session, catalog, table, check)
            table.checks.append(check)


def _see_that_it_is_new(catalog: Catalog, table: Table, name: str) -> None:
    names = {
        part.name.casefold()
        for each in (table, *catalog.tables.values())
        for parts in (each.keys, each.foreign_keys, each.checks)
        for part in cast("Sequence[Key | ForeignKey | Check]", parts)
        if not isinstance(part, Key) or part.is_constraint
    }
    if name and name.casefold() in names:
        text = f"There is already an object named '{name}' in the database."
        raise SqlError(Message(2714, 16, text), _NOT_MADE)


def check_unique(table: Table, key: Key) -> None:
    if len({table.key_of(row, key.columns) for row in table.rows.values()}) < len(table.rows):
        text = f"The CREATE UNIQUE INDEX statement terminated: a duplicate key in '{key.name}'."
        raise SqlError(Message(1505, 16, text))


def _add_foreign_key(
    catalog: Catalog, table: Table, wanted: s.ForeignKey, number: int, *, is_checked: bool
) -> None:
    is_itself = wanted.table.last.casefold() == table.name.casefold()
    other = table if is_itself else catalog.find(wanted.table)
    if other is None:
        text = f"Foreign key references invalid table '{wanted.table}'."
        raise SqlError(Message(1767, 16, text))
    key = ForeignKey(
        wanted.name or f"FK__{table.name}__{number:X}",
        tuple(table.position(name) for name in wanted.columns),
        other.schema,
        other.name,
        wanted.referenced,
        wanted.cascades,
        is_trusted=is_checked,
        object_id=number,
    )
    positions = {other.position(name) for name in wanted.referenced}
    unique = [set(each.columns) for each in other.keys if each.is_unique]
    if not is_itself and positions not in unique:
        text = f"There are no primary or candidate keys in the referenced table '{other.name}'."
        raise SqlError(Message(1776, 16, text))
    if is_checked:
        _check_references(catalog, table, key, other)
    table.foreign_keys.append(key)


def _check_references(catalog: Catalog, table: Table, key: ForeignKey, other: Table) -> None:
    columns = tuple(other.position(name) for name in key.referenced)
    there = other.index(columns)
    for row in table.rows.values():
        if any(row[at] is None for at in key.columns):
            continue
        if table.key_of(row, key.columns) not in there:
            text = (
                "The ALTER TABLE statement conflicted with the FOREIGN KEY constraint "
                f'"{key.name}". The conflict occurred in database "{catalog.name}", table '
                f'"{other.full_name}".'
            )
            raise SqlError(Message(547, 16, text))


def _check_rows(session: EngineSession, catalog: Catalog, table: Table, check: Check) -> None:
    scope = Scope(fields_of(table, table.name))
    run = Compiler(session, scope).compile(check.condition).run
    if any(run((row,)) is False for row in table.rows.values()):
        text = (
            f'The ALTER TABLE statement conflicted with the CHECK constraint "{check.name}". '
            f'The conflict occurred in database "{catalog.name}".'
        )
        raise SqlError(Message(547, 16, text))


def alter_add_constraint(session: EngineSession, statement: s.AddConstraint) -> Iterator[Result]:
    catalog, table = session.home_of(statement.table), session.table(statement.table)
    add_constraint(session, catalog, table, statement.constraint, is_checked=statement.is_checked)
    yield Done()


def drop_constraint(table: Table, name: str) -> None:
    wanted = name.casefold()
    primary = table.primary_key
    if primary is not None and primary.name.casefold() == wanted and table.tracking is not None:
        text = f"Could not drop the primary key constraint '{name}': change tracking is enabled."
        raise SqlError(Message(3735, 16, text))
    lists: tuple[list[Any], ...] = (table.keys, table.foreign_keys, table.checks)
    for kept in lists:
        for each in kept:
            if each.name.casefold() == wanted:
                kept.remove(each)
                return
    raise SqlError(Message(3728, 16, f"'{name}' is not a constraint."))


def switch_constraints(session: EngineSession, statement: s.SwitchConstraints) -> Iterator[Result]:
    catalog, table = session.home_of(statement.table), session.table(statement.table)
    wanted = {name.casefold() for name in statement.names}
    switchable: list[ForeignKey | Check] = [*table.foreign_keys, *table.checks]
    found = [each for each in switchable if not wanted or each.name.casefold() in wanted]
    if len(found) < len(wanted):
        text = f"Constraint '{statement.names[0]}' does not exist."
        raise SqlError(Message(4917, 16, text))
    for each in found:
        if statement.is_on and statement.is_checked:
            if isinstance(each, ForeignKey):
                other = catalog.tables[table_key(each.schema, each.table)]
                _check_references(catalog, table, each, other)
            else:
                _check_rows(session, catalog, table, each)
        each.is_enabled = statement.is_on
        each.is_trusted = statement.is_on and statement.is_checked
    yield Done()

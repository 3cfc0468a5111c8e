"""Tables, constraints, triggers, users: what is defined inside of a catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine.catalog import Catalog, User, table_key
from tests.sqlserver.engine.comparing import DEFAULT_COLLATION, check_collation
from tests.sqlserver.engine.compiled import Scope
from tests.sqlserver.engine.constraints import (
    add_constraint,
    alter_add_constraint,
    check_unique,
    drop_constraint,
    switch_constraints,
)
from tests.sqlserver.engine.conversion import assigned
from tests.sqlserver.engine.dropping import drop
from tests.sqlserver.engine.expressions import Compiler
from tests.sqlserver.engine.moments import datetime_now
from tests.sqlserver.engine.permissions import permit
from tests.sqlserver.engine.rows import fields_of
from tests.sqlserver.engine.tables import Column, ForeignKey, Key, Table, Trigger
from tests.sqlserver.engine.tracking import TableTracking
from tests.sqlserver.results import Done, Kind, Message
from tests.sqlserver.sql import statements as s
from tests.sqlserver.sql.lexer import SqlError, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.sqlserver.engine.session import EngineSession
    from tests.sqlserver.results import Result


def _create_table(session: EngineSession, statement: s.CreateTable) -> Iterator[Result]:
    catalog = session.home_of(statement.table)
    schema, name = statement.table.schema or "dbo", statement.table.last
    if schema.casefold() not in {each.casefold() for each in catalog.schemas}:
        text = f'The specified schema name "{schema}" either does not exist or cannot be used.'
        raise SqlError(Message(2760, 16, text))
    if catalog.find(statement.table) or catalog.find_sequence(statement.table):
        text = f"There is already an object named '{name}' in the database."
        raise SqlError(Message(2714, 16, text))
    table = Table(schema, name, [], catalog.new_object_id())
    _add_columns(session, catalog, table, statement.columns)
    for constraint in statement.constraints:
        add_constraint(session, catalog, table, constraint, is_checked=True)
    catalog.tables[table_key(schema, name)] = table
    yield Done()


def _add_columns(
    session: EngineSession,
    catalog: Catalog,
    table: Table,
    definitions: Sequence[s.ColumnDefinition],
) -> None:
    for definition in definitions:
        if any(each.name.casefold() == definition.name.casefold() for each in table.columns):
            text = f"Column names in each table must be unique: '{definition.name}'."
            raise SqlError(Message(2705, 16, text))
        table.columns.append(_column(session, catalog, table, definition))
        if sum(each.identity is not None for each in table.columns) > 1:
            text = f"Multiple identity columns specified for table '{table.name}'."
            raise SqlError(Message(2744, 16, text))
        for constraint in definition.constraints:
            add_constraint(session, catalog, table, constraint, is_checked=True)


def _column(
    session: EngineSession, catalog: Catalog, table: Table, definition: s.ColumnDefinition
) -> Column:
    kind = definition.type
    if definition.computed is not None:
        scope = Scope(fields_of(table, table.name))
        kind = Compiler(session, scope).compile(definition.computed).type
    check_collation(definition.collation)
    return Column(
        definition.name,
        kind,
        definition.is_nullable and kind.kind is not Kind.TIMESTAMP,
        definition.identity,
        definition.default,
        definition.computed,
        definition.collation or catalog.collation or DEFAULT_COLLATION,
        definition.text,
    )


def _alter_add_columns(session: EngineSession, statement: s.AddColumns) -> Iterator[Result]:
    catalog, table = session.home_of(statement.table), session.table(statement.table)
    before = {part: list(getattr(table, part)) for part in _PARTS}
    try:
        _add_columns(session, catalog, table, statement.columns)
        values = _values_of(session, table.columns[len(before["columns"]) :], table)
    except SqlError:
        for part, there in before.items():
            setattr(table, part, there)
        raise
    table.rows = {number: (*row, *values) for number, row in table.rows.items()}
    table.forget_indexes()
    yield Done()


_PARTS = ("columns", "keys", "foreign_keys", "checks")
"""What a table is made of: all of it is added, or nothing."""


def _values_of(session: EngineSession, added: Sequence[Column], table: Table) -> list[Any]:
    """What rows that are there have in columns that are added."""
    values = []
    for column in added:
        if not column.is_nullable and column.default is None and table.rows:
            text = "ALTER TABLE only allows columns to be added that can contain nulls."
            raise SqlError(Message(4901, 16, text))
        default = Compiler(session).compile(column.default) if column.default else None
        values.append(default.run(()) if default and not column.is_nullable else None)
    return values


def _drop_parts(session: EngineSession, statement: s.DropParts) -> Iterator[Result]:
    table = session.table(statement.table)
    for name in statement.names:
        if statement.kind == "COLUMN":
            _drop_column(table, name)
        else:
            drop_constraint(table, name)
    yield Done()


def _drop_column(table: Table, name: str) -> None:
    at = table.position(name)
    keys: list[Key | ForeignKey] = [*table.keys, *table.foreign_keys]
    used = [key.name for key in keys if at in key.columns]
    if used:
        text = f"ALTER TABLE DROP COLUMN {name} failed because {used[0]} accesses this column."
        raise SqlError(Message(4922, 16, text))
    del table.columns[at]
    table.rows = {number: row[:at] + row[at + 1 :] for number, row in table.rows.items()}
    for key in keys:
        key.columns = tuple(each - (each > at) for each in key.columns)
    table.forget_indexes()


def _alter_column(session: EngineSession, statement: s.AlterColumn) -> Iterator[Result]:
    catalog, table = session.home_of(statement.table), session.table(statement.table)
    at = table.position(statement.column.name)
    old = table.columns[at]
    new = _column(session, catalog, table, statement.column)
    new.identity, new.default = old.identity, old.default
    table.rows = {
        number: (*row[:at], assigned(row[at], old.type, new.type, new.name, table.full_name),
                 *row[at + 1 :])
        for number, row in table.rows.items()
    }  # fmt: skip
    table.columns[at] = new
    table.forget_indexes()
    yield Done()


def _switch_triggers(session: EngineSession, statement: s.SwitchTriggers) -> Iterator[Result]:
    triggers = session.catalog.triggers
    if statement.on is not None:
        triggers = session.table(statement.on).triggers
    wanted = {name.casefold() for name in statement.names}
    found = [each for each in triggers if not wanted or each.name.casefold() in wanted]
    if len(found) < len(wanted):
        text = f"Cannot find the trigger '{statement.names[0]}'."
        raise SqlError(Message(1088, 16, text))
    for each in found:
        each.is_enabled = statement.is_on
    yield Done()


def _switch_tracking(session: EngineSession, statement: s.SwitchTracking) -> Iterator[Result]:
    catalog, table = session.catalog_of(statement.table), session.table(statement.table)
    if not statement.is_on:
        if table.tracking is None:
            text = f"Change tracking is not enabled on table '{table.name}'."
            raise SqlError(Message(4998, 16, text))
        table.tracking = None
    elif not catalog.is_tracking:
        text = "Change tracking must be enabled on database before it can be enabled on table."
        raise SqlError(Message(1718, 16, text))
    elif table.tracking is not None:
        text = f"Change tracking is already enabled for table '{table.name}'."
        raise SqlError(Message(4996, 16, text))
    elif table.primary_key is None:
        text = f"Cannot enable change tracking on table '{table.name}': it has no primary key."
        raise SqlError(Message(4997, 16, text))
    else:
        now, number = catalog.version, catalog.new_object_id()
        columns = statement.tracks_columns
        table.tracking = TableTracking(now, now, number, datetime_now(), columns)
    yield Done()


def _create_trigger(session: EngineSession, statement: s.CreateTrigger) -> Iterator[Result]:
    catalog = session.catalog
    owners = [catalog.triggers, *(table.triggers for table in catalog.tables.values())]
    name = statement.name.last
    if name.casefold() in {each.name.casefold() for triggers in owners for each in triggers}:
        text = f"There is already an object named '{name}' in the database."
        raise SqlError(Message(2714, 16, text))
    trigger = Trigger(
        statement.name.last,
        _events(statement),
        statement.body,
        object_id=catalog.new_object_id(),
    )
    owner = catalog.triggers if statement.on is None else session.table(statement.on).triggers
    owner.append(trigger)
    yield Done()


_TABLE_EVENTS = frozenset({"CREATE_TABLE", "ALTER_TABLE", "DROP_TABLE"})
_GROUPS = {"DDL_TABLE_EVENTS": _TABLE_EVENTS, "DDL_DATABASE_LEVEL_EVENTS": _TABLE_EVENTS}
_GROUPS |= {each: frozenset({each}) for each in _TABLE_EVENTS}
_ROW_EVENTS = {"INSERT", "UPDATE", "DELETE"}


def _events(statement: s.CreateTrigger) -> frozenset[str]:
    known = _ROW_EVENTS if statement.on is not None else set(_GROUPS)
    if strange := set(statement.events) - known:
        raise unknown(f"triggers for {min(strange)}", 1)
    found = (_GROUPS.get(each, frozenset({each})) for each in statement.events)
    return frozenset().union(*found)


def _create_schema(session: EngineSession, statement: s.CreateSchema) -> Iterator[Result]:
    if statement.name in session.catalog.schemas:
        text = f"There is already an object named '{statement.name}' in the database."
        raise SqlError(Message(2714, 16, text))
    session.catalog.schemas.add(statement.name)
    yield Done()


def _create_index(session: EngineSession, statement: s.CreateIndex) -> Iterator[Result]:
    table = session.table(statement.table)
    columns = tuple(table.position(name) for name in statement.columns)
    if statement.name.casefold() in {each.name.casefold() for each in table.keys}:
        text = f"An index with the name '{statement.name}' already exists on '{table.full_name}'."
        raise SqlError(Message(1913, 16, text))
    if statement.is_clustered:
        raise unknown("clustered indexes but those of primary keys", 1)
    number = session.catalog.new_object_id()
    key = Key(
        statement.name,
        columns,
        is_constraint=False,
        is_unique=statement.is_unique,
        object_id=number,
    )
    if key.is_unique:
        check_unique(table, key)
    table.keys.append(key)
    yield Done()


def _create_principal(session: EngineSession, statement: s.CreatePrincipal) -> Iterator[Result]:
    server, name = session.server, statement.name
    if statement.kind == "LOGIN":
        if name.casefold() in server.logins:
            raise SqlError(Message(15025, 16, f"The server principal '{name}' already exists."))
        sid = statement.sid or statement.name.encode("utf-16-le")
        server.add_login(statement.name, statement.password, sid=sid)
    elif statement.kind == "USER":
        login = server.logins.get((statement.login or statement.name).casefold())
        if name.casefold() in session.catalog.users:
            text = f"User, group, or role '{name}' already exists in the current database."
            raise SqlError(Message(15023, 16, text))
        if login is None and not statement.is_without_login:
            text = f"'{statement.login or name}' is not a valid login."
            raise SqlError(Message(15007, 16, text))
        sid = login.sid if login else b""
        session.catalog.users[statement.name.casefold()] = User(statement.name, sid)
    else:
        raise unknown("roles", 1)
    yield Done()


def _alter_user(session: EngineSession, statement: s.AlterUser) -> Iterator[Result]:
    user = session.catalog.users.get(statement.name.casefold())
    login = session.server.logins.get(statement.login.casefold())
    if user is None or login is None:
        missing = statement.name if user is None else statement.login
        raise SqlError(Message(15151, 16, f"Cannot alter the user '{missing}': it is not there."))
    user.sid = login.sid
    yield Done()


SCHEMAS: dict[type, Callable[[EngineSession, Any], Iterator[Result]]] = {
    s.CreateTable: _create_table,
    s.AddColumns: _alter_add_columns,
    s.AddConstraint: alter_add_constraint,
    s.DropParts: _drop_parts,
    s.AlterColumn: _alter_column,
    s.SwitchConstraints: switch_constraints,
    s.SwitchTriggers: _switch_triggers,
    s.SwitchTracking: _switch_tracking,
    s.CreateTrigger: _create_trigger,
    s.CreateSchema: _create_schema,
    s.CreateIndex: _create_index,
    s.CreatePrincipal: _create_principal,
    s.AlterUser: _alter_user,
    s.Permit: permit,
    s.Drop: drop,
}

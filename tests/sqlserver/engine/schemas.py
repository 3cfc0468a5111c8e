"""Tables, constraints, triggers, users: what is defined inside of a catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine.catalog import Catalog, User, table_key
from tests.sqlserver.engine.comparing import DEFAULT_COLLATION
from tests.sqlserver.engine.conversion import assigned
from tests.sqlserver.engine.databases import refuse_in_transaction
from tests.sqlserver.engine.expressions import Compiler, Scope
from tests.sqlserver.engine.rows import fields_of
from tests.sqlserver.engine.tables import Check, Column, ForeignKey, Key, Table, Trigger
from tests.sqlserver.engine.tracking import TableTracking
from tests.sqlserver.results import Done, Kind, Message
from tests.sqlserver.sql import statements as s
from tests.sqlserver.sql.lexer import SqlError, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.sqlserver.engine.session import EngineSession
    from tests.sqlserver.results import Result
    from tests.sqlserver.sql.tree import Name


def _create_table(session: EngineSession, statement: s.CreateTable) -> Iterator[Result]:
    catalog = session.home_of(statement.table)
    schema, name = statement.table.schema or "dbo", statement.table.last
    if schema.casefold() not in {each.casefold() for each in catalog.schemas}:
        text = f'The specified schema name "{schema}" either does not exist or cannot be used.'
        raise SqlError(Message(2760, 16, text))
    if catalog.find(statement.table) is not None:
        text = f"There is already an object named '{name}' in the database."
        raise SqlError(Message(2714, 16, text))
    table = Table(schema, name, [], catalog.new_object_id())
    _add_columns(session, catalog, table, statement.columns)
    for constraint in statement.constraints:
        _add_constraint(session, catalog, table, constraint, is_checked=True)
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
        for constraint in definition.constraints:
            _add_constraint(session, catalog, table, constraint, is_checked=True)


def _column(
    session: EngineSession, catalog: Catalog, table: Table, definition: s.ColumnDefinition
) -> Column:
    kind = definition.type
    if definition.computed is not None:
        scope = Scope(fields_of(table, table.name))
        kind = Compiler(session, scope).compile(definition.computed).type
    return Column(
        definition.name,
        kind,
        definition.is_nullable and kind.kind is not Kind.TIMESTAMP,
        definition.identity,
        definition.default,
        definition.computed,
        definition.collation or catalog.collation or DEFAULT_COLLATION,
    )


def _add_constraint(
    session: EngineSession,
    catalog: Catalog,
    table: Table,
    constraint: s.Constraint,
    *,
    is_checked: bool,
) -> None:
    number = catalog.new_object_id()
    match constraint:
        case s.Key():
            columns = tuple(table.position(name) for name in constraint.columns)
            if constraint.is_primary:
                for at in columns:
                    table.columns[at].is_nullable = False
            kind = "PK" if constraint.is_primary else "UQ"
            name = constraint.name or f"{kind}__{table.name}__{number:X}"
            key = Key(name, columns, is_primary=constraint.is_primary, object_id=number)
            _check_unique(table, key)
            table.keys.append(key)
        case s.ForeignKey():
            _add_foreign_key(catalog, table, constraint, number, is_checked=is_checked)
        case s.Check():
            name = constraint.name or f"CK__{table.name}__{number:X}"
            check = Check(name, constraint.condition, is_trusted=is_checked, object_id=number)
            if is_checked:
                _check_rows(session, catalog, table, check)
            table.checks.append(check)


def _check_unique(table: Table, key: Key) -> None:
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


def _alter_add_columns(session: EngineSession, statement: s.AddColumns) -> Iterator[Result]:
    catalog, table = session.home_of(statement.table), session.table(statement.table)
    before = len(table.columns)
    _add_columns(session, catalog, table, statement.columns)
    added = table.columns[before:]
    values = []
    for column in added:
        if not column.is_nullable and column.default is None and table.rows:
            text = "ALTER TABLE only allows columns to be added that can contain nulls."
            raise SqlError(Message(4901, 16, text))
        default = Compiler(session).compile(column.default) if column.default else None
        values.append(default.run(()) if default and not column.is_nullable else None)
    table.rows = {number: (*row, *values) for number, row in table.rows.items()}
    table.forget_indexes()
    yield Done()


def _alter_add_constraint(session: EngineSession, statement: s.AddConstraint) -> Iterator[Result]:
    catalog, table = session.home_of(statement.table), session.table(statement.table)
    _add_constraint(session, catalog, table, statement.constraint, is_checked=statement.is_checked)
    yield Done()


def _drop_parts(session: EngineSession, statement: s.DropParts) -> Iterator[Result]:
    table = session.table(statement.table)
    for name in statement.names:
        if statement.kind == "COLUMN":
            _drop_column(table, name)
        else:
            _drop_constraint(table, name)
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


def _drop_constraint(table: Table, name: str) -> None:
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


def _switch_constraints(session: EngineSession, statement: s.SwitchConstraints) -> Iterator[Result]:
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
        raise SqlError(Message(22116, 16, text))
    elif table.tracking is not None:
        text = f"Change tracking is already enabled for table '{table.name}'."
        raise SqlError(Message(4996, 16, text))
    elif table.primary_key is None:
        text = f"Cannot enable change tracking on table '{table.name}': it has no primary key."
        raise SqlError(Message(4997, 16, text))
    else:
        now = catalog.version
        table.tracking = TableTracking(now, now, statement.tracks_columns)
    yield Done()


def _create_trigger(session: EngineSession, statement: s.CreateTrigger) -> Iterator[Result]:
    catalog = session.catalog
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
    if statement.is_unique:
        number = session.catalog.new_object_id()
        key = Key(statement.name, columns, is_constraint=False, object_id=number)
        _check_unique(table, key)
        table.keys.append(key)
    else:
        raise unknown("an index that is not unique", 1)
    yield Done()


def _create_principal(session: EngineSession, statement: s.CreatePrincipal) -> Iterator[Result]:
    server = session.server
    if statement.kind == "LOGIN":
        sid = statement.sid or statement.name.encode("utf-16-le")
        server.add_login(statement.name, statement.password, sid=sid)
    elif statement.kind == "USER":
        login = server.logins.get((statement.login or statement.name).casefold())
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


def _drop(session: EngineSession, statement: s.Drop) -> Iterator[Result]:
    for name in statement.names:
        if not _dropped(session, statement.kind, name) and not statement.if_exists:
            text = f"Cannot drop the {statement.kind.lower()} '{name}', because it does not exist."
            raise SqlError(Message(3701, 11, text))
    yield Done()


def _dropped(session: EngineSession, kind: str, name: Name) -> bool:
    match kind:
        case "TABLE":
            return _dropped_table(session.home_of(name), name)
        case "DATABASE":
            return _dropped_database(session, name.last)
        case "SCHEMA":
            return _dropped_schema(session.catalog, name.last)
        case "TRIGGER":
            return _dropped_trigger(session.catalog, name.last)
        case "USER":
            return session.catalog.users.pop(name.last.casefold(), None) is not None
        case _:
            raise unknown(f"DROP {kind}", 1)


def _dropped_table(catalog: Catalog, name: Name) -> bool:
    table = catalog.find(name)
    if table is None:
        return False
    for other in catalog.tables.values():
        for key in other.foreign_keys:
            if other is not table and table_key(key.schema, key.table) == table_key(
                table.schema, table.name
            ):
                text = f"Could not drop object '{name}': it is referenced by '{key.name}'."
                raise SqlError(Message(3726, 16, text))
    del catalog.tables[table_key(table.schema, table.name)]
    return True


def _dropped_schema(catalog: Catalog, name: str) -> bool:
    used = [t.name for t in catalog.tables.values() if t.schema.casefold() == name.casefold()]
    if used:
        text = f"Cannot drop schema '{name}' because it is being referenced by object '{used[0]}'."
        raise SqlError(Message(3729, 16, text))
    found = name in catalog.schemas
    catalog.schemas.discard(name)
    return found


def _dropped_database(session: EngineSession, name: str) -> bool:
    refuse_in_transaction(session, "DROP DATABASE", 226)
    server = session.server
    catalog = server.catalogs.get(name.casefold())
    if catalog is None:
        return False
    if server.users_of(catalog):
        text = f'Cannot drop database "{catalog.name}" because it is currently in use.'
        raise SqlError(Message(3702, 16, text))
    server.drop(catalog)
    return True


def _dropped_trigger(catalog: Catalog, name: str) -> bool:
    owners = [catalog.triggers, *(table.triggers for table in catalog.tables.values())]
    for triggers in owners:
        for each in triggers:
            if each.name.casefold() == name.casefold():
                triggers.remove(each)
                return True
    return False


SCHEMAS: dict[type, Callable[[EngineSession, Any], Iterator[Result]]] = {
    s.CreateTable: _create_table,
    s.AddColumns: _alter_add_columns,
    s.AddConstraint: _alter_add_constraint,
    s.DropParts: _drop_parts,
    s.AlterColumn: _alter_column,
    s.SwitchConstraints: _switch_constraints,
    s.SwitchTriggers: _switch_triggers,
    s.SwitchTracking: _switch_tracking,
    s.CreateTrigger: _create_trigger,
    s.CreateSchema: _create_schema,
    s.CreateIndex: _create_index,
    s.CreatePrincipal: _create_principal,
    s.AlterUser: _alter_user,
    s.Drop: _drop,
}

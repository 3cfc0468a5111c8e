"""DROP: what is still needed stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sqlserver.engine.catalog import Catalog, table_key
from tests.sqlserver.engine.databases import refuse_in_transaction
from tests.sqlserver.results import Done, Message
from tests.sqlserver.sql.lexer import SqlError, unknown
from tests.sqlserver.sql.tree import NextValue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sqlserver.engine.sequences import Sequence
    from tests.sqlserver.engine.session import EngineSession
    from tests.sqlserver.engine.tables import Table
    from tests.sqlserver.results import Result
    from tests.sqlserver.sql import statements as s
    from tests.sqlserver.sql.tree import Name


def drop(session: EngineSession, statement: s.Drop) -> Iterator[Result]:
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
        case "SEQUENCE":
            return _dropped_sequence(session.catalog_of(name), name)
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


def _dropped_sequence(catalog: Catalog, name: Name) -> bool:
    sequence = catalog.find_sequence(name)
    if sequence is None:
        return False
    defaults = [each.default for t in catalog.tables.values() for each in t.columns]
    named = [each.sequence for each in defaults if isinstance(each, NextValue)]
    if any(catalog.find_sequence(each) is sequence for each in named):
        text = f"Cannot DROP SEQUENCE '{name}' because it is being referenced by a default."
        raise SqlError(Message(3729, 16, text))
    del catalog.sequences[sequence.full_name.casefold()]
    return True


def _dropped_schema(catalog: Catalog, name: str) -> bool:
    inside: list[Table | Sequence] = [*catalog.tables.values(), *catalog.sequences.values()]
    used = [each.name for each in inside if each.schema.casefold() == name.casefold()]
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
    if catalog.is_system:
        text = f"Cannot drop the database '{catalog.name}' because it is a system database."
        raise SqlError(Message(3708, 16, text))
    if server.users_of(catalog):
        text = f'Cannot drop database "{catalog.name}" because it is currently in use.'
        raise SqlError(Message(3702, 16, text))
    server.drop(catalog, keeps_files=catalog.state == "OFFLINE")
    return True


def _dropped_trigger(catalog: Catalog, name: str) -> bool:
    owners = [catalog.triggers, *(table.triggers for table in catalog.tables.values())]
    for triggers in owners:
        for each in triggers:
            if each.name.casefold() == name.casefold():
                triggers.remove(each)
                return True
    return False

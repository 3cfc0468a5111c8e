"""What stands behind FROM: tables, views of the catalog, changes, what a trigger sees."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine.compiled import Field
from tests.sqlserver.engine.expressions import Compiler
from tests.sqlserver.engine.file_functions import function_rows
from tests.sqlserver.engine.functions import BIGINT
from tests.sqlserver.engine.permissions import check, hidden_from, may
from tests.sqlserver.engine.queries import Relation
from tests.sqlserver.engine.rows import fields_of
from tests.sqlserver.engine.seeking import unique_keys
from tests.sqlserver.engine.tracking import net_changes
from tests.sqlserver.engine.views import VIEWS
from tests.sqlserver.results import Kind, Message, SqlType
from tests.sqlserver.sql import tree
from tests.sqlserver.sql.lexer import SqlError, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sqlserver.engine.catalog import Catalog
    from tests.sqlserver.engine.compiled import Rows, Scope
    from tests.sqlserver.engine.session import EngineSession
    from tests.sqlserver.engine.tables import Table

_SYSTEM_SCHEMAS = {"sys", "information_schema"}
_OLD_VIEWS = re.compile(r"sys[a-z]+", re.IGNORECASE)
"""Those of before 2005, such as sysobjects, which need no schema."""


def relation_of(session: EngineSession, source: tree.Source, outer: Scope | None) -> Relation:
    """The rows of a source that is neither a join nor a query; `outer`: what it may refer to."""
    match source:
        case tree.TableSource():
            return _table(session, source)
        case tree.ChangesSource():
            return _changes(session, source)
        case tree.FunctionSource():
            return function_rows(session, source, outer)
        case _:
            raise unknown("this source of rows", 1)


def _table(session: EngineSession, source: tree.TableSource) -> Relation:
    name, alias = source.name, source.alias or source.name.last
    catalog = (name.database or session.database).casefold()
    is_history = catalog == "msdb" and f"dbo.{name.last}".casefold() in VIEWS
    if name.schema.casefold() in _SYSTEM_SCHEMAS or is_history:
        return _view(session, name, alias)
    if len(name.parts) == 1 and (seen := session.seen_by_trigger(name.last)) is not None:
        table, rows = seen
        return Relation(fields_of(table, alias), lambda _: rows)
    if name.schema.casefold() in {"", "dbo"} and session.home_of(name).find(name) is None:
        _see_that_it_is_none_of_the_servers(name, catalog)
    table, home = session.table(name), session.home_of(name)
    check(session, home, table, "SELECT")
    return Relation(
        [_allowed(session, home, table, each) for each in fields_of(table, alias)],
        lambda _: session.rows_of(table, name),
        unique_keys(table),
        lambda key: session.finder(table, name, key),
        lambda: len(table.rows),
    )


def _allowed(session: EngineSession, catalog: Catalog, table: Table, of: Field) -> Field:
    if may(session, catalog, table, "SELECT", of.name):
        return of
    text = (
        f"The SELECT permission was denied on the column '{of.name}' of the object "
        f"'{table.name}', database '{catalog.name}', schema '{table.schema}'."
    )
    return replace(of, refused=text)


def _see_that_it_is_none_of_the_servers(name: tree.Name, catalog: str) -> None:
    if catalog == "msdb" or _OLD_VIEWS.fullmatch(name.last):
        raise unknown(f"the view {name}", 1)


def _view(session: EngineSession, name: tree.Name, alias: str) -> Relation:
    view = VIEWS.get(f"{name.schema or 'dbo'}.{name.last}".casefold())
    if view is None:
        raise unknown(f"the view {name}", 1)
    if view.since > session.server.profile.version[0]:
        raise SqlError(Message(208, 16, f"Invalid object name '{name}'."))
    catalog, rows = session.catalog_of(name), view.rows
    known = view.known_to(session.server.profile.version[0])
    fields = [view.fields[at] for at in known]
    named = [Field(alias, each.name, each.type, each.collation) for each in fields]
    place = next((at for at, each in enumerate(view.fields) if each.name == "object_id"), None)

    def seen(_: Rows) -> list[tuple[Any, ...]]:
        hidden = set() if place is None else hidden_from(session, catalog)
        found = rows(session.server, catalog)
        if hidden and place is not None:
            found = (row for row in found if row[place] not in hidden)
        return [tuple(row[at] for at in known) for row in found]

    return Relation(named, seen)


def _changes(session: EngineSession, source: tree.ChangesSource) -> Relation:
    if not source.alias:
        raise SqlError(Message(22104, 16, "A table returned by CHANGETABLE must have an alias."))
    table, catalog = session.table(source.table), session.catalog_of(source.table)
    check(session, catalog, table, "SELECT")
    check(session, catalog, table, "VIEW CHANGE TRACKING")
    tracking, key = table.tracking, table.primary_key
    if tracking is None or key is None:
        text = f"Change tracking is not enabled on table '{table.name}'."
        raise SqlError(Message(22105, 16, text))
    since = Compiler(session).compile(source.since)
    keys = [fields_of(table, source.alias)[at] for at in key.columns]
    fields = [
        Field(source.alias, "SYS_CHANGE_VERSION", BIGINT),
        Field(source.alias, "SYS_CHANGE_CREATION_VERSION", BIGINT),
        Field(source.alias, "SYS_CHANGE_OPERATION", SqlType(Kind.NCHAR, 1)),
        Field(source.alias, "SYS_CHANGE_COLUMNS", SqlType(Kind.VARBINARY, 4100)),
        Field(source.alias, "SYS_CHANGE_CONTEXT", SqlType(Kind.VARBINARY, 128)),
        *keys,
    ]

    def rows(outside: Rows) -> Iterator[tuple[Any, ...]]:
        upto = session.version_of(catalog)
        assert table.tracking is not None
        for each in net_changes(table.tracking, since.run(outside), upto):
            head = (each.version, each.creation_version, each.operation, None, None)
            yield (*head, *each.values)

    return Relation(fields, rows)

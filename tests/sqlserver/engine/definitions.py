"""Definitions are carried out: who holds a table is waited for, and DDL triggers are fired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sqlserver.engine.databases import DATABASES
from tests.sqlserver.engine.durability import shape_of
from tests.sqlserver.engine.moments import datetime_now
from tests.sqlserver.engine.restoring import BACKUPS
from tests.sqlserver.engine.schemas import SCHEMAS
from tests.sqlserver.engine.sequences import SEQUENCES
from tests.sqlserver.engine.transactions import wait_for
from tests.sqlserver.engine.writing import check_updatable, run_body
from tests.sqlserver.results import Message
from tests.sqlserver.sql import statements as s
from tests.sqlserver.sql.lexer import SqlError, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sqlserver.engine.catalog import Catalog
    from tests.sqlserver.engine.session import EngineSession
    from tests.sqlserver.engine.writing import Runner
    from tests.sqlserver.results import Result
    from tests.sqlserver.sql.tree import Name

_ALL = DATABASES | BACKUPS | SCHEMAS | SEQUENCES
_ALTERING = (
    s.AddColumns,
    s.AddConstraint,
    s.AlterColumn,
    s.DropParts,
    s.SwitchConstraints,
    s.SwitchTracking,
)


def define(session: EngineSession, statement: s.Statement, run: Runner) -> Iterator[Result]:
    """Carry a definition out; `run` runs the statements of triggers.

    Raises:
        SqlError: it cannot be, or is not known here.
    """
    if type(statement) in SCHEMAS | SEQUENCES:
        _prepare(session, statement)
        if (catalog := _changed(session, statement)) is not None:
            check_updatable(catalog)
    yield from _ALL[type(statement)](session, statement)
    _date(session, statement)
    _keep(session, statement)
    if event := _event(session, statement):
        for trigger in session.catalog.triggers:
            if trigger.is_enabled and event in trigger.events:
                run_body(session, run, trigger.body)


# What rewrites rows, too.
_REWRITING = (s.AddColumns, s.AlterColumn, s.DropParts)
_ELSEWHERE = (s.Backup, s.Restore, s.ReadBackup, s.CreateDatabase, s.Kill)
"""They see to the disk themselves, or change nothing that is on it."""


def _keep(session: EngineSession, statement: s.Statement) -> None:
    """What was defined is on disk before the client hears of it."""
    if isinstance(statement, _ELSEWHERE):
        return
    catalog = _changed(session, statement)
    if catalog is None or catalog.storage is None:
        return
    if isinstance(statement, _REWRITING):
        session.server.save(catalog)
    else:
        catalog.storage.append(shape_of(catalog))


def _changed(session: EngineSession, statement: s.Statement) -> Catalog | None:
    if isinstance(statement, s.RenameDatabase):
        return session.server.catalog(statement.new)
    if isinstance(statement, (s.SetDatabase, s.AlterAuthorization)):
        return session.server.catalog(statement.database or session.database)
    if names := _tables(statement):
        return session.home_of(names[0])
    is_dropped = isinstance(statement, s.Drop) and statement.kind == "DATABASE"
    return None if is_dropped else session.catalog


def _date(session: EngineSession, statement: s.Statement) -> None:
    """An altered table tells when that was, in sys.tables."""
    if isinstance(statement, (s.CreateIndex, *_ALTERING)):
        table = session.home_of(statement.table).find(statement.table)
        if table is not None:
            table.modified = datetime_now()


def _prepare(session: EngineSession, statement: s.Statement) -> None:
    names = _tables(statement)
    if session.transaction.depth and not (names and all(_is_temporary(each) for each in names)):
        raise unknown("definitions inside of a transaction", 1)
    for name in names:
        table = session.home_of(name).find(name)
        if table is not None:
            wait_for(session.server, session, table)
        elif isinstance(statement, _ALTERING):
            text = f'Cannot find the object "{name}" because it does not exist.'
            raise SqlError(Message(4902, 16, text))


def _tables(statement: s.Statement) -> list[Name]:
    if isinstance(statement, (s.CreateTable, s.CreateIndex, *_ALTERING)):
        return [statement.table]
    if isinstance(statement, (s.SwitchTriggers, s.CreateTrigger)) and statement.on is not None:
        return [statement.on]
    if isinstance(statement, s.Drop) and statement.kind == "TABLE":
        return list(statement.names)
    return []


def _is_temporary(name: Name) -> bool:
    return name.last.startswith("#")


def _event(session: EngineSession, statement: s.Statement) -> str:
    """What triggers ON DATABASE are told, if anything."""
    if any(map(_is_temporary, _tables(statement))) or not session.catalog.triggers:
        return ""
    if isinstance(statement, s.CreateTable):
        return "CREATE_TABLE"
    if isinstance(statement, s.Drop) and statement.kind == "TABLE":
        return "DROP_TABLE"
    return "ALTER_TABLE" if isinstance(statement, _ALTERING) else ""

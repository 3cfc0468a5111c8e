"""INSERT, UPDATE, DELETE and TRUNCATE as statements: which rows they mean, and their triggers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine.compiled import Scope
from tests.sqlserver.engine.expressions import Compiler
from tests.sqlserver.engine.permissions import check
from tests.sqlserver.engine.queries import Planner
from tests.sqlserver.engine.rows import RowWriter, fields_of
from tests.sqlserver.engine.seeking import chosen, given, mark_given, unique_keys
from tests.sqlserver.engine.tables import Change, Row, Table
from tests.sqlserver.engine.transactions import wait_for
from tests.sqlserver.results import Done, Message
from tests.sqlserver.sql import statements as s
from tests.sqlserver.sql import tree
from tests.sqlserver.sql.lexer import SqlError, unknown
from tests.sqlserver.sql.parser import parse_batch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tests.sqlserver.engine.catalog import Catalog
    from tests.sqlserver.engine.session import EngineSession
    from tests.sqlserver.results import Result

    Runner = Callable[[EngineSession, s.Statement], Iterator[Result]]
    Writing = s.Insert | s.Update | s.Delete | s.Truncate
    Numbered = list[tuple[int, tuple[Any, ...]]]


def change(session: EngineSession, statement: Writing, run: Runner) -> Iterator[Result]:
    """Change rows; `run` runs the statements of triggers."""
    name = _named(statement)
    table, catalog = session.table(name), session.home_of(name)
    if catalog is not session.temporary:
        check(session, catalog, table, _NEEDED[type(statement)])
        _check_writable(session, catalog)
        wait_for(session.server, session, table)
    writer = RowWriter(
        catalog,
        session,
        session.identity_insert,
        lambda of, event, changes: _fire(session, run, of, event, changes),
        lambda change: session.transaction.record(catalog, change),
    )
    count = _written(session, statement, table, writer)
    session.row_count = count
    if table.identity is not None and isinstance(statement, s.Insert):
        session.last_identity = table.identity
    yield Done(None if session.options.get("NOCOUNT") == "ON" else count)


_NEEDED: dict[type, str] = {
    s.Insert: "INSERT",
    s.Update: "UPDATE",
    s.Delete: "DELETE",
    s.Truncate: "ALTER",
}


def _check_writable(session: EngineSession, catalog: Catalog) -> None:
    if session.transaction.is_doomed:
        text = "The current transaction cannot support operations that write to the log file."
        raise SqlError(Message(3930, 16, text))
    check_updatable(catalog)
    if session.is_snapshot and session.transaction.depth:
        raise unknown("changes under SNAPSHOT isolation", 1)


def check_updatable(catalog: Catalog) -> None:
    """See that there may be changes in a catalog.

    Raises:
        SqlError: it is read-only (3906).
    """
    if "READ_ONLY" in catalog.options:
        text = f'Failed to update database "{catalog.name}" because the database is read-only.'
        raise SqlError(Message(3906, 16, text))


def _named(statement: Writing) -> tree.Name:
    """The table that is meant, when its alias is named."""
    if isinstance(statement, (s.Insert, s.Truncate)):
        return statement.table
    for source in _sources(statement.source):
        if isinstance(source, tree.TableSource):
            alias = source.alias or source.name.last
            if alias.casefold() == statement.target.last.casefold():
                return source.name
    return statement.target


def _sources(source: tree.Source | None) -> Iterator[tree.Source]:
    if isinstance(source, tree.Join):
        yield from _sources(source.left)
        yield from _sources(source.right)
    elif source is not None:
        yield source


def _written(session: EngineSession, statement: Writing, table: Table, writer: RowWriter) -> int:
    match statement:
        case s.Insert():
            given = _given(session, statement, table, writer)
            return writer.insert(table, statement.columns, given)
        case s.Update():
            return writer.update(table, _updates(session, statement, table))
        case s.Delete():
            numbered, scope = _numbered(session, statement, table)
            found = _found(session, statement, numbered, scope)
            return writer.delete(table, list(dict.fromkeys(number for number, _ in found)))
        case s.Truncate():
            return _truncate(table, writer)


def _given(
    session: EngineSession, statement: s.Insert, table: Table, writer: RowWriter
) -> list[list[Any]]:
    if statement.rows is None:
        return [[None] * writer.width(table, statement.columns)]
    if isinstance(statement.rows, tree.Query):
        planned = Planner(session, gives_numbers=True).query(statement.rows)
        types = [field.type for field in planned.fields]
        return [list(zip(types, row, strict=True)) for row in planned.run(())]
    compiler = Compiler(session, no_number=0)
    found = []
    for row in statement.rows:
        compiled = [None if each is None else compiler.compile(each) for each in row]
        found.append([None if each is None else (each.type, each.run(())) for each in compiled])
    return found


def _updates(
    session: EngineSession, statement: s.Update, table: Table
) -> list[tuple[int, dict[int, Any]]]:
    numbered, scope = _numbered(session, statement, table)
    compiler = Compiler(session, scope, no_number=0)
    compiled = [(table.position(name), compiler.compile(e)) for name, e in statement.changes]
    if len(dict(compiled)) < len(compiled):
        text = "A column name is specified more than once in the SET clause."
        raise SqlError(Message(264, 16, text))
    found: dict[int, dict[int, Any]] = {}
    for number, row in _found(session, statement, numbered, scope):
        found[number] = {at: (each.type, each.run((row,))) for at, each in compiled}
    return list(found.items())


def _found(
    session: EngineSession, statement: s.Update | s.Delete, numbered: Numbered, scope: Scope
) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """The target's rows that a statement is about: each with the row of its sources."""
    holds = None
    if statement.where is not None:
        holds = Compiler(session, scope).condition(statement.where)
    top = Compiler(session).compile(statement.top).run(()) if statement.top else None
    seen: set[int] = set()
    for number, row in numbered:
        if holds is not None and not holds((row,)):
            continue
        if top is not None and len(seen) >= top and number not in seen:
            return
        seen.add(number)
        yield number, row


def _numbered(
    session: EngineSession, statement: s.Update | s.Delete, table: Table
) -> tuple[Numbered, Scope]:
    source = statement.source
    if source is None:
        fields = fields_of(table, statement.target.last)
        constants = given(statement.where, fields, Compiler(session))
        key = chosen(unique_keys(table), constants)
        if key is None:
            return list(table.rows.items()), Scope(fields)
        number = table.index(key).get(mark_given(key, constants, fields, ()))
        return [(number, table.rows[number])] if number else [], Scope(fields)
    relation = Planner(session).relation(source, None)
    first = _offset(session, source, statement)
    numbers_of = _numbers(table)
    width = len(table.columns)
    found = [
        (number, row)
        for row in relation.rows(())
        for number in numbers_of(tuple(row[first : first + width]))
    ]
    return found, Scope(relation.fields)


def _numbers(table: Table) -> Callable[[Row], Iterable[int]]:
    """Finds the numbers of a row, of which there may be several where there is no key."""
    key = next(iter(unique_keys(table)), None)
    if key is not None:
        index = table.index(key)
        return lambda row: filter(None, (index.get(table.key_of(row, key)),))
    by_row: dict[Row, list[int]] = {}
    for number, row in table.rows.items():
        by_row.setdefault(row, []).append(number)
    return lambda row: by_row.get(row, ())


def _offset(session: EngineSession, source: tree.Source, statement: s.Update | s.Delete) -> int:
    """Where the target's columns begin in the rows of its sources."""
    wanted = statement.target.last.casefold()
    at = 0
    for each in _sources(source):
        alias = getattr(each, "alias", "") or getattr(each, "name", tree.Name(("",))).last
        if alias.casefold() == wanted:
            return at
        at += len(Planner(session).relation(each, None).fields)
    raise unknown("a target that is none of its sources", 1)


def _truncate(table: Table, writer: RowWriter) -> int:
    for other in writer.catalog.tables.values():
        for key in other.foreign_keys:
            if other is not table and key.table.casefold() == table.name.casefold():
                text = f"Cannot truncate table '{table.name}' because it is being referenced."
                raise SqlError(Message(4712, 16, text))
    for number in list(table.rows):
        writer.record(Change(table, number, table.remove(number), None, is_truncation=True))
    writer.record(Change(table, 0, None, None, is_truncation=True))  # empty ones, too
    table.identity = None
    return 0


def _fire(
    session: EngineSession, run: Runner, table: Table, event: str, changes: Sequence[Change]
) -> None:
    seen = {
        "inserted": (table, [c.after for c in changes if c.after is not None]),
        "deleted": (table, [c.before for c in changes if c.before is not None]),
    }
    for trigger in table.triggers:
        is_itself = session.triggers and session.triggers[-1][0] is trigger
        if trigger.is_enabled and event in trigger.events and not is_itself:
            session.triggers.append((trigger, seen))
            try:
                run_body(session, run, trigger.body)
            finally:
                session.triggers.pop()


def run_body(session: EngineSession, run: Runner, body: str) -> None:
    """Run a trigger in the transaction of its statement; what fails takes both with it.

    Raises:
        SqlError: it fails (3616 is the last message), or has ended the transaction (3609).
    """
    transaction = session.transaction
    transaction.depth += 1
    session.tries += 1
    outer, session.variables = session.variables, {}
    try:
        for statement in parse_batch(body):
            for _ in run(session, statement):
                pass
    except SqlError as error:
        text = "An error was raised during trigger execution. The batch has been aborted."
        raise SqlError(*error.messages, Message(3616, 16, text)) from None
    finally:
        session.variables = outer
        session.tries -= 1
        transaction.depth -= 1
    if session.transaction is not transaction:
        text = "The transaction ended in the trigger. The batch has been aborted."
        raise SqlError(Message(3609, 16, text))

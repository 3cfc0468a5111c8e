"""SELECT as a statement: rows for the client, for variables or for a new table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sqlserver.engine.catalog import table_key
from tests.sqlserver.engine.queries import Planner
from tests.sqlserver.engine.tables import Column, Table
from tests.sqlserver.results import Column as ResultColumn
from tests.sqlserver.results import Done, Message, ResultSet
from tests.sqlserver.sql import tree
from tests.sqlserver.sql.lexer import SqlError, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.sqlserver.engine.compiled import Field, Row
    from tests.sqlserver.engine.session import EngineSession
    from tests.sqlserver.results import Result


def select(session: EngineSession, query: tree.Query) -> Iterator[Result]:
    """Run a query."""
    planned = Planner(session, gives_numbers=True).query(query)
    first = query.body
    while isinstance(first, tree.Combined):
        first = first.left
    rows = planned.run(())
    session.row_count = len(rows)
    if first.into is not None:
        _into(session, first.into, planned.fields, rows)
    elif any(item.variable for item in first.items):
        for row in rows:
            for item, value, field in zip(first.items, row, planned.fields, strict=True):
                session.set_variable(item.variable, value, field.type)
        return
    else:
        yield ResultSet([_column(field) for field in planned.fields], rows)
    yield Done(len(rows))


def _column(field: Field) -> ResultColumn:
    return ResultColumn(
        field.name, field.type, field.is_nullable, field.is_identity, field.is_computed
    )


def _into(
    session: EngineSession, name: tree.Name, fields: Sequence[Field], rows: Sequence[Row]
) -> None:
    """SELECT … INTO: a plain column alone keeps its IDENTITY; a UNION strips it."""
    catalog = session.home_of(name)
    if catalog is not session.temporary and session.transaction.depth:
        raise unknown("SELECT INTO inside of a transaction", 1)
    if catalog.find(name) is not None:
        text = f"There is already an object named '{name.last}' in the database."
        raise SqlError(Message(2714, 16, text))
    columns = [
        Column(
            field.name,
            field.type,
            field.is_nullable,
            (1, 1) if field.is_identity else None,
            collation=field.collation.lstrip("!") or catalog.collation,
        )
        for field in fields
    ]
    table = Table(name.schema or "dbo", name.last, columns, catalog.new_object_id())
    for row in rows:
        table.put(table.new_number(), tuple(row))
    catalog.tables[table_key(table.schema, table.name)] = table
    session.server.save(catalog)

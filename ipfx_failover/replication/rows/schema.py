"""The tables of a catalog, and which of them are followed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from ipfx_failover.replication.sqlserver.tables import find_table
from ipfx_failover.replication.tsql import tables as texts
from ipfx_failover.replication.tsql.tables import Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ipfx_failover.replication.sqlserver.session import Row, SqlSession

Tables = dict[tuple[str, str], Table]
"""By schema and name."""


@dataclass(frozen=True, slots=True)
class Choice:
    """`followed`: whose changes are applied. `left`: why others are not, by what people call them.

    Those that are left are as of the last full replication.
    """

    followed: tuple[Table, ...]
    left: Mapping[str, str]


def read_tables(session: SqlSession) -> Tables:
    """All of the catalog in use."""
    rows = session.rows(texts.tables())
    return {place: _table(place, list(group)) for place, group in groupby(rows, _place)}


def read_fingerprint(session: SqlSession) -> Row:
    """Something that differs when a table was defined otherwise."""
    return session.rows(texts.fingerprint())[0]


def wanted_tables(tables: Tables, real_time: str, named: Sequence[str], catalog: str) -> Choice:
    """What the config asks for: all that can be followed, or those it names.

    Raises:
        Failed: it names a table that is not there; near ones are named.
    """
    chosen = tables
    if real_time == "configuration":
        places = [find_table(each, tables, catalog) for each in named]
        chosen = {place: tables[place] for place in places}
    return Choice(
        tuple(table for table in chosen.values() if table.obstacle is None),
        {table.shown: table.obstacle for table in chosen.values() if table.obstacle},
    )


def alike(live: Choice, copy: Tables) -> Choice:
    """Of those that are wanted the ones that the copy has in the same shape."""
    left = dict(live.left)
    followed = []
    for table in live.followed:
        if (why := _difference(table, copy.get((table.schema, table.name)))) is None:
            followed.append(table)
        else:
            left[table.shown] = why
    return Choice(tuple(followed), left)


def _difference(live: Table, copy: Table | None) -> str | None:
    if copy is None:
        return "it is new, and not in the copy"
    if live == copy:
        return None
    there = {column.name: column for column in copy.columns}
    for column in live.columns:
        if there.get(column.name) != column:
            return f"its column {column.name} is another one in the copy"
    return "its definition is another one in the copy"


def _place(row: Row) -> tuple[str, str]:
    return str(row[0]), str(row[1])


def _table(place: tuple[str, str], rows: Sequence[Row]) -> Table:
    keys = sorted((row[-1], str(row[2])) for row in rows if row[-1] is not None)
    return Table(*place, tuple(_columns(rows)), tuple(column for _, column in keys))


def _columns(rows: Sequence[Row]) -> Iterator[Column]:
    for _, _, column, kind, length, precision, scale, collation, *flags, _ in rows:
        yield Column(
            str(column),
            str(kind),
            int(length),
            int(precision),
            int(scale),
            collation,
            *map(bool, flags),
        )

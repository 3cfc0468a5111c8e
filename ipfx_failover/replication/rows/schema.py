"""The tables of a catalog, and which of them are followed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from ipfx_failover.errors import Failed
from ipfx_failover.events import one_line
from ipfx_failover.replication.sqlserver.fitness import Instance
from ipfx_failover.replication.sqlserver.tables import find_table
from ipfx_failover.replication.tsql import server as asking
from ipfx_failover.replication.tsql import tables as texts
from ipfx_failover.replication.tsql.peculiar import DENIALS, is_denial, peculiarities, why
from ipfx_failover.replication.tsql.tables import Column, Table
from ipfx_failover.replication.tsql.tracking import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ipfx_failover.replication.sqlserver.session import Row, SqlSession

Tables = dict[tuple[str, str], Table]
"""By schema and name."""


@dataclass(frozen=True, slots=True)
class Choice:
    """`followed`: whose changes are applied. `left`: why others are not, by what people call them.

    Those that are left are as of the last full replication. `outdated`: which of these the copy has
    otherwise than the live server, or has alone. `is_of_all`: of all the tables that there are.
    """

    followed: tuple[Table, ...]
    left: Mapping[str, str]
    outdated: tuple[str, ...] = ()
    is_of_all: bool = False


class ForeignKey(NamedTuple):
    """Rows of `child`, schema and name, refer to rows of `parent`."""

    name: str
    child: tuple[str, str]
    parent: tuple[str, str]


def read_foreign_keys(session: SqlSession) -> list[ForeignKey]:
    """Of all that are enforced in the catalog in use."""
    return [
        ForeignKey(str(name), (str(schema), str(table)), (str(of), str(other)))
        for name, schema, table, of, other in session.rows(texts.foreign_keys())
    ]


def torn(choice: Choice, keys: Sequence[ForeignKey]) -> list[str]:
    """The foreign keys of which only one end is followed, as sentences.

    At a takeover rows may have no parent there; the constraints are checked at a failback.
    """
    followed = {(table.schema, table.name): table.shown for table in choice.followed}
    found = []
    for key in keys:
        known = [followed[place] for place in (key.child, key.parent) if place in followed]
        if len(known) == 1:
            child, parent = (one_line(".".join(place)) for place in (key.child, key.parent))
            found.append(
                f"{one_line(key.name)}: {child} refers to {parent}, and only {known[0]} is "
                "followed: a takeover may leave rows without those they refer to, which "
                "replicate-to-live refuses to give back"
            )
    return found


def read_tables(session: SqlSession) -> Tables:
    """All of the catalog in use."""
    rows, peculiar = session.rows(texts.tables()), _peculiarities(session)
    return {
        place: _table(place, list(group), *peculiar.get(place, ()))
        for place, group in groupby(rows, _place)
    }


def _peculiarities(session: SqlSession) -> dict[tuple[str, str], tuple[str, bool]]:
    """By schema and name: what keeps rows of a table from being followed; whether a right does."""
    instance = Instance.of_row("", session.rows(asking.SERVER)[0])
    return {
        (str(schema), str(table)): (
            why(number, str(schema), str(table), str(column)),
            is_denial(number),
        )
        for schema, table, column, number in session.rows(peculiarities(instance.release[0]))
    }


def read_denials(session: SqlSession) -> list[Row]:
    """Something that differs when another table may be read, or its changes be seen."""
    return session.rows(DENIALS)


def read_fingerprint(session: SqlSession) -> Row:
    """Something that differs when a table was defined otherwise."""
    return session.rows(texts.fingerprint())[0]


def wanted_tables(tables: Tables, real_time: str, named: Sequence[str], catalog: str) -> Choice:
    """What the config asks for: all that can be followed, or those it names.

    One that it names and that is not there is left, with near ones in the reason.
    """
    chosen, lacking = tables, dict[str, str]()
    if real_time == "configuration":
        chosen, lacking = _named(tables, named, catalog)
    return Choice(
        tuple(table for table in chosen.values() if table.obstacle is None),
        lacking | {table.shown: table.obstacle for table in chosen.values() if table.obstacle},
        is_of_all=chosen is tables,
    )


def _named(tables: Tables, named: Sequence[str], catalog: str) -> tuple[Tables, dict[str, str]]:
    found: Tables = {}
    lacking = {}
    for each in named:
        try:
            place = find_table(each, tables, catalog)
        except Failed as error:
            lacking[each] = f"{error.message}; {error.hint}"
        else:
            found[place] = tables[place]
    return found, lacking


def alike(live: Choice, copy: Tables, *, sees_all: bool) -> Choice:
    """Of those that are wanted the ones that the copy has in the same shape.

    `sees_all`: whether the login on the live server does. Else one may be hidden from it, and no
    whole copy would change that.
    """
    left = dict(live.left)
    followed, outdated = [], []
    for table in live.followed:
        there = copy.get((table.schema, table.name))
        if there is None:
            left[table.shown] = "it is new, and not in the copy"
        elif (why := _difference(table, there)) is None:
            followed.append(table)
        else:
            outdated.append(table.shown)
            left[table.shown] = why
    for name in _gone(live, copy) if live.is_of_all else ():
        left[name] = "it is in the copy only: dropped on the live server"
        if sees_all:
            outdated.append(name)
        else:
            left[name] += ", or hidden from the login there (GRANT VIEW DEFINITION)"
    return Choice(tuple(followed), left, tuple(outdated))


def without(choice: Choice, unfit: Mapping[Table, str]) -> Choice:
    """All but these, which are left for other reasons than what they are."""
    found = {table.shown: why for table, why in unfit.items() if table in choice.followed}
    followed = tuple(table for table in choice.followed if table not in unfit)
    return replace(choice, followed=followed, left={**choice.left, **found})


def _gone(live: Choice, copy: Tables) -> Iterator[str]:
    known = {table.shown for table in live.followed} | live.left.keys()
    for table in copy.values():
        if table.schema != SCHEMA and table.shown not in known:
            yield table.shown


def _difference(live: Table, copy: Table) -> str | None:
    if live == copy:
        return None
    there = {column.name: column for column in copy.columns}
    for column in live.columns:
        if there.get(column.name) != column:
            return f"its column {column.name} is another one in the copy"
    return "its definition is another one in the copy"


def _place(row: Row) -> tuple[str, str]:
    return str(row[0]), str(row[1])


def _table(
    place: tuple[str, str],
    rows: Sequence[Row],
    peculiarity: str | None = None,
    is_denied: bool = False,  # noqa: FBT001, FBT002 - as it is read
) -> Table:
    keys = sorted((row[-1], str(row[2])) for row in rows if row[-1] is not None)
    return Table(*place, tuple(_columns(rows)), tuple(column for _, column in keys),
                 peculiarity, is_denied)  # fmt: skip


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

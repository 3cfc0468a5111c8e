"""Profile paths: converted in a restored copy, and back (manual, "Converting … Profile Paths")."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from ipfx_failover.errors import Failed
from ipfx_failover.replication.sqlserver import record
from ipfx_failover.replication.sqlserver.conversion import Conversion
from ipfx_failover.replication.sqlserver.tables import Column, find_column, find_table
from ipfx_failover.replication.tsql import converting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ipfx_failover.config.models import PathConversion
    from ipfx_failover.replication.sqlserver.session import SqlSession

_BYTES_A_CHARACTER = {"char": 1, "varchar": 1, "nchar": 2, "nvarchar": 2}
_WITHOUT_LIMIT = {"text", "ntext"}


def resolved(
    session: SqlSession, catalog: str, settings: Iterable[PathConversion]
) -> list[Conversion]:
    """What the config asks for, with the names that the catalog in use has for it.

    It is checked, too: what cannot be converted is found before anything is written.

    Raises:
        Failed: there is no such table or column, it holds no text, or values would get too long.
    """
    wanted = list(settings)
    if not wanted:
        return []
    columns = _columns(session)
    found = [_resolved(catalog, each, columns) for each in wanted]
    _check_lengths(session, found, columns)
    return found


def way_back(session: SqlSession) -> list[Conversion]:
    """How the paths of the copy in use become those of the live server again, by its own record."""
    return [each.back() for each in record.conversions(session)]


def convert(session: SqlSession, conversions: Sequence[Conversion]) -> None:
    """Convert all rows, in the caller's transaction, which must say that it was done."""
    for of_column in _by_column(conversions):
        session.work(converting.convert(of_column), phase="paths")


def check_lengths(session: SqlSession, conversions: Sequence[Conversion]) -> None:
    """See that all values fit their columns when they are converted.

    Raises:
        Failed: some do not; how many, and where.
    """
    if conversions:
        _check_lengths(session, conversions, _columns(session))


def ambiguous(session: SqlSession, conversions: Sequence[Conversion]) -> list[str]:
    """Warnings of values that begin on the live server as converted ones do on the other.

    On the way back they cannot be told from those. Where what a path becomes begins as it did
    before, they are converted like all others, and there is nothing to warn of.
    """
    told = []
    for of_column in _by_column(conversions):
        apart = [each.back() for each in of_column if not _is_converted(each.becomes, of_column)]
        count = _count(session, converting.how_many_begin(apart)) if apart else 0
        if count:
            beginnings = " or ".join(each.begins for each in apart)
            told.append(
                f"in {_shown(of_column[0])} {count} begin with {beginnings} already: a failback "
                "will convert them too"
            )
    return told


def _is_converted(path: str, conversions: Iterable[Conversion]) -> bool:
    return any(path.casefold().startswith(each.begins.casefold()) for each in conversions)


_Tables = dict[tuple[str, str], list[Column]]


def _columns(session: SqlSession) -> _Tables:
    found: _Tables = {}
    for schema, table, column, kind, longest, is_computed in session.rows(converting.columns()):
        made = Column(schema, table, column, kind, longest, bool(is_computed))
        found.setdefault((schema, table), []).append(made)
    return found


def _resolved(
    catalog: str, wanted: PathConversion, columns: Mapping[tuple[str, str], list[Column]]
) -> Conversion:
    table = find_table(wanted.table, columns, catalog)
    column = find_column(wanted.column, columns[table])
    if column.is_computed or column.type not in _BYTES_A_CHARACTER.keys() | _WITHOUT_LIMIT:
        kind = "computed" if column.is_computed else column.type
        raise Failed(
            f"{'.'.join(table)}.{column.name} holds no paths: it is {kind}",
            "correct path_conversions in the config; see: ipfx-failover config check",
        )
    return Conversion(*table, column.name, wanted.from_, wanted.to)


def _check_lengths(
    session: SqlSession,
    conversions: Iterable[Conversion],
    columns: Mapping[tuple[str, str], list[Column]],
) -> None:
    for of_column in _by_column(conversions):
        first = of_column[0]
        column = find_column(first.column, columns[first.schema, first.table])
        if column.longest < 0 or column.type in _WITHOUT_LIMIT:
            continue
        longest = column.longest // _BYTES_A_CHARACTER[column.type]
        count = _count(session, converting.how_many_too_long(of_column, longest))
        if count:
            raise Failed(
                f"in {_shown(first)} {count} get longer than its {longest} characters when their "
                "paths are converted",
                f"make the column longer, or shorten them; they begin with {first.begins}",
            )


def _by_column(conversions: Iterable[Conversion]) -> Iterator[list[Conversion]]:
    by_place = sorted(conversions, key=attrgetter("place"))
    return (list(group) for _, group in groupby(by_place, key=attrgetter("place")))


def _shown(conversion: Conversion) -> str:
    return ".".join(conversion.place)


def _count(session: SqlSession, sql: str) -> int:
    ((count,),) = session.rows(sql)
    return int(count)

"""What a copy remembers of itself, in our own schema: what was on, and how paths were converted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfx_failover.replication.sqlserver.conversion import Conversion
from ipfx_failover.replication.sqlserver.switches import Switch, SwitchKind
from ipfx_failover.replication.sqlserver.transaction import transaction
from ipfx_failover.replication.sqlserver.watermark import Beginning, Watermark
from ipfx_failover.replication.tsql import converting, preparing, tracking

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ipfx_failover.replication.sqlserver.session import SqlSession

Place = tuple[str, str]


def run_of(session: SqlSession) -> str | None:
    """The run whose copy the catalog in use is, as far as it has begun to be prepared."""
    if not _value(session, preparing.has_record()):
        return None
    rows = session.rows(preparing.read_run())
    return str(rows[0][0]) if rows else None


def is_taken(session: SqlSession) -> bool:
    """Whether the copy in use was in use by the application, too."""
    return any(row[1] for row in session.rows(preparing.read_run()))


def ended_at(session: SqlSession) -> int | None:
    """Up to which version the copy in use had followed when that ended; None: not known."""
    return next((row[2] for row in session.rows(preparing.read_run()) if not row[1]), None)


def mark(session: SqlSession) -> Watermark | None:
    """How far the copy in use has come, and of which live catalog; None before its paths are."""
    rows = session.rows(tracking.read_watermark())
    return Watermark(*rows[0][:3]) if rows else None


def is_followed(session: SqlSession) -> bool:
    """Whether the copy in use follows its live catalog's rows, or did until its role was taken."""
    versions = [row[2] for row in session.rows(preparing.read_run()) if row[1]]
    versions += [row[0] for row in session.rows(tracking.read_watermark())]
    return any(version is not None for version in versions)


def begin(
    session: SqlSession, switches: Sequence[Switch], run_id: str, begun: Mapping[Place, Beginning]
) -> None:
    """Remember what was on in the restored copy of run `run_id`. `begun`: see `begun`."""
    for statement in (
        *_drop_tables(),
        tracking.create_schema(),
        *preparing.create_record(),
        converting.create_record(),
        tracking.create_watermark(),
        tracking.create_tracked(),
    ):
        session.run(statement)
    with transaction(session):
        for statement in preparing.remember(switches, run_id):
            session.run(statement)
        for place, begins in begun.items():
            session.run(tracking.remember_tracked(*place, begins))


def begun(session: SqlSession) -> dict[Place, Beginning]:
    """Where each table's history begins that the copy in use knows, by schema and name."""
    if not _value(session, tracking.has_tracked()):
        return {}
    return as_beginnings(session.rows(tracking.read_tracked()))


def as_beginnings(rows: Iterable[Sequence[Any]]) -> dict[Place, Beginning]:
    """schema, table, version, keeper, and what else there is, by schema and name."""
    return {
        (str(schema), str(table)): Beginning(int(version), str(keeper))
        for schema, table, version, keeper, *_ in rows
    }


def switches(session: SqlSession) -> list[Switch]:
    """What the live server has switched on."""
    return as_switches(session.rows(preparing.remembered()))


def as_switches(rows: Sequence[tuple[object, ...]]) -> list[Switch]:
    return [
        Switch(SwitchKind(str(kind)), str(schema), str(table), str(name), bool(is_trusted))
        for kind, schema, table, name, is_trusted in rows
    ]


def conversions(session: SqlSession) -> list[Conversion]:
    """By what the paths of the copy in use were converted; none where it is no copy of ours."""
    if not _value(session, converting.has_record()):
        return []
    return [Conversion(*map(str, row)) for row in session.rows(converting.remembered())]


def is_converted(session: SqlSession, run_id: str) -> bool:
    """Whether run `run_id` has converted the paths: it is committed with the watermark."""
    return any(row[3] == run_id for row in session.rows(tracking.read_watermark()))


def end(session: SqlSession) -> None:
    """Drop our schema: what is in use now is no copy any more."""
    for statement in (*_drop_tables(), tracking.drop_schema()):
        session.run(statement)


def _drop_tables() -> Sequence[str]:
    return (
        *preparing.drop_record(),
        converting.drop_record(),
        tracking.drop_watermark(),
        tracking.drop_tracked(),
    )


def _value(session: SqlSession, sql: str) -> object:
    ((value,),) = session.rows(sql)
    return value

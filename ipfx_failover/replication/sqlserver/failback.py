"""What is done to a copy that was restored beside the live catalog, before it takes its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.errors import Failed
from ipfx_failover.replication.sqlserver import conversions, record, users
from ipfx_failover.replication.sqlserver.options import CatalogOptions
from ipfx_failover.replication.sqlserver.prepare import (
    give_to_administrator,
    switch_off,
    without_login,
)
from ipfx_failover.replication.sqlserver.session import SqlRefused
from ipfx_failover.replication.sqlserver.switches import SwitchKind
from ipfx_failover.replication.sqlserver.tracking_again import read_tracking, track_again
from ipfx_failover.replication.sqlserver.transaction import transaction
from ipfx_failover.replication.tsql import converting, options, preparing
from ipfx_failover.replication.tsql import users as user_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ipfx_failover.replication.sqlserver.session import SqlSession
    from ipfx_failover.replication.sqlserver.switches import Switch
    from ipfx_failover.replication.sqlserver.tracking_again import Tracking

_VIOLATED = 547


@dataclass(frozen=True, slots=True)
class Replaced:
    """What the new live catalog gets from the one that it replaces. `tracking`: None: it is off."""

    options: CatalogOptions
    tracking: Tracking | None


def read_replaced(session: SqlSession, catalog: str) -> Replaced:
    """Of a catalog of this server, in which the session is then."""
    return Replaced(_read_options(session, catalog), read_tracking(session, catalog))


def _read_options(session: SqlSession, catalog: str) -> CatalogOptions:
    (row,) = session.rows(options.read(catalog))
    return CatalogOptions.of_row(row)


def prepare_for_live(session: SqlSession, catalog: str, *, live: Replaced | None) -> list[str]:
    """Make the live catalog out of a restored copy of the standby's. Returns warnings.

    A run that was ended begins with a fresh restore: this is not repeated. `live`: of the catalog
    that it will replace; none on a new machine.

    Raises:
        Failed: rows do not keep to a constraint of the live server, or paths get too long.
        SqlRefused, Unreachable: so says the server.
    """
    session.run(preparing.use(catalog))
    if record.run_of(session) is None:
        raise Failed(
            f"{catalog} is no copy that ipfx-failover has prepared",
            "replicate from live once before there is something to give back",
        )
    switches = record.switches(session)
    switch_off(session)  # triggers would fire, and checks fail, while paths are converted
    _convert_back(session)
    _switch_on(session, [each for each in switches if each.table])
    warnings = without_login(users.link(session)) + _track(session, catalog, live)
    record.end(session)
    for statement in preparing.switch_on_unchecked(each for each in switches if not each.table):
        session.run(statement)  # not before: they may forbid, or note down, what we do
    wanted = live.options if live is not None else _read_options(session, catalog)
    return warnings + _restore_options(session, catalog, wanted)


def _track(session: SqlSession, catalog: str, live: Replaced | None) -> list[str]:
    if live is None and record.is_followed(session):
        return ["change tracking was on, and is off: whoever reads changes needs it again"]
    if live is None or live.tracking is None:
        return []
    told = "change tracking begins anew: whoever reads changes begins afresh"
    return [told, *track_again(session, catalog, live.tracking)]


def _convert_back(session: SqlSession) -> None:
    back = conversions.way_back(session)
    conversions.check_lengths(session, back)
    with transaction(session):
        conversions.convert(session, back)
        session.run(converting.forget())


def _switch_on(session: SqlSession, switches: Sequence[Switch]) -> None:
    """All rows are checked; but where the live server has not checked its own, none are."""
    checked = [each for each in switches if each.is_constraint and each.is_trusted]
    violated = [trouble for each in checked if (trouble := _violation(session, each))]
    if violated:
        raise Failed(
            f"rows of the copy break constraints of the live server: {'; '.join(violated)}",
            "correct those rows on the Failover Server, and replicate again; nothing was replaced",
        )
    for statement in preparing.switch_on_unchecked(
        each for each in switches if each not in checked
    ):
        session.run(statement)


def _violation(session: SqlSession, switch: Switch) -> str:
    """Switch a constraint on; which one, and how many rows stand in its way."""
    try:
        session.work(preparing.switch_on_checked(switch), phase="constraints")
    except SqlRefused as error:
        if error.number != _VIOLATED:
            raise
        count = _count(session, switch)
        rows = "row" if count == 1 else "rows"
        return f"{switch.schema}.{switch.table}, {switch.name}: {count} {rows}"
    return ""


def _count(session: SqlSession, switch: Switch) -> int:
    if switch.kind is SwitchKind.FOREIGN_KEY:
        columns = [_texts(row) for row in session.rows(preparing.columns_of_foreign_key(switch))]
        sql = preparing.rows_without_parent(switch, columns)
    else:
        ((definition,),) = session.rows(preparing.definition_of_check(switch))
        sql = preparing.rows_against_check(switch, str(definition))
    return int(session.rows(sql)[0][0])


def _texts(row: Iterable[object]) -> tuple[str, str, str, str]:
    here, schema, table, there = map(str, row)
    return here, schema, table, there


def _restore_options(session: SqlSession, catalog: str, live: CatalogOptions) -> list[str]:
    for statement in options.change(catalog, _read_options(session, catalog), live):
        session.run(statement)
    warnings = []
    if live.owner:
        session.run(user_texts.give_to(catalog, live.owner))
    else:
        give_to_administrator(session, catalog)
        warnings.append("the owner of the live catalog has no login any more: it is sa now")
    if live.recovery != "SIMPLE":
        warnings.append("its log chain is broken: make a full backup before the next log backup")
    if live.is_broker:
        warnings.append(
            "Service Broker was on: ALTER DATABASE … SET ENABLE_BROKER when nobody uses it"
        )
    return warnings

"""A copy that comes into use because the Failover Server stands in, and one that was not used.

It is in the outage: nothing here looks at rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ipfx_failover.errors import Unreachable
from ipfx_failover.replication.sqlserver import record
from ipfx_failover.replication.sqlserver.numbers import ahead, range_of
from ipfx_failover.replication.sqlserver.prepare import switch_off
from ipfx_failover.replication.sqlserver.session import SqlRefused
from ipfx_failover.replication.sqlserver.switches import Switch, SwitchKind
from ipfx_failover.replication.sqlserver.transaction import transaction
from ipfx_failover.replication.tsql import preparing, swapping, taking
from ipfx_failover.replication.tsql import server as asking

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ipfx_failover.replication.sqlserver.session import Row, SqlServer, SqlSession


_RECOVERING: Final = "RECOVERING"


def obstacle(server: SqlServer, catalog: str) -> str | None:
    """Why a copy cannot come into use as it is; None when it can.

    Raises:
        Unreachable: nobody answers yet, or it is being recovered, as when the service has started.
        SqlRefused, Refused: it is not to be found out.
    """
    with server.open() as session:
        rows = session.rows(asking.CATALOG, catalog)
    if rows and rows[0][0] == _RECOVERING:
        raise Unreachable(f"{server.name}: {catalog} is being recovered", "wait until it is ONLINE")
    return _in_words(server, catalog, rows)


def obstacles(server: SqlServer, catalogs: Iterable[str]) -> dict[str, str | None]:
    """The same of several copies that nobody takes over now; one that is being recovered, too.

    Raises:
        Unreachable, SqlRefused, Refused: it is not to be found out.
    """
    with server.open() as session:
        return {
            catalog: _in_words(server, catalog, session.rows(asking.CATALOG, catalog))
            for catalog in catalogs
        }


def _in_words(server: SqlServer, catalog: str, rows: Sequence[Row]) -> str | None:
    if not rows:
        return f"there is no catalog {catalog} on {server.name}"
    state = str(rows[0][0])
    return None if state == "ONLINE" else f"its catalog {catalog} on {server.name} is {state}"


def take_role(server: SqlServer, catalog: str) -> list[str]:
    """Make a copy ready for the application. Returns what could not be done, a line each.

    What the live server has on is switched on, rows that are there are not checked. Identity
    columns and sequences go on beyond the live server's. From then on the copy follows no more.
    Repeated, also while the application uses it, it does what could not be done before.

    Raises:
        SqlRefused, Unreachable: the catalog cannot be used at all.
    """
    with server.open() as session:
        session.run(taking.WAIT_BRIEFLY)
        session.run(preparing.use(catalog))
        ((access,),) = session.rows(taking.ACCESS)
        if access != "MULTI_USER":
            session.run(swapping.let_all_in(catalog))
        if record.run_of(session) is None:
            return [
                f"{catalog} was not restored by ipfx-failover: its constraints stay as they are"
            ]
        refused = _refused(session, preparing.switch_on_unchecked(_still_off(session)))
        return [*refused.values(), *_take_numbers_further(session)]


def give_role_back(server: SqlServer, catalog: str) -> None:
    """The application has written nothing: the copy goes on as one.

    Raises:
        SqlRefused, Unreachable: it does not, and is replicated as a whole next time.
    """
    with server.open() as session:
        session.run(preparing.use(catalog))
        if record.run_of(session) is None or not record.is_taken(session):
            return
        switch_off(session)
        with transaction(session):
            session.run(taking.FOLLOW_AGAIN)
            session.run(taking.GIVE_BACK)


def _still_off(session: SqlSession) -> list[Switch]:
    """Triggers on the database come last: they may forbid the rest."""
    on = {_place(each) for each in record.as_switches(session.rows(preparing.switched_on()))}
    off = [each for each in record.switches(session) if _place(each) not in on]
    return sorted(off, key=lambda each: each.kind is SwitchKind.DATABASE_TRIGGER)


def _place(switch: Switch) -> tuple[str, ...]:
    return switch.kind, switch.schema, switch.table, switch.name


def _take_numbers_further(session: SqlSession) -> list[str]:
    """Each number once: what is refused is noted in the copy, for the next time."""
    beyond = dict(_goes_on_beyond(session))
    keeps_left = session.rows(taking.KEEPS_NUMBERS_LEFT)[0][0] is not None
    if record.is_taken(session):
        left = session.rows(taking.NUMBERS_STILL_LEFT) if keeps_left else []
        still = {(str(schema), str(of)) for schema, of in left}
        beyond = {of: sql for of, sql in beyond.items() if of in still}
    refused = _refused(session, list(beyond.values()))
    with transaction(session):
        if keeps_left:
            session.run(taking.FORGET_NUMBERS_LEFT)
            for schema, of in (of for of, sql in beyond.items() if sql in refused):
                session.run(taking.leave_number(schema, of))
        session.run(taking.TAKE)
        session.run(taking.FOLLOW_NO_MORE)
    return list(refused.values())


def _goes_on_beyond(session: SqlSession) -> Iterator[tuple[tuple[str, str], str]]:
    """By schema and name of a table or sequence: how its numbers get there."""
    for schema, table, kind, precision, last, step in session.rows(taking.IDENTITIES):
        beyond = ahead(int(last), int(step), *range_of(str(kind), int(precision)))
        if beyond is not None:
            yield (str(schema), str(table)), taking.reseed(str(schema), str(table), beyond)
    if session.rows(taking.HAS_SEQUENCES)[0][0] is None:
        return
    for schema, name, last, step, lowest, highest in session.rows(taking.SEQUENCES):
        beyond = ahead(int(last), int(step), int(lowest), int(highest))
        if beyond is not None:
            yield (str(schema), str(name)), taking.restart(str(schema), str(name), beyond)


def _refused(session: SqlSession, statements: Sequence[str]) -> dict[str, str]:
    """Carry statements out in one go; where one is refused, one by one.

    What was said of those that are refused. Of numbers, those that have come further already come
    further once more.
    """
    if not statements:
        return {}
    try:
        session.run(";\n".join(statements))
    except SqlRefused:
        return {each: said for each in statements if (said := _refusal(session, each))}
    return {}


def _refusal(session: SqlSession, statement: str) -> str:
    try:
        session.run(statement)
    except SqlRefused as error:
        return f"{statement}: {error.message}"
    return ""

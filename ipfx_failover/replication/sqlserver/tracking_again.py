"""The change tracking of a live catalog that is replaced: what replaces it is tracked as it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ipfx_failover.replication.sqlserver.session import SqlRefused
from ipfx_failover.replication.tsql import tracking
from ipfx_failover.replication.tsql.preparing import use

if TYPE_CHECKING:
    from ipfx_failover.replication.sqlserver.session import SqlSession

_UNITS: Final = {1: "MINUTES", 2: "HOURS", 3: "DAYS"}


@dataclass(frozen=True, slots=True)
class Tracking:
    """`retention`: such as 7 DAYS; `is_cleaned_up`: what is older goes by itself.

    `tables`: the schema and name of each, and whether it is kept which columns were changed.
    """

    retention: str
    is_cleaned_up: bool
    tables: tuple[tuple[str, str, bool], ...]


def read_tracking(session: SqlSession, catalog: str) -> Tracking | None:
    """None where it is off. The session is in the catalog then."""
    session.run(use(catalog))
    for period, unit, cleans in session.rows(tracking.retention()):
        tables = session.rows(tracking.TRACKED_COLUMNS)
        return Tracking(
            f"{int(period)} {_UNITS[int(unit)]}",
            bool(cleans),
            tuple((str(schema), str(name), bool(columns)) for schema, name, columns in tables),
        )
    return None


def track_again(session: SqlSession, catalog: str, was: Tracking) -> list[str]:
    """Switch it on in the catalog in use; of what could not be done a line each.

    A table that the live server has got since it was copied is not there.
    """
    on = tracking.enable_tracking(catalog, was.retention, is_cleaned_up=was.is_cleaned_up)
    troubles = _tried(session, on, "")
    if troubles:
        return troubles
    for schema, name, columns in was.tables:
        statement = tracking.track_table(schema, name, columns=columns)
        troubles += _tried(session, statement, f" for {schema}.{name}")
    return troubles


def _tried(session: SqlSession, statement: str, what: str) -> list[str]:
    try:
        session.run(statement)
    except SqlRefused as error:
        return [f"change tracking is off{what}: {error.message}"]
    return []

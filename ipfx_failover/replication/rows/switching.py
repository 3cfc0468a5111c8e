"""What following rows needs on the live server: shown, switched on and off again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.replication.rows.decisions import Tracked
from ipfx_failover.replication.rows.schema import read_foreign_keys, read_tables
from ipfx_failover.replication.sqlserver.telling import told
from ipfx_failover.replication.sqlserver.watermark import Beginning
from ipfx_failover.replication.tsql import tracking

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ipfx_failover.replication.rows.follower import Ends
    from ipfx_failover.replication.rows.schema import Choice, ForeignKey
    from ipfx_failover.replication.sqlserver.session import SqlSession

_UNITS = {1: ("minute", 1), 2: ("hour", 60), 3: ("day", 24 * 60)}
"""Their names, and how many minutes they have."""
_SHORT_MINUTES = 2 * 24 * 60
"""Less than what SQL Server takes by itself; a weekend."""


UNSEEN = (
    "the login lacks the right VIEW DEFINITION: tracking that is switched off and on again, or a "
    "security policy, may go unseen, and the copy would lack rows"
)


@dataclass(frozen=True, slots=True)
class Setup:
    """How it stands on the live server. `retention`: None where change tracking is off.

    `is_short`: outages last longer than it. `tracked`: the tables that are tracked, by schema and
    name, followed by us or not. `keys`: all foreign keys. `sees_definitions`: whether the login
    does; see UNSEEN.
    """

    has_snapshots: bool
    retention: str | None
    is_short: bool
    choice: Choice
    tracked: Mapping[tuple[str, str], Tracked]
    keys: Sequence[ForeignKey] = ()
    sees_definitions: bool = True


def read_setup(session: SqlSession, ends: Ends) -> Setup:
    """Of the live catalog that the session uses."""
    ((is_tracked, has_snapshots),) = session.rows(tracking.tracking_state())
    retention, is_short = None, False
    if is_tracked:
        retention, is_short = read_retention(session)
    return Setup(
        bool(has_snapshots),
        retention,
        is_short,
        ends.wanted(read_tables(session)),
        read_tracked(session),
        read_foreign_keys(session),
        sees_definitions(session),
    )


def sees_definitions(session: SqlSession) -> bool:
    """Whether the login has that right in the catalog in use."""
    return bool(session.rows(tracking.MAY_SEE_DEFINITIONS)[0][0])


def read_retention(session: SqlSession) -> tuple[str, bool]:
    """How long the tracked catalog in use keeps its history; whether outages last longer."""
    ((period, code, cleans),) = session.rows(tracking.retention())
    unit, minutes = _UNITS[code]
    kept = f"{period} {unit}" if period == 1 else f"{period} {unit}s"
    return (kept, period * minutes < _SHORT_MINUTES) if cleans else ("for ever", False)


def read_tracked(session: SqlSession) -> dict[tuple[str, str], Tracked]:
    """How far back the history of each tracked table goes."""
    return {
        (str(schema), str(table)): Tracked(Beginning(begins, str(keeper)), valid)
        for schema, table, begins, keeper, valid in session.rows(tracking.tracked_tables())
        if valid is not None
    }


def to_enable(catalog: str, setup: Setup) -> list[str]:
    """The statements that are still needed."""
    statements = []
    if not setup.has_snapshots:
        statements.append(tracking.allow_snapshots(catalog))
    if setup.retention is None:
        statements.append(tracking.enable_tracking(catalog))
    statements += [
        tracking.track_table(table.schema, table.name)
        for table in setup.choice.followed
        if (table.schema, table.name) not in setup.tracked
    ]
    return statements


def to_disable(catalog: str, setup: Setup) -> list[str]:
    """The statements that take it back, but for `left_on`."""
    ours = {(table.schema, table.name) for table in setup.choice.followed}
    statements = [tracking.untrack_table(*each) for each in setup.tracked if each in ours]
    if setup.retention is not None and not setup.tracked.keys() - ours:
        statements.append(tracking.disable_tracking(catalog))
    return statements


def left_on(catalog: str, setup: Setup) -> list[str]:
    """The statements that would switch off what `to_disable` leaves, for others may use it."""
    ours = {(table.schema, table.name) for table in setup.choice.followed}
    others = [tracking.untrack_table(*each) for each in setup.tracked if each not in ours]
    statements = [*others, tracking.disable_tracking(catalog)] if others else []
    if setup.has_snapshots:
        statements.append(tracking.forbid_snapshots(catalog))
    return statements


def carry_out(session: SqlSession, server: str, statements: Iterable[str]) -> None:
    """One after the other; a run that was broken off is simply run again.

    Raises:
        SqlRefused, Unreachable: so says the server; what was done before stays.
    """
    for statement in statements:
        with told(f"{statement} on {server}", server):
            session.run(statement)

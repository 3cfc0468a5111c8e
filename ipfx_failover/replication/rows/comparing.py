"""How far a copy has come, seen from both sides: nothing is changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.errors import Failed, FailoverError, Interrupted
from ipfx_failover.replication.rows.decisions import (
    Outdated,
    see_snapshots,
    standing,
    start_of,
    untracked,
)
from ipfx_failover.replication.rows.follower import open_copy
from ipfx_failover.replication.rows.marks import copy_mark
from ipfx_failover.replication.rows.schema import alike, read_tables
from ipfx_failover.replication.sqlserver import record
from ipfx_failover.replication.tsql import rows

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ipfx_failover.replication.rows.follower import Ends
    from ipfx_failover.replication.rows.schema import Choice
    from ipfx_failover.replication.rows.switching import Setup
    from ipfx_failover.replication.sqlserver.session import SqlSession
    from ipfx_failover.replication.sqlserver.watermark import Watermark
    from ipfx_failover.replication.tsql.tables import Table


@dataclass(frozen=True, slots=True)
class FollowedTable:
    """`valid_from`: up to there its history goes back. `behind`: rows; None: not to be known.

    `obstacle`: why it is not followed.
    """

    name: str
    valid_from: int | None
    behind: int | None
    obstacle: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Which tables are followed, and from which version on (None: from none).

    `whole`: those of them that the next round copies whole. `trouble`: why no rows can be followed.
    """

    choice: Choice
    since: int | None
    whole: Collection[Table]
    trouble: FailoverError | None


def compare(both: Ends, setup: Setup, live: Watermark) -> Comparison:
    """How the copy stands to what the live server has; which may not be to be had."""
    choice, since = setup.choice, None
    whole: Collection[Table] = ()
    try:
        with open_copy(both) as copy:
            choice = alike(choice, read_tables(copy), sees_all=setup.sees_definitions)
            since = start_of(both.server, copy_mark(copy), live)
            begun = record.begun(copy)
            whole = standing(both.server, choice.followed, setup.tracked, since, begun).reloaded
        see_snapshots(both.server, allowed=setup.has_snapshots)
        if choice.outdated:
            raise Outdated(both.server, choice.outdated)
        if not choice.followed:
            raise Failed(f"{both.server}: none of its tables is followed", "see below why")
    except Interrupted:
        raise
    except FailoverError as error:
        return Comparison(choice, since, whole, error)
    return Comparison(choice, since, whole, None)


def compared_tables(
    session: SqlSession, server: str, setup: Setup, found: Comparison, unfit: Mapping[str, str]
) -> tuple[FollowedTable, ...]:
    """All tables, those that are not followed last.

    Args:
        session: with the live catalog.
        server: its name, for what is to be done.
        setup: what is switched on there.
        found: how the copy stands to it.
        unfit: why the last round left tables whose definitions do not say it.
    """

    def one(table: Table) -> FollowedTable:
        is_whole = table in found.whole
        if is_whole and table.shown in unfit:
            return FollowedTable(table.shown, None, None, unfit[table.shown])
        return _followed(session, server, table, setup, None if is_whole else found.since)

    left = (FollowedTable(name, None, None, why) for name, why in found.choice.left.items())
    return (*map(one, found.choice.followed), *left)


def _followed(
    session: SqlSession, server: str, table: Table, setup: Setup, since: int | None
) -> FollowedTable:
    tracked = setup.tracked.get((table.schema, table.name))
    if tracked is None:
        return FollowedTable(table.shown, None, None, untracked(server))
    behind = None
    if since is not None and since >= tracked.valid:
        ((behind,),) = session.rows(rows.count_changes(table), since)
    return FollowedTable(table.shown, tracked.valid, behind, None)

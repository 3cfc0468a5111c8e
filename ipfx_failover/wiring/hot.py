"""`hot`: what following rows needs on the live server, and how far a copy has come."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.errors import (
    DoneWithExceptions,
    ExitCode,
    Failed,
    FailoverError,
    Interrupted,
    Unreachable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.replication.rows.follower import Ends
    from ipfx_failover.replication.rows.schema import Choice
    from ipfx_failover.replication.rows.switching import Setup
    from ipfx_failover.replication.sqlserver.session import SqlSession
    from ipfx_failover.replication.sqlserver.watermark import Watermark
    from ipfx_failover.replication.tsql.tables import Table
    from ipfx_failover.wiring.site import Site


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
class HotReport:
    """What `hot show` shows. Versions are those of change tracking; None: off, or no copy.

    `trouble`: why rows cannot be followed from the copy on. `torn`: the foreign keys of which only
    one end is followed, as sentences.
    """

    server: str
    catalog: str
    has_snapshots: bool
    retention: str | None
    live_version: int | None
    copy_version: int | None
    as_of: str | None
    lag_s: float | None
    tables: tuple[FollowedTable, ...]
    torn: tuple[str, ...]
    trouble: FailoverError | None

    @property
    def behind(self) -> int | None:
        """In all that are followed; None: not to be known."""
        found = [table.behind for table in self.tables if table.obstacle is None]
        known = [behind for behind in found if behind is not None]
        return sum(known) if found and len(known) == len(found) else None

    @property
    def exit_code(self) -> ExitCode:
        """How a command ends that has shown it."""
        if self.trouble is None:
            return ExitCode.DONE
        is_away = isinstance(self.trouble, Unreachable)
        return ExitCode.UNREACHABLE if is_away else ExitCode.EXCEPTIONS


@dataclass(frozen=True, slots=True)
class Switch:
    """What is to be changed on the live server, by whom, and what `before` it here.

    `left_on`: the statements for what stays on, though it was perhaps switched on for us.
    """

    session: SqlSession
    server: str
    catalog: str
    setup: Setup
    statements: Sequence[str]
    left_on: Sequence[str]
    before: Callable[[], None]

    def carry_out(self) -> None:
        """Change it.

        Raises:
            DoneWithExceptions: it is done, but our own server could not be reached.
            FailoverError: as switching.carry_out.
        """
        from ipfx_failover.replication.rows import switching

        away: Unreachable | None = None
        try:
            self.before()
        except Unreachable as error:  # an upgrade of the live server need not wait for ours
            away = error
        switching.carry_out(self.session, self.server, self.statements)
        if away is not None:
            raise DoneWithExceptions(
                f"{self.server}: change tracking is off; the copy does not know: {away.message}",
                "after hot enable, make a whole copy: ipfx-failover replicate-from-live "
                f"{self.server}",
            )


@contextmanager
def switch(site: Site, server: ServerSettings, *, on: bool) -> Iterator[Switch]:
    """What is to be changed; nothing is yet."""
    from functools import partial

    from ipfx_failover.replication.rows import switching
    from ipfx_failover.replication.rows.follower import end_following
    from ipfx_failover.wiring.rows import ends

    both = ends(site, server, must_be_hot=on)
    catalog = both.catalog
    with both.live.open(catalog) as session:
        setup = switching.read_setup(session, both)
        plan = switching.to_enable if on else switching.to_disable
        left = [] if on else switching.left_on(catalog, setup)
        before = (lambda: None) if on else partial(end_following, both)
        yield Switch(session, server.name, catalog, setup, plan(catalog, setup), left, before)


def report(site: Site, server: ServerSettings) -> HotReport:
    """How it stands with a server's rows, on both sides.

    Raises:
        SqlRefused, Unreachable: the live server cannot be asked.
    """
    from ipfx_failover.replication.rows.marks import live_mark
    from ipfx_failover.replication.rows.schema import torn
    from ipfx_failover.replication.rows.switching import read_setup
    from ipfx_failover.wiring.rows import ends

    both = ends(site, server)
    with both.live.open(both.catalog) as session:
        setup, found = read_setup(session, both), live_mark(session)
        choice, since, whole, trouble = _compared(both, setup, found)
        unfit = {} if trouble else _unfit(site, server)
        tables = tuple(
            FollowedTable(table.shown, None, None, unfit[table.shown])
            if table in whole and table.shown in unfit
            else _table(session, server.name, table, setup, None if table in whole else since)
            for table in choice.followed
        )
    left = (FollowedTable(name, None, None, why) for name, why in choice.left.items())
    as_of, lag_s = _lag(site, server)
    return HotReport(
        server=server.name,
        catalog=both.catalog,
        has_snapshots=setup.has_snapshots,
        retention=setup.retention,
        live_version=found.version,
        copy_version=since,
        as_of=as_of,
        lag_s=lag_s,
        tables=(*tables, *left),
        torn=tuple(torn(choice, setup.keys)),
        trouble=_refusal(site, server) or trouble,
    )


def _compared(
    both: Ends, setup: Setup, found: Watermark
) -> tuple[Choice, int | None, Collection[Table], FailoverError | None]:
    """Which tables, from which version on, which of them whole; and why no rows can be followed."""
    from ipfx_failover.replication.rows.decisions import (
        Outdated,
        see_snapshots,
        standing,
        start_of,
    )
    from ipfx_failover.replication.rows.follower import open_copy
    from ipfx_failover.replication.rows.marks import copy_mark
    from ipfx_failover.replication.rows.schema import alike, read_tables
    from ipfx_failover.replication.sqlserver import record

    choice, since = setup.choice, None
    whole: Collection[Table] = ()
    try:
        with open_copy(both) as copy:
            choice = alike(choice, read_tables(copy), sees_all=setup.sees_definitions)
            since = start_of(both.server, copy_mark(copy), found)
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
        return choice, since, whole, error
    return choice, since, whole, None


def _table(
    session: SqlSession, server: str, table: Table, setup: Setup, since: int | None
) -> FollowedTable:
    from ipfx_failover.replication.rows.decisions import untracked
    from ipfx_failover.replication.tsql import rows

    tracked = setup.tracked.get((table.schema, table.name))
    if tracked is None:
        return FollowedTable(table.shown, None, None, untracked(server))
    behind = None
    if since is not None and since >= tracked.valid:
        ((behind,),) = session.rows(rows.count_changes(table), since)
    return FollowedTable(table.shown, tracked.valid, behind, None)


def _unfit(site: Site, server: ServerSettings) -> dict[str, str]:
    """Why the last round has left tables whose definitions do not say it."""
    from ipfx_failover.replication.rows.decisions import untracked

    with site.store() as store:
        state = store.row_states().get(server.name.casefold())
    left = (each.partition(": ") for each in state.left) if state else ()
    return {table: why for table, _, why in left if why != untracked(server.name)}


def _refusal(site: Site, server: ServerSettings) -> FailoverError | None:
    """Why nothing may be copied from the live server, whatever the rows are like."""
    from ipfx_failover.replication.refusals import rows_refusal

    with site.store() as store:
        return rows_refusal(server, store)


def _lag(site: Site, server: ServerSettings) -> tuple[str | None, float | None]:
    with site.store() as store:
        state = store.row_states().get(server.name.casefold())
    if state is None or state.as_of is None:
        return None, None
    lag = site.clock.now() - state.as_of
    return state.as_of.isoformat(), round(lag.total_seconds(), 1)

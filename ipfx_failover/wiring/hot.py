"""`hot`: what following rows needs on the live server, and how far a copy has come."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.errors import (
    DoneWithExceptions,
    ExitCode,
    FailoverError,
    Unreachable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.replication.rows.comparing import FollowedTable
    from ipfx_failover.replication.rows.switching import Setup
    from ipfx_failover.replication.sqlserver.session import SqlSession
    from ipfx_failover.wiring.site import Site


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
    from ipfx_failover.replication.rows.comparing import compare, compared_tables
    from ipfx_failover.replication.rows.marks import live_mark
    from ipfx_failover.replication.rows.schema import torn
    from ipfx_failover.replication.rows.switching import read_setup
    from ipfx_failover.wiring.rows import ends

    both = ends(site, server)
    with both.live.open(both.catalog) as session:
        setup, live = read_setup(session, both), live_mark(session)
        found = compare(both, setup, live)
        unfit = {} if found.trouble else _unfit(site, server)
        tables = compared_tables(session, server.name, setup, found, unfit)
    as_of, lag_s = _lag(site, server)
    return HotReport(
        server=server.name,
        catalog=both.catalog,
        has_snapshots=setup.has_snapshots,
        retention=setup.retention,
        live_version=live.version,
        copy_version=found.since,
        as_of=as_of,
        lag_s=lag_s,
        tables=tables,
        torn=tuple(torn(found.choice, setup.keys)),
        trouble=_refusal(site, server) or found.trouble,
    )


def _unfit(site: Site, server: ServerSettings) -> dict[str, str]:
    """Why the last round has left tables whose definitions do not say it."""
    from ipfx_failover.replication.rows.decisions import untracked

    with site.store() as store:
        state = store.row_states().get(server.name.casefold())
    left = state.left if state else {}
    return {table: why for table, why in left.items() if why != untracked(server.name)}


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

"""Rows in real time (hot): one round by hand, or all the time for many servers in one process."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ipfx_failover.errors import Busy, FailoverError, Interrupted, Refused, UsageError
from ipfx_failover.state.life import SignOfLife
from ipfx_failover.wiring.side_by_side import Strand, go_on

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.progress import Report
    from ipfx_failover.replication.rows.follower import Ends, Round
    from ipfx_failover.replication.rows.rounds import Rounds
    from ipfx_failover.replication.sqlserver.session import SqlServer
    from ipfx_failover.state.store import Store
    from ipfx_failover.wiring.site import Site

_FIRST_DELAY_S = 0.5
_REST = 0.2
"""So much of the interval passes even behind a round that took longer: both servers have others."""
_REFUSED_DELAY_S = 1.0
_LONGEST_DELAY_S = 10.0
_SIGN = "rows.alive"


def is_hot(server: ServerSettings) -> bool:
    return server.real_time != "off" and server.database is not None


def ends(
    site: Site,
    server: ServerSettings,
    live: SqlServer | None = None,
    *,
    must_be_hot: bool = True,
) -> Ends:
    """The live catalog and its copy. `live`: where it is not to be asked as usual.

    `must_be_hot`: else all tables are meant where the config says that none are.

    Raises:
        UsageError: the config says nothing of its database, or that rows are not followed.
        Refused: this machine stands in for it.
    """
    from functools import partial

    from ipfx_failover.replication.rows.follower import Ends
    from ipfx_failover.replication.rows.schema import wanted_tables
    from ipfx_failover.wiring.replication import refuse_while_noted
    from ipfx_failover.wiring.sqlserver import live_server, standby_server

    database, copy = server.database, server.standby_catalog
    if database is None or copy is None or database.engine != "sqlserver":
        raise UsageError(
            f"{server.name} has no SQL Server in the config, whose rows could be followed",
            "the sqlite engine is warm only; see: ipfx-failover config check",
        )
    if must_be_hot and not is_hot(server):
        raise UsageError(
            f'the rows of {server.name} are not followed: real_time is "off"',
            f"set it: ipfx-failover config set servers.{server.name}.real_time=all",
        )
    refuse_while_noted(site, server)
    return Ends(
        server=server.name,
        live=live or live_server(site, server),
        catalog=database.catalog,
        standby=standby_server(site),
        copy=copy,
        wanted=partial(
            wanted_tables,
            real_time=server.real_time if is_hot(server) else "all",
            named=database.configuration_tables,
            catalog=database.catalog,
        ),
    )


def synced_once(site: Site, store: Store, server: ServerSettings, report: Report | None) -> Round:
    """One round, by hand; `report`: who watches it, if anybody does.

    Raises: as `Rounds.carry_out`.
    """
    made = _rounds(site, store, server, report)
    try:
        return made.carry_out(by_hand=True)
    finally:
        made.follower.close()


def sign_of_life(site: Site) -> SignOfLife:
    """What `follow_all` gives. A round may last for hours, and a live server be away for days."""
    return SignOfLife(site.state_dir / _SIGN)


def follow_all(
    site: Site, servers: list[ServerSettings], show: Callable[[ServerSettings, Round], object]
) -> None:
    """Apply changes as they come, until interrupted; a thread a server."""
    following = [_Following(site, server, show) for server in servers]
    strands = [Strand(f"rows of {each.server.name}", each.run) for each in following]
    go_on(site.clock, strands, sign_of_life(site).give)


def _rounds(
    site: Site, store: Store, server: ServerSettings, report: Report | None = None
) -> Rounds:
    from ipfx_failover.replication.rows.follower import Follower
    from ipfx_failover.replication.rows.rounds import Rounds

    follower = Follower(replace(ends(site, server), report=report))
    return Rounds(server, follower, store, site.locks, site.clock)


class _Following:
    """The rounds of one server; what fails is tried again with back-off."""

    def __init__(
        self,
        site: Site,
        server: ServerSettings,
        show: Callable[[ServerSettings, Round], object],
    ) -> None:
        self.server = server
        self._site = site
        self._show = show
        self._interval_s = server.database.row_interval_ms / 1000 if server.database else 1.0
        self._delay_s = self._interval_s

    def run(self, stop: threading.Event) -> None:
        """Follow until stopped."""
        with self._site.store() as store:
            self._run(store, stop)

    def _run(self, store: Store, stop: threading.Event) -> None:
        rounds: Rounds | None = None
        try:
            while not stop.is_set():
                with suppress(Refused):  # this machine stands in, which the next look sees over
                    rounds = rounds or _rounds(self._site, store, self.server)
                began_ns = self._site.clock.monotonic_ns()
                if rounds is not None:
                    self._round(rounds)
                took_s = (self._site.clock.monotonic_ns() - began_ns) / 1e9
                stop.wait(max(self._delay_s * _REST, self._delay_s - took_s))
        finally:
            if rounds is not None:
                rounds.follower.close()

    def _round(self, rounds: Rounds) -> None:
        try:
            done = rounds.follow()
        except (Refused, Busy):
            self._delay_s = max(self._interval_s, _REFUSED_DELAY_S)
            return
        except Interrupted:
            raise
        except FailoverError:
            self._delay_s = min(max(self._delay_s, _FIRST_DELAY_S) * 2, _LONGEST_DELAY_S)
            return
        self._delay_s = self._interval_s
        if done is not None and done.rows:
            self._show(self.server, done)

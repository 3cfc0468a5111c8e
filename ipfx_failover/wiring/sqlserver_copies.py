"""What full replication of SQL Server's catalogs works with."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ipfx_failover.errors import Unreachable, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.files.values import SyncResult
    from ipfx_failover.livehost import LiveHost
    from ipfx_failover.progress import Report
    from ipfx_failover.replication.sqlserver.session import SqlServer, SqlSession
    from ipfx_failover.replication.sqlserver.side import SqlServerSide
    from ipfx_failover.replication.steps import ReplicationPorts
    from ipfx_failover.wiring.site import Site


def sqlserver_ports(
    site: Site,
    server: ServerSettings,
    live: SqlServer | None,
    reach: Callable[[], LiveHost],
    report: Report,
    sync_files_to_live: Callable[[], SyncResult],
) -> ReplicationPorts:
    """The servers, their files, and the steps between them.

    `live`: none: it is not to be asked, and a takeover waits. `reach`: another way to the live
    server's files each time.
    """
    from ipfx_failover.adapters.transfer import Transfer
    from ipfx_failover.replication.sqlserver.side import SqlServerSide
    from ipfx_failover.replication.sqlserver.steps import SqlServerWork, kinds
    from ipfx_failover.replication.steps import ReplicationPorts
    from ipfx_failover.wiring.catching_up import CatchingUp

    if server.database is None:
        raise UsageError(
            f"{server.name} has no database in the config",
            f"add [servers.{server.name}.database]",
        )
    asked, there = live or NotAsked(server.name), reach()
    catching_up = CatchingUp(site, server, asked)
    standby = standby_side(site, report, catching_up.brought_up)
    if live is None:
        standby = replace(standby, drop_tries=1)  # what is left the next replication removes
    sides = {
        "live": SqlServerSide(
            asked, there, site.clock, is_copy=False, before_swap=lambda _: nullcontext()
        ),
        "standby": standby,
    }
    return ReplicationPorts(
        sides=sides,
        carry=Transfer(there, reach(), standby.host, site.clock, report),
        sync_files_to_live=sync_files_to_live,
        own_kinds=kinds(
            SqlServerWork(
                sides,
                server.database,
                look_ahead=catching_up.look_ahead,
                catch_up=catching_up.catch_up,
            )
        ),
    )


def standby_side(
    site: Site,
    report: Report,
    before_swap: Callable[[str], AbstractContextManager[None]] = lambda _: nullcontext(),
) -> SqlServerSide:
    """The Failover Server's own SQL Server, and its files."""
    from ipfx_failover.adapters.local_host import LocalHost
    from ipfx_failover.replication.sqlserver.side import SqlServerSide
    from ipfx_failover.wiring.sqlserver import standby_server

    server = standby_server(site, report)
    return SqlServerSide(
        server,
        LocalHost(server.name),
        site.clock,
        is_copy=True,
        before_swap=before_swap,
    )


class NotAsked:
    """A SqlServer (port) of a Primary whose role is being taken: it is dead, or not it."""

    def __init__(self, name: str) -> None:
        self.name: Final = name

    def open(self, catalog: str = "master") -> SqlSession:  # noqa: ARG002 - the port
        raise Unreachable(
            f"{self.name} is not asked: its role is being taken over",
            f"give the role back first: ipfx-failover stop-failover {self.name}",
        )

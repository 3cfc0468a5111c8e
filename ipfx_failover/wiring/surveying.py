"""What `server test` and `server auto-populate` look through."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from ipfx_failover.progress import unreported
from ipfx_failover.wiring import network

if TYPE_CHECKING:
    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.livehost import LiveHost
    from ipfx_failover.replication.sqlserver.side import SqlServerSide
    from ipfx_failover.survey.populate import Found
    from ipfx_failover.survey.ports import LiveDatabase
    from ipfx_failover.survey.trial import Trial
    from ipfx_failover.wiring.site import Site

_CATALOG: Final = "CTSERVER"
"""On an ordinary server (manual, "Catalog name")."""


def trial(site: Site, server: ServerSettings) -> Trial:
    """The test of a server; nothing is looked at yet."""
    from ipfx_failover.adapters.local_host import LocalHost
    from ipfx_failover.survey.ports import SurveyPorts
    from ipfx_failover.survey.trial import Trial

    ports = SurveyPorts(
        clock=site.clock,
        echo=network.echo,
        arp=network.arp,
        addresses=network.addresses,
        application_answers=partial(network.application_answers, server),
        trusted_key=partial(_trusted_key, site, server),
        live=partial(_live, site, server),
        database=_database,
        sql_sides=partial(_sql_sides, site, server),
        here=LocalHost(),
    )
    return Trial(site.config, server, ports)


def _trusted_key(site: Site, server: ServerSettings) -> str:
    from ipfx_failover.errors import Refused
    from ipfx_failover.wiring.trusting import host_keys

    found = host_keys(site, server)
    first = found.shown[0]
    if not found.are_trusted():
        raise Refused(
            f"nobody has trusted {first.kind} {first.fingerprint} yet",
            f"compare it with the server's own: ipfx-failover server trust {server.name}",
        )
    return f"{first.kind} {first.fingerprint}"


def _live(site: Site, server: ServerSettings) -> LiveHost:
    from ipfx_failover.wiring.replication import live_host

    return live_host(site, server)


def _database(host: LiveHost) -> LiveDatabase:
    from ipfx_failover.adapters.db.sqlite import LiveSqlite

    return LiveSqlite(host)


def _sql_sides(
    site: Site, server: ServerSettings, host: LiveHost
) -> tuple[SqlServerSide, SqlServerSide]:
    from contextlib import nullcontext

    from ipfx_failover.replication.sqlserver.side import SqlServerSide
    from ipfx_failover.wiring.sqlserver import live_server
    from ipfx_failover.wiring.sqlserver_copies import standby_side

    there = SqlServerSide(
        live_server(site, server),
        host,
        site.clock,
        is_copy=False,
        before_swap=lambda _: nullcontext(),
    )
    return there, standby_side(site, unreported)


def findings_there(site: Site, server: ServerSettings, under: list[str]) -> tuple[Found, bool]:
    """What Auto Populate finds on a server, and whether its application answers.

    Args:
        site: ours.
        server: which it is; the account that its config names looks.
        under: directories there to look below first.

    Raises:
        UsageError: the config does not say how it is reached.
        Refused: its host key is not trusted, or its address is ours.
        Unreachable: it cannot be reached.
    """
    from ipfx_failover.survey.populate import ROOTS, find_out

    known = server.database
    roots = [*under, *([known.vm_dir] if known and known.vm_dir else []), *ROOTS]
    host = _live(site, server)
    try:
        found = find_out(host, roots, known.catalog if known else _CATALOG)
    finally:
        host.close()
    return found, network.application_answers(server)

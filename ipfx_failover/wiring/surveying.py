"""What `server test` and `server auto-populate` look through."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from ipfx_failover.progress import unreported
from ipfx_failover.wiring import network

if TYPE_CHECKING:
    from ipfx_failover.config.models import DatabaseSettings, ServerSettings
    from ipfx_failover.livehost import LiveHost
    from ipfx_failover.replication.sqlserver.side import SqlServerSide
    from ipfx_failover.survey.populate import Found
    from ipfx_failover.survey.ports import LiveDatabase
    from ipfx_failover.survey.trial import Trial
    from ipfx_failover.wiring.site import Site


class SqlLogin(Protocol):
    """How somebody logs in to a SQL Server. `trust`: whatever its certificate is."""

    user: str
    trust: bool

    def password(self) -> str:
        """Raises Refused where it cannot be had."""
        ...


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


def sql_sources(site: Site, server: ServerSettings) -> list[str]:
    """The data sources that a live server's SQL Server Browser tells of, the likeliest first.

    Raises:
        Unreachable: nobody answers; what the config names is told instead, where it names one.
        Refused: its address is ours now.
    """
    from ipfx_failover.adapters import sql_browser
    from ipfx_failover.config.data_source import DataSource
    from ipfx_failover.errors import Unreachable
    from ipfx_failover.survey.populate_sqlserver import data_sources
    from ipfx_failover.wiring.replication import refuse_own_address, refuse_while_noted

    refuse_own_address(site, server, str(server.address))
    refuse_while_noted(site, server)
    known = _sqlserver(server)
    host = DataSource.parse(known.data_source).host if known else str(server.address)
    try:
        return data_sources(host, sql_browser.ask(host))
    except Unreachable:
        if known is None:
            raise
        return [known.data_source]


def sql_catalogs(site: Site, server: ServerSettings, source: str, login: SqlLogin) -> list[str]:
    """The catalogs there, the likeliest first.

    Raises:
        FailoverError: the login fails, or there is none.
    """
    from ipfx_failover.adapters.db.sqlserver.server import OdbcServer
    from ipfx_failover.config.data_source import DataSource
    from ipfx_failover.config.models import SqlServerSettings
    from ipfx_failover.survey.populate_sqlserver import catalogs

    known = _sqlserver(server)
    settings = known.sql if known else SqlServerSettings()
    if login.trust:
        settings = settings.model_copy(update={"trust_server_certificate": True})
    there = OdbcServer(
        name=server.name,
        table=f"servers.{server.name}.database" if known else "",
        source=DataSource.parse(source),
        user=login.user,
        password=login.password,
        settings=settings,
        clock=site.clock,
        report=unreported,
    )
    return catalogs(there, known.catalog if known else _CATALOG)


def _sqlserver(server: ServerSettings) -> DatabaseSettings | None:
    database = server.database
    return database if database is not None and database.engine == "sqlserver" else None


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

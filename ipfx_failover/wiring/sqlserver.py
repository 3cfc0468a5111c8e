"""The SQL Servers of an installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.errors import Refused, UsageError
from ipfx_failover.progress import unreported

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfx_failover.config.models import ServerSettings, SqlServerSettings
    from ipfx_failover.config.secrets import Secret
    from ipfx_failover.progress import Report
    from ipfx_failover.replication.sqlserver.session import SqlServer
    from ipfx_failover.wiring.site import Site


def live_server(site: Site, server: ServerSettings, report: Report = unreported) -> SqlServer:
    """The live server's; nothing is connected before it is used.

    Raises:
        UsageError: the config says nothing of its database.
    """
    from ipfx_failover.adapters.db.sqlserver.server import OdbcServer
    from ipfx_failover.config.data_source import DataSource

    database = server.database
    if database is None:
        raise UsageError(
            f"{server.name} has no database in the config",
            f"add [servers.{server.name}.database]",
        )
    return OdbcServer(
        name=server.name,
        table=f"servers.{server.name}.database",
        source=DataSource.parse(database.data_source),
        user=database.user_id,
        password=_revealed(database.password, f"servers.{server.name}.database"),
        settings=database.sql,
        clock=site.clock,
        report=report,
    )


def standby_server(
    site: Site, report: Report = unreported, settings: SqlServerSettings | None = None
) -> SqlServer:
    """The Failover Server's own; nothing is connected before it is used.

    `settings`: other ones than the config's.
    """
    from ipfx_failover.adapters.db.sqlserver.server import OdbcServer
    from ipfx_failover.config.data_source import DataSource

    ours = site.config.failover_server
    return OdbcServer(
        name="the Failover Server",
        table="failover_server",
        source=DataSource.parse(ours.data_source),
        user=ours.user_id,
        password=_revealed(ours.password, "failover_server"),
        settings=settings or ours.sql,
        clock=site.clock,
        report=report,
    )


def driver_words(settings: SqlServerSettings) -> str:
    """What the ODBC driver is called that will be used.

    Raises:
        Refused: it, or what it needs, is not installed, or it does not do what is set.
    """
    from ipfx_failover.adapters.db.sqlserver import drivers
    from ipfx_failover.adapters.db.sqlserver.server import refuse_unverified

    driver = drivers.choose(settings.driver)
    refuse_unverified(driver, settings)
    return driver.words


def _revealed(password: Secret | None, table: str) -> Callable[[], str]:
    if password is not None:
        return password.reveal

    def missing() -> str:
        raise Refused(
            f"there is no password in [{table}] for the SQL login",
            'add password = { file = "…" }',
        )

    return missing

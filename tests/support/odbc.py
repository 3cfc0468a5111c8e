"""The product's own way to simulated SQL Servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.adapters.db.sqlserver.server import OdbcServer
from ipfx_failover.config.data_source import DataSource
from ipfx_failover.config.models import SqlServerSettings
from ipfx_failover.progress import unreported
from tests.sqlserver import drivers

if TYPE_CHECKING:
    from ipfx_failover.progress import Report
    from tests.sqlserver.drivers import Driver


def odbc_server(
    driver: Driver,
    port: int,
    *,
    name: str = "DEMOSERVER",
    table: str = "servers.DEMOSERVER.database",
    password: str = drivers.PASSWORD,
    report: Report = unreported,
    **settings: Any,
) -> OdbcServer:
    """The server on a port of loopback, as sa; `settings`: of the table `sql`."""
    told = {"driver": driver.library, "trust_server_certificate": True, **settings}
    return OdbcServer(
        name=name,
        table=table,
        source=DataSource("127.0.0.1", None, port),
        user="sa",
        password=lambda: password,
        settings=SqlServerSettings.model_validate(told),
        clock=SystemClock(),
        report=report,
    )

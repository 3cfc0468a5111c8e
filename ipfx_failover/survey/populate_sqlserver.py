"""What of a SQL Server's settings can be found (manual, "Server Details": Auto Populate).

The SQL Server Browser knows instances and their ports only; an instance tells its catalogs to
whoever logs in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ipfx_failover.config.data_source import DEFAULT_PORT, DataSource
from ipfx_failover.errors import Failed
from ipfx_failover.replication.tsql import server as asking

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ipfx_failover.replication.sqlserver.session import SqlServer
    from ipfx_failover.survey.ports import SqlInstance

_DEFAULT_INSTANCE: Final = "mssqlserver"
_LIKELIEST: Final = "ctserver"
"""The instance of an ordinary server (manual, "MSDE name")."""
_SYSTEM: Final = frozenset({"master", "tempdb", "model", "msdb"})


def data_sources(host: str, told: Iterable[SqlInstance]) -> list[str]:
    """How the instances are called that can be reached, the likeliest first.

    Raises:
        Failed: there is none.
    """
    reached = [each for each in told if each.tcp_port is not None]
    if not reached:
        raise Failed(
            f"no SQL Server instance on {host} takes TCP connections",
            "switch TCP/IP on for it in SQL Server Configuration Manager, and restart it",
        )
    ranked = sorted(reached, key=lambda each: (each.name.casefold() != _LIKELIEST, each.name))
    return [str(_source(host, each)) for each in ranked]


def _source(host: str, instance: SqlInstance) -> DataSource:
    if instance.name.casefold() != _DEFAULT_INSTANCE:
        return DataSource(host, instance.name)
    return DataSource(host, None, instance.tcp_port or DEFAULT_PORT)


def catalogs(server: SqlServer, wanted: str) -> list[str]:
    """The catalogs of an application, the likeliest first.

    Raises:
        Failed: there is none, or the login is refused.
        Unreachable: the server cannot be reached.
    """
    with server.open() as session:
        rows = session.rows(asking.CATALOGS)
    found = [str(name) for name, state in rows if state == "ONLINE"]
    own = [name for name in found if name.casefold() not in _SYSTEM]
    if not own:
        raise Failed(
            f"{server.name} has no catalog that is ONLINE and that the login sees",
            "log in as one who sees it, or restore it there first",
        )
    return sorted(own, key=lambda name: (name.casefold() != wanted.casefold(), name.casefold()))

"""The database of a copy that comes into use, or does not after all."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.wiring.site import Site


def take_copy(site: Site, server: ServerSettings) -> list[str]:
    """Make it ready for the application; what could not be done. SQLite needs nothing."""
    if not _is_sqlserver(server):
        return []
    from ipfx_failover.replication.sqlserver.role import take_role
    from ipfx_failover.wiring.sqlserver import standby_server

    return take_role(standby_server(site), str(server.standby_catalog))


def give_copy_back(site: Site, server: ServerSettings) -> None:
    """The application has written nothing: it follows the live server again."""
    if not _is_sqlserver(server):
        return
    from ipfx_failover.replication.sqlserver.role import give_role_back
    from ipfx_failover.wiring.sqlserver import standby_server

    give_role_back(standby_server(site), str(server.standby_catalog))


def _is_sqlserver(server: ServerSettings) -> bool:
    return server.database is not None and server.database.engine == "sqlserver"

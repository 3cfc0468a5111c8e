"""The database of a copy that comes into use, or does not after all."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ipfx_failover.errors import FailoverError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.replication.sqlserver.session import SqlServer
    from ipfx_failover.wiring.site import Site

_IN_A_HURRY_S = 3
"""How long a login may take: while nobody serves, it is rather tried again."""


def warm_up(servers: Iterable[ServerSettings]) -> None:
    """Import what takes a tenth of a second, and would take it while nobody serves."""
    if not any(map(_is_sqlserver, servers)):
        return
    from ipfx_failover.adapters.db.sqlserver import drivers
    from ipfx_failover.replication.sqlserver import role  # noqa: F401

    with suppress(FailoverError):  # a takeover says it, and goes on
        drivers.load()
        from ipfx_failover.adapters.db.sqlserver import server, session  # noqa: F401


def copy_obstacle(site: Site, server: ServerSettings) -> str | None:
    """Why it cannot come into use as it is. What SQLite lacks shows when it is used."""
    if not _is_sqlserver(server):
        return None
    from ipfx_failover.replication.sqlserver.role import obstacle

    return obstacle(_standby(site, statement_timeout_s=_IN_A_HURRY_S), str(server.standby_catalog))


def copy_obstacles(site: Site, servers: Iterable[ServerSettings]) -> dict[str, str | None]:
    """Why copies could not come into use as they are; by server, None for one that could."""
    from ipfx_failover.replication.places import database_path

    found: dict[str, str | None] = {}
    catalogs: dict[str, str] = {}
    for server in servers:
        if _is_sqlserver(server):
            catalogs[server.name] = str(server.standby_catalog)
        elif (path := database_path(server)) is not None:
            found[server.name] = _file_obstacle(path)
    return found | (_obstacles_there(site, catalogs) if catalogs else {})


def _file_obstacle(path: Path) -> str | None:
    try:
        path.stat()
    except FileNotFoundError:
        return f"there is no {path}"
    except OSError as error:
        return f"{path}: {error.strerror}"
    return None


def _obstacles_there(site: Site, catalogs: Mapping[str, str]) -> dict[str, str | None]:
    """By server, of its catalog on our own SQL Server."""
    from ipfx_failover.replication.sqlserver.role import obstacles

    try:
        at = obstacles(_standby(site, statement_timeout_s=_IN_A_HURRY_S), set(catalogs.values()))
    except FailoverError as error:
        return dict.fromkeys(catalogs, error.message)
    return {name: at[catalog] for name, catalog in catalogs.items()}


def take_copy(site: Site, server: ServerSettings) -> list[str]:
    """Make it ready for the application; what could not be done. SQLite needs nothing."""
    if not _is_sqlserver(server):
        return []
    from ipfx_failover.replication.sqlserver.role import take_role

    return take_role(_standby(site), str(server.standby_catalog))


def give_copy_back(site: Site, server: ServerSettings) -> None:
    """The application has written nothing: it follows the live server again."""
    if not _is_sqlserver(server):
        return
    from ipfx_failover.replication.sqlserver.role import give_role_back

    give_role_back(_standby(site), str(server.standby_catalog))


def copy_fingerprint(site: Site, server: ServerSettings) -> str:
    """Changes when it is written to; of a server that cannot be asked, too, when it can again."""
    if not _is_sqlserver(server):
        return _file_fingerprint(server)
    from ipfx_failover.replication.tsql.server import LOG_BYTES_WRITTEN

    try:
        with _standby(site).open() as session:
            ((written_bytes,),) = session.rows(LOG_BYTES_WRITTEN, server.standby_catalog)
    except FailoverError:
        return "unknown"
    return str(written_bytes)


def _standby(site: Site, **bounds: int) -> SqlServer:
    """Our own SQL Server, for somebody in a hurry."""
    from ipfx_failover.wiring.sqlserver import standby_server

    bounds["connect_timeout_s"] = _IN_A_HURRY_S
    sql = site.config.failover_server.sql
    shorter = {key: min(bound, getattr(sql, key)) for key, bound in bounds.items()}
    return standby_server(site, settings=sql.model_copy(update=shorter))


def _file_fingerprint(server: ServerSettings) -> str:
    from ipfx_failover.adapters.db.sqlite import fingerprint
    from ipfx_failover.replication.places import database_path

    path = database_path(server)
    return fingerprint(path) if path is not None and path.exists() else ""


def _is_sqlserver(server: ServerSettings) -> bool:
    return server.database is not None and server.database.engine == "sqlserver"

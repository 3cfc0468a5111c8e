"""What replicating consists of, as data: by the engine of the server's database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.errors import Failed
from ipfx_failover.replication.sqlite import plan as sqlite
from ipfx_failover.replication.sqlserver import plan as sqlserver

if TYPE_CHECKING:
    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.state.journal import Step


def from_live_steps(server: ServerSettings, run_id: str) -> list[Step]:
    """Backup, copy, verify, swap, tidy up (manual, "Database replication")."""
    if _engine(server) == "sqlserver":
        return sqlserver.from_live_steps(server, run_id)
    return sqlite.from_live_steps(server, run_id)


def to_live_steps(server: ServerSettings, run_id: str) -> list[Step]:
    """Safety backup first, then the way of `from_live_steps` with the sides swapped, and files."""
    if _engine(server) == "sqlserver":
        return sqlserver.to_live_steps(server, run_id)
    return sqlite.to_live_steps(server, run_id)


def _engine(server: ServerSettings) -> str:
    if server.database is None:
        raise Failed(
            f"{server.name} has no database in the config",
            f"add [servers.{server.name}.database], or sync its files: "
            f"ipfx-failover sync-files {server.name}",
        )
    return server.database.engine

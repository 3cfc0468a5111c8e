"""Where the standby's copies lie (manual, "Directory Structure" and "Catalog name")."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from ipfx_failover.config.models import ServerSettings


def database_path(server: ServerSettings) -> Path | None:
    """The standby database's file (sqlite only), named as in the manual ("Catalog name")."""
    if server.database is None or server.database.engine != "sqlite":
        return None
    return server.local_vm_dir / "DB" / f"{server.standby_catalog}.db"

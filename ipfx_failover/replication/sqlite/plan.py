"""What replicating a SQLite database consists of, as data: the steps of both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.errors import Failed
from ipfx_failover.livehost import base_name, join, parent
from ipfx_failover.replication import steps
from ipfx_failover.replication.places import database_path
from ipfx_failover.state.journal import Step

if TYPE_CHECKING:
    from ipfx_failover.config.models import ServerSettings


def from_live_steps(server: ServerSettings, run_id: str) -> list[Step]:
    """Backup, copy, verify, swap, tidy up (manual, "Database replication")."""
    database, standby = _places(server)
    marker = f"{server.standby_catalog}.run-"
    backup = join(_backup_directory(server, database), f"{marker}{run_id}.bak")
    new, previous = _beside(standby, run_id)
    return [
        Step(
            steps.MAKE_ROOM,
            {
                "side": "live",
                "database": database,
                "backup": backup,
                "target_side": "standby",
                "current": standby,
                "marker": marker,
            },
        ),
        Step(steps.BACK_UP, {"side": "live", "database": database, "to": backup, "as": "backup"}),
        Step(steps.CARRY, {"side": "standby", "to": new, "like": standby}),
        Step(steps.VERIFY, {"side": "standby", "database": new}),
        Step(steps.CLOSE_DOWN, {"side": "standby", "database": standby}),
        Step(
            steps.SWAP,
            {"side": "standby", "current": standby, "new": new, "previous": previous},
        ),
        Step(steps.TIDY, {"live_files": backup, "standby_files": previous}),
    ]


def to_live_steps(server: ServerSettings, run_id: str) -> list[Step]:
    """Safety backup first, then the way of `from_live_steps` with the sides swapped, and files."""
    database, standby = _places(server)
    marker = f"{server.standby_catalog}.run-"
    backup, _ = _beside(standby, run_id)
    directory = parent(database)
    new = join(directory, f"{marker}{run_id}.new")
    previous = join(directory, f"{marker}{run_id}.previous")
    safety = join(directory, f"{base_name(database)}.before-{run_id}")
    plan = [
        Step(
            steps.MAKE_ROOM,
            {
                "side": "standby",
                "database": standby,
                "backup": backup,
                "target_side": "live",
                "current": database,
                "marker": marker,
            },
        ),
        Step(steps.CLOSE_DOWN, {"side": "live", "database": database}),
        Step(steps.BACK_UP, {"side": "live", "database": database, "to": safety, "as": "safety"}),
        Step(steps.BACK_UP, {"side": "standby", "database": standby, "to": backup, "as": "backup"}),
        Step(steps.CARRY, {"side": "live", "to": new, "like": database}),
        Step(steps.VERIFY, {"side": "live", "database": new}),
    ]
    if server.files is not None:
        plan.append(Step(steps.SYNC_FILES, {}))
    return [
        *plan,
        Step(steps.CLOSE_DOWN, {"side": "live", "database": database}),
        Step(steps.SWAP, {"side": "live", "current": database, "new": new, "previous": previous}),
        Step(steps.TIDY, {"live_files": previous, "standby_files": backup}),
    ]


def _places(server: ServerSettings) -> tuple[str, str]:
    """Where the live database is, and where the standby's."""
    standby = database_path(server)
    if server.database is None or standby is None:
        raise Failed(
            f"{server.name} has no database in the config",
            f"add [servers.{server.name}.database], or sync its files: "
            f"ipfx-failover sync-files {server.name}",
        )
    return server.database.data_source, str(standby)


def _backup_directory(server: ServerSettings, database: str) -> str:
    r"""The manual's `\\VM\\DB`, where there is a VM directory."""
    return join(server.live_vm_dir, "DB") if server.live_vm_dir else parent(database)


def _beside(standby: str, run_id: str) -> tuple[str, str]:
    stem = standby.removesuffix(".db")
    return f"{stem}.run-{run_id}.new", f"{stem}.run-{run_id}.previous"

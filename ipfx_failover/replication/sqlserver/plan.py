"""What replicating a SQL Server's catalog consists of, as data (manual, "Database replication")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from ipfx_failover.errors import UsageError
from ipfx_failover.livehost import join
from ipfx_failover.replication import steps
from ipfx_failover.replication.sqlserver import names
from ipfx_failover.replication.sqlserver import steps as own
from ipfx_failover.replication.sqlserver.read_only import READ_ONLY
from ipfx_failover.state.journal import Step

if TYPE_CHECKING:
    from ipfx_failover.config.models import ServerSettings

_LONGEST_NAME: Final = 128


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are. `live`, `standby`: the catalogs; the directories are of their backups."""

    live: str
    standby: str
    live_directory: str
    directory: str

    @classmethod
    def of(cls, server: ServerSettings) -> Self:
        database = server.database
        if database is None or server.standby_catalog is None:
            raise UsageError(
                f"{server.name} has no database in the config",
                f"add [servers.{server.name}.database]",
            )
        backups = database.backup_dir or (database.vm_dir and join(database.vm_dir, "DB"))
        if not backups:
            raise UsageError(
                f"the config does not say where {server.name} writes its backups",
                f"set vm_dir or backup_dir in [servers.{server.name}.database]",
            )
        return cls(
            live=database.catalog,
            standby=server.standby_catalog,
            live_directory=backups,
            directory=str(server.local_vm_dir / "DB"),
        )


def from_live_steps(server: ServerSettings, run_id: str) -> list[Step]:
    """Backup, copy, restore beside, after-restore work, check, catch up (hot), swap, tidy up."""
    at = Places.of(server)
    title = names.backup_name(at.standby, run_id)
    backup, arrives = join(at.live_directory, title), join(at.directory, title)
    new, previous = _beside(at.standby, run_id)
    here = {"side": "standby", "current": at.standby, "new": new, "path": arrives}
    keep = server.database.keep_backups if server.database else 0
    return [
        _preflight("live", at, backup, arrives),
        Step(steps.BACK_UP, {"side": "live", "database": at.live, "to": backup, "as": "backup"}),
        Step(steps.CARRY, {"side": "standby", "to": arrives, "like": at.directory}),
        Step(own.RESTORE, {**here, "database": at.live}),
        Step(own.PREPARE, here),
        Step(steps.VERIFY, {"side": "standby", "database": new}),
        *([Step(own.CATCH_UP, here)] if server.real_time != "off" else []),
        Step(steps.SWAP, {**here, "previous": previous}),
        Step(own.KEEP, {**here, "keep": keep}),
        Step(steps.TIDY, {"live_files": backup, "standby_files": f"{previous}\n{arrives}"}),
    ]


def to_live_steps(server: ServerSettings, run_id: str) -> list[Step]:
    """Safety backup first; then the way of `from_live_steps` with the sides swapped, and files.

    Before that backup nobody is there any more, and from then on nobody writes.
    """
    at = Places.of(server)
    title = names.backup_name(at.standby, run_id)
    backup, arrives = join(at.directory, title), join(at.live_directory, title)
    safety = join(at.live_directory, names.safety_name(at.live, run_id))
    new, previous = _beside(at.live, run_id)
    live = {"side": "live", "database": at.live}
    there = {"side": "live", "current": at.live, "new": new, "path": arrives}
    here = {"side": "standby", "database": at.standby}
    return [
        _preflight("standby", at, backup, arrives),
        Step(steps.CLOSE_DOWN, live),
        Step(READ_ONLY, live),
        Step(steps.BACK_UP, {**live, "to": safety, "as": "safety"}),
        Step(steps.BACK_UP, {**here, "to": backup, "as": "backup"}),
        Step(steps.CARRY, {"side": "live", "to": arrives, "like": at.live_directory}),
        Step(own.RESTORE, {**there, "database": at.standby}),
        Step(own.PREPARE_FOR_LIVE, there),
        Step(steps.VERIFY, {"side": "live", "database": new}),
        *([Step(steps.SYNC_FILES, {})] if server.files is not None else []),
        Step(steps.CLOSE_DOWN, live),
        Step(steps.SWAP, {**there, "previous": previous}),
        Step(steps.TIDY, {"live_files": f"{previous}\n{arrives}", "standby_files": backup}),
    ]


def _preflight(source: str, at: Places, backup: str, arrives: str) -> Step:
    """`directory`: of the data files; those of a live catalog stay where they are."""
    from_live = source == "live"
    return Step(
        own.PREFLIGHT,
        {
            "side": source,
            "target_side": "standby" if from_live else "live",
            "database": at.live if from_live else at.standby,
            "current": at.standby if from_live else at.live,
            "title": at.standby,
            "backup": backup,
            "arrives": arrives,
            "directory": at.directory if from_live else None,
        },
    )


def _beside(catalog: str, run_id: str) -> tuple[str, str]:
    """What a run restores, and what it replaces."""
    new, previous = names.new(catalog, run_id), names.previous(catalog, run_id)
    if len(new) > _LONGEST_NAME:
        raise UsageError(
            f"{catalog} is too long a name: {new} has more than {_LONGEST_NAME} characters",
            "give the server a shorter name in the config",
        )
    return new, previous

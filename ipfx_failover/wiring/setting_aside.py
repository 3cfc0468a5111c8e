"""What a stand-in recorded, kept in a place of its own when it is given up."""

from __future__ import annotations

import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from ipfx_failover.errors import Failed, FailoverError, Refused
from ipfx_failover.progress import unreported
from ipfx_failover.state import locks

if TYPE_CHECKING:
    from pathlib import Path

    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.replication.sqlserver.side import SqlServerSide
    from ipfx_failover.state.store import Store
    from ipfx_failover.wiring.site import Site

_RECORDED_SLACK_S = 2.0


def discard_standby(site: Site, store: Store, server: ServerSettings) -> str:
    """Give authority back to the live server; what the standby recorded is kept, and where.

    Raises:
        Refused: the Failover Server stands in for the server.
        Failed, Unreachable: what is there cannot be kept, or a killed run not be undone.
        Busy: work on this copy goes on.
    """
    from ipfx_failover.events import Event, EventKind
    from ipfx_failover.records import Authority
    from ipfx_failover.wiring.replication import recover_killed_runs

    with site.locks.hold(locks.database(server.name), locks.this_command()):
        stand_in = store.stand_in()
        if stand_in is not None and stand_in.server.casefold() == server.name.casefold():
            raise Refused(
                f"the Failover Server stands in for {server.name}",
                f"give the role back first: ipfx-failover stop-failover {server.name}",
            )
        recover_killed_runs(site, store, server)  # half a swap leaves no catalog of that name
        kept = keep_standby(site, server)
        event = Event(EventKind.STANDBY_DISCARDED, site.clock.now(), server.name, {"kept": kept})
        with store.transaction(durable=True) as tx:
            tx.set_authority(server.name, Authority.LIVE)
            tx.set_failback_pending(server.name, pending=False)
            tx.emit(event)
    return kept


def keep_standby(site: Site, server: ServerSettings) -> str:
    """Copy what was recorded while standing in to a directory of its own.

    The database whole, and every file that is newer than the last sync or the takeover. Returns
    where it is; behind that, in words, what was not there to be kept.

    Raises:
        Failed: the database is there, and cannot be kept.
    """
    now = site.clock.now()
    kept = site.state_dir / "kept" / f"{server.name}-{now:%Y%m%dT%H%M%S}"
    kept.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        lacking = _keep_database(site, server, kept)
    except FailoverError:
        with suppress(OSError):  # unless there is something in it
            kept.rmdir()
        raise
    _keep_files(site, server, kept)
    return f"{kept} ({lacking})" if lacking else str(kept)


def _keep_files(site: Site, server: ServerSettings, kept: Path) -> None:
    with site.store() as store:
        since = store.server(server.name).last_failover_at
        synced = store.copy(server.name, "files")
    # After two stand-ins without a failback the first one's files are older than the takeover.
    moments = [since, synced.finished_at if synced else None]
    oldest = min((moment for moment in moments if moment), default=None)
    newer_than_s = oldest.timestamp() - _RECORDED_SLACK_S if oldest else 0.0
    root = server.local_vm_dir
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root)
        if inside.parts[0] == "DB" or path.is_symlink() or not path.is_file():
            continue
        if path.stat().st_mtime >= newer_than_s:
            (kept / "files" / inside.parent).mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, kept / "files" / inside)


def _keep_database(site: Site, server: ServerSettings, kept: Path) -> str:
    """What there was not to be kept, in words; empty when it is kept whole."""
    if server.database is None:
        return ""
    if server.database.engine == "sqlserver":
        return _keep_catalog(site, server, kept)
    return _keep_file(server, kept)


def _keep_file(server: ServerSettings, kept: Path) -> str:
    from ipfx_failover.adapters.db.sqlite import LocalSqlite
    from ipfx_failover.replication.places import database_path

    database = database_path(server)
    if database is None or not database.exists():
        return f"without its database: there is no {database}"
    LocalSqlite().backup(str(database), str(kept / database.name))
    return ""


def _keep_catalog(site: Site, server: ServerSettings, kept: Path) -> str:
    from ipfx_failover.replication.sqlserver import names
    from ipfx_failover.wiring.sqlserver_copies import standby_side

    side, catalog = standby_side(site, unreported), str(server.standby_catalog)
    # Where the server may write, which is not where root alone may read.
    directory = server.local_vm_dir / "DB"
    if (state := side.state(catalog)) is None:
        return _keep_detached(side, catalog, directory, kept)
    if state != "ONLINE":
        raise Failed(
            f"{catalog} on {side.name} is {state}: what it has cannot be kept",
            f"bring it online (ALTER DATABASE [{catalog}] SET ONLINE); or, to give up what it has "
            "for good, drop it there",
        )
    backup = directory / names.safety_name(catalog, kept.name.removeprefix(f"{server.name}-"))
    side.backup(catalog, str(backup))
    _move(backup, kept)
    return ""


def _keep_detached(side: SqlServerSide, catalog: str, directory: Path, kept: Path) -> str:
    """Its files, where the catalog was only detached: the next copy's sweep would remove them."""
    from ipfx_failover.replication.sqlserver import names

    found = [path.name for path in directory.iterdir()] if directory.is_dir() else []
    files = [name for name in names.stray_files(catalog, found) if names.is_of_a_run(name)]
    files = side.unused(files)
    for name in files:
        _move(directory / name, kept)
    what = "its database as files to be attached" if files else "without its database"
    return f"{what}: there is no catalog {catalog} on {side.name}"


def _move(path: Path, kept: Path) -> None:
    try:
        shutil.move(path, kept)
    except OSError as error:
        raise Failed(
            f"{path} cannot be kept in {kept}: {error.strerror or error}",
            "make room there, and see that this account may move it",
        ) from error

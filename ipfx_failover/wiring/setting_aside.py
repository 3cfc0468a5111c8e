"""What a stand-in recorded, kept in a place of its own when it is given up."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from ipfx_failover.errors import Refused
from ipfx_failover.progress import unreported
from ipfx_failover.state import locks

if TYPE_CHECKING:
    from pathlib import Path

    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.state.store import Store
    from ipfx_failover.wiring.site import Site

_RECORDED_SLACK_S = 2.0


def discard_standby(site: Site, store: Store, server: ServerSettings) -> str:
    """Give authority back to the live server; what the standby recorded is kept, and where.

    Raises:
        Refused: the Failover Server stands in for the server.
        Busy: work on this copy goes on.
    """
    from ipfx_failover.events import Event, EventKind
    from ipfx_failover.records import Authority

    with site.locks.hold(locks.database(server.name), locks.this_command()):
        stand_in = store.stand_in()
        if stand_in is not None and stand_in.server.casefold() == server.name.casefold():
            raise Refused(
                f"the Failover Server stands in for {server.name}",
                f"give the role back first: ipfx-failover stop-failover {server.name}",
            )
        kept = keep_standby(site, server)
        event = Event(EventKind.STANDBY_DISCARDED, site.clock.now(), server.name, {"kept": kept})
        with store.transaction(durable=True) as tx:
            tx.set_authority(server.name, Authority.LIVE)
            tx.set_failback_pending(server.name, pending=False)
            tx.emit(event)
    return kept


def keep_standby(site: Site, server: ServerSettings) -> str:
    """Copy what was recorded while standing in to a directory of its own; where it is.

    The database whole, and every file that is newer than the last sync or the takeover.
    """
    now = site.clock.now()
    kept = site.state_dir / "kept" / f"{server.name}-{now:%Y%m%dT%H%M%S}"
    kept.mkdir(mode=0o700, parents=True, exist_ok=True)
    _keep_database(site, server, kept)
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
    return str(kept)


def _keep_database(site: Site, server: ServerSettings, kept: Path) -> None:
    if server.database is None:
        return
    if server.database.engine == "sqlserver":
        _keep_catalog(site, server, kept)
    else:
        _keep_file(server, kept)


def _keep_file(server: ServerSettings, kept: Path) -> None:
    from ipfx_failover.adapters.db.sqlite import LocalSqlite
    from ipfx_failover.replication.places import database_path

    database = database_path(server)
    if database is not None and database.exists():
        LocalSqlite().backup(str(database), str(kept / database.name))


def _keep_catalog(site: Site, server: ServerSettings, kept: Path) -> None:
    from ipfx_failover.replication.sqlserver import names
    from ipfx_failover.wiring.sqlserver_copies import standby_side

    side, catalog = standby_side(site, unreported), str(server.standby_catalog)
    if side.exists(catalog):
        # Where the server may write, which is not where root alone may read.
        moment = kept.name.removeprefix(f"{server.name}-")
        backup = server.local_vm_dir / "DB" / names.safety_name(catalog, moment)
        side.backup(catalog, str(backup))
        shutil.move(backup, kept)

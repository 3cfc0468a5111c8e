"""What replication and file sync work with."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ipfx_failover.errors import Refused, UsageError
from ipfx_failover.progress import unreported
from ipfx_failover.state import locks

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ipfx_failover.adapters.ssh.connection import SshConnection, SshTarget
    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.files.ports import Tree
    from ipfx_failover.files.sync import FileSync
    from ipfx_failover.files.values import SyncResult
    from ipfx_failover.livehost import LiveHost
    from ipfx_failover.progress import Report
    from ipfx_failover.replication.engine import Backup
    from ipfx_failover.replication.full import Replicator
    from ipfx_failover.replication.steps import ReplicationPorts
    from ipfx_failover.state.store import Store
    from ipfx_failover.wiring.site import Site
    from ipfx_failover.workflow.ports import Observer

_FILES_WAIT_S = 30.0


def connection(site: Site, server: ServerSettings) -> SshConnection:
    """The way to the live server; nothing is connected before it is used.

    Raises:
        UsageError: the config says nothing about SSH.
        Refused: its address is ours now, so that we would copy from ourselves.
    """
    from ipfx_failover.adapters.ssh.connection import SshConnection

    target = _target(site, server)
    refuse_own_address(site, server, target.host)
    refuse_while_noted(site, server)
    return SshConnection(target)


def refuse_own_address(site: Site, server: ServerSettings, host: str) -> None:
    with site.store() as store:
        ours = [held for held in store.held_addresses() if held.boot_id == site.boot_id]
    for held in ours:
        if held.address == host:
            way_out = f"takeover-ip {held.address} --release"
            raise Refused(
                f"{host} is held by this machine: {server.name} cannot be reached at it",
                "give it back first: ipfx-failover "
                + (f"stop-failover {held.server}" if held.server else way_out),
            )


def refuse_while_noted(site: Site, server: ServerSettings) -> None:
    """A stand-in that a full disk kept from the store is still in the machine's note.

    Raises:
        Refused: this machine stands in for the server.
    """
    from ipfx_failover.standin.record import MachineRecord

    note = MachineRecord(site.machine_dir, site.boot_id).read()
    with site.store() as store:
        is_known = store.stand_in() is not None
    if note is not None and not is_known and note.server.casefold() == server.name.casefold():
        raise Refused(
            f"this machine stands in for {server.name}",
            f"give the role back first: ipfx-failover stop-failover {server.name}",
        )


def _target(site: Site, server: ServerSettings) -> SshTarget:
    from ipfx_failover.adapters.ssh.connection import SshTarget

    ssh = server.ssh
    if ssh is None:
        raise UsageError(
            f"{server.name} cannot be reached: the config has no [servers.{server.name}.ssh]",
            "add that table with user and key_file",
        )
    return SshTarget(
        name=server.name,
        host=ssh.host or str(server.address),
        port=ssh.port,
        user=ssh.user,
        key_file=ssh.key_file,
        known_hosts_file=ssh.known_hosts_file or site.state_dir / "known_hosts",
        connect_timeout_s=ssh.connect_timeout_s,
    )


def replicator(
    site: Site,
    store: Store,
    server: ServerSettings,
    observer: Observer | None = None,
    *,
    report: Report = unreported,
    ask_live: bool = True,
    is_daily: bool = False,
) -> tuple[Replicator, Callable[[], None]]:
    """Replicates a server's database; and how to close what it has opened.

    `ask_live`: whether the live server may be asked anything. `is_daily`: see `Replicator`.
    """
    from ipfx_failover.replication.full import Replicator
    from ipfx_failover.workflow.ports import silent

    reached: list[LiveHost] = []

    def reach() -> LiveHost:
        reached.append(live_host(site, server) if ask_live else _not_asked(server))
        return reached[-1]

    def close() -> None:
        for host in reached:
            host.close()

    ports = _ports(site, server, reach, report, ask_live=ask_live)
    made = Replicator(
        server=server,
        ports=ports,
        store=store,
        locks=site.locks,
        clock=site.clock,
        boot_id=site.boot_id,
        run_id=_run_id(site.clock.now()),
        is_daily=is_daily,
        for_takeover=not ask_live,
        observer=observer or silent,
    )
    return made, close


def _run_id(now: datetime) -> str:
    """With milliseconds: two runs of a small database may begin in the same second."""
    return f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03}"


def _ports(
    site: Site,
    server: ServerSettings,
    reach: Callable[[], LiveHost],
    report: Report,
    *,
    ask_live: bool,
) -> ReplicationPorts:
    sync_files = partial(_sync_files_to_live, site, server, report)
    if _engine(server) == "sqlserver":
        from ipfx_failover.wiring.sqlserver import live_server
        from ipfx_failover.wiring.sqlserver_copies import sqlserver_ports

        live = live_server(site, server, report) if ask_live else None
        return sqlserver_ports(site, server, live, reach, report, sync_files)
    from ipfx_failover.adapters.db.sqlite import LiveSqlite, LocalSqlite
    from ipfx_failover.replication.steps import MAKE_ROOM, MakeRoom, ReplicationPorts

    host = reach()
    sides = {"live": LiveSqlite(host, report), "standby": LocalSqlite(report)}
    return ReplicationPorts(
        sides=sides,
        carry=partial(_carry, host, report),
        sync_files_to_live=sync_files,
        own_kinds={MAKE_ROOM: MakeRoom(sides)},
    )


def _engine(server: ServerSettings) -> str | None:
    return server.database.engine if server.database else None


def live_host(site: Site, server: ServerSettings) -> LiveHost:
    """The live server's files: over SSH, or where its VM directory is mounted (SQL Server)."""
    from ipfx_failover.adapters.mounted_host import MountedHost
    from ipfx_failover.adapters.ssh.host import SshHost

    mounted_at = server.files.path if server.files else None
    if mounted_at is not None and server.live_vm_dir and _engine(server) == "sqlserver":
        refuse_own_address(site, server, str(server.address))
        refuse_while_noted(site, server)
        return MountedHost(server.name, server.live_vm_dir, mounted_at)
    return SshHost(connection(site, server))


def _not_asked(server: ServerSettings) -> LiveHost:
    """The live server of a takeover: whatever needs it fails at once."""
    from ipfx_failover.adapters.ssh.connection import NoConnection, SshTarget
    from ipfx_failover.adapters.ssh.host import SshHost

    nowhere = Path()
    return SshHost(NoConnection(SshTarget(server.name, "", 0, "", nowhere, nowhere)))


def recover_killed_runs(site: Site, store: Store, server: ServerSettings) -> None:
    """Finish or undo what killed replications left; the caller holds the lock of the database.

    Raises:
        Unreachable, Failed: it cannot be done now; it is done when repeated.
    """
    from ipfx_failover.state.journal import read_journal

    if read_journal(store, locks.database(server.name)) is None:
        return
    made, close = replicator(site, store, server)
    try:
        made.recover()
    finally:
        close()


def recover_from_live(site: Site, store: Store, server: ServerSettings) -> None:
    """Finish or undo what a killed replication from live left; the caller holds the locks.

    For a takeover: the Primary is not asked, and what is left there the next replication removes.
    A broken off replication *to* live is left as it is: it was not the standby that it changed.
    """
    from ipfx_failover.state.journal import read_journal

    if server.database is None:
        return
    if read_journal(store, locks.database(server.name)) is None:
        return  # as mostly; what follows imports for half a second while nobody serves
    from ipfx_failover.replication.workflow import FROM_LIVE

    made, close = replicator(site, store, server, ask_live=False)
    try:
        made.recover(FROM_LIVE)
    finally:
        close()


def file_sync(
    site: Site,
    server: ServerSettings,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    report: Report = unreported,
) -> FileSync:
    """The sync of a server's files; the caller closes it. `should_stop` ends a pass.

    Raises:
        UsageError: the config says nothing about its files.
    """
    from ipfx_failover.adapters.local_tree import LocalTree
    from ipfx_failover.files.manifest import Manifest
    from ipfx_failover.files.names import Selection
    from ipfx_failover.files.sync import FileSync, SyncRules

    refuse_while_noted(site, server)
    if server.files is None:
        raise UsageError(
            f"{server.name} has no files in the config", f"add [servers.{server.name}.files]"
        )
    live = _live_tree(site, server)
    standby = LocalTree(server.local_vm_dir)
    return FileSync(
        live=live,
        standby=standby,
        manifest=Manifest(
            site.state_dir / "files" / f"{server.name}.db",
            live=live.location,
            standby=standby.location,
        ),
        rules=SyncRules(
            selection=Selection(server.files.include),
            deletion_cap_percent=server.files.deletion_cap_percent,
            trash_days=server.files.trash_days,
        ),
        clock=site.clock,
        should_stop=should_stop,
        report=report,
    )


def _live_tree(site: Site, server: ServerSettings) -> Tree:
    from ipfx_failover.adapters.local_tree import LocalTree
    from ipfx_failover.adapters.ssh.host import SshHost
    from ipfx_failover.adapters.ssh.tree import SftpTree

    if server.files is not None and server.files.path is not None:
        return LocalTree(Path(server.files.path))
    way = connection(site, server)
    return SftpTree(way, SshHost(way), str(server.live_vm_dir))


def _carry(
    host: LiveHost, report: Report, to_side: str, backup: Backup, to: str, like: str
) -> None:
    from ipfx_failover.adapters.db.sqlite import fetch, send

    if to_side == "standby":
        fetch(host, backup, to, like, report)
    else:
        send(host, backup, to, like, report)


def _sync_files_to_live(site: Site, server: ServerSettings, report: Report) -> SyncResult:
    from ipfx_failover.files.values import Direction

    with site.locks.hold(locks.files(server.name), locks.this_command(), wait_s=_FILES_WAIT_S):
        sync = file_sync(site, server, report=report)
        try:
            return sync.run(Direction.TO_LIVE)
        finally:
            sync.close()

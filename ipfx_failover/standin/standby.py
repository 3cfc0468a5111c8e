"""The standby's copy of a server, as a stand-in sees it: its place, its owner, its fingerprint."""

from __future__ import annotations

import hashlib
import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ipfx_failover.errors import Busy
from ipfx_failover.replication.places import database_path
from ipfx_failover.replication.steps import SWAP
from ipfx_failover.standin.application import Role
from ipfx_failover.state import locks
from ipfx_failover.state.journal import StepState, read_journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from ipfx_failover.clock import Clock
    from ipfx_failover.config.models import Config, FailoverServerSettings, ServerSettings
    from ipfx_failover.state.store import Store

_LOCK_WAIT_S = 10.0
# A swap is renames, and safe to kill; one that takes longer waits for the server that has died.
_SWAP_WAIT_S = 3.0
_LOOK_S = 0.05


class EndProcess(Protocol):
    def __call__(self, pid: int, created_at: float) -> None:
        """End a process (tree): ask, wait a bounded time, then kill. Gone already is no error."""
        ...


def role_of(server: ServerSettings, here: FailoverServerSettings) -> Role:
    """What the application is told when it stands in for the server."""
    return Role(
        server=server.name,
        address=str(server.address),
        port=server.port,
        catalog=server.standby_catalog or "",
        database=_database_of(server, here),
        vm_dir=str(server.local_vm_dir),
        vm_local_dir=str(here.vm_local_dir or ""),
    )


def _database_of(server: ServerSettings, here: FailoverServerSettings) -> str:
    if server.database is not None and server.database.engine == "sqlserver":
        return here.data_source
    return str(database_path(server) or "")


@dataclass(frozen=True, slots=True)
class Standby:
    """Implements `standin.ports.StandbyCopy`.

    `recover`: finishes or undoes a resource's open journal, whose lock is held. `keep`: copies
    what a stand-in recorded to a place of its own, and returns it. `copy_obstacle`, `take_copy`,
    `give_copy_back`: as the port's, of a server's database. `database_fingerprint`: changes when
    it is written to.
    """

    config: Config
    store: Store
    locks: locks.Locks
    clock: Clock
    end_process: EndProcess
    recover: Callable[[ServerSettings], None]
    keep: Callable[[ServerSettings], str]
    copy_obstacle: Callable[[ServerSettings], str | None]
    take_copy: Callable[[ServerSettings], list[str]]
    give_copy_back: Callable[[ServerSettings], None]
    database_fingerprint: Callable[[ServerSettings], str]

    def evict(self, server: str) -> list[str]:
        """End whatever works on the copy, and recover its journal.

        A swap is short, and let finish. Raises Busy when a lock does not become free.
        """
        settings = self.config.servers[server]
        ended = []
        resources = (locks.database(server), locks.files(server), locks.rows(server))
        for resource in resources:
            self._let_swap_finish(resource)
            holder = self.locks.holder(resource)
            if holder is not None and holder.pid == os.getpid():
                raise Busy(f"{resource} is in use by this process", "wait for it to end")
            if holder is not None:
                self.end_process(holder.pid, holder.created_at)
                ended.append(holder.work)
        with ExitStack() as held:
            # Not that of rows: a swap that is undone takes it for itself.
            for resource in resources[:2]:
                lock = self.locks.hold(resource, locks.this_command(), wait_s=_LOCK_WAIT_S)
                held.enter_context(lock)
            self.recover(settings)
        return ended

    def fingerprint(self, server: str) -> str:
        """Changes when the application has written to the database or the files of the copy."""
        settings = self.config.servers[server]
        digest = hashlib.sha256(self.database_fingerprint(settings).encode())
        for line in _listing(settings.local_vm_dir, skip=settings.local_vm_dir / "DB"):
            digest.update(line.encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def as_of(self, server: str) -> datetime | None:
        settings = self.config.servers.get(server)
        follows_all = settings is not None and settings.real_time == "all"
        return self.store.database_as_of(server, follows_all=follows_all)

    def obstacle(self, server: str) -> str | None:
        return self.copy_obstacle(self.config.servers[server])

    def take_role(self, server: str) -> list[str]:
        return self.take_copy(self.config.servers[server])

    def give_role_back(self, server: str) -> None:
        self.give_copy_back(self.config.servers[server])

    def set_aside(self, server: str) -> str:
        return self.keep(self.config.servers[server])

    def _let_swap_finish(self, resource: str) -> None:
        deadline_ns = self.clock.monotonic_ns() + int(_SWAP_WAIT_S * 1e9)
        while self._is_swapping(resource) and self.clock.monotonic_ns() < deadline_ns:
            self.clock.sleep(_LOOK_S)

    def _is_swapping(self, resource: str) -> bool:
        journal = read_journal(self.store, resource)
        if journal is None or self.locks.holder(resource) is None:
            return False
        doing = [
            step.kind
            for step, state in zip(journal.steps, journal.states, strict=True)
            if state is StepState.DOING
        ]
        return SWAP in doing


def _listing(root: Path, *, skip: Path) -> Iterator[str]:
    """A line for each file below `root`: path, size, time of change."""
    for directory, subdirectories, names in os.walk(root):
        here = Path(directory)
        if here == skip:
            subdirectories.clear()
            continue
        subdirectories.sort()
        for name in sorted(names):
            path = here / name
            try:
                stat = path.lstat()
            except FileNotFoundError:
                continue  # gone since it was listed
            yield f"{path.relative_to(root)}\0{stat.st_size}\0{stat.st_mtime_ns}\n"

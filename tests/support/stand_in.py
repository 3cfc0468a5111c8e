"""A Failover Server on a simulated LAN: its desk, its application, its store on a real disk.

What a kill leaves is left here too: addresses, application and files outlive a desk. A reboot
takes what a real one takes.
"""

from __future__ import annotations

import hashlib
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from ipaddress import IPv4Address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ipfx_failover.config.models import Config
from ipfx_failover.decide.references import references
from ipfx_failover.errors import Failed, Unreachable
from ipfx_failover.records import Copy
from ipfx_failover.replication.places import database_path
from ipfx_failover.standin.desk import StandInDesk
from ipfx_failover.standin.ports import StandInPorts
from ipfx_failover.standin.record import MachineRecord
from ipfx_failover.standin.standby import Standby, role_of
from ipfx_failover.state.locks import Locks
from ipfx_failover.state.store import DATABASE, StateUnwritableError, Store
from ipfx_failover.workflow.committer import Committer
from ipfx_failover.workflow.ports import silent
from tests.fakes.application import FakeApplication
from tests.fakes.clock import FakeClock
from tests.fakes.network import FakeLan, FakeMachine
from tests.fakes.network_ports import FakeEchoSocket
from tests.support.waiting import FakeWait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.events import EventKind
    from ipfx_failover.net import Address, ArpSocket, EchoSocket
    from ipfx_failover.state.writing import Transaction
    from ipfx_failover.workflow.ports import Effect, Observer

DEMO, OTHER = "DEMO", "OTHER"
ADDRESS = IPv4Address("10.0.0.1")
OTHER_ADDRESS = IPv4Address("10.0.0.3")
GATEWAY = IPv4Address("10.0.0.254")
ADAPTER = "eth0"
_PASSWORD = {"env": "SQL_PASSWORD"}
SQLSERVER: dict[str, Any] = {
    "failover_server": {"data_source": "US", "password": _PASSWORD},
    "servers": {
        DEMO: {
            "database": {
                "engine": "sqlserver",
                "data_source": "DEMO",
                "password": _PASSWORD,
                "vm_dir": "C:\\VM",
            },
            "ssh": {"user": "ipfx", "key_file": "/key"},
        }
    },
}
"""Settings: the database of DEMO is a SQL Server's."""


class Killed(BaseException):
    """The process is gone; nothing that it would have done is done."""


@dataclass
class Fate:
    """When the process is killed: at the nth of the moments before and behind its commits."""

    dies_at: int = 0
    moment: int = 0

    def pass_moment(self) -> None:
        self.moment += 1
        if self.dies_at and self.moment >= self.dies_at:
            raise Killed


class MortalCommitter(Committer):
    """Commits until its process is killed."""

    def __init__(self, store: Store, fate: Fate, *, must_go_on: bool) -> None:
        super().__init__(store, must_go_on=must_go_on)
        self._fate = fate

    def commit(self, *effects: Effect) -> None:
        self._fate.pass_moment()
        super().commit(*effects)
        self._fate.pass_moment()


class FullDisk(Store):
    """A store whose disk can be full, which a commit finds. `flushed`: told of each that was."""

    is_full = False
    flushed: Callable[[], None] = staticmethod(lambda: None)

    @contextmanager
    def transaction(
        self, *, durable: bool = False, busy_timeout_s: float | None = None
    ) -> Iterator[Transaction]:
        with super().transaction(durable=durable, busy_timeout_s=busy_timeout_s) as tx:
            yield tx
            if self.is_full:
                raise StateUnwritableError("database or disk is full", "make room")
        if durable:
            self.flushed()


@cache
def _new_store() -> bytes:
    """An empty store: making one takes longer than most tests."""
    with TemporaryDirectory() as directory:
        Store(Path(directory)).close()
        return (Path(directory) / DATABASE).read_bytes()


class GuardedEcho(FakeEchoSocket):
    """Behind a switch with port security: what comes from some addresses never arrives."""

    def __init__(self, machine: FakeMachine, source: Address | None, lost: set[Address]) -> None:
        super().__init__(machine, source)
        self._us = machine
        self._from = source
        self._lost = lost

    def send(self, address: Address, sequence: int) -> int | None:
        if self._from in self._lost:
            return self._us.lan.clock.monotonic_ns()
        return super().send(address, sequence)


@dataclass
class FailoverMachine:
    """The machine that stands in; `settings` are merged into its config."""

    directory: Path
    settings: dict[str, Any] = field(default_factory=dict)
    clock: FakeClock = field(default_factory=FakeClock)
    fences: list[str] = field(default_factory=list)
    fence_problem: str = ""
    keep_problem: str = ""
    copy_obstacle: str | None = None
    copy_problem: str = ""
    copy_answers_after: int = 0
    """How often it does not answer before it does."""
    copy_troubles: list[str] = field(default_factory=list)
    copy_tries: int = 0
    copies_in_use: set[str] = field(default_factory=set)
    disk_is_full: bool = False
    answering: set[str] = field(default_factory=set)
    """The Primaries whose application takes connections."""
    lost_from: set[Address] = field(default_factory=set)
    """Addresses of ours from which nothing gets through."""

    def __post_init__(self) -> None:
        self.lan = FakeLan(self.clock)
        self.us = self.lan.machine("us", "10.0.0.2/24", gateway=str(GATEWAY))
        self.primary = self.lan.machine("primary", f"{ADDRESS}/24")
        self.other = self.lan.machine("other", f"{OTHER_ADDRESS}/24")
        self.gateway = self.lan.machine("gateway", f"{GATEWAY}/24")
        self.boot = 1
        self.flushed = 0
        self.application = FakeApplication(self.clock)
        self.config = Config.model_validate(self._settings())
        for server in self.config.servers.values():
            (server.local_vm_dir / "Mail").mkdir(parents=True)
            (server.local_vm_dir / "Mail" / "hello.wav").write_text("hello")
        path = self.directory / "state" / DATABASE
        path.parent.mkdir(parents=True)
        path.write_bytes(_new_store())
        with self.store() as store, store.transaction() as tx:
            for name in self.config.servers:
                for kind in ("database", "files"):
                    tx.set_copy(Copy(name, kind, self.clock.now(), self.clock.now(), 7, "v1"))

    @classmethod
    def with_a_dead_primary(
        cls, directory: Path, settings: dict[str, Any] | None = None
    ) -> FailoverMachine:
        made = cls(directory, settings or {})
        made.primary.is_plugged = False
        return made

    def _settings(self) -> dict[str, Any]:
        servers: dict[str, dict[str, Any]] = {
            DEMO: {"address": str(ADDRESS), "assume_ip": True},
            OTHER: {"address": str(OTHER_ADDRESS)},
        }
        changed = self.settings.get("servers", {})
        for name, values in servers.items():
            values.update(local_vm_dir=str(self.directory / name), **changed.get(name, {}))
        return {
            **self.settings,
            "network": {"adapter": ADAPTER, **self.settings.get("network", {})},
            "servers": servers,
        }

    @property
    def boot_id(self) -> str:
        return f"boot {self.boot}"

    @property
    def run_dir(self) -> Path:
        return self.directory / "run"

    @property
    def demo(self) -> ServerSettings:
        return self.config.servers[DEMO]

    def store(self, state_dir: str = "state") -> FullDisk:
        store = FullDisk(self.directory / state_dir)
        store.flushed = self._note_flush
        store.is_full = self.disk_is_full
        return store

    def application_answers(self, server: ServerSettings) -> bool:
        return server.name in self.answering

    def lose_copies(self) -> None:
        """As if nothing had ever been replicated."""
        with self.store() as store:
            store.connection.execute("DELETE FROM copies")

    def _note_flush(self) -> None:
        self.flushed += 1

    def fill_disk(self, desk: StandInDesk) -> None:
        self._set_full(desk, is_full=True)

    def free_disk(self, desk: StandInDesk) -> None:
        self._set_full(desk, is_full=False)

    def _set_full(self, desk: StandInDesk, *, is_full: bool) -> None:
        assert isinstance(desk.ports.store, FullDisk)
        desk.ports.store.is_full = is_full

    def record(self) -> MachineRecord:
        return MachineRecord(self.run_dir, self.boot_id)

    def machine_locks(self) -> Locks:
        return Locks(self.run_dir)

    @contextmanager
    def desk(
        self,
        *,
        fate: Fate | None = None,
        must_go_on: bool = False,
        observer: Observer = silent,
        state_dir: str = "state",
    ) -> Iterator[StandInDesk]:
        """A process that begins and ends stand-ins."""
        desk = self.open_desk(
            fate=fate, must_go_on=must_go_on, observer=observer, state_dir=state_dir
        )
        with desk:
            yield desk

    def open_desk(
        self,
        *,
        fate: Fate | None = None,
        must_go_on: bool = False,
        observer: Observer = silent,
        state_dir: str = "state",
    ) -> StandInDesk:
        store = self.store(state_dir)
        sockets: dict[str, ArpSocket] = {}

        def arp(adapter: str) -> ArpSocket:
            if adapter not in sockets:
                sockets[adapter] = self.us.arp(adapter)
            return sockets[adapter]

        def close_sockets() -> None:
            for socket in sockets.values():
                socket.close()

        ports = StandInPorts(
            clock=self.clock,
            boot_id=self.boot_id,
            store=store,
            record=self.record(),
            addresses=self.us.addresses(),
            arp=arp,
            echo=self._echo,
            application=self.application,
            references=self._references,
            fence=self._fence,
            copy=self._standby(store),
            wait=FakeWait(self.clock),
        )
        return StandInDesk(
            config=self.config,
            ports=ports,
            machine_locks=self.machine_locks(),
            role_of=lambda server: role_of(server, self.config.failover_server),
            committer=MortalCommitter(store, fate or Fate(), must_go_on=must_go_on),
            observer=observer,
            close_sockets=close_sockets,
        )

    def _references(self, suspect: Address) -> tuple[Address, ...]:
        return references(
            configured=self.config.network.reference_targets,
            gateway=self.us.gateway,
            primaries=(),
            suspect=suspect,
            ours=(),
        )

    def _echo(self, source: Address | None) -> EchoSocket:
        return GuardedEcho(self.us, source, self.lost_from)

    def _fence(self, server: str) -> None:
        self.fences.append(server)
        if self.fence_problem:
            raise Failed(self.fence_problem, "look at the power switch")

    def _standby(self, store: Store) -> Standby:
        return Standby(
            config=self.config,
            store=store,
            locks=Locks(store.state_dir / "locks"),
            clock=self.clock,
            end_process=lambda _pid, _created_at: None,
            recover=lambda _server: None,
            keep=self._keep,
            copy_obstacle=lambda _server: self.copy_obstacle,
            take_copy=self._take_copy,
            give_copy_back=self._give_copy_back,
            database_fingerprint=_hash_of_copy,
        )

    def _take_copy(self, server: ServerSettings) -> list[str]:
        self.copy_tries += 1
        if self.copy_answers_after:
            self.copy_answers_after -= 1
            raise Unreachable("no answer", "see whether it runs")
        if self.copy_problem:
            raise Failed(self.copy_problem, "look at it")
        # It shows in the fingerprint, as all that is written to the copy does.
        (server.local_vm_dir / "in-use").touch()
        self.copies_in_use.add(server.name)
        return self.copy_troubles

    def _give_copy_back(self, server: ServerSettings) -> None:
        self.copies_in_use.discard(server.name)

    def _keep(self, server: ServerSettings) -> str:
        if self.keep_problem:
            raise Failed(self.keep_problem, "make room")
        kept = self.directory / "kept" / server.name
        shutil.copytree(server.local_vm_dir, kept, dirs_exist_ok=True)
        return str(kept)

    def record_a_call(self, name: str = DEMO) -> None:
        """What the application does while it stands in."""
        path = self.config.servers[name].local_vm_dir / "Mail" / "call.wav"
        path.write_text(f"recorded at {self.clock.monotonic_ns()}")

    def holds(self, address: Address = ADDRESS) -> bool:
        return self.us.has(address)

    def owners(self, address: Address = ADDRESS) -> list[FakeMachine]:
        return [machine for machine in self.lan.machines if machine.claims(address)]

    def kinds(self, state_dir: str = "state") -> list[EventKind]:
        """What was logged, in order."""
        with self.store(state_dir) as store:
            return [logged.event.kind for logged in store.events_after(0)]

    def reboot(self) -> None:
        """The machine is switched off and on."""
        self.boot += 1
        self.us.interfaces = [each for each in self.us.interfaces if each.network.prefixlen < 32]
        self.application.crash()
        shutil.rmtree(self.run_dir, ignore_errors=True)


def _hash_of_copy(server: ServerSettings) -> str:
    path = database_path(server)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path and path.exists() else ""

"""A Primary and a Failover Server on this machine, each with a simulated SQL Server."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import tomlkit

from ipfx_failover.progress import unreported
from ipfx_failover.records import Authority
from ipfx_failover.state.journal import open_journals
from ipfx_failover.state.store import Store
from ipfx_failover.wiring.replication import recover_from_live, replicator
from ipfx_failover.wiring.site import open_site
from ipfx_failover.workflow.ports import silent
from tests.sqlserver import drivers
from tests.sqlserver.engine.client import Client
from tests.sqlserver.engine.faults import Fault, Faults
from tests.sqlserver.engine.server import ServerProfile, SimulatedServer
from tests.sqlserver.wire.connection import WireProfile
from tests.sqlserver.wire.listener import Listener
from tests.support.failover_config import merged
from tests.support.killed import work_until_killed
from tests.support.processes import eventually
from tests.support.smtp_server import SmtpServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ipfx_failover.events import Event
    from ipfx_failover.progress import Report
    from ipfx_failover.replication.full import Replicator
    from ipfx_failover.workflow.ports import Observer, Values
    from tests.sqlserver.drivers import Driver
    from tests.sqlserver.engine.session import EngineSession
    from tests.support.killed import Moment
    from tests.support.sshd import Sshd

ROOT = Path(__file__).parents[2]
CATALOG, COPY = "CTSERVER", "DEMOSERVER_CTSERVER"
_IMPORTED_WHEN_USED = (
    "ipfx_failover.adapters.db.sqlserver.server",
    "ipfx_failover.adapters.db.sqlserver.session",
    "ipfx_failover.adapters.transfer",
    "ipfx_failover.replication.full",
    "ipfx_failover.replication.sqlserver.steps",
)
_SYSTEM = {"master", "tempdb", "model", "msdb"}
_GENEROUS_S = 90.0
_PLENTY_BYTES = 2**40
_FORKS = multiprocessing.get_context("forkserver")
"""Processes begin with everything imported, and with no thread of this one."""
_FORKS.set_forkserver_preload(
    ["tests.support.killed", "ipfx_failover.wiring.sqlserver_copies", *_IMPORTED_WHEN_USED]
)


@dataclass(frozen=True)
class Ended:
    """How a command has ended, and what it printed."""

    code: int
    out: str
    err: str


class Pair:
    """Use it as a context. `live`, `standby`: the two servers, in this process.

    The live server's VM directory is mounted: it is the same directory, by another path.
    """

    def __init__(
        self,
        directory: Path,
        *,
        driver: Driver | None = None,
        live: ServerProfile | None = None,
        standby: ServerProfile | None = None,
    ) -> None:
        self.directory = directory
        self.driver = driver or drivers.microsoft()
        self.vm_dir = directory / "live" / "VM"
        self.copies = directory / "standby"
        for made in (self.vm_dir / "DB", self.copies / "DB", directory / "live" / "data"):
            made.mkdir(parents=True)
        self.live = SimulatedServer(directory / "live" / "data", live or ServerProfile())
        self.standby = SimulatedServer(directory / "standby-data", standby or ServerProfile())
        self.smtp = SmtpServer()
        self.config_path = directory / "config.toml"
        self.inside: Sequence[str] = ()
        """What commands are run by, such as one that leads into a namespace."""
        self._config: dict[str, Any] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.smtp.start()
        self._stack.callback(self.smtp.stop)
        ports = [self._serve(server) for server in (self.live, self.standby)]
        self._begin(*ports)
        self.run_live(
            "CREATE TABLE dbo.calls (id int NOT NULL IDENTITY PRIMARY KEY, text nvarchar(50), "
            "voicemail nvarchar(100))",
            r"INSERT INTO calls (text, voicemail) VALUES (N'one', N'C:\VM\Mail\1.wav')",
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _serve(self, server: SimulatedServer) -> int:
        profile = WireProfile(
            server.profile.version, on_message=lambda kind: server.on_message(kind)
        )
        return self._stack.enter_context(Listener(server, profile)).port

    def _begin(self, live_port: int, standby_port: int) -> None:
        with Client(self.live) as client:
            client.run(f"CREATE DATABASE {CATALOG}")
        sql = {"driver": self.driver.library, "encrypt": False, "trust_server_certificate": True}
        password_file = self.directory / "password"
        password_file.write_text(drivers.PASSWORD)
        password_file.chmod(0o600)
        password = {"file": str(password_file)}
        self.configure(
            {
                "failover_server": {
                    "state_dir": str(self.directory / "state"),
                    "data_source": f"127.0.0.1,{standby_port}",
                    "password": password,
                    "sql": sql,
                },
                "alerts": {
                    "smtp_server": "127.0.0.1",
                    "smtp_port": self.smtp.port,
                    "from": "failover@example.com",
                    "to": ["support@example.com"],
                },
                "servers": {
                    "DEMOSERVER": {
                        "address": "192.0.2.1",
                        "port": 9,
                        "local_vm_dir": str(self.copies),
                        "ssh": {"user": "x", "key_file": "/x"},
                        "database": {
                            "engine": "sqlserver",
                            "data_source": f"127.0.0.1,{live_port}",
                            "password": password,
                            "vm_dir": str(self.vm_dir),
                            "sql": sql,
                            "path_conversions": [
                                {
                                    "table": "calls",
                                    "column": "voicemail",
                                    "from": "C:\\VM\\",
                                    "to": "C:\\VM\\%servername%\\VM\\",
                                }
                            ],
                        },
                        "files": {"transport": "path", "path": str(self.vm_dir)},
                    }
                },
            }
        )

    def configure(self, changes: dict[str, Any]) -> None:
        """Change the config (tests.support.failover_config.merged)."""
        self._config = merged(self._config, changes)
        self.config_path.write_text(tomlkit.dumps(self._config), "utf-8")

    def reach_by_ssh(self, sshd: Sshd) -> None:
        """The live server's files are reached over SSH, not mounted."""
        ssh = {
            "host": sshd.host,
            "port": sshd.port,
            "user": sshd.user,
            "key_file": str(sshd.key_file),
            "known_hosts_file": str(sshd.known_hosts_file),
        }
        self.configure_server(files=None, ssh=ssh)

    def configure_server(self, **changes: Any) -> None:
        self.configure({"servers": {"DEMOSERVER": changes}})

    def go_hot(self) -> None:
        """All rows are to be followed; what that needs is switched on."""
        self.configure_server(real_time="all")
        assert 0 == self.run("hot", "enable", "DEMOSERVER", "--yes").code

    # Commands

    def run(self, *argv: str) -> Ended:
        """Run a command of ipfx-failover to its end."""
        with self._begun(argv) as process:
            return _ended(process)

    @contextmanager
    def monitored(self) -> Iterator[None]:
        """A monitor runs in the block."""
        with self._begun(("monitor",)) as process:
            try:
                yield
            finally:
                process.terminate()

    def signalled_at(
        self,
        number: signal.Signals,
        server: SimulatedServer,
        statement: str,
        nth: int,
        *argv: str,
        carried_out: bool = False,
    ) -> Ended:
        """Run a command that gets a signal at a statement, which the server may not carry out."""
        reached = self.directory / "reached"
        never = {"until": str(self.directory / "never"), "cut": True}
        how = {"stall_s": 1.0} if carried_out else never
        self.fault(server, statement=statement, nth=nth, touch=str(reached), **how)
        with self._begun(argv) as process:
            eventually(lambda: reached.exists() or process.poll() is not None, statement)
            process.send_signal(number)
            ended = _ended(process)
        assert reached.exists(), ended
        reached.unlink()
        self.no_faults()
        return ended

    def killed_at(self, work: str, position: int, moment: Moment, kinds: Sequence[str]) -> None:
        """Do a piece of work that is killed at a step (tests.support.killed)."""
        where = (str(self.config_path), "DEMOSERVER")
        process = _FORKS.Process(
            target=work_until_killed, args=(work, *where, position, moment, kinds)
        )
        process.start()
        process.join(_GENEROUS_S)
        assert process.exitcode == -signal.SIGKILL, (position, moment, process.exitcode)

    def _begun(self, argv: Sequence[str]) -> subprocess.Popen[str]:
        environ = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
            "COLUMNS": "80",
        }
        words = [sys.executable, "-m", "ipfx_failover", *argv, "--config", str(self.config_path)]
        return subprocess.Popen(
            [*(self.inside or self._own_machine()), *words],
            env=environ,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _own_machine(self) -> list[str]:
        """The note of who stands in is the machine's: here each pair has its own."""
        own, machine = self.directory / "machine", Path("/run/ipfx-failover")
        for each in (own, machine):
            each.mkdir(mode=0o755, exist_ok=True)
        script = f'mount --bind "$0" {machine} && exec "$@"'
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, str(own)]

    def replicated(self, report: Report = unreported, observer: Observer = silent) -> None:
        """A copy is made, by what the command does, in this process."""
        with self._replicator(report, observer) as made:
            made.from_live()

    def given_back(self) -> Values:
        """The same in the other direction. What the run found out."""
        with self._replicator() as made:
            return made.to_live(application_answers=False)

    def recovered_at_a_takeover(self) -> None:
        """What a killed run left is seen to, while the Primary is dead."""
        site = open_site(self.config_path)
        with site.store() as store:
            recover_from_live(site, store, site.server("DEMOSERVER"))

    @contextmanager
    def _replicator(
        self, report: Report = unreported, observer: Observer = silent
    ) -> Iterator[Replicator]:
        site = open_site(self.config_path)
        server = site.server("DEMOSERVER")
        with site.store() as store:
            made, close = replicator(site, store, server, observer, report=report)
            try:
                yield made
            finally:
                close()

    # The two servers

    def fault(self, server: SimulatedServer, **rule: Any) -> None:
        """Let something go wrong on a server (tests.sqlserver.engine.faults)."""
        Faults([Fault(**rule)]).attach(server)

    def before_statement(
        self, server: SimulatedServer, words: str, work: Callable[[], object]
    ) -> None:
        """Do something right before the first batch with these words."""

        def look(_: EngineSession, sql: str) -> None:
            if words in sql:
                server.on_statement = lambda *_: None
                work()

        server.on_statement = look

    def cut_at(self, server: SimulatedServer, nth: int) -> Faults:
        """Cut the connection at the nth statement; `fired` says whether it came to that.

        The first one of a session, which is always the same, does not count.
        """
        faults = Faults([Fault(statement="^(?!SET ANSI_NULLS)", nth=nth, cut=True)])
        faults.attach(server)
        return faults

    def no_faults(self) -> None:
        for server in (self.live, self.standby):
            Faults([]).attach(server)
            server.free_bytes = _PLENTY_BYTES

    def run_live(self, *statements: str) -> None:
        with Client(self.live, CATALOG) as client:
            for each in statements:
                client.run(each)

    def run_standby(self, *statements: str) -> None:
        with Client(self.standby, COPY) as client:
            for each in statements:
                client.run(each)

    def calls(self, server: SimulatedServer, catalog: str) -> list[str]:
        """What is in a catalog."""
        with Client(server, catalog) as client:
            return [str(text) for (text,) in client.run("SELECT text FROM calls ORDER BY id")]

    def paths(self, server: SimulatedServer, catalog: str) -> list[str]:
        with Client(server, catalog) as client:
            return [str(path) for (path,) in client.run("SELECT voicemail FROM calls ORDER BY id")]

    @property
    def live_calls(self) -> list[str]:
        return self.calls(self.live, CATALOG)

    @property
    def copied_calls(self) -> list[str]:
        return self.calls(self.standby, COPY)

    def content(self, server: SimulatedServer, catalog: str) -> dict[str, object] | None:
        """Everything that a catalog holds, to be compared; None when there is none."""
        found = server.catalogs.get(catalog.casefold())
        if found is None:
            return None
        tables = {key: dict(table.rows) for key, table in found.tables.items()}
        # Its keys, triggers, users, options, tracking and files.
        shapes = {key: str(table.__getstate__()) for key, table in found.tables.items()}
        return {**tables, "": str(found.__getstate__() | {"tables": shapes})}

    # What is left

    def catalogs(self, server: SimulatedServer) -> list[str]:
        """Its catalogs, but for the system's."""
        return sorted(each.name for each in server.catalogs.values() if each.name not in _SYSTEM)

    def strays(self) -> list[str]:
        """Catalogs and files on either side that nobody uses, but for what is kept on purpose."""
        wanted = {CATALOG, COPY}
        found = [each for s in (self.live, self.standby) for each in self.catalogs(s)]
        used = {
            each.path
            for server in (self.live, self.standby)
            for catalog in server.catalogs.values()
            for each in catalog.files
        }
        files = [
            str(path)
            for directory in (self.vm_dir / "DB", self.copies / "DB", self.live.directory)
            for path in directory.iterdir()
        ]
        left = [path for path in files if path not in used and not _is_kept(path)]
        return sorted({*found} - wanted) + sorted(left)

    # The state store

    def store(self) -> Store:
        return Store(self.directory / "state")

    def events(self, *kinds: str) -> list[Event]:
        with closing(self.store()) as store:
            return [each.event for each in store.events_after(0) if each.event.kind in kinds]

    @property
    def unfinished(self) -> list[str]:
        with closing(self.store()) as store:
            return open_journals(store)

    @property
    def is_ahead(self) -> bool:
        with closing(self.store()) as store:
            return store.server("DEMOSERVER").authority is Authority.STANDBY

    def has_stood_in(self, *texts: str) -> None:
        """A stand-in has recorded these calls, and is over."""
        for text in texts:
            path = rf"C:\VM\DEMOSERVER\VM\Mail\{text}.wav"
            self.run_standby(
                f"INSERT INTO calls (text, voicemail) VALUES (N'{text}', N'{path}')"  # noqa: S608
            )
        with closing(self.store()) as store, store.transaction() as tx:
            tx.set_authority("DEMOSERVER", Authority.STANDBY)
            tx.set_failback_pending("DEMOSERVER", pending=True)

    def subjects(self) -> list[str]:
        return [mail.subject for mail in self.smtp.mails]


def _ended(process: subprocess.Popen[str]) -> Ended:
    try:
        out, err = process.communicate(timeout=_GENEROUS_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert "Traceback" not in out + err, err
    return Ended(process.returncode, out, err)


def _is_kept(path: str) -> bool:
    """A night's backup, a safety backup, or what the simulated server keeps beside its files."""
    name = Path(path).name
    return ".before-" in name or (name.endswith("Z.bak")) or name == "server.state"

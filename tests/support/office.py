"""The lab's office with two Primaries, put back in order between tests; who owns what in it."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import sqlite3
import threading
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psutil
from ipfxlab.phone import APPLICATION, PORT
from ipfxlab.ssh import SSHD
from phone_app import Application, SqliteStore

from tests.support.netns import set_namespace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ipfxlab.host import Host
    from ipfxlab.lab import Lab, Primary

T = TypeVar("T")

GENEROUS_S = 40.0
INSERT_CALL = "INSERT INTO calls (key, extension, host, started_at) VALUES (?, '', '', '')"
_PAUSE_S = 0.01
_SOON_S = 1.0
_MACHINE_DIR = "run/ipfx-failover"
_LEASED_TO_NOBODY = "/32"


def wait_for(
    find: Callable[[], T | None],
    what: str,
    *,
    explain: Callable[[], str] = str,
    timeout_s: float = GENEROUS_S,
) -> T:
    """What `find` returns once it is not None; `explain` adds what was seen, when it never is."""
    pause = threading.Event()
    for _ in range(int(timeout_s / _PAUSE_S)):
        if (found := find()) is not None:
            return found
        pause.wait(_PAUSE_S)
    raise AssertionError(f"it did not happen: {what}\n{explain()}")


def eventually(
    condition: Callable[[], bool], what: str, *, explain: Callable[[], str] = str
) -> None:
    """Wait until something is so."""
    wait_for(lambda: condition() or None, what, explain=explain)


@contextmanager
def inside(host: Host) -> Iterator[None]:
    """This thread uses the network of a host: what it opens belongs there."""
    with (
        Path("/proc/thread-self/ns/net").open("rb") as ours,
        Path(f"/proc/{host.init_pid}/ns/net").open("rb") as theirs,
    ):
        set_namespace(theirs.fileno())
        try:
            yield
        finally:
            set_namespace(ours.fileno())


def processes_on(host: Host) -> list[psutil.Process]:
    """What runs on a host, its first process apart."""
    namespace = _pid_namespace(host.init_pid)
    found = []
    for entry in os.listdir("/proc"):  # noqa: PTH208 - a fifth of the time
        if entry.isdigit() and _pid_namespace(int(entry)) == namespace:
            with suppress(psutil.NoSuchProcess):
                found.append(psutil.Process(int(entry)))
    return [process for process in found if process.pid != host.init_pid]


def _pid_namespace(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")  # noqa: PTH115 - as above
    except OSError:
        return ""


def applications_on(host: Host) -> list[int]:
    """The processes of the telephony application on a host."""
    found = []
    for process in processes_on(host):
        try:
            if str(APPLICATION) in process.cmdline():
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def holds(host: Host, address: str) -> bool:
    """Whether an address is one of the host's own."""
    table = Path(f"/proc/{host.init_pid}/net/fib_trie").read_text("ascii")
    return re.search(rf"\|-- {re.escape(address)}\n\s+/32 host LOCAL", table) is not None


def is_running(host: Host, words: Sequence[str], *, all_words: bool = True) -> bool:
    """Whether a program runs on a host with these arguments, or with these among others."""
    for process in processes_on(host):
        with suppress(psutil.Error):
            argv = process.cmdline()
            if argv == list(words) if all_words else set(words) <= set(argv):
                return True
    return False


def rows_in(database: Path) -> list[str]:
    """The keys of the calls that a database holds, in their order."""
    with closing(sqlite3.connect(f"file:{database}?mode=rw", uri=True, timeout=30)) as connection:
        return [row[0] for row in connection.execute("SELECT key FROM calls ORDER BY id")]


class Office:
    """DEMOSERVER and SECOND, the Failover Server, a gateway, a client and a mail server."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.failover_server = lab.failover_server
        self.primary = lab.primaries["DEMOSERVER"]
        self.second = lab.primaries["SECOND"]
        self._deaf: list[Host] = []
        self._mail_stopped = False

    def stop_mail(self) -> None:
        """Nobody takes mail until `start_mail`, or the next `tidy`."""
        self.lab.mail.stop()
        self._mail_stopped = True

    def start_mail(self) -> None:
        self.lab.mail.start()
        self._mail_stopped = False

    def pull_cable(self, host: Host) -> None:
        self.lab.network.pull_cable(host)

    def plug_cable(self, host: Host) -> None:
        self.lab.network.plug_cable(host)

    def reboot(self, host: Host) -> None:
        self.lab.network.reboot(host)

    def ignore_pings(self, host: Host) -> None:
        """Until the next `tidy`."""
        host.ignore_pings()
        self._deaf.append(host)

    def add_calls(self, primary: Primary, *keys: str) -> None:
        """Calls that a Primary has recorded."""
        with self.database(primary) as connection:
            for key in keys:
                connection.execute(INSERT_CALL, (key,))

    @contextmanager
    def database(self, primary: Primary) -> Iterator[sqlite3.Connection]:
        """A connection to a Primary's database, as its application would have one."""
        store = SqliteStore(primary.database)
        if not primary.database.exists():
            Application(primary.name, store, primary.vm_dir).prepare()
        with closing(store.connect()) as connection:
            yield connection

    def rows(self, primary: Primary) -> list[str]:
        """The calls in a Primary's database."""
        return rows_in(primary.database)

    def stop_application(self, primary: Primary) -> None:
        """Stop the telephony application of a Primary, and wait until it is gone."""
        running = [psutil.Process(pid) for pid in applications_on(primary.host)]
        for process in running:
            process.terminate()
        psutil.wait_procs(running, timeout=GENEROUS_S)

    def owners(self, address: str) -> list[str]:
        """Who holds an address and is reached: with the cable plugged in."""
        network = self.lab.network
        return [
            host.name
            for host in network.hosts.values()
            if holds(host, address) and not network.is_pulled(host)
        ]

    def answers_ping(self, address: str) -> bool:
        """Whether the client is answered."""
        ping = self.lab.client.run("ping", "-c1", "-W5", address, check=False)
        return ping.returncode == 0

    def ask(
        self, address: str, *requests: str, timeout_s: float = GENEROUS_S
    ) -> list[dict[str, Any]] | None:
        """What the telephony application at an address answers to the client; None: nobody does."""
        with inside(self.lab.client):
            line = socket.socket()
        with line:
            line.settimeout(timeout_s)
            try:
                line.connect((address, PORT))
                with line.makefile("rw") as talk:
                    return [_said(talk, request) for request in requests]
            except (OSError, ValueError):
                return None

    def served_by(self, address: str) -> str | None:
        """The machine whose application the client reaches at an address."""
        answers = self.ask(address, "WHO", timeout_s=_SOON_S)
        return str(answers[0]["host"]) if answers else None

    def tidy(self) -> None:
        """Put everything back as it was when the office was opened."""
        lab = self.lab
        for host in [self.failover_server, *(primary.host for primary in lab.primaries.values())]:
            self._stop_everything(host)
        failover_server = self.failover_server
        for address in failover_server.held_addresses() - _permanent(failover_server):
            failover_server.remove_address(f"{address}{_LEASED_TO_NOBODY}")
        for host in lab.network.hosts.values():
            if lab.network.is_pulled(host):
                lab.network.plug_cable(host)
            host.ip(f"neigh flush dev {host.interface}")
        while self._deaf:
            self._deaf.pop().run("sh", "-c", "echo 0 >/proc/sys/net/ipv4/icmp_echo_ignore_all")
        for primary in lab.primaries.values():
            _empty(primary.vm_dir)
            primary.database.parent.mkdir()
        _empty(self.machine_dir)
        if self._mail_stopped:
            self.start_mail()

    @property
    def machine_dir(self) -> Path:
        """/run/ipfx-failover of the Failover Server."""
        return Path(f"/proc/{self.failover_server.init_pid}/root", _MACHINE_DIR)

    def _stop_everything(self, host: Host) -> None:
        everything = [each for each in processes_on(host) if not _is_ssh_server(each)]
        for process in everything:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(everything, timeout=GENEROUS_S)


def _said(talk: Any, request: str) -> dict[str, Any]:
    talk.write(f"{request}\n")
    talk.flush()
    answer: dict[str, Any] = json.loads(talk.readline())
    return answer


def _permanent(host: Host) -> set[str]:
    return {address.split("/")[0] for address in host.addresses}


def _is_ssh_server(process: psutil.Process) -> bool:
    try:
        return process.cmdline()[:2] == ["sshd:", SSHD]
    except psutil.Error:
        return False


def _empty(directory: Path) -> None:
    contents: Iterable[Path] = directory.iterdir() if directory.exists() else ()
    for path in contents:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()

"""ipfx-failover on the lab's Failover Server: its config, its commands, what it wrote down."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import sys
from contextlib import closing
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomlkit
from ipfxlab.phone import APPLICATION, PORT

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.records import Authority
from ipfx_failover.report import SNAPSHOT
from ipfx_failover.standin.desk import RESOURCE
from ipfx_failover.state.journal import StepState, open_journals, read_journal
from ipfx_failover.state.store import Store
from tests.support.office import (
    INSERT_CALL,
    applications_on,
    eventually,
    is_running,
    rows_in,
    wait_for,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from subprocess import CompletedProcess

    from ipfxlab.lab import Primary
    from ipfxlab.mail import Mail
    from ipfxlab.process import LabProcess

    from ipfx_failover.events import Event, EventKind
    from ipfx_failover.records import ServerState, StandIn
    from tests.support.killed import Moment
    from tests.support.office import Office

ROOT = Path(__file__).parents[2]
START_APPLICATION = [sys.executable, "-I", "-S", str(APPLICATION), "--port", str(PORT)]
RECIPIENT = "support@example.com"
_BUG = 70


_numbers = count()


class Zygote:
    """The process on the Failover Server that starts commands (tests.support.zygote)."""

    def __init__(self, office: Office) -> None:
        host = office.failover_server
        self.process: LabProcess = host.popen(
            *(host.python, "-m", "tests.support.zygote"),
            name="the zygote",
            with_stdin=True,
            cwd=ROOT,
        )
        self._read = 0
        self._ended: dict[str, int] = {}
        self.process.wait_for_line('"ready"')

    def start(self, output: Path, argv: list[str], kill: Mapping[str, Any] | None = None) -> str:
        """Start a command; its ID."""
        name = str(next(_numbers))
        files = {"output": f"{output}-{name}.out", "errors": f"{output}-{name}.err"}
        for path in files.values():
            Path(path).touch()
        order = {"start": name, "argv": argv, "kill": kill, **files}
        self.process.send_line(json.dumps(order))
        return name

    def send_signal(self, name: str, number: int) -> None:
        self.process.send_line(json.dumps({"signal": number, "to": name}))

    @property
    def runs(self) -> bool:
        return self.process.running

    def code(self, name: str) -> int | None:
        """The exit code of a command; None while it runs."""
        lines = self.process.lines
        while self._read < len(lines):
            line, self._read = lines[self._read], self._read + 1
            said = json.loads(line) if line.startswith("{") else {}
            if "ended" in said:
                self._ended[said["ended"]] = said["code"]
        died_with_us = None if self.runs else -signal.SIGKILL
        return self._ended.get(name, died_with_us)


class Zygotes:
    """Has a zygote on the Failover Server; a new one after each reboot."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._current: Zygote | None = None

    def __call__(self) -> Zygote:
        if self._current is None or not self._current.runs:
            self._current = Zygote(self._office)
        return self._current


class Command:
    """A command that was started on the Failover Server."""

    def __init__(self, zygote: Zygote, name: str, argv: list[str], output: Path) -> None:
        self.argv = argv
        self._zygote = zygote
        self._name = name
        self._out = Path(f"{output}-{name}.out")
        self._err = Path(f"{output}-{name}.err")

    @property
    def out(self) -> str:
        """Its standard output so far."""
        return self._out.read_text("utf-8")

    @property
    def err(self) -> str:
        return self._err.read_text("utf-8")

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document that it printed."""
        document: dict[str, Any] = json.loads(self.out)
        return document

    @property
    def runs(self) -> bool:
        return self._zygote.code(self._name) is None

    def send_signal(self, number: signal.Signals) -> None:
        self._zygote.send_signal(self._name, number)

    def kill(self) -> None:
        """Kill it with SIGKILL, and wait until it is gone."""
        self.send_signal(signal.SIGKILL)
        assert self.wait() == -signal.SIGKILL

    def stop(self) -> int:
        """End it with SIGTERM; its exit code."""
        self.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        return wait_for(lambda: self._zygote.code(self._name), f"{self} ends", explain=self.explain)

    def explain(self) -> str:
        return f"$ {self}\n{self.out}{self.err}"

    def __str__(self) -> str:
        return " ".join(self.argv)


class FailoverServer:
    """An installation of its own for each test: config, state directory, copies.

    The first of `servers` in the config is DEMOSERVER, whose address is taken, unless `configure`
    says otherwise. Times are short: failover after 5 misses at intervals of 50 ms.
    """

    start_application = START_APPLICATION

    def __init__(self, office: Office, zygotes: Zygotes) -> None:
        self.office = office
        self.host = office.failover_server
        self.directory = self.host.directory / "site"
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir()
        self.state_dir = self.directory / "state"
        self.config_path = self.directory / "config.toml"
        self.vm_dir = self.directory / "VM"
        self.database = self.vm_dir / "DB" / "DEMOSERVER_CTSERVER.db"
        self.commands: list[Command] = []
        self.mails_before = len(office.lab.mail.mails)
        self._zygotes = zygotes
        self._config: dict[str, Any] = self._usual()
        self.configure({})

    def configure(self, changes: Mapping[str, Any]) -> None:
        """Change the config: tables are merged, a value of None removes its key."""
        self._config = _merged(self._config, changes)
        self.config_path.write_text(tomlkit.dumps(self._config), "utf-8")

    def configure_server(self, name: str = "DEMOSERVER", **changes: Any) -> None:
        self.configure({"servers": {name: changes}})

    def add_server(self, primary: Primary, **changes: Any) -> None:
        """Watch another Primary too."""
        self.configure({"servers": {primary.name: _merged(self._server(primary), changes)}})

    def with_files(self) -> None:
        """Sync the files of DEMOSERVER, too, in real time."""
        self.configure_server(files={"poll_interval_ms": 100})

    def _usual(self) -> dict[str, Any]:
        return {
            "failover_server": {
                "state_dir": str(self.state_dir),
                "application": {
                    "start": START_APPLICATION,
                    "ready_port": PORT,
                    "ready_timeout_s": 60.0,
                },
            },
            "network": {
                "adapter": self.host.interface,
                "ping_interval_ms": 50,
                "ping_timeout_ms": 30,
                "warning_count": 3,
                "failover_count": 5,
                "failover_count_after_reboot": 8,
                "management_interval_ms": 100,
            },
            "alerts": {
                "smtp_server": "192.168.11.5",
                "from": "failover@example.com",
                "to": [RECIPIENT],
            },
            "servers": {"DEMOSERVER": self._server(self.office.primary, assume_ip=True)},
        }

    def _server(self, primary: Primary, **changes: Any) -> dict[str, Any]:
        lab = self.office.lab
        vm_dir = self.vm_dir if primary is self.office.primary else self.directory / primary.name
        return {
            "address": primary.address,
            "local_vm_dir": str(vm_dir),
            "ssh": {
                "user": "root",
                "key_file": str(lab.ssh_key),
                "known_hosts_file": str(lab.known_hosts),
                "connect_timeout_s": 2.0,
            },
            "database": {"data_source": str(primary.database), "vm_dir": str(primary.vm_dir)},
            **changes,
        }

    def start(self, *argv: str) -> Command:
        """Start a command of ipfx-failover."""
        words = [*argv, "--config", str(self.config_path)]
        return self._track(words)

    def run(self, *argv: str, code: int | None = 0) -> Command:
        """Run a command to its end, and see that it ended with `code` (None: any)."""
        command = self.start(*argv)
        ended = command.wait()
        if code is not None:
            assert ended == code, command.explain()
        return command

    def run_as(self, *argv: str, code: int = 0) -> CompletedProcess[str]:
        """Run a command through another program, which takes rights away: PREFIX... COMMAND..."""
        first = next(n for n, word in enumerate(argv) if n and not word.startswith("-"))
        prefix, words = argv[:first], argv[first:]
        program = (self.host.python, "-m", "ipfx_failover")
        done = self.host.run(
            *(*prefix, *program, *words, "--config", str(self.config_path)), check=False, cwd=ROOT
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        return done

    def killed_at(self, work: str, position: int, moment: Moment, steps: Sequence[str]) -> None:
        """Do a piece of work that is killed at a step (tests.support.killed).

        `steps`: the kinds of all its steps, as the test believes them to be.
        """
        where = {"config": str(self.config_path), "server": "DEMOSERVER"}
        kill = {"work": work, **where, "position": position, "moment": moment, "kinds": steps}
        command = self._track([work, "killed", str(position), moment], kill)
        assert command.wait() == -signal.SIGKILL, command.explain()

    def replicate(self) -> None:
        """Make the copy without which nothing can be stood in for."""
        self.run("replicate-from-live", "DEMOSERVER")

    def has_stood_in(self, *keys: str, voicemail: str) -> None:
        """A stand-in for DEMOSERVER has recorded these calls and this voicemail, and is over."""
        with closing(sqlite3.connect(self.database)) as connection, connection:
            for key in keys:
                connection.execute(INSERT_CALL, (key,))
        path = self.vm_dir / voicemail
        path.parent.mkdir(parents=True)
        path.write_bytes(b"recorded")
        with self.store() as store, store.transaction() as tx:
            tx.set_authority("DEMOSERVER", Authority.STANDBY)
            tx.set_failback_pending("DEMOSERVER", pending=True)

    def monitor(self) -> Command:
        """Start a monitor, and wait until it watches."""
        since = self.cursor
        command = self.start("monitor")
        self.wait_for_event("monitor_started", since=since)
        return command

    def watching_monitor(self, server: str = "DEMOSERVER") -> Command:
        """Start a monitor, and wait until a server has answered it."""
        since = self.cursor
        command = self.monitor()
        self.wait_for_event("server_answering", server, since=since)
        return command

    @property
    def _output(self) -> Path:
        return self.directory / "command"

    def _track(self, words: list[str], kill: Mapping[str, Any] | None = None) -> Command:
        zygote = self._zygotes()
        name = zygote.start(self._output, words, kill)
        command = Command(zygote, name, words, self._output)
        self.commands.append(command)
        return command

    # What it wrote down.

    def store(self) -> Store:
        """The state store; the caller closes it."""
        return Store(self.state_dir)

    def server(self, name: str = "DEMOSERVER") -> ServerState:
        with self.store() as store:
            return store.server(name)

    @property
    def stand_in(self) -> StandIn | None:
        with self.store() as store:
            return store.stand_in()

    @property
    def is_ahead(self) -> bool:
        """Whether the standby of DEMOSERVER holds what exists nowhere else."""
        return self.server().authority is Authority.STANDBY

    @property
    def held_addresses(self) -> list[str]:
        with self.store() as store:
            return [held.address for held in store.held_addresses()]

    @property
    def unfinished(self) -> list[str]:
        """On what work was begun that is not finished."""
        with self.store() as store:
            return open_journals(store)

    def wait_until_finished(self) -> None:
        eventually(lambda: not self.unfinished, "all work is finished", explain=self.explain)

    @property
    def cursor(self) -> int:
        """Where the log ends now."""
        with self.store() as store:
            return store.last_cursor()

    def events(self, *kinds: EventKind | str, since: int = 0) -> list[Event]:
        """What was logged, oldest first; of these kinds, or of all."""
        with self.store() as store:
            logged = [each.event for each in store.events_after(since)]
        return [event for event in logged if not kinds or event.kind in kinds]

    def kinds(self, *kinds: EventKind | str, since: int = 0) -> list[str]:
        """The kinds of what was logged."""
        return [str(event.kind) for event in self.events(*kinds, since=since)]

    def wait_for_event(
        self, kind: EventKind | str, server: str | None = None, *, since: int = 0
    ) -> Event:
        """The first event of this kind (of that server) behind the cursor `since`."""

        def find() -> Event | None:
            found = self.events(kind, since=since)
            return next((one for one in found if server in {None, one.server}), None)

        return wait_for(find, f"{kind} {server or ''}", explain=self.explain)

    def wait_for_rounds(self, rounds: int = 12) -> None:
        """Let the monitor judge so many more rounds: more than two full counts, by default."""
        interval_ms = self._config["network"]["ping_interval_ms"]
        until = SystemClock().now() + timedelta(milliseconds=rounds * interval_ms)

        def are_judged() -> bool:
            with self.store() as store:
                monitor = store.monitor()
            return monitor is not None and monitor.heartbeat_at >= until

        eventually(are_judged, f"{rounds} more rounds", explain=self.explain)

    def wait_until_ok(self) -> None:
        """Wait until everybody may see that DEMOSERVER is well."""
        path = self.state_dir / SNAPSHOT
        eventually(
            lambda: path.exists() and '"status": "OK"' in path.read_text("utf-8"),
            "the snapshot shows OK",
            explain=self.explain,
        )

    def wait_until_missed(self, server: str, misses: int) -> None:
        """Wait until the count of a server's failed pings is that high, and has not begun anew."""

        def is_missed() -> bool:
            with self.store() as store:
                return store.observations()[server].misses >= misses

        eventually(is_missed, f"{misses} misses of {server}", explain=self.explain)

    def wait_until_step(self, kind: str, resource: str = RESOURCE) -> None:
        """Wait until a step of this kind is being done."""

        def is_doing() -> bool:
            with self.store() as store:
                journal = read_journal(store, resource)
            steps = zip(journal.steps, journal.states, strict=True) if journal else ()
            return any(s.kind == kind and state is StepState.DOING for s, state in steps)

        eventually(is_doing, f"'{kind}' is being done", explain=self.explain)

    def let_the_time_for_mail_come(self) -> None:
        """What waits for another attempt need not wait any longer."""
        with self.store() as store, store.transaction() as tx:
            tx.connection.execute("UPDATE outbox SET next_attempt_at = created_at")

    def explain(self) -> str:
        """Everything that was seen, for a test that failed."""
        events = [f"{event.at:%H:%M:%S.%f} {event.server}: {event.text}" for event in self.events()]
        return "\n".join([*events, *(command.explain() for command in self.commands)])

    def age_copies(self, **age: float) -> None:
        """Make everything that was replicated older by this timedelta."""
        by = timedelta(**age)
        with self.store() as store, store.transaction() as tx:
            for copy in tx.copies().values():
                tx.connection.execute(
                    "UPDATE copies SET as_of = ? WHERE server = ? AND kind = ?",
                    ((copy.as_of - by).isoformat(), copy.server, copy.kind),
                )
            tx.connection.execute("DELETE FROM runs")

    # What it did.

    def rows(self) -> list[str]:
        """The calls in the standby's copy of DEMOSERVER."""
        return rows_in(self.database)

    def kept(self, directory: str) -> list[str]:
        """The calls in what was set aside in a directory."""
        return rows_in(Path(directory) / self.database.name)

    def wait_until_said(self, command: Command, words: str) -> None:
        """Wait until a command has printed these words."""
        eventually(lambda: words in command.out + command.err, repr(words), explain=command.explain)

    def wait_until_runs(self, *argv: str) -> None:
        """Wait until a program runs on the Failover Server."""
        eventually(lambda: is_running(self.host, argv), " ".join(argv), explain=self.explain)

    def wait_until_runs_with(self, *words: str) -> None:
        """Wait until a program runs on the Failover Server that has these words as arguments."""
        eventually(
            lambda: is_running(self.host, words, all_words=False),
            " ".join(words),
            explain=self.explain,
        )

    @property
    def applications(self) -> list[int]:
        return applications_on(self.host)

    def kill_application(self) -> None:
        for pid in self.applications:
            os.kill(pid, signal.SIGKILL)

    def mails(self) -> list[Mail]:
        return self.office.lab.mail.mails[self.mails_before :]

    def wait_for_mail(self, subject: str) -> Mail:
        """The first mail with `subject` in its subject."""
        return wait_for(
            lambda: next((mail for mail in self.mails() if subject in mail.subject), None),
            f"a mail about {subject!r}",
            explain=lambda: "\n".join(mail.subject for mail in self.mails()) + self.explain(),
        )

    def wait_until_served(self, address: str, by: str) -> None:
        """Wait until the client is served by a machine's application at an address."""
        eventually(
            lambda: self.office.served_by(address) == by,
            f"{address} is served by {by}",
            explain=self.explain,
        )

    def check_manners(self) -> None:
        """No command has shown a traceback, ended with a bug, or told of one."""
        for command in self.commands:
            assert "Traceback" not in command.out + command.err, command.explain()
            assert "a bug: " not in command.out + command.err, command.explain()
            assert command.runs or command.wait() != _BUG, command.explain()


class Prepared:
    """What one replication of DEMOSERVER with two calls leaves; made once, then copied."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def give(self, server: FailoverServer) -> None:
        """Let the server have replicated, and its Primary have these calls."""
        server.office.add_calls(server.office.primary, "one", "two")
        if not self._directory.exists():
            server.replicate()
            server.check_manners()
            for name in (server.state_dir.name, server.vm_dir.name):
                shutil.copytree(server.directory / name, self._directory / name)
        else:
            shutil.copytree(self._directory, server.directory, dirs_exist_ok=True)


def _merged(table: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(table)
    for key, value in changes.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = _merged(merged[key], value)
        else:
            merged[key] = value
    return merged

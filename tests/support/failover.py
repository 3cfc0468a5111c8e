"""ipfx-failover on the lab's Failover Server: its config, its commands, what it did."""

from __future__ import annotations

import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomlkit

from ipfx_failover.records import Authority
from tests.support.failover_config import (
    START_APPLICATION,
    merged,
    server_config,
    usual_config,
)
from tests.support.failover_state import Written
from tests.support.office import INSERT_CALL, applications_on, eventually, is_running, wait_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ipfxlab.lab import Primary
    from ipfxlab.mail import Mail

    from tests.support.commands import Command, Starter
    from tests.support.killed import Moment
    from tests.support.office import Office

_BUG = 70


class FailoverServer(Written):
    """An installation of its own for each test: config, state directory, copies.

    The first server in its config is DEMOSERVER, whose address is taken. It is always in the same
    place, so that what one has written can be given to another.
    """

    start_application = START_APPLICATION

    def __init__(self, office: Office, starter: Starter) -> None:
        self.office = office
        self.host = office.failover_server
        super().__init__(self.host.directory / "site")
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir()
        self.config_path = self.directory / "config.toml"
        self.commands: list[Command] = []
        self._starter = starter
        self._mails_before = len(office.lab.mail.mails)
        self._config = usual_config(office.lab, self.state_dir)
        self.add_server(office.primary, assume_ip=True)

    def configure(self, changes: Mapping[str, Any]) -> None:
        """Change the config (tests.support.failover_config.merged)."""
        self._config = merged(self._config, changes)
        self.config_path.write_text(tomlkit.dumps(self._config), "utf-8")

    def configure_server(self, name: str = "DEMOSERVER", **changes: Any) -> None:
        self.configure({"servers": {name: changes}})

    def add_server(self, primary: Primary, **changes: Any) -> None:
        """Watch a Primary."""
        first = primary is self.office.primary
        vm_dir = self.vm_dir if first else self.directory / primary.name
        server = server_config(self.office.lab, primary, vm_dir)
        self.configure({"servers": {primary.name: merged(server, changes)}})

    def with_files(self) -> None:
        """Sync the files of DEMOSERVER, too, in real time."""
        self.configure_server(files={"poll_interval_ms": 100})

    def start(
        self, *argv: str, user: int = 0, without: int | None = None, knows_config: bool = True
    ) -> Command:
        """Start a command of ipfx-failover, as another user or without a capability.

        `knows_config`: it has the option --config.
        """
        words = [*argv, *(["--config", str(self.config_path)] if knows_config else [])]
        return self._track(words, user=user, without=without)

    def run(self, *argv: str, code: int = 0, **how: Any) -> Command:
        """Run a command to its end, as `start` does, and see that it ended with `code`."""
        command = self.start(*argv, **how)
        assert command.wait() == code, command.explain()
        return command

    def killed_at(self, work: str, position: int, moment: Moment, steps: Sequence[str]) -> None:
        """Do a piece of work that is killed at a step (tests.support.killed).

        `steps`: the kinds of all its steps, as the test believes them to be.
        """
        where = {"config": str(self.config_path), "server": "DEMOSERVER"}
        kill = {"work": work, **where, "position": position, "moment": moment, "kinds": steps}
        command = self._track([work, "killed", str(position), moment], kill=kill)
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

    def _track(self, words: list[str], **more: Any) -> Command:
        command = self._starter.start(self.host, self.directory / "command", words, **more)
        self.commands.append(command)
        return command

    def explain(self) -> str:
        """Everything that was seen, for a test that failed."""
        return "\n".join([super().explain(), *(command.explain() for command in self.commands)])

    def wait_for_rounds(self, rounds: int = 12) -> None:
        """Let the monitor send so many more rounds: more than two full counts, by default.

        Each has a probe for every server and for the gateway, at most.
        """
        probes = (rounds + 1) * (1 + len(self._config["servers"]))
        until = self._probes_sent() + probes
        eventually(
            lambda: self._probes_sent() >= until, f"{rounds} more rounds", explain=self.explain
        )

    def _probes_sent(self) -> int:
        """How many ICMP echo requests have left the Failover Server since it was booted."""
        text = Path(f"/proc/{self.host.init_pid}/net/snmp").read_text("ascii")
        names, values = (line.split() for line in text.splitlines() if line.startswith("IcmpMsg:"))
        return int(dict(zip(names, values, strict=True)).get("OutType8", 0))

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

    def mails(self) -> list[Mail]:
        return self.office.lab.mail.mails[self._mails_before :]

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

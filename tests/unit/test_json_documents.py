"""Every command's --json is described by a schema, and is as described."""

from __future__ import annotations

import json
import signal
import socket
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from ipfx_failover.cli import app
from ipfx_failover.config.problems import ConfigError
from ipfx_failover.errors import FailoverError
from ipfx_failover.events import Event, EventKind
from ipfx_failover.records import MonitorRecord, Observation, PingTotals
from ipfx_failover.state.pings import add
from ipfx_failover.state.store import Store
from man import commands
from tests.support.documents import LINES, check_document, command_of, complaint_about, schema
from tests.support.smtp_server import HOST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ipfx_failover.events import Value

NAMES = [" ".join(command.path) for command in commands.commands()]
NO_CONFIG = (("completion", "bash"), ("schedule", "remove"), ("service", "remove"))
CONFIG = """\
[failover_server]
state_dir = '{state}'
[alerts]
smtp_server = "127.0.0.1"
smtp_port = {port}
from = "failover@example.com"
to = ["boss@example.com"]
[servers.DEMO]
address = "127.0.0.5"
replicate_daily = "01:00:00"
local_vm_dir = '{state}/DEMO'
[servers.DEMO.ssh]
user = "ipfx"
key_file = '{state}/key'
[servers.DEMO.database]
data_source = "/VM/DB/ctserver.db"
vm_dir = "/VM"
[servers.DEMO.files]
[servers.OTHER]
address = "127.0.0.6"
"""


class Machine:
    """An installation, and commands that are run in this process."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.directory = directory
        self.state = directory / "state"
        self.config = directory / "config.toml"
        with closing(socket.create_server((HOST, 0))) as probe:
            port = probe.getsockname()[1]
        self.config.write_text(CONFIG.format(state=self.state, port=port))
        self._capsys = capsys

    def run(self, *argv: str) -> list[dict[str, Any]]:
        """The documents that a command prints; each is checked."""
        documents = self.printed(*argv)
        for document in documents:
            check_document(argv, document)
        return documents

    def printed(self, *argv: str) -> list[dict[str, Any]]:
        more = [] if argv[:2] in NO_CONFIG else ["--config", str(self.config)]
        words = [word.format(self.directory) for word in argv]
        code = app.main([*words, *more, "--json"])
        documents = [json.loads(line) for line in self._capsys.readouterr().out.splitlines()]
        for document in documents:
            assert document.get("ok", True) == (code == 0)
        return documents

    def live(self) -> None:
        """Some time goes by on it."""
        now = datetime.now(UTC)  # noqa: TID251 - the commands look at the real clock
        with Store(self.state) as store, store.transaction() as tx:
            tx.set_monitor(MonitorRecord(7, "AKL", "boot", now, now))
            tx.observe([Observation("DEMO", "ok", 0, now, now)])
            add(tx, [PingTotals("DEMO", now, 60, 30, 1, 900, 30_000, 5000, 60_000, 2000, 0)])
            for kind in (
                EventKind.TAKEOVER_STARTED,
                EventKind.STAND_IN_STARTED,
                EventKind.STAND_IN_STOPPED,
                EventKind.REPLICATED,
                EventKind.FILES_SYNCED,
            ):
                data: dict[str, Value] = {
                    "direction": "from-live",
                    "size_bytes": 7,
                    "duration_s": 1.5,
                }
                tx.emit(Event(kind, now, "DEMO", data))


@pytest.fixture
def machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Machine]:
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    made = Machine(tmp_path, capsys)
    made.live()
    yield made
    for number, handler in kept.items():
        signal.signal(number, handler)


def defined() -> dict[str, Any]:
    whole: dict[str, Any] = schema()["$defs"]
    return whole


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_its_document_described(name: str) -> None:
    assert name in defined()


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(schema())


def test_every_kind_of_error_is_in_the_schema() -> None:
    described = set(defined()["failure"]["properties"]["kind"]["enum"])

    assert described == {ConfigError.kind, *(kind.kind for kind in all_errors(FailoverError))}


def all_errors(kind: type[FailoverError]) -> Iterator[type[FailoverError]]:
    if kind.__module__.startswith("ipfx_failover"):
        yield kind
    for below in kind.__subclasses__():
        yield from all_errors(below)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in LINES])
def test_a_key_that_is_not_described_is_noticed(name: str) -> None:
    assert complaint_about(name, {"schema_version": 1, "ok": True, "surprise": 1}) is not None


def test_the_longest_command_that_fits_is_the_one_that_is_called() -> None:
    assert "server show" == command_of(["server", "show", "DEMO", "--json"], NAMES)


@pytest.mark.parametrize(
    "argv",
    [
        ("status",),
        ("status", "--check"),
        ("history",),
        ("history", "DEMO", "--plot"),
        ("metrics",),
        ("config", "check"),
        ("config", "show"),
        ("config", "show", "--defaults"),
        ("config", "set", "network.ping_interval_ms=500", "--yes"),
        ("config", "set", "network.adapter=eth9", "--plan"),
        ("server", "list"),
        ("server", "show", "DEMO"),
        ("server", "add", "NEW", "address=127.0.0.7"),
        ("server", "edit", "DEMO", "port=101"),
        ("server", "remove", "OTHER", "--yes"),
        ("server", "test", "OTHER"),
        ("suspend", "DEMO"),
        ("stop", "demo"),
        ("resume", "DEMO"),
        ("replicate-from-live", "--all", "--yes"),
        ("sync-files", "DEMO"),
        ("alerts", "test"),
        ("completion", "bash"),
        ("schedule", "show"),
        ("schedule", "show", "--format", "xml"),
        ("schedule", "install", "--with", "cron", "--output", "{}/jobs"),
        ("schedule", "remove", "--plan"),
        ("service", "install", "--plan"),
        ("service", "remove", "--plan"),
    ],
    ids=" ".join,
)
def test_what_a_command_prints_is_one_document_as_described(
    machine: Machine, argv: tuple[str, ...]
) -> None:
    (document,) = machine.run(*argv)

    assert "error" not in document


@pytest.mark.parametrize(
    "argv",
    [
        ("stop-failover", "DEMO"),
        ("failover-now", "NOBODY"),
        ("server", "trust", "OTHER"),
        ("state", "reset", "--yes"),
        ("monitor", "--metrics", "nowhere"),
        ("no-such-command",),
    ],
    ids=" ".join,
)
def test_an_error_is_one_document_as_described(machine: Machine, argv: tuple[str, ...]) -> None:
    (document,) = machine.printed(*argv)

    assert complaint_about("error", document) is None


def test_the_log_is_a_document_a_line(machine: Machine) -> None:
    lines = machine.run("log")

    assert ["takeover_started", "stand_in_started"] == [line["kind"] for line in lines[:2]]


def test_a_broken_config_is_an_error_with_details(machine: Machine) -> None:
    machine.config.write_text("[netwrk]\n")
    (document,) = machine.run("config", "check")

    assert ("config", 1) == (document["error"]["kind"], len(document["error"]["details"]))

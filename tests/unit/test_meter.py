"""How far long work has come: bars, lines, and silence."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tomlkit

from ipfx_failover.cli.meter import Lines, Meter
from ipfx_failover.cli.output import Output
from ipfx_failover.progress import Progress, Unit
from tests.fakes.clock import FakeClock
from tests.support.dialogue import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20
ROOT = Path(__file__).parents[2]


class FakeDisplay:
    """Remembers what it was to show."""

    def __init__(self) -> None:
        self.shown: list[tuple[float | None, str]] = []

    def show(self, share: float | None, text: str, at_ns: int) -> None:  # noqa: ARG002 - the port
        self.shown.append((share, text))

    def hide(self) -> None:
        self.shown.append((None, "hidden"))


class Site:
    """A meter that looks when it is told to."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.display = FakeDisplay()
        self.meter = Meter(Output(), self.clock, self.display)
        self.meter.begin("verify the copy")
        self.display.shown.clear()

    def report(self, done: int, total: int, unit: Unit = "bytes") -> None:
        """A second later so much is done."""
        self.clock.advance(1)
        self.meter(Progress("transfer", done, total, unit))
        self.meter.look()


@pytest.fixture
def site() -> Site:
    return Site()


def test_what_takes_less_than_two_seconds_is_not_shown(site: Site) -> None:
    site.clock.advance(1.9)
    site.meter.look()

    assert [] == site.display.shown


def test_with_json_nothing_is_shown() -> None:
    clock, display = FakeClock(), FakeDisplay()
    meter = Meter(Output(as_json=True), clock, display)
    meter.begin("verify the copy")
    clock.advance(60)
    meter.look()

    assert {(None, "hidden")} == set(display.shown)


def test_what_tells_no_progress_is_shown_with_how_long_it_has_taken(site: Site) -> None:
    site.clock.advance(75)
    site.meter.look()

    assert [(None, "verify the copy: 1 min 15 s")] == site.display.shown


@pytest.mark.parametrize(
    ("unit", "one", "expected"),
    [
        ("bytes", MIB, "transfer: 3 MiB of 12 MiB, 1 MiB/s, 9 s left"),
        ("files", 100, "transfer: 300 of 1200, 100 files/s, 9 s left"),
        ("rows", 100, "transfer: 300 of 1200, 100 rows/s, 9 s left"),
        ("percent", 1, "transfer: 9 s left"),
    ],
)
def test_progress_is_shown_with_rate_and_time_left(
    site: Site, unit: Unit, one: int, expected: str
) -> None:
    for done in range(4):
        site.report(done * one, 12 * one, unit)

    assert (0.25, expected) == site.display.shown[-1]


def test_what_follows_the_counted_part_is_shown_with_how_long_all_has_taken(site: Site) -> None:
    for done in (0, 4, 8):
        site.report(done, 8)

    assert (None, "verify the copy: 3 s") == site.display.shown[-1]


def test_a_new_piece_of_work_takes_the_old_ones_bar_away(site: Site) -> None:
    site.report(0, 10)
    site.report(5, 10)
    site.meter.begin("swap")
    site.clock.advance(1)
    site.meter.look()

    assert (None, "hidden") == site.display.shown[-1]


def test_a_terminal_that_has_gone_away_ends_no_work(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Gone(FakeDisplay):
        def hide(self) -> None:
            raise OSError(5, "Input/output error")

    with Meter(Output(), FakeClock(), Gone()) as meter:
        meter.begin("verify the copy")
        meter.line("done")

    assert "done\n" == capsys.readouterr().err


def test_lines_come_every_five_seconds_and_not_more_often(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = Lines(Output())
    for second in range(11):
        lines.show(0.5, f"at {second} s", second * 1_000_000_000)

    assert ["50 %  at 0 s", "50 %  at 5 s", "50 %  at 10 s"] == [
        line.strip() for line in capsys.readouterr().err.splitlines()
    ]


def test_a_terminal_sees_a_bar_and_then_only_what_came_of_it() -> None:
    with Terminal((), {"TERM": "xterm"}, "tests.support.metered") as terminal:
        terminal.answer("left", "")
        code = terminal.wait()
    bar = next(line for line in re.split(r"[\r\n]", terminal.screen) if "left" in line)
    words = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", bar)

    assert re.search(r"━ +\d+ % transfer: .* MiB of 1 GiB, .*/s, .* left", words)
    assert len(words.rstrip()) <= 80
    assert terminal.screen.rstrip().endswith("result")
    assert 0 == code


@pytest.mark.parametrize("term", ["dumb", "xterm"])
def test_without_a_terminal_there_are_plain_lines(term: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.metered"],
        cwd=ROOT,
        env={"TERM": term},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr is not None
        first, second = process.stderr.readline(), process.stderr.readline()
        out, err = process.communicate(b"\n")

    assert b"  copy the backup\n" == first
    assert re.fullmatch(rb"  \d+ %  transfer: .* MiB of 1 GiB, .*/s, .* left\n", second)
    assert b"  done\n" == err.splitlines(keepends=True)[-1]
    assert b"result\n" == out


@pytest.fixture
def silent_server(tmp_path: Path) -> Iterator[tuple[socket.socket, Path]]:
    """A server that takes connections and says nothing, and a config that has it."""
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-f", str(key)], check=True)
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        ssh = {"user": "ipfx", "key_file": str(key), "connect_timeout_s": 60.0}
        server = {
            "address": "127.0.0.1",
            "local_vm_dir": str(tmp_path / "standby"),
            "database": {"data_source": "/var/app.db", "vm_dir": "/var/vm"},
            "ssh": {**ssh, "port": listening.getsockname()[1]},
            "files": {},
        }
        state = {"state_dir": str(tmp_path / "state")}
        config = tmp_path / "config.toml"
        config.write_text(tomlkit.dumps({"failover_server": state, "servers": {"MUTE": server}}))
        yield listening, config


@pytest.mark.parametrize(
    ("option", "words"), [("--all", "sync the files"), ("--dry-run", "compare the files")]
)
def test_a_command_that_waits_shows_what_for(
    silent_server: tuple[socket.socket, Path], option: str, words: str
) -> None:
    listening, config = silent_server
    server = () if option == "--all" else ("MUTE",)
    argv = ("sync-files", *server, option, "--config", str(config))
    with Terminal(argv, {"TERM": "xterm"}) as terminal:
        connection, _ = listening.accept()
        with closing(connection):
            terminal.answer(f"{words} of MUTE: ", "")
        code = terminal.wait()

    assert "error: MUTE (127.0.0.1 port" in terminal.screen
    assert 4 == code

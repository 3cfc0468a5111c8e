"""The command on a real terminal: where it refuses, how it leaves, what it writes."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

LEFT = b"\x1b[?1049l"
"""Back to what was on the terminal before."""
_PROGRAM = (sys.executable, "-m", "ipfx_failover")
_CONFIG = """
[failover_server]
state_dir = '{directory}/state'
[servers.DEMOSERVER]
address = "192.0.2.1"
local_vm_dir = '{directory}/VM'
"""


@pytest.fixture
def watch(tmp_path: Path) -> list[str]:
    path = tmp_path / "config.toml"
    path.write_text(_CONFIG.format(directory=tmp_path), "utf-8")
    return [*_PROGRAM, "status", "--watch", "--config", str(path)]


@pytest.mark.parametrize("key", ["q", "\x03"])
def test_it_leaves_the_terminal_as_it_was(watch: list[str], key: str) -> None:
    with Terminal(watch) as terminal:
        terminal.until("Ready", "DEMOSERVER")
        terminal.type(key)

        assert terminal.wait() == 0
        assert b"Ready" not in terminal.written.partition(LEFT)[2]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_leaves_the_terminal_as_it_was(
    watch: list[str], number: signal.Signals
) -> None:
    with Terminal(watch) as terminal:
        terminal.until("Ready", "DEMOSERVER")
        terminal.send_signal(number)

        assert terminal.wait() == 0
        assert LEFT in terminal.written
        assert b"Traceback" not in terminal.written


def test_a_line_that_is_cut_ends_it(watch: list[str]) -> None:
    with Terminal(watch) as terminal:
        terminal.until("Ready", "DEMOSERVER")
        terminal.hang_up()
        terminal.wait()


def test_a_line_that_is_cut_ends_it_where_nobody_passes_the_signal_on(watch: list[str]) -> None:
    deaf = ["sh", "-c", 'trap "" HUP; "$@"; exit', "sh"]
    with Terminal([*deaf, *watch]) as terminal:
        terminal.until("Ready", "DEMOSERVER")
        terminal.hang_up()
        terminal.wait()


def test_in_the_c_locale_it_writes_ascii_only(watch: list[str]) -> None:
    with Terminal(watch, environ={"LC_ALL": "C"}) as terminal:
        terminal.until("-Servers-", "? UNKNOWN     DEMOSERVER", "|", "Ready")

        assert terminal.written.isascii()


def test_without_colour_it_writes_no_colour(watch: list[str]) -> None:
    with Terminal(watch, environ={"NO_COLOR": "1"}) as terminal:
        terminal.until("Ready", "DEMOSERVER")
        sent = re.findall(rb"\x1b\[([0-9;]*)m", terminal.written)
        colours = {code for each in sent for code in each.split(b";") if len(code) == 2}

        assert colours == {b"39", b"49"}


def test_it_follows_the_size_of_the_terminal(watch: list[str]) -> None:
    with Terminal(watch) as terminal:
        terminal.until("Ready", "File Sync:")
        terminal.resize(120, 40)
        terminal.until("Ready", "q Quit", "─" * 100)


def test_a_dumb_terminal_is_refused_with_a_sentence(watch: list[str]) -> None:
    with Terminal(watch, environ={"TERM": "dumb"}) as terminal:
        assert terminal.wait() == 3
        assert "error: this terminal cannot show a screen (TERM=dumb)" in terminal.text


def test_without_a_terminal_it_is_refused_with_another_way(watch: list[str]) -> None:
    done = subprocess.run(watch, capture_output=True, encoding="utf-8", check=False)

    assert done.returncode == 3
    assert done.stderr == (
        "error: status --watch needs a terminal\n"
        "  hint: without one use: ipfx-failover status --watch --json\n"
    )


def test_without_textual_it_says_how_to_get_it(watch: list[str], tmp_path: Path) -> None:
    (tmp_path / "textual.py").write_text("raise ImportError", "utf-8")
    with Terminal(watch, environ={"PYTHONPATH": str(tmp_path)}, columns=120) as terminal:
        assert terminal.wait() == 3
        assert "error: the main screen needs the package textual" in terminal.text
        assert "pip install 'ipfx-failover[tui]'" in terminal.text


def test_it_looks_once_or_goes_on_but_not_both(watch: list[str]) -> None:
    done = subprocess.run([*watch, "--check"], capture_output=True, encoding="utf-8", check=False)

    assert done.returncode == 3
    assert done.stdout == "UNKNOWN: --check looks once, --watch goes on\n"


def test_plain_status_imports_nothing_of_the_screen(watch: list[str]) -> None:
    said = "import sys; from ipfx_failover.cli.app import main; main(sys.argv[1:])"
    told = "; print([name for name in sys.modules if 'textual' in name or 'screen' in name])"
    plain = [word for word in watch[3:] if word != "--watch"]
    done = subprocess.run(
        [sys.executable, "-c", said + told, *plain],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )

    assert done.stdout.splitlines()[-1] == "[]"


@pytest.fixture
def lines(watch: list[str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([*watch, "--json"], stdout=subprocess.PIPE, encoding="utf-8") as process:
        yield process
        process.kill()


def next_of(lines: subprocess.Popen[str]) -> dict[str, Any]:
    assert lines.stdout is not None
    document: dict[str, Any] = json.loads(lines.stdout.readline())
    return document


def test_as_json_it_prints_a_document_whenever_something_changes_until_interrupted(
    watch: list[str], lines: subprocess.Popen[str]
) -> None:
    config = watch[-1]
    first = next_of(lines)
    subprocess.run([*_PROGRAM, "suspend", "DEMOSERVER", "--config", config], check=True)
    second = next_of(lines)
    Path(config).write_text("broken", "utf-8")
    third = next_of(lines)
    lines.send_signal(signal.SIGINT)
    left, _ = lines.communicate(timeout=30)

    assert [each["servers"][0]["status"] for each in (first, second)] == ["UNKNOWN", "SUSPENDED"]
    assert (first["ok"], second["ok"], third["ok"]) == (True, True, False)
    assert third["error"]["kind"] == "config"
    assert left == ""
    assert lines.returncode == 130


def test_as_json_it_ends_when_nobody_reads_any_more(lines: subprocess.Popen[str]) -> None:
    next_of(lines)
    assert lines.stdout is not None
    lines.stdout.close()

    assert lines.wait(30) == 0

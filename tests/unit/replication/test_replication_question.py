"""The manual's question before a replication by hand: for whoever sits at a terminal."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import tomlkit

from tests.support.dialogue import Terminal

if TYPE_CHECKING:
    from pathlib import Path

QUESTION = "The database of QUESTIONED will be replicated to the Failover Server now."


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """Replicating from a server that is never reached: its key is missing."""
    server = {
        "address": "127.0.0.1",
        "local_vm_dir": str(tmp_path / "standby"),
        "database": {"data_source": "/var/app.db"},
        "ssh": {"user": "ipfx", "key_file": str(tmp_path / "no_key")},
    }
    settings = {
        "failover_server": {"state_dir": str(tmp_path / "state")},
        "servers": {"QUESTIONED": server},
    }
    config = tmp_path / "config.toml"
    config.write_text(tomlkit.dumps(settings), "utf-8")
    return ["replicate-from-live", "--config", str(config)]


def test_a_no_at_the_terminal_replicates_nothing(command: list[str]) -> None:
    with Terminal((*command, "QUESTIONED")) as terminal:
        terminal.answer("Continue? [y/N]", "n")
        code = terminal.wait()

    assert QUESTION in terminal.screen.replace("\n", " ")
    assert all(len(line) <= 80 for line in terminal.screen.splitlines())
    assert "declined; nothing was done" in terminal.screen
    assert 3 == code


def test_a_yes_at_the_terminal_goes_on(command: list[str]) -> None:
    with Terminal((*command, "QUESTIONED")) as terminal:
        terminal.answer("Continue? [y/N]", "y")
        code = terminal.wait()

    assert "the SSH key" in terminal.screen
    assert 2 == code


@pytest.mark.parametrize(
    ("options", "expected"),
    [(["QUESTIONED", "--yes"], 2), (["--all", "--if-due"], 0)],
    ids=["yes", "if due"],
)
def test_what_a_scheduler_runs_asks_nothing_even_at_a_terminal(
    command: list[str], options: list[str], expected: int
) -> None:
    with Terminal((*command, *options)) as terminal:
        code = terminal.wait()

    assert "Continue?" not in terminal.screen
    assert expected == code


def test_a_script_is_not_asked(command: list[str]) -> None:
    words = [sys.executable, "-m", "ipfx_failover", *command, "QUESTIONED"]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False)

    assert b"the SSH key" in done.stderr
    assert 2 == done.returncode

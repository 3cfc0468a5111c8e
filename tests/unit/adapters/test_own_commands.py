"""Commands of this program, started by it: what they print, how they end."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.adapters.own_commands import OwnCommands

if TYPE_CHECKING:
    from pathlib import Path

_CONFIG = """
[failover_server]
state_dir = '{directory}/state'
[servers.DEMOSERVER]
address = "192.0.2.1"
local_vm_dir = '{directory}/VM'
"""
_GENEROUS_S = 30


class Heard:
    """What was told, in its order: lines, and at last an exit code."""

    def __init__(self, directory: Path) -> None:
        config = directory / "config.toml"
        config.write_text(_CONFIG.format(directory=directory), "utf-8")
        self._told: queue.SimpleQueue[str | int] = queue.SimpleQueue()
        self._commands = OwnCommands(config)

    def start(self, *arguments: str) -> None:
        self.child = self._commands.start(arguments, self._told.put, self._told.put)

    def next(self) -> str | int:
        return self._told.get(timeout=_GENEROUS_S)

    def all(self) -> list[str | int]:
        heard = [self.next()]
        while isinstance(heard[-1], str):
            heard.append(self.next())
        return heard


@pytest.fixture
def heard(tmp_path: Path) -> Heard:
    return Heard(tmp_path)


def test_its_lines_are_told_and_then_its_exit_code(heard: Heard) -> None:
    heard.start("suspend", "DEMOSERVER")

    assert heard.all() == ["DEMOSERVER: Suspended: no pings, no file sync", 0]


def test_errors_are_lines_too(heard: Heard) -> None:
    heard.start("suspend", "NOBODY")
    error, hint, code = heard.all()

    assert str(error).startswith("error: ")
    assert str(hint).startswith("  hint: ")
    assert code == 2


def test_it_has_no_terminal_that_it_could_ask_at(heard: Heard) -> None:
    heard.start("replicate-to-live", "DEMOSERVER")

    assert "this needs a confirmation" in str(heard.next())


def test_it_is_interrupted_as_by_ctrl_c(heard: Heard) -> None:
    heard.start("suspend", "DEMOSERVER")
    heard.all()
    heard.start("log", "--follow")

    assert "Suspended" in str(heard.next())

    heard.child.interrupt()

    assert heard.all()[-1] == 130

"""The program as Windows users run it: a process of its own, with its output as bytes."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PROGRAM = (sys.executable, "-m", "ipfx_failover")
_PATIENCE_S = 60.0
_PAUSE_S = 0.2


@dataclass(frozen=True)
class Ran:
    code: int
    output: str


class Program:
    """Commands with one config; what it starts in the background ends with it."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self._started: list[subprocess.Popen[bytes]] = []

    def run(self, *words: str) -> Ran:
        return self.run_plainly(*words, *self._config)

    def run_plainly(self, *words: str) -> Ran:
        """Without a config."""
        done = subprocess.run(
            [*_PROGRAM, *words],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        return Ran(done.returncode, done.stdout.decode("cp1252").replace("\r\n", "\n"))

    def begin(self, *words: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [*_PROGRAM, *words, *self._config],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._started.append(process)
        return process

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()

    @property
    def _config(self) -> tuple[str, str]:
        return ("--config", str(self.config))


def eventually(holds: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + _PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline_s, f"not within {_PATIENCE_S:g} s: {what}"
        time.sleep(_PAUSE_S)  # noqa: TID251 - what is waited for is in another process

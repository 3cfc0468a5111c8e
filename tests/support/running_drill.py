"""The drill of examples/lab/run as a process, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

RUN = Path(__file__).parents[2] / "examples" / "lab" / "run"


class RunningDrill:
    """The drill in a session of its own, so that Ctrl-C can be sent to it as a terminal does."""

    def __init__(self, *arguments: str) -> None:
        self._interfaces = set(psutil.net_if_addrs())
        self._namespaces: set[str] = set()
        self._process = subprocess.Popen(
            [str(RUN), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )
        self.narration: list[str] = []

    @property
    def _narrator(self) -> IO[str]:
        assert self._process.stderr is not None
        return self._process.stderr

    def read_until(self, wanted: str) -> None:
        """Reads the narration up to a line with these words, and notes which hosts there are."""
        for line in self._narrator:
            self.narration.append(line.rstrip("\n"))
            if wanted in line:
                self._namespaces |= set(self._namespaces_now())
                return
        pytest.fail(f"the drill ended without {wanted!r}: {self.narration[-20:]}")

    def _namespaces_now(self) -> Iterator[str]:
        here = network_namespace(os.getpid())
        for child in psutil.Process(self._process.pid).children(recursive=True):
            there = network_namespace(child.pid)
            if there not in {None, here}:
                yield str(there)

    def press_ctrl_c(self) -> None:
        os.killpg(self._process.pid, signal.SIGINT)

    def end(self) -> tuple[int, list[str]]:
        """Its exit code, and the lines of its standard output."""
        self.narration += self._narrator.read().splitlines()
        assert self._process.stdout is not None
        lines = self._process.stdout.read().splitlines()
        code = self._process.wait()
        self._narrator.close()
        self._process.stdout.close()
        return code, lines

    def kill(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self.end()

    def left_behind(self) -> list[str]:
        """Processes in its namespaces, mounts, directories and interfaces that are still there."""
        assert self._namespaces, "no host was ever seen"
        tag = f"ipfx-lab-{self._process.pid}-"
        inside = [
            f"process {pid}" for pid in psutil.pids() if network_namespace(pid) in self._namespaces
        ]
        mounts = [m for m in Path("/proc/mounts").read_text("utf-8").splitlines() if tag in m]
        directories = [str(path) for path in Path(tempfile.gettempdir()).glob(f"{tag}*")]
        interfaces = sorted(set(psutil.net_if_addrs()) - self._interfaces)
        return [*inside, *mounts, *directories, *interfaces]


def network_namespace(pid: int) -> str | None:
    with suppress(OSError):
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    return None

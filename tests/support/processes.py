"""Real child processes for tests: they run a piece of Python, and are ended with the test."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
GENEROUS_S = 60.0
_PAUSE_S = 0.01


class Child:
    """A Python process; what it prints is read line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    @property
    def pid(self) -> int:
        return self.process.pid

    def line(self) -> str:
        """The next line that it prints; empty when it has ended."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def say(self, text: str) -> None:
        """Give it a line to read."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{text}\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(GENEROUS_S)

    def finish(self) -> tuple[int, str]:
        """Let it end; its exit code and everything else that it printed."""
        out, _ = self.process.communicate(timeout=GENEROUS_S)
        return self.process.returncode, out.strip()


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait until something is so, with a generous bound."""
    pause = threading.Event()
    for _ in range(int(GENEROUS_S / _PAUSE_S)):
        if condition():
            return
        pause.wait(_PAUSE_S)
    raise AssertionError(f"it did not happen: {what}")


@contextmanager
def child(code: str, *arguments: object) -> Iterator[Child]:
    """Run `code` with `arguments` in sys.argv."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        yield Child(process)
    finally:
        process.kill()
        process.communicate()

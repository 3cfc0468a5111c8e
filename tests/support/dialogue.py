"""A command in a terminal of its own, with somebody who answers its questions."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.office import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

ROOT = Path(__file__).parents[2]


@dataclass
class Terminal:
    """Runs a command line of ipfx-failover in a pseudo-terminal. Use it as a context.

    `module`: of another program, which is run instead.
    """

    argv: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)
    module: str = "ipfx_failover"

    def __enter__(self) -> Terminal:  # noqa: PYI034 - it is not subclassed
        self._seen = bytearray()
        self._answered = 0
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            ["setsid", "--ctty", sys.executable, "-m", self.module, *self.argv],
            cwd=ROOT,
            env={**os.environ, "COLUMNS": "80", **self.environ},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        os.close(self._ours)

    @property
    def screen(self) -> str:
        """All that was shown so far."""
        return self._seen.decode("utf-8", "replace").replace("\r\n", "\n")

    def answer(self, question: str, line: str) -> None:
        """Wait for a question that was not answered yet, and type a line."""
        eventually(lambda: question in self._unanswered(), question, explain=lambda: self.screen)
        self._answered = len(self.screen)
        os.write(self._ours, f"{line}\n".encode())

    def wait(self) -> int:
        """The exit code."""
        eventually(lambda: self.process.poll() is not None, "it ends", explain=lambda: self.screen)
        self._reader.join()
        return self.process.wait()

    def _unanswered(self) -> str:
        return self.screen[self._answered :]

    def _read(self) -> None:
        with suppress(OSError):  # its other end is closed
            while piece := os.read(self._ours, 4096):
                self._seen += piece

"""A terminal (pseudo-terminal and emulator) with a program in it: what is typed, what is shown."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import pyte

from tests.support.office import GENEROUS_S, wait_for

if TYPE_CHECKING:
    import signal
    from collections.abc import Mapping, Sequence

_XTERM = {"TERM": "xterm-256color", "COLUMNS": "", "LINES": "", "LC_ALL": "C.UTF-8"}


class Terminal:
    """Use it as a context; the program is ended with it."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        columns: int = 80,
        rows: int = 24,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.written = b""
        self._master, slave = pty.openpty()
        self.resize(columns, rows)
        given = {**os.environ, **_XTERM, **(environ or {})}
        self.process = subprocess.Popen(
            argv,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={name: value for name, value in given.items() if value},
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509 - no threads that it could hurt
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()
        with self.process:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(GENEROUS_S)
            self.process.kill()

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        self._screen.resize(rows, columns)
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def hang_up(self) -> None:
        """The line is cut."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    @property
    def text(self) -> str:
        """What is shown now."""
        self._read()
        return "\n".join(line.rstrip() for line in self._screen.display)

    def until(self, *words: str) -> str:
        """What is shown once all these words are."""

        def find() -> str | None:
            text = self.text
            return text if all(word in text for word in words) else None

        return wait_for(find, f"{words} is shown", explain=lambda: self.text)

    def wait(self) -> int:
        """The program's exit code, once it has ended; what it writes meanwhile is read."""

        def find() -> int | None:
            self._read()
            return self.process.poll()

        return wait_for(find, "it ends", explain=lambda: self.text)

    def send_signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def _read(self) -> None:
        while self._master >= 0 and select.select([self._master], [], [], 0)[0]:
            try:
                piece = os.read(self._master, 65536)
            except OSError:  # nobody has it open any more
                return
            self.written += piece
            self._stream.feed(piece)


def _take_terminal() -> None:
    """Make it the controlling terminal, so that a hang-up is one."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)

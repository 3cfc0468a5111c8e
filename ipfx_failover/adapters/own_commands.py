"""Commands of this program in processes of their own, which go on when this one ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from ipfx_failover.adapters.own_program import own_program
from ipfx_failover.adapters.processes import cannot_run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


class OwnCommand:
    """A command that runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def interrupt(self) -> None:
        """As Ctrl-C in its terminal would; without effect when it has ended."""
        if sys.platform == "win32":
            # Where Windows refuses, Python 3.11 raises the latter.
            with suppress(OSError, SystemError):
                self._process.send_signal(signal.CTRL_BREAK_EVENT)
        else:
            self._process.send_signal(signal.SIGINT)


class OwnCommands:
    """Starts commands with the same config; what they print is told line by line."""

    def __init__(self, config: Path) -> None:
        self._config = config

    def start(
        self,
        arguments: Sequence[str],
        said: Callable[[str], object],
        ended: Callable[[int], object],
    ) -> OwnCommand:
        """Start a command; `said` is told each line, `ended` the exit code, in another thread.

        It has no terminal, and a session of its own: a line that is cut ends this process, and
        not what it has begun.

        Raises:
            Failed: it cannot be started.
        """
        program = own_program()
        try:
            process = subprocess.Popen(
                [*program, *arguments, "--config", str(self._config)],
                env={**os.environ, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
                creationflags=_flags(),
            )
        except OSError as error:
            raise cannot_run(program[0], error) from None
        threading.Thread(
            target=_read, args=(process, said, ended), name="command", daemon=True
        ).start()
        return OwnCommand(process)


def _read(
    process: subprocess.Popen[str], said: Callable[[str], object], ended: Callable[[int], object]
) -> None:
    with process:
        for line in process.stdout or ():
            said(line.rstrip("\n"))
    ended(process.returncode)


def _flags() -> int:
    """Windows: a process group, so that a Ctrl-Break can be for it alone; nothing elsewhere."""
    flags = 0
    if sys.platform == "win32":
        flags |= subprocess.CREATE_NEW_PROCESS_GROUP
    return flags

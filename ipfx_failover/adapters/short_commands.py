"""Commands that end by themselves, with a bound on their time and on what is kept of their output.

The output goes to a file: a pipe would be held open by whatever the command leaves behind.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import psutil

from ipfx_failover.adapters.processes import cannot_run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_KEPT_BYTES = 64 << 10
_TAIL_LINES = 5
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended. `exit_code`: None when it was killed because its time was over."""

    exit_code: int | None
    output: str

    def complaint(self, timeout_s: float) -> str | None:
        """How it failed, in words; None when it did not."""
        if self.exit_code == 0:
            return None
        said = f": {last}" if (last := last_lines(self.output)) else ""
        if self.exit_code is None:
            return f"did not end within {timeout_s:g} s{said}"
        return f"{exit_in_words(self.exit_code)}{said}"


def run_command(
    argv: Sequence[str],
    *,
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    given: bytes = b"",
) -> Ended:
    """Run a command to its end; after `timeout_s` it is killed with what it has started.

    `given`: what it can read from its standard input.

    Raises:
        Failed: it cannot be run.
    """
    with _scratch_file() as output:
        try:
            child = subprocess.Popen(
                argv,
                env=env,
                cwd=cwd,
                stdin=subprocess.PIPE if given else subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise cannot_run(argv[0], error) from None
        with child:
            exit_code = _wait(child, given, timeout_s)
        return Ended(exit_code, _end_of(output, _KEPT_BYTES))


def last_lines(text: str) -> str:
    """The last lines of an output on one line, for a message."""
    lines = [line for raw in text.splitlines() if (line := _CONTROL.sub(" ", raw).strip())]
    return " | ".join(lines[-_TAIL_LINES:])


def exit_in_words(exit_code: int) -> str:
    """How a process ended."""
    if exit_code < 0:
        return f"was ended by signal {-exit_code}"
    return f"ended with exit code {exit_code}"


def _wait(child: subprocess.Popen[bytes], given: bytes, timeout_s: float) -> int | None:
    try:
        child.communicate(given or None, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        _kill_with_descendants(child)
        return None
    except BaseException:
        _kill_with_descendants(child)
        raise
    return child.returncode


def _kill_with_descendants(child: subprocess.Popen[bytes]) -> None:
    try:
        descendants = psutil.Process(child.pid).children(recursive=True)
    except psutil.Error:
        descendants = []
    child.kill()
    for process in descendants:
        try:
            process.kill()
        except psutil.Error:
            continue


def _scratch_file() -> IO[bytes]:
    try:
        return tempfile.TemporaryFile()
    except OSError:
        # A full disk costs the output, never the command.
        return Path(os.devnull).open("r+b")


def _end_of(file: IO[bytes], most_bytes: int) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - most_bytes))
    return file.read(most_bytes).decode("utf-8", "replace")

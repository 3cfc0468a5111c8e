"""Commands that end by themselves, with a bound on their time and on their output.

The output goes to a file: a pipe would be held open by whatever the command leaves behind.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import psutil

from ipfx_failover.adapters.processes import cannot_run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_KEPT_BYTES = 64 << 10
_ON_DISK_BYTES = 1 << 20
_LOOK_EVERY_S = 0.01
"""So often its output is looked at: `yes` writes tens of megabytes meanwhile."""
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
        with child, _kept_short(output):
            exit_code = _wait(child, given, timeout_s)
        return Ended(exit_code, _end_of(output).decode("utf-8", "replace"))


def kill_commands() -> None:
    """Kill, with what they have started, the commands that run in other threads of this process."""
    _kill(psutil.Process().children(recursive=True))


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


@contextmanager
def _kept_short(output: IO[bytes]) -> Iterator[None]:
    """See to it in a thread of its own that the output fills no disk."""
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(_LOOK_EVERY_S):
            _shorten(output)

    thread = threading.Thread(target=look, name="output of a command", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _shorten(output: IO[bytes]) -> None:
    """Keep no more than the end of what is too long; the command goes on writing behind it.

    It writes where we are in the file: what it writes just now may be lost.
    """
    with suppress(OSError):
        if os.fstat(output.fileno()).st_size > _ON_DISK_BYTES:
            kept = _end_of(output)
            output.truncate(0)
            output.seek(0)
            output.write(kept)


def _kill_with_descendants(child: subprocess.Popen[bytes]) -> None:
    try:
        descendants = psutil.Process(child.pid).children(recursive=True)
    except psutil.Error:
        descendants = []
    child.kill()
    _kill(descendants)


def _kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.kill()


def _scratch_file() -> IO[bytes]:
    try:
        return tempfile.TemporaryFile(buffering=0)
    except OSError:
        # A full disk costs the output, never the command.
        return Path(os.devnull).open("r+b", buffering=0)


def _end_of(file: IO[bytes]) -> bytes:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _KEPT_BYTES))
    return file.read(_KEPT_BYTES)

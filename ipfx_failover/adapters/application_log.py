"""What the application writes to its standard output and error, kept for whoever has to read it."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from ipfx_failover.adapters.short_commands import last_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROTATED_AT_BYTES: Final = 10 << 20
_TAIL_BYTES: Final = 4096
_ROOM_BYTES: Final = 64 << 10


class ApplicationLog:
    """`application.log` in a directory: begun anew above 10 MiB, with one predecessor."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "application.log"
        self._start_byte = 0

    @contextmanager
    def begin(self) -> Iterator[IO[bytes]]:
        """The file for a new process; from here on, `tail` tells its lines only."""
        with self._open() as file:
            self._start_byte = file.seek(0, os.SEEK_END)
            yield file

    def tail(self) -> str:
        """The last lines on one line; empty when there are none, or none can be read."""
        try:
            with self.path.open("rb") as file:
                end = file.seek(0, os.SEEK_END)
                file.seek(max(self._start_byte, end - _TAIL_BYTES))
                return last_lines(file.read(_TAIL_BYTES).decode("utf-8", "replace"))
        except OSError:
            return ""

    def _open(self) -> IO[bytes]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.exists() and self.path.stat().st_size > _ROTATED_AT_BYTES:
                self.path.replace(self.path.with_name(f"{self.path.name}.1"))
            _see_room_in(self.path)
            return self.path.open("ab")
        except OSError:
            # No log is no reason to leave the clients without the application.
            return Path(os.devnull).open("ab")


def _see_room_in(path: Path) -> None:
    """See that something can be written: many a program ends when its output is not taken.

    Raises:
        OSError: the disk is full.
    """
    with path.open("ab", buffering=0) as file:
        start_byte = file.seek(0, os.SEEK_END)
        written = file.write(b"\n" * _ROOM_BYTES)
        file.truncate(start_byte)
    if written < _ROOM_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

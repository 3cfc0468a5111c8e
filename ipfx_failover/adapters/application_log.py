"""What the application writes to its standard output and error, kept for whoever has to read it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from ipfx_failover.adapters.short_commands import last_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROTATED_AT_BYTES: Final = 10 << 20
_TAIL_BYTES: Final = 4096


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
            return self.path.open("ab")
        except OSError:
            # No log is no reason to leave the clients without the application.
            return Path(os.devnull).open("ab")

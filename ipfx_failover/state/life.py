"""A sign of life: a file in the state directory that a worker touches as long as it works."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class SignOfLife:
    """Costs no commit, of which everybody would be told; it is needed by one reader only."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def give(self) -> None:
        """Do it every second or so."""
        with suppress(OSError):  # who cannot write here is in trouble that it tells elsewhere
            self._path.touch()

    def seen(self) -> int | None:
        """Another value each time that it was given, however the clock was set meanwhile."""
        with suppress(OSError):
            return self._path.stat().st_mtime_ns
        return None

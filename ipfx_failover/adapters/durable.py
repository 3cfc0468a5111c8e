"""Changes to directories of this machine that survive a crash."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.adapters.paths import WINDOWS

if TYPE_CHECKING:
    from pathlib import Path

_ATTEMPTS = 100
_PAUSE_S = 0.05


def replace_file(path: Path, to: Path) -> None:
    """Rename `path` over `to` in one step, and have the directory flushed.

    Windows denies this while another process has `to` open; most have it for moments only, so it
    is tried for 5 s.

    Raises:
        OSError: as os.replace.
    """
    for attempt in range(_ATTEMPTS):
        try:
            path.replace(to)
            break
        except PermissionError:
            if not WINDOWS or attempt == _ATTEMPTS - 1:
                raise
            SystemClock().sleep(_PAUSE_S)
    flush_directory(to.parent)


def flush_directory(path: Path) -> None:
    """Have the names in a directory written to the disk; Windows does that by itself."""
    if WINDOWS:
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Default places and file rights, as each operating system has them.

The places are plain: platformdirs would say /etc/xdg/ipfx-failover on Linux, where an operator
looks in /etc/ipfx-failover.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Literal, NamedTuple

from ipfx_failover.adapters.sealing import is_sealed

if TYPE_CHECKING:
    from collections.abc import Mapping

WINDOWS: Final = sys.platform == "win32"
_NAME: Final = "ipfx-failover"
_HEAD_BYTES: Final = 64


class Places(NamedTuple):
    """Where things are when the config does not say."""

    config_file: Path
    state_dir: Path
    machine_dir: Path
    """Of the whole machine, whatever `state_dir` is; empty after a reboot where that can be."""
    local_vm_dir: str
    """With `%servername%` in it, as in the manual ("Directory Structure")."""


class FileFacts(NamedTuple):
    """What `config check` wants to know of a path that the config names."""

    kind: Literal["file", "directory", "other", "missing", "unreadable"]
    exposed: str | None = None
    """Who else may read it, as words that follow the path's name; none: its owner only."""
    is_plain: bool = False
    """On Windows: a secret in it is not encrypted."""


def places(environ: Mapping[str, str], *, windows: bool = WINDOWS) -> Places:
    """The default places on this system (or on the other one, for documentation)."""
    if windows:
        # A copy of os.environ has the name in capitals.
        data = environ.get("PROGRAMDATA") or environ.get("ProgramData") or r"C:\ProgramData"
        root = Path(data) / _NAME
        vm_dir = r"C:\VM\%servername%\VM"
        return Places(root / "config.toml", root / "state", root / "machine", vm_dir)
    root = Path("/var/lib") / _NAME
    return Places(
        Path("/etc") / _NAME / "config.toml",
        root,
        Path("/run") / _NAME,
        f"{root.as_posix()}/servers/%servername%/VM",
    )


def exposure(file: int | Path) -> str | None:
    """Why a secret in this open or named file is not safe from others; None when it is.

    On Windows groups of no particular people count; an account that is named may have its reason.

    Raises:
        OSError: as `os.stat`.
    """
    if WINDOWS:
        return _exposure_on_windows(file)
    mode = stat.S_IMODE(os.stat(file).st_mode)  # noqa: PTH116 - it takes a descriptor as well
    if mode & 0o077:
        return f"can be read or changed by others (mode {mode:04o})"
    return None


def how_to_narrow(path: Path) -> str:
    """The command that keeps others from a file."""
    if WINDOWS:  # SYSTEM and the administrators, by their numbers: their names are translated
        return f'icacls "{path}" /inheritance:r /grant:r *S-1-5-18:F *S-1-5-32-544:F'
    return f"chmod 600 {path}"


def narrow(path: Path) -> None:
    """Keep others from a file of ours; what a file system cannot keep, it does not.

    Raises:
        OSError: the file is not ours.
    """
    if WINDOWS:
        from ipfx_failover.adapters.windows import file_rights

        file_rights.narrow(path, is_directory=path.is_dir())
    else:
        path.chmod(0o700 if path.is_dir() else 0o600)


def others_can_write(file: int | Path) -> bool:
    """Whether others may change this open or named file; on Windows nobody has looked.

    Raises:
        OSError: as `os.stat`.
    """
    mode = os.stat(file).st_mode  # noqa: PTH116 - it takes a descriptor as well
    return not WINDOWS and bool(mode & 0o022)


def look(path: Path) -> FileFacts:
    """What is at a path; never raises."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return FileFacts("directory")
        if not stat.S_ISREG(mode):
            return FileFacts("other")
        with path.open("rb") as opened:
            return FileFacts("file", exposure(opened.fileno()), is_plain=_is_plain(opened))
    except (FileNotFoundError, NotADirectoryError):
        return FileFacts("missing")
    except (OSError, ValueError):
        return FileFacts("unreadable")


def nearest_directory(path: Path) -> Path:
    """The path itself if it is a directory, else the nearest one above it that is there."""
    return next((each for each in (path, *path.parents) if each.is_dir()), path)


def _exposure_on_windows(file: int | Path) -> str | None:
    from ipfx_failover.adapters.windows import file_rights

    if isinstance(file, int):
        crowds = file_rights.crowds(file)
    else:
        with file.open("rb") as opened:
            crowds = file_rights.crowds(opened.fileno())
    return f"can be read or changed by {' and '.join(crowds)}" if crowds else None


def _is_plain(opened: BinaryIO) -> bool:
    return WINDOWS and not is_sealed(opened.read(_HEAD_BYTES))

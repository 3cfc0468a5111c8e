r"""The port through which a machine's files and programs are reached: "run + files".

The live server is behind SSH (adapters/ssh), this machine behind adapters/local_host. What works
over the port works in both directions of replication.

Paths are absolute and written as that machine writes them (`/var/vm/app.db`, `C:\VM\app.db`);
`join` and `parent` understand both. Methods raise Unreachable when the machine is lost, Failed
when it refuses an operation; the message names machine and path.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_ROOM_BYTES = 200
"""Of the 255 that a name may have."""
_WINDOWS = re.compile(r"^([A-Za-z]:[\\/]|\\\\)")


class Kind(Enum):
    """What a name in a directory stands for; a link is never followed."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    OTHER = "other"


class FileStat(NamedTuple):
    """What a directory says about a name. SSH knows whole seconds only for `mtime_ns`."""

    kind: Kind
    size_bytes: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """A name in a directory."""

    name: str
    stat: FileStat


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a program ended, and what it wrote."""

    exit_status: int
    stdout: bytes
    stderr: bytes

    @property
    def last_error_line(self) -> str:
        """The last line of standard error, for a message."""
        lines = self.stderr.decode("utf-8", "replace").strip().splitlines()
        return lines[-1].strip() if lines else f"exit status {self.exit_status}"


class LiveHost(Protocol):
    """A machine, its programs and its files. One thread uses it at a time."""

    @property
    def name(self) -> str:
        """What people call the machine."""
        ...

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout_s: float,
        on_output: Callable[[bytes], None] | None = None,
    ) -> RunResult:
        """Run a program with exactly these arguments.

        Args:
            argv: program and arguments; quoting is the adapter's business, never the caller's.
            stdin: what the program reads; its standard input ends after that.
            timeout_s: longer than that, and it counts as Failed.
            on_output: called with each piece of standard output as it comes.

        A program that does not exist ends with exit status 127.
        """
        ...

    def python(self) -> str:
        """The name of the Python 3 interpreter to run there."""
        ...

    def read_file(self, path: str, *, start_byte: int = 0) -> Iterator[bytes]:
        """The content of a file from `start_byte` on, in pieces. Failed when it is cut short."""
        ...

    def write_file(self, path: str, chunks: Iterable[bytes]) -> None:
        """Write a file under a temporary name, flush it to the disk, then rename it to `path`.

        The result can be read by its owner only: see `adopt_ownership`.
        """
        ...

    def continue_file(self, path: str, start_byte: int, chunks: Iterable[bytes]) -> None:
        """Write a file from `start_byte` on; it is made where there is none.

        Under its own name, so that what a lost connection left can be gone on with. It reaches the
        disk when the system sees fit: see `flush_file`.
        """
        ...

    def flush_file(self, path: str) -> None:
        """Have a file written to the disk, where the server can."""
        ...

    def list_directory(self, path: str) -> list[DirectoryEntry]:
        """The names in a directory, in no order; [] when there is no such directory."""
        ...

    def stat(self, path: str) -> FileStat | None:
        """What `path` is (a link is not followed); None when there is nothing."""
        ...

    def make_directory(self, path: str) -> None:
        """Make a directory and those above it; nothing happens when it is there."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file; nothing happens when it is not there."""
        ...

    def begin_to_remove(self, path: str) -> Callable[[], None]:
        """The same, without waiting for another machine, which is at it meanwhile.

        What is returned waits for it, and raises what `remove` would. Until somebody has waited, a
        second call asks for nothing: it waits for the first one.
        """
        ...

    def rename(self, path: str, to: str) -> None:
        """Rename a file over whatever has the name `to`, in one step that survives a crash."""
        ...

    def link(self, path: str, to: str) -> None:
        """Give a file a second name, which must be free."""
        ...

    def adopt_ownership(self, path: str, like: str) -> None:
        """Give `path` the owner and the mode of `like`.

        Refused when the account is not allowed to. From a directory, the mode is taken without
        its execute bits, and the owner where the account may.
        """
        ...

    def free_bytes(self, path: str) -> int | None:
        """Free space on the disk that holds the directory `path`; None when it cannot be told."""
        ...

    def sha256(self, path: str) -> str:
        """The SHA-256 of a file's content as the machine reads it back, in hexadecimal."""
        ...

    def sha256_there(self, path: str) -> str | None:
        """The same, where the machine itself can work it out; None where it would be read here."""
        ...

    def close(self) -> None:
        """End the connection, if there is one; the next use makes a new one."""
        ...


def _pure(path: str) -> PurePosixPath | PureWindowsPath:
    return PureWindowsPath(path) if is_windows_path(path) else PurePosixPath(path)


def is_windows_path(path: str) -> bool:
    """Whether a path is written in Windows' way: with a drive letter, or a UNC path."""
    return _WINDOWS.match(path) is not None


def join(path: str, *names: str) -> str:
    """A path below `path`, in the same style."""
    return str(_pure(path).joinpath(*names))


def parent(path: str) -> str:
    """The directory that holds `path`."""
    return str(_pure(path).parent)


def base_name(path: str) -> str:
    """The last part of `path`."""
    return _pure(path).name


def temporary_beside(path: str) -> str:
    """A new name beside `path`, for what is on its way to it.

    It has the other in it: who looks for what a killed run left of that finds this, too.
    """
    name = base_name(path)
    room = len(name.encode("utf-8", "surrogateescape")) <= _ROOM_BYTES
    token = secrets.token_hex(8)
    return join(parent(path), f".ipfx-failover-tmp-{token}{f'-{name}' if room else ''}")


def path_below(directory: str, path: str) -> tuple[str, ...] | None:
    """The names that lead from `directory` to `path`; None when it is not below."""
    try:
        inside = _pure(path).relative_to(_pure(directory))
    except (TypeError, ValueError):
        return None
    return None if ".." in inside.parts else inside.parts

"""Kernel locks by resource, each with its holder's identity beside it.

`NAME/database`, `NAME/files`, `NAME/rows` and `monitor` are locks of a state directory; `stand-in`
is one of the machine. The kernel frees them when their process ends, however it ends.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from ipfx_failover.adapters.process_identity import created_at as process_created_at
from ipfx_failover.errors import Busy, Refused
from ipfx_failover.state.trouble import how_to_write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "MONITOR",
    "STAND_IN",
    "Holder",
    "Locks",
    "command_in_words",
    "database",
    "files",
    "process_created_at",
    "rows",
    "this_command",
]

_MODE = 0o600
_HOLDER_MODE = 0o644
_HOLDER_BYTES = 1 << 20
_HOLDER = ".holder"
_LOOK_S = 0.1
"""Far longer than anybody holds a lock who only looks whether it is held."""

STAND_IN = "stand-in"
MONITOR = "monitor"


def database(server: str) -> str:
    """The resource that guards a server's standby database."""
    return f"{server.upper()}/database"


def files(server: str) -> str:
    """The resource that guards a server's replicated files."""
    return f"{server.upper()}/files"


def rows(server: str) -> str:
    """The resource that guards a server's standby database while changed rows are applied (hot)."""
    return f"{server.upper()}/rows"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock: `created_at` (s) tells a reused process id apart."""

    pid: int
    created_at: float
    work: str

    @property
    def is_alive(self) -> bool:
        return process_created_at(self.pid) == self.created_at


class Locks:
    """The locks below one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @contextmanager
    def hold(self, resource: str, work: str, *, wait_s: float = 0.0) -> Iterator[None]:
        """Hold a resource's lock while the block runs.

        Raises:
            Busy: somebody else holds it; the message names them.
            Refused: the lock's directory cannot be written.
        """
        from filelock import FileLock, Timeout

        path = self._path(resource)
        try:
            # Whoever may open it may lock it, and so keep a takeover from ever happening.
            lock = FileLock(
                path,
                timeout=max(wait_s, _LOOK_S),
                mode=_MODE,
                is_singleton=False,
                thread_local=False,
            )
            lock.acquire()
        except Timeout:
            raise self._busy(resource) from None
        except OSError as error:
            raise Refused(
                f"the lock {path} cannot be made: {error.strerror or error}",
                how_to_write(path.parent),
            ) from None
        try:
            self._write_holder(resource, work)
            yield
        finally:
            self._remove_holder(resource)
            lock.release()

    def holder(self, resource: str) -> Holder | None:
        """Who holds the lock now, without touching it; None when nobody does."""
        try:
            holder = Holder(**json.loads(_content(self._holder_path(resource))))
        except (OSError, ValueError, TypeError):
            return None
        return holder if holder.is_alive else None

    def held(self) -> frozenset[str]:
        """The resources whose lock somebody holds now: one look instead of one for each."""
        with suppress(OSError):
            found = [path.stem for path in self._directory.iterdir() if path.suffix == _HOLDER]
            resources = [stem.replace(".", "/") for stem in found]
            return frozenset(each for each in resources if self.holder(each) is not None)
        return frozenset()

    def is_held(self, resource: str) -> bool:
        """Whether somebody holds the lock now: a full disk may have kept them from being named."""
        path = self._path(resource)
        if self.holder(resource) is not None:
            return True
        if not path.exists():
            return False
        from filelock import FileLock, Timeout

        try:
            with FileLock(path, timeout=0, mode=_MODE, is_singleton=False):
                return False
        except Timeout:
            return True
        except OSError:  # without the right to ask, nobody named is nobody
            return False

    def _busy(self, resource: str) -> Busy:
        holder = self.holder(resource)
        who = f"process {holder.pid} ({holder.work})" if holder else "another process"
        return Busy(
            f"{resource} is in use by {who}",
            "wait for it to end, or end it; then try again",
        )

    # The kernel's lock counts; the holder's name is a help to people. Neither a full disk nor a
    # reader that has the file open (Windows) may keep a takeover from its lock, or hold it up.
    def _write_holder(self, resource: str, work: str) -> None:
        pid = os.getpid()
        holder = {"pid": pid, "created_at": _own_created_at(pid), "work": work}
        with suppress(OSError):
            _overwrite(self._holder_path(resource), json.dumps(holder).encode())

    def _remove_holder(self, resource: str) -> None:
        path = self._holder_path(resource)
        with suppress(OSError):
            _overwrite(path, b"")
            Path(path).unlink(missing_ok=True)

    def _path(self, resource: str) -> Path:
        return self._directory / f"{resource.replace('/', '.')}.lock"

    def _holder_path(self, resource: str) -> str:
        return f"{self._directory}/{resource.replace('/', '.')}{_HOLDER}"


# Without the layers of pathlib and io: they take longer than the kernel does.
def _content(path: str) -> bytes:
    handle = os.open(path, os.O_RDONLY)
    try:
        return os.read(handle, _HOLDER_BYTES)
    finally:
        os.close(handle)


def _overwrite(path: str, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _HOLDER_MODE)
    try:
        os.write(handle, content)
    finally:
        os.close(handle)


@cache
def _own_created_at(pid: int) -> float:
    """When this process was created; asked once, because a takeover's lock is waited for."""
    return process_created_at(pid) or 0.0


def this_command() -> str:
    """How this process was called, for whoever finds its lock."""
    return command_in_words(sys.argv[1:])


def command_in_words(arguments: Sequence[str]) -> str:
    """A command as people think of it: without where its config is, and our hidden option."""
    pairs = pairwise(["", *arguments])
    told = [
        word
        for before, word in pairs
        if "--config" not in {before, word} and not word.startswith(("--config=", "--until-eof"))
    ]
    return " ".join(["ipfx-failover", *told])

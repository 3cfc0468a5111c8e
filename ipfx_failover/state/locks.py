"""Kernel locks by resource, each with its holder's identity beside it.

`NAME/database`, `NAME/files` and `monitor` are locks of a state directory; `stand-in` is one of
the machine. The kernel frees them when their process ends, however it ends.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ipfx_failover.errors import Busy, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STAND_IN = "stand-in"
MONITOR = "monitor"


def database(server: str) -> str:
    """The resource that guards a server's standby database."""
    return f"{server.upper()}/database"


def files(server: str) -> str:
    """The resource that guards a server's replicated files."""
    return f"{server.upper()}/files"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock: `created_at` (s since the epoch) tells a reused process id apart."""

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
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path, timeout=wait_s, is_singleton=False, thread_local=False)
            lock.acquire()
        except Timeout:
            raise self._busy(resource) from None
        except OSError as error:
            raise Refused(
                f"the lock {path} cannot be made: {error.strerror}",
                "run this as the user that runs the monitor (root or an administrator)",
            ) from None
        try:
            self._write_holder(resource, work)
            yield
        finally:
            self._holder_path(resource).unlink(missing_ok=True)
            lock.release()

    def holder(self, resource: str) -> Holder | None:
        """Who holds the lock now, without touching it; None when nobody does."""
        try:
            text = self._holder_path(resource).read_text(encoding="utf-8")
            holder = Holder(**json.loads(text))
        except (OSError, ValueError, TypeError):
            return None
        return holder if holder.is_alive else None

    def _busy(self, resource: str) -> Busy:
        holder = self.holder(resource)
        who = f"process {holder.pid} ({holder.work})" if holder else "another process"
        return Busy(
            f"{resource} is in use by {who}",
            "wait for it to end, then try again",
        )

    def _write_holder(self, resource: str, work: str) -> None:
        pid = os.getpid()
        holder = Holder(pid, process_created_at(pid) or 0.0, work)
        path = self._holder_path(resource)
        beside = path.with_name(f"{path.name}.{pid}")
        beside.write_text(json.dumps(asdict(holder)), encoding="utf-8")
        beside.replace(path)

    def _path(self, resource: str) -> Path:
        return self._directory / f"{resource.replace('/', '.')}.lock"

    def _holder_path(self, resource: str) -> Path:
        return self._directory / f"{resource.replace('/', '.')}.holder"


def process_created_at(pid: int) -> float | None:
    """When a process was created (s since the epoch); None when there is none.

    A process id in another namespace or of another user still answers.
    """
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return process.create_time()
    except psutil.Error:
        return None


def this_command() -> str:
    """How this process was called, for whoever finds its lock."""
    return " ".join(["ipfx-failover", *sys.argv[1:]])

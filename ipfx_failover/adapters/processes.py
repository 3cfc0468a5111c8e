"""Processes: started so that they outlive us, found again, and ended with their descendants."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from typing import IO, TYPE_CHECKING

import psutil

from ipfx_failover.adapters.process_identity import created_at
from ipfx_failover.adapters.waiting import wait_until
from ipfx_failover.errors import Failed
from ipfx_failover.standin.application import Process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from ipfx_failover.clock import Clock

_KILLED_WITHIN_S = 5.0


def identify(pid: int) -> Process | None:
    """The process with this id, as a value that no later process equals; None when there is none.

    `created_at` is in seconds since boot on Linux: the wall clock time that psutil derives from it
    moves whenever the clock is set.
    """
    try:
        process = psutil.Process(pid)
        return _identity(process) if _is_alive(process) else None
    except psutil.Error:
        return None


def is_running(process: Process) -> bool:
    """Whether it still runs: not ended, and its id not given to another process."""
    return identify(process.pid) == process


def handle(process: Process) -> psutil.Process | None:
    """The running process behind the value."""
    with contextlib.suppress(psutil.Error):
        found = psutil.Process(process.pid)
        if is_running(process):
            return found
    return None


def spawn_detached(
    argv: Sequence[str], *, env: Mapping[str, str], cwd: Path | None, output: IO[bytes]
) -> tuple[subprocess.Popen[bytes], Process]:
    """Start a process that has nothing in common with us but its environment and its output.

    On POSIX it leads a session of its own. It is reaped when it ends while we still run. It is
    identified even when it has ended already: what it has started may go on.

    Raises:
        Failed: it cannot be started.
    """

    def start(flags: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            argv,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            creationflags=flags,
        )

    try:
        try:
            child = start(_detaching_flags() | _leaving_flag())
        except PermissionError:  # a job object may let nobody out; better inside than not at all
            child = start(_detaching_flags())
    except (OSError, ValueError) as error:
        raise cannot_run(argv[0], error) from None
    # There is a zombie at least, until it is reaped.
    identity = Process(child.pid, created_at(child.pid, or_ended=True) or 0.0)
    # A child that nobody waits for stays a zombie for as long as we run, which may be months.
    threading.Thread(target=child.wait, name=f"reaper of {child.pid}", daemon=True).start()
    return child, identity


def cannot_run(program: str, error: Exception) -> Failed:
    """The failure to start a program; its arguments are not told, they may be secret."""
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return Failed(
        f"{program} cannot be run: {reason}",
        "give its whole path in the config, and the right to execute it",
    )


def marked(variable: str, value: str) -> set[psutil.Process]:
    """The processes that have this variable in their environment, as it was at their start.

    Processes whose environment we may not read are left out.
    """
    found = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(variable) == value:
                # Made anew: the one at hand comes from a cache, perhaps of a reused process id.
                found.add(psutil.Process(process.pid))
    return found


class Family:
    """Processes and their descendants, looked for anew each time; once seen, always a member.

    A descendant whose parents are gone could not be found a second time. We ourselves and our
    ancestors are never members.
    """

    def __init__(self, seeds: Callable[[], Iterable[psutil.Process]]) -> None:
        self._seeds = seeds
        self._seen: set[psutil.Process] = set()

    def members(self) -> set[psutil.Process]:
        """Those that run now."""
        found = _with_descendants({*self._seeds(), *self._seen}) - _ourselves()
        self._seen = {process for process in found if _is_alive(process)}
        return set(self._seen)

    def head(self) -> Process | None:
        """The oldest member that no other member has started."""
        members = self.members()
        pids = {process.pid for process in members}
        heads = []
        for process in members:
            with contextlib.suppress(psutil.Error):
                if process.ppid() not in pids:
                    heads.append(_identity(process))
        return min(heads, key=lambda each: (each.created_at, each.pid), default=None)


def end(
    members: Callable[[], set[psutil.Process]], clock: Clock, *, grace_s: float
) -> set[psutil.Process]:
    """Ask processes to end, kill those that still run after `grace_s`; what runs even then.

    `members` is asked again and again: what they start meanwhile is ended too.
    """
    asked: set[psutil.Process] = set()

    def ended() -> bool:
        running = members()
        for process in running - asked:
            _quietly(process.terminate)
        asked.update(running)
        return not running

    def killed() -> bool:
        running = members()
        for process in running:
            _quietly(process.kill)
        return not running

    if wait_until(ended, clock, grace_s) or wait_until(killed, clock, _KILLED_WITHIN_S):
        return set()
    return members()


def in_words(processes: Iterable[psutil.Process]) -> str:
    """Names and ids, for a message."""
    words = []
    for process in sorted(processes, key=lambda each: each.pid):
        name = "?"
        with contextlib.suppress(psutil.Error):
            name = process.name()
        words.append(f"{name} (process {process.pid})")
    return ", ".join(words)


def _identity(process: psutil.Process) -> Process:
    created = created_at(process.pid)
    if created is None:
        raise psutil.NoSuchProcess(process.pid)
    return Process(process.pid, created)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _with_descendants(roots: set[psutil.Process]) -> set[psutil.Process]:
    found: set[psutil.Process] = set()
    for root in sorted(roots, key=lambda each: each.pid):
        if root not in found:  # else its descendants are there as well
            found.add(root)
            with contextlib.suppress(psutil.Error):
                found.update(root.children(recursive=True))
    return found


def _ourselves() -> set[psutil.Process]:
    ourselves = psutil.Process()
    return {ourselves, *ourselves.parents()}


def _quietly(action: Callable[[], None]) -> None:
    with contextlib.suppress(psutil.Error):
        action()


def _detaching_flags() -> int:
    """Windows: out of our console and our process group; nothing elsewhere."""
    flags = 0
    if sys.platform == "win32":
        flags |= subprocess.DETACHED_PROCESS
        flags |= subprocess.CREATE_NEW_PROCESS_GROUP
    return flags


def _leaving_flag() -> int:
    """Windows: out of our job object; nothing elsewhere."""
    flag = 0
    if sys.platform == "win32":
        flag |= subprocess.CREATE_BREAKAWAY_FROM_JOB
    return flag

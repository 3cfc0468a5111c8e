"""What encloses the application on Linux, apart from us: its session, and under systemd its scope.

systemd ends a service by ending every process of its cgroup (systemd.kill(5), KillMode=). The
application therefore gets a scope of its own (systemd.scope(5)): it outlives the monitor's
service, and the login session of an operator.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from ipfx_failover.adapters.processes import identify
from ipfx_failover.adapters.short_commands import last_lines, run_command
from ipfx_failover.errors import Failed

if TYPE_CHECKING:
    from ipfx_failover.standin.application import Process

_BOOTED_WITH_SYSTEMD: Final = Path("/run/systemd/system")  # sd_booted(3)
# cgroups(7): unified; hybrid, where systemd's own tree is a v1 or a v2 one.
_CGROUP_ROOTS: Final = ("/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified")
_SCOPE_MADE_WITHIN_S: Final = 5.0


class LinuxEnclosure:
    """Starts the application outside of our cgroup, and knows what is inside of its own."""

    def prefix(self, server: str) -> tuple[str, ...]:
        """What to put before a command so that it leaves our cgroup; nothing where it cannot.

        systemd-run replaces itself with the command: the process id stays the same.
        """
        if not _BOOTED_WITH_SYSTEMD.is_dir() or _refusal():
            return ()
        return (*_SYSTEMD_RUN, f"--unit={_scope(server)}", "--")

    def weakness(self) -> str | None:
        """Why an application that is started now would end with our service; None: it would not."""
        if not _BOOTED_WITH_SYSTEMD.is_dir() or not (reason := _refusal()):
            return None
        return (
            f"systemd gives the application no scope of its own ({reason}): it ends with the "
            "service that starts it, unless that has KillMode=process"
        )

    def pids(self, server: str, leader: Process | None) -> set[int]:
        """Processes of the server's scope, and of the session that `leader` began."""
        return _scope_pids(server) | (_session_pids(leader) if leader else set())


_SYSTEMD_RUN: Final = ("systemd-run", "--system", "--scope", "--collect", "--quiet")


def _scope(server: str) -> str:
    return f"ipfx-failover-application-{server}.scope"


def _refusal() -> str | None:
    """Why systemd makes no scope for us, found by trying; None when it does.

    A service manager that hangs must not keep the application from starting.
    """
    try:
        ended = run_command((*_SYSTEMD_RUN, "--", "true"), timeout_s=_SCOPE_MADE_WITHIN_S)
    except Failed as error:
        return error.message
    return None if ended.exit_code == 0 else last_lines(ended.output) or "it does not answer"


def _scope_pids(server: str) -> set[int]:
    pids: set[int] = set()
    for root in _CGROUP_ROOTS:
        try:
            text = Path(root, "system.slice", _scope(server), "cgroup.procs").read_text("ascii")
        except OSError:
            continue
        pids.update(int(line) for line in text.split())
    return pids - {0}  # a process of an outer PID namespace


def _session_pids(leader: Process) -> set[int]:
    """A session's id is not given to another process before its last member has ended."""
    if identify(leader.pid) not in {leader, None}:
        return set()
    return {pid for pid in psutil.pids() if _session_of(pid) == leader.pid}


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None

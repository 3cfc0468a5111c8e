"""The application as a command that starts it, and mostly one that stops it. No shell is involved.

Its processes are recognised by what encloses them (on Linux a session and a systemd scope), by
the record of what was spawned, and by IPFX_FAILOVER_ROLE in their environment, which is there
from their first moment: when we are killed right after the spawn, nothing is lost.

Where none of this applies (another service starts the application, a container manager for
instance) only `ready_port` tells whether it runs, and only the stop command ends it.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import psutil

from ipfx_failover.adapters.application_log import ApplicationLog
from ipfx_failover.adapters.application_port import BY_HAND, ApplicationPort
from ipfx_failover.adapters.pid_file import PidFile, Started
from ipfx_failover.adapters.processes import (
    Family,
    end,
    handle,
    identify,
    in_words,
    is_running,
    marked,
    spawn_detached,
)
from ipfx_failover.adapters.short_commands import exit_in_words, run_command
from ipfx_failover.adapters.waiting import Deadline, wait_until
from ipfx_failover.config.placeholders import fill
from ipfx_failover.errors import Failed, InDoubt, UsageError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping

    from ipfx_failover.clock import Clock
    from ipfx_failover.config.models import ApplicationSettings
    from ipfx_failover.standin.application import Process, Role

MARK: Final = "IPFX_FAILOVER_ROLE"

_SURVIVED_S: Final = 1.0
_GRACE_AFTER_STOP_S: Final = 2.0
# Of our own service manager: an application that used them would speak in our name.
_NOT_INHERITED: Final = {
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "LISTEN_PID",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    MARK,
}


class Enclosure(Protocol):
    """What keeps the application's processes together, and apart from ours, on this system."""

    def prefix(self, server: str) -> tuple[str, ...]:
        """What to put before the start command."""
        ...

    def pids(self, server: str, leader: Process | None) -> set[int]:
        """The processes inside of it; `leader` is the process that was spawned."""
        ...


class CommandApplication:
    """The `Application` port over start and stop commands.

    Output goes to `application.log` in `state_dir`. `run_dir` keeps `application.pid`; best a
    volatile directory, so that a full disk does not matter. `environ`: what the commands inherit,
    without our secrets.
    """

    def __init__(
        self,
        settings: ApplicationSettings,
        *,
        state_dir: Path,
        run_dir: Path,
        boot_id: str,
        environ: Mapping[str, str],
        enclosure: Enclosure,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._state_dir = state_dir
        self._pid_file = PidFile(run_dir / "application.pid", boot_id)
        self._log = ApplicationLog(state_dir)
        self._port = ApplicationPort(settings, clock)
        self._environ = {key: value for key, value in environ.items() if key not in _NOT_INHERITED}
        self._enclosure = enclosure
        self._clock = clock

    def start(self, role: Role) -> Process | None:
        family = self._family(role, None)
        if self._is_begun(role, family):
            self._await_ready(role, family, None)
        else:
            self._port.refuse_foreign(role)
            self._await_ready(role, family, self._spawn(role))
        return self._record_main(role, family)

    def stop(self, role: Role, process: Process | None) -> None:
        family = self._family(role, process)
        if not family.members() and process is None and self._pid_file.read(role.server) is None:
            return  # whoever may answer the port was not started by us
        deadline = Deadline(self._clock, self._settings.stop_timeout_s)
        grace_s = deadline.left_s
        complaint = None
        if self._settings.stop:
            complaint = self._run_stop_command(role)
            if complaint is None:
                wait_until(lambda: self._is_gone(role, family), self._clock, deadline.left_s)
            grace_s = max(deadline.left_s, _GRACE_AFTER_STOP_S)
        why = f" ({complaint})" if complaint else ""
        if left := end(family.members, self._clock, grace_s=grace_s):
            raise InDoubt(f"the application still runs: {in_words(left)}{why}", BY_HAND)
        self._port.require_closed(role, why)
        self._pid_file.erase()

    def problem(self, role: Role, process: Process | None) -> str | None:
        has_ended = process is not None and not is_running(process)
        ended = f"its process {process.pid} has ended" if process and has_ended else ""
        if self._port.number is not None:
            if self._port.answers(role):
                return None
            silent = f"port {self._port.number} does not answer"
            return f"{silent}; {ended}" if ended else silent
        if not ended or self._family(role, process).members():
            return None
        return ended

    def _family(self, role: Role, process: Process | None) -> Family:
        def seeds() -> Iterator[psutil.Process]:
            started = self._pid_file.read(role.server) or Started(role.server)
            for known in (process, started.leader, started.main):
                if known and (found := handle(known)):
                    yield found
            for pid in self._enclosure.pids(role.server, started.leader):
                with contextlib.suppress(psutil.Error):
                    yield psutil.Process(pid)
            yield from marked(MARK, self._mark(role))

        return Family(seeds)

    def _mark(self, role: Role) -> str:
        # Two installations on one machine (a lab beside the real thing) must not meet.
        return f"{role.server} {self._state_dir}"

    def _is_begun(self, role: Role, family: Family) -> bool:
        if family.members():
            return True
        return self._pid_file.read(role.server) is not None and self._port.answers(role)

    def _spawn(self, role: Role) -> subprocess.Popen[bytes]:
        argv = fill(self._settings.start, role.placeholders())
        prefix = self._enclosure.prefix(role.server)
        # Before the spawn: if we are killed right after it, `stop` still knows of a start.
        self._pid_file.write(Started(role.server))
        try:
            with self._log.begin() as output:
                child, leader = spawn_detached(
                    (*prefix, *argv),
                    env={**self._environ, **role.environment(), MARK: self._mark(role)},
                    cwd=_working_directory(role),
                    output=output,
                )
        except Failed:
            self._pid_file.erase()
            raise
        self._pid_file.write(Started(role.server, leader=leader))
        return child

    def _await_ready(
        self, role: Role, family: Family, child: subprocess.Popen[bytes] | None
    ) -> None:
        """Wait for the port; without one, until `child` has ended well or survived a second."""
        survived = Deadline(self._clock, _SURVIVED_S if child else 0.0)

        def is_ready() -> bool:
            exit_code = child.poll() if child else None
            if exit_code:
                raise self._not_started(exit_in_words(exit_code))
            if self._port.number is None:
                return exit_code == 0 or not survived.left_s
            if self._port.answers(role):
                return True
            if child is None and not family.members():
                raise self._not_started("ended")
            return False

        timeout_s = self._settings.ready_timeout_s
        if self._port.number is None:
            timeout_s = max(timeout_s, 2 * _SURVIVED_S)
        if not wait_until(is_ready, self._clock, timeout_s):
            raise self._not_started(
                f"does not answer port {self._port.number} after {timeout_s:g} s"
            )

    def _not_started(self, how: str) -> Failed:
        tail = self._log.tail()
        said = f"; its last lines: {tail}" if tail else ""
        return Failed(
            f"the application {how}{said}",
            f"read {self._log.path}, and try its start command by hand",
        )

    def _record_main(self, role: Role, family: Family) -> Process | None:
        main = family.head()
        if main is None and (pid := self._port.listener_pid()):
            main = identify(pid)  # it has left its session and cleared its environment
        started = self._pid_file.read(role.server) or Started(role.server)
        self._pid_file.write(Started(role.server, leader=started.leader, main=main))
        return main

    def _run_stop_command(self, role: Role) -> str | None:
        """What went wrong with it, in words: no reason to give up, but one to tell later."""
        timeout_s = self._settings.stop_timeout_s
        try:
            ended = run_command(
                fill(self._settings.stop, role.placeholders()),
                timeout_s=timeout_s,
                env={**self._environ, **role.environment()},
                cwd=_working_directory(role),
            )
        except (Failed, UsageError) as error:
            return f"the stop command: {error.message}"
        complaint = ended.complaint(timeout_s)
        return f"the stop command {complaint}" if complaint else None

    def _is_gone(self, role: Role, family: Family) -> bool:
        return not family.members() and not self._port.answers(role)


def _working_directory(role: Role) -> Path | None:
    directory = Path(role.vm_local_dir)
    return directory if role.vm_local_dir and directory.is_dir() else None

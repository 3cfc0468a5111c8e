"""The application as Windows services, started and stopped by sc.exe.

A service finds the role's values in its environment: IPFX_SERVER, IPFX_ADDRESS and so on, put into
its registry key (value `Environment`), from which Windows takes them at each start. While they are
there, a running service is the stand-in's; one without them was started by somebody else, and is
restarted with them. Set the services to start manually: `sc.exe config NAME start= demand`.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import psutil

from ipfx_failover.adapters.application_port import BY_HAND, ApplicationPort
from ipfx_failover.adapters.short_commands import run_command
from ipfx_failover.adapters.waiting import Deadline, wait_until
from ipfx_failover.adapters.windows.service_facts import (
    RUNNING,
    STOPPED,
    service,
    set_texts,
    texts,
)
from ipfx_failover.config.placeholders import fill
from ipfx_failover.errors import Failed, InDoubt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfx_failover.clock import Clock
    from ipfx_failover.config.models import ApplicationSettings
    from ipfx_failover.standin.application import Process, Role

_SHORT_S: Final = 30.0
_KILLED_WITHIN_S: Final = 5.0
_SURVIVED_S: Final = 1.0
_VALUE: Final = "Environment"
_OURS: Final = "IPFX_"


class WindowsServices:
    """The `Application` port over Windows services. Needs an administrator."""

    def __init__(self, settings: ApplicationSettings, *, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._port = ApplicationPort(settings, clock)

    def start(self, role: Role) -> Process | None:
        names = self._names(role)
        running = _running(names)
        if not running:
            self._port.refuse_foreign(role)
        if not all(_environment(name) == _wanted(name, role) for name in names):
            self._stop(tuple(reversed(running)))
            for name in names:
                _set_environment(name, _wanted(name, role))
        deadline = Deadline(self._clock, self._settings.ready_timeout_s)
        for name in names:
            _start(name)
        self._await_ready(role, names, deadline)
        return None

    def stop(self, role: Role, process: Process | None) -> None:  # noqa: ARG002 - Windows knows it
        names = self._names(role)
        ours = [name for name in names if _environment(name) == _wanted(name, role)]
        running = _running(names)
        if not running and not ours:
            return
        self._stop(tuple(reversed(running)))
        self._port.require_closed(role, "")
        for name in ours:
            _set_environment(name, _foreign(_environment(name)))

    def problem(self, role: Role, process: Process | None) -> str | None:  # noqa: ARG002 - as above
        if self._port.number is not None and not self._port.answers(role):
            return f"port {self._port.number} does not answer"
        try:
            states = {name: _state(name) for name in self._names(role)}
        except Failed as error:
            return error.message
        down = [f"{name} is {state}" for name, state in states.items() if state != RUNNING]
        return ", ".join(down) or None

    def _names(self, role: Role) -> tuple[str, ...]:
        return fill(self._settings.services, role.placeholders())

    def _await_ready(self, role: Role, names: Sequence[str], deadline: Deadline) -> None:
        has_port = self._port.number is not None
        survived = Deadline(self._clock, _SURVIVED_S)

        def is_ready() -> bool:
            states = [_state(name) for name in names]
            for name, state in zip(names, states, strict=True):
                if state == STOPPED:
                    raise _not_started(name, "it has stopped")
            if any(state != RUNNING for state in states):
                return False
            return self._port.answers(role) if has_port else not survived.left_s

        timeout_s = deadline.left_s if has_port else max(deadline.left_s, 2 * _SURVIVED_S)
        if not wait_until(is_ready, self._clock, timeout_s):
            lacks = f"port {self._port.number} does not answer" if has_port else "it is not running"
            raise _not_started(names[-1], f"{lacks} after {self._settings.ready_timeout_s:g} s")

    def _stop(self, names: Sequence[str]) -> None:
        """Stop services in this order, and kill what does not stop.

        Raises:
            InDoubt: one runs even then.
        """
        for name in names:
            run_command(("sc.exe", "stop", name), timeout_s=_SHORT_S)
        if wait_until(lambda: not _running(names), self._clock, self._settings.stop_timeout_s):
            return
        for name in names:
            with contextlib.suppress(psutil.Error):
                if pid := service(name).pid():
                    psutil.Process(pid).kill()
        if not wait_until(lambda: not _running(names), self._clock, _KILLED_WITHIN_S):
            raise InDoubt(f"the application still runs: {', '.join(_running(names))}", BY_HAND)


def _start(name: str) -> None:
    if _state(name) != STOPPED:
        return
    ended = run_command(("sc.exe", "start", name), timeout_s=_SHORT_S)
    if complaint := ended.complaint(_SHORT_S):
        raise _not_started(name, f"sc.exe start {complaint}")


def _not_started(name: str, how: str) -> Failed:
    return Failed(
        f"the service {name} did not start: {how}",
        f'see the event log (eventvwr), and try it by hand: sc.exe start "{name}"',
    )


def _running(names: Sequence[str]) -> list[str]:
    return [name for name in names if _state(name) != STOPPED]


def _state(name: str) -> str:
    """The state of a service, in psutil's words.

    Raises:
        Failed: there is no such service, or it may not be asked.
    """
    try:
        return str(service(name).status())
    except psutil.NoSuchProcess:
        reason, hint = "there is no such service", "see: sc.exe query state= all"
    except psutil.Error:
        reason, hint = "access is denied", "run it elevated (as administrator), or as a service"
    raise Failed(f"the service {name} cannot be used: {reason}", hint)


def _wanted(name: str, role: Role) -> list[str]:
    values = (f"{key}={value}" for key, value in role.environment().items())
    return [*_foreign(_environment(name)), *values]


def _foreign(entries: Sequence[str]) -> list[str]:
    """What others have put there."""
    return [entry for entry in entries if not entry.startswith(_OURS)]


def _environment(name: str) -> list[str]:
    return texts(name, _VALUE)


def _set_environment(name: str, entries: Sequence[str]) -> None:
    try:
        set_texts(name, _VALUE, entries)
    except OSError as error:
        raise Failed(
            f"the environment of the service {name} cannot be set: {error.strerror}",
            "run it elevated (as administrator), or as a service",
        ) from None

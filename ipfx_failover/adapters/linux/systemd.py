"""The application as systemd units, through systemctl(1).

A unit cannot be given an environment from outside. It finds the role's values in a file, once it
has this line in its [Service] section (a drop-in will do: systemctl edit UNIT):

    EnvironmentFile=-/run/ipfx-failover/application.env

They are IPFX_SERVER, IPFX_ADDRESS, IPFX_PORT, IPFX_CATALOG, IPFX_DATABASE, IPFX_VM_DIR and
IPFX_VM_LOCAL_DIR; no secret is among them, everyone may read the file. While it says whose role is
performed, an active unit is the stand-in's; an active unit without it was started by somebody
else, without the role's values, and is restarted with them. Units are not to be enabled. A monitor
whose service has RuntimeDirectory=ipfx-failover needs RuntimeDirectoryPreserve=yes with it, or its
end would take the file along.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ipfx_failover.adapters.application_port import BY_HAND, ApplicationPort
from ipfx_failover.adapters.short_commands import Ended, last_lines, run_command
from ipfx_failover.adapters.waiting import Deadline, wait_until
from ipfx_failover.config.placeholders import fill
from ipfx_failover.errors import Failed, InDoubt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ipfx_failover.clock import Clock
    from ipfx_failover.config.models import ApplicationSettings
    from ipfx_failover.standin.application import Process, Role

ENVIRONMENT_FILE: Final = Path("/run/ipfx-failover/application.env")

_SURVIVED_S: Final = 1.0
_KILLED_WITHIN_S: Final = 5.0
_SHORT_S: Final = 10.0
_PROPERTIES: Final = ("Id", "LoadState", "ActiveState", "Type", "Result")
_SPECIAL: Final = str.maketrans({character: f"\\{character}" for character in '\\"$`'})


@dataclass(frozen=True, slots=True)
class UnitState:
    """What systemd says of a unit; the words are its own (systemctl(1), `show`)."""

    name: str
    load: str
    active: str
    kind: str
    result: str

    @property
    def is_up(self) -> bool:
        """It does its work; a `oneshot` unit has done it."""
        done = self.kind == "oneshot" and self.active == "inactive" and self.result == "success"
        return self.active in {"active", "reloading"} or done

    @property
    def is_down(self) -> bool:
        return self.active in {"inactive", "failed"}


class SystemdApplication:
    """The `Application` port over systemd units. `prefix` stands before each command."""

    def __init__(
        self,
        settings: ApplicationSettings,
        *,
        clock: Clock,
        environment_file: Path = ENVIRONMENT_FILE,
        prefix: Sequence[str] = (),
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._port = ApplicationPort(settings, clock)
        self._file = environment_file
        self._prefix = tuple(prefix)

    def start(self, role: Role) -> Process | None:
        units = self._units(role)
        states = self._require_installed(self._states(units))
        running = [state.name for state in states if not state.is_down]
        if not running:
            self._port.refuse_foreign(role)
        if not self._is_ours(role):
            self._stop_units(running)
            self._write_environment(role)
        failed = [state.name for state in states if state.active == "failed"]
        if failed:  # else systemd may refuse: too many starts in a short time
            self._run("systemctl", "reset-failed", "--", *failed)
        deadline = Deadline(self._clock, self._settings.ready_timeout_s)
        for unit in units:
            self._start_unit(unit, deadline)
        self._await_ready(role, units, deadline)
        return None

    def stop(self, role: Role, process: Process | None) -> None:  # noqa: ARG002 - systemd knows them
        units = self._units(role)
        running = [state.name for state in self._states(units) if not state.is_down]
        if not running and not self._is_ours(role):
            return
        self._stop_units(tuple(reversed(running)))
        self._port.require_closed(role, "")
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)

    def problem(self, role: Role, process: Process | None) -> str | None:  # noqa: ARG002
        if self._port.number is not None and not self._port.answers(role):
            return f"port {self._port.number} does not answer"
        try:
            states = self._states(self._units(role))
        except Failed as error:
            # While the port answers, a service manager that does not is no problem of ours.
            return error.message if self._port.number is None else None
        down = [f"{state.name} is {state.active}" for state in states if not state.is_up]
        return ", ".join(down) or None

    def _units(self, role: Role) -> tuple[str, ...]:
        return fill(self._settings.services, role.placeholders())

    def _start_unit(self, unit: str, deadline: Deadline) -> None:
        timeout_s = max(deadline.left_s, _SHORT_S)
        ended = self._run("systemctl", "start", "--", unit, timeout_s=timeout_s)
        if complaint := ended.complaint(timeout_s):
            raise self._not_started(unit, f"systemctl start {complaint}")

    def _await_ready(self, role: Role, units: Sequence[str], deadline: Deadline) -> None:
        has_port = self._port.number is not None
        survived = Deadline(self._clock, _SURVIVED_S)

        def is_ready() -> bool:
            states = self._states(units)
            for state in states:
                if state.is_down and not state.is_up:
                    raise self._not_started(state.name, f"it is {state.active} ({state.result})")
            if not all(state.is_up for state in states):
                return False
            return self._port.answers(role) if has_port else not survived.left_s

        timeout_s = deadline.left_s if has_port else max(deadline.left_s, 2 * _SURVIVED_S)
        if not wait_until(is_ready, self._clock, timeout_s):
            lacks = f"port {self._port.number} does not answer" if has_port else "it is not active"
            raise self._not_started(
                units[-1], f"{lacks} after {self._settings.ready_timeout_s:g} s"
            )

    def _not_started(self, unit: str, how: str) -> Failed:
        return Failed(
            f"{unit} did not start: {how}{self._last_lines(unit)}",
            f"see: systemctl status {unit}; journalctl -u {unit}",
        )

    def _last_lines(self, unit: str) -> str:
        argv = ("journalctl", "--quiet", "--no-pager", "--output=cat", "--lines=5")
        try:
            self._run("journalctl", "--sync")
            ended = self._run(*argv, f"_SYSTEMD_UNIT={unit}")
        except Failed:
            return ""
        tail = last_lines(ended.output) if ended.exit_code == 0 else ""
        return f"; its last lines: {tail}" if tail else ""

    def _stop_units(self, units: Sequence[str]) -> None:
        """Stop units in this order, kill what does not stop.

        Raises:
            InDoubt: one runs even then.
        """
        if not units:
            return
        deadline = Deadline(self._clock, self._settings.stop_timeout_s)
        for unit in units:
            self._run("systemctl", "stop", "--", unit, timeout_s=max(deadline.left_s, 1.0))
        if not self._running(units):
            return
        self._run("systemctl", "kill", "--signal=SIGKILL", "--", *units)
        if not wait_until(lambda: not self._running(units), self._clock, _KILLED_WITHIN_S):
            names = ", ".join(self._running(units))
            raise InDoubt(f"the application still runs: {names}", BY_HAND)

    def _running(self, units: Sequence[str]) -> list[str]:
        return [state.name for state in self._states(units) if not state.is_down]

    def _states(self, units: Sequence[str]) -> list[UnitState]:
        ended = self._run("systemctl", "show", f"--property={','.join(_PROPERTIES)}", "--", *units)
        if complaint := ended.complaint(_SHORT_S):
            raise Failed(
                f"systemctl show {complaint}",
                "run this as root, on a system that was booted with systemd",
            )
        return [_unit_state(block) for block in ended.output.strip().split("\n\n")]

    def _require_installed(self, states: list[UnitState]) -> list[UnitState]:
        for state in states:
            if state.load != "loaded":
                raise Failed(
                    f"{state.name} cannot be started: {state.load}",
                    f"see: systemctl status {state.name}; the config names it as a service",
                )
        return states

    def _run(self, *argv: str, timeout_s: float = _SHORT_S) -> Ended:
        return run_command((*self._prefix, *argv), timeout_s=timeout_s)

    def _is_ours(self, role: Role) -> bool:
        try:
            return self._file.read_text(encoding="utf-8") == environment_text(role.environment())
        except (OSError, ValueError):
            return False

    def _write_environment(self, role: Role) -> None:
        beside = self._file.with_suffix(".new")
        try:
            self._file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            beside.write_text(environment_text(role.environment()), encoding="utf-8")
            beside.chmod(0o644)
            beside.replace(self._file)
        except OSError as error:
            raise Failed(
                f"{self._file} cannot be written: {error.strerror}",
                "run this as root, or as a service with RuntimeDirectory=ipfx-failover",
            ) from None


def environment_text(values: Mapping[str, str]) -> str:
    """Variables in the format of EnvironmentFile= (systemd.exec(5)): quoted, as a shell would."""
    return "".join(f'{key}="{value.translate(_SPECIAL)}"\n' for key, value in values.items())


def _unit_state(block: str) -> UnitState:
    values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
    return UnitState(
        name=values.get("Id", "?"),
        load=values.get("LoadState", "?"),
        active=values.get("ActiveState", "?"),
        kind=values.get("Type", ""),
        result=values.get("Result", ""),
    )

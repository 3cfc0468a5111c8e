"""The monitor as a Windows service. It was tried under Wine only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

import psutil

from ipfx_failover.adapters.carry_out import carry_out
from ipfx_failover.adapters.service import sc_commands
from ipfx_failover.adapters.service.log_file import last_error
from ipfx_failover.adapters.service.sc_commands import NAME, SYSTEM
from ipfx_failover.adapters.short_commands import run_command
from ipfx_failover.adapters.waiting import wait_until
from ipfx_failover.adapters.windows import service_facts
from ipfx_failover.adapters.windows.libraries import library
from ipfx_failover.adapters.windows.service_facts import PENDING, RUNNING, STOPPED
from ipfx_failover.adapters.windows.service_host import SAYS
from ipfx_failover.errors import DoneWithExceptions, Failed, Refused, UsageError
from ipfx_failover.installing import MARK, Plan, Run, ServiceState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ipfx_failover.adapters.service.sc_commands import Wanted
    from ipfx_failover.clock import Clock
    from ipfx_failover.installing import Action

_SETTLES_WITHIN_S: Final = 100.0
"""It ends itself when it has not within 90 s."""
_SHORT_S: Final = 30.0
_SEE_OWN_CODE: Final = 1066  # ERROR_SERVICE_SPECIFIC_ERROR
_NEVER_STARTED: Final = 1077  # ERROR_SERVICE_NEVER_STARTED
_NOT_INSTALLED: Final = ServiceState(
    unit=NAME,
    installed=False,
    agrees=None,
    at_boot=False,
    active=STOPPED,
    detail="",
    pid=None,
    since=None,
    text="",
)


class WindowsService:
    """The service. `wanted`: what it is to be; None: nobody knows, because the config is wrong.

    `notes` are for whoever installs it; `log` is where it writes its errors.
    """

    def __init__(
        self, wanted: Wanted | None, *, notes: Sequence[str] = (), log: Path, clock: Clock
    ) -> None:
        self._wanted = wanted
        self._notes = tuple(notes)
        self._log = log
        self._clock = clock

    def installation(self) -> Plan:
        """What is to be done so that it starts with the system.

        Raises:
            Refused: one with its name is not ours, or has fewer privileges than it is to have.
        """
        there, wanted = self._ours(), self._wanted
        if wanted is None or (there is not None and self._agrees(there)):
            return Plan()
        if there is not None and _privileges() and not wanted.privileges:
            raise Refused(
                f"{NAME} is confined, and commands of the config would be, too",
                "remove it, and install it again: ipfx-failover service remove",
            )
        steps = sc_commands.installation(wanted, service_facts.KEYS, is_there=there is not None)
        return Plan(tuple(steps), self._notes)

    def export(self, directory: Path) -> Plan:
        """Refused: Windows keeps its services in no file."""
        raise Refused(
            f"there is no file of a Windows service to write into {directory}",
            "what would be run is shown by: ipfx-failover service install --plan",
        )

    def removal(self) -> Plan:
        there = self._ours()
        if there is None:
            return Plan()
        return Plan(tuple(sc_commands.removal(is_running=there.status() != STOPPED)))

    def control(self, verb: Literal["start", "stop"]) -> Plan:
        """What starts or stops it; nothing when it runs, or does not, already.

        Raises:
            Refused: it is not installed.
        """
        there = self._ours()
        if there is None:
            raise Refused(f"{NAME} is not installed", "install it: ipfx-failover service install")
        self._settle()
        if (verb == "start") == (there.status() != STOPPED):
            return Plan()
        return Plan((sc_commands.control(verb),))

    def carry_out(self, plan: Plan) -> ServiceState:
        """Do what the plan says; what is so afterwards.

        Raises:
            Refused: no right to.
            Failed: a command failed, or the service did not start; none is half installed.
            DoneWithExceptions: this Windows does not know all that the service is to have.
        """
        if plan.actions and not library("shell32").IsUserAnAdmin():
            raise Refused("no permission to change services", "run it elevated (as administrator)")
        was_there = _find() is not None
        try:
            left_out = [each for each in map(self._do, plan.actions) if each]
        except Failed:
            if not was_there and _find() is not None:
                run_command(("sc.exe", "delete", NAME), timeout_s=_SHORT_S)
            raise
        if left_out:
            raise DoneWithExceptions(
                f"{NAME} is installed without what this Windows does not know",
                "what is listed is all that it lacks; start it: ipfx-failover service start",
                tuple(left_out),
            )
        return self.state()

    def state(self) -> ServiceState:
        """What Windows says of it now."""
        there = _find()
        if there is None:
            return _NOT_INSTALLED
        active, pid = str(there.status()), there.pid()
        return ServiceState(
            unit=NAME,
            installed=True,
            agrees=None if self._wanted is None else self._agrees(there),
            at_boot=there.start_type() == "automatic",
            active=active,
            detail=f"as {there.username()}" if pid else _how_it_ended(),
            pid=pid,
            since=_since(pid),
            text=" ".join(service_facts.texts(NAME, SAYS)) if active == RUNNING else "",
        )

    def _do(self, action: Action) -> str | None:
        """Carry out one step and wait until it has come about; what an optional one lacked."""
        self._settle()
        try:
            carry_out((action,))
        except Failed as error:
            if not (isinstance(action, Run) and action.optional):
                hint = f"see: sc.exe query {NAME}, and the event log (eventvwr)"
                raise Failed(error.message, hint) from None
            return error.message
        self._settle()
        self._require(action)
        return None

    def _require(self, action: Action) -> None:
        """Fail where it does not run, or has not stopped, after what was to bring that about."""
        if action == sc_commands.control("start") and _status() != RUNNING:
            why = last_error(self._log) or _how_it_ended()
            raise Failed(
                f"{NAME} did not start: {why}", f"see {self._log}, and the event log (eventvwr)"
            )
        if action == sc_commands.control("stop") and _status() != STOPPED:
            raise Failed(
                f"{NAME} did not stop within {_SETTLES_WITHIN_S:g} s: it ends its work first",
                "see: ipfx-failover service status",
            )

    def _settle(self) -> None:
        """Wait while it starts or stops."""
        wait_until(lambda: not str(_status()).endswith(PENDING), self._clock, _SETTLES_WITHIN_S)

    def _agrees(self, there: Any) -> bool:
        wanted = self._wanted
        return wanted is not None and (
            there.binpath() == wanted.command_line
            and there.username().casefold() == wanted.account.casefold()
            and there.start_type() == "automatic"
            and set(wanted.environment) <= set(service_facts.texts(NAME, "Environment"))
            and _privileges() == list(wanted.privileges)
        )

    def _ours(self) -> Any:
        there = _find()
        if there is not None and MARK not in (there.description() or ""):
            raise Refused(
                f"the service {NAME} was not made by ipfx-failover",
                f"keep it, or remove it (sc.exe delete {NAME}) and run the same command again",
            )
        return there


def installed_account(wanted: str | None) -> str:
    """Who the service runs as when `wanted` is asked for: None asks for whoever it runs as now.

    Raises:
        UsageError: Windows would have to be told its password, or it never is an administrator.
    """
    if wanted is None:
        there = _find()
        return str(there.username()) if there is not None else SYSTEM
    if wanted.casefold() in {"system", SYSTEM.casefold()}:
        return SYSTEM
    if wanted.endswith("$") or wanted.casefold().startswith("nt service\\"):
        return wanted
    raise UsageError(
        f"the service cannot run as {wanted}",
        f"name an account whose password Windows keeps: DOMAIN\\name$, or NT SERVICE\\{NAME}",
    )


def _find() -> Any:
    try:
        there = service_facts.service(NAME)
        there.status()
    except psutil.NoSuchProcess:
        return None
    except psutil.Error:
        raise Refused(
            f"no permission to look at the service {NAME}", "run it elevated (as administrator)"
        ) from None
    return there


def _status() -> str | None:
    there = _find()
    return None if there is None else str(there.status())


def _privileges() -> list[str]:
    return service_facts.texts(NAME, "RequiredPrivileges")


def _how_it_ended() -> str:
    try:
        status = service_facts.last_status(NAME)
    except OSError:
        return ""
    if status.error in {0, _NEVER_STARTED}:
        return "not started yet" if status.error else "ended"
    code = status.own_code if status.error == _SEE_OWN_CODE else status.error
    return f"ended with exit code {code}"


def _since(pid: int | None) -> str | None:
    try:
        begun = psutil.Process(pid).create_time() if pid else None
    except psutil.Error:
        return None
    return datetime.fromtimestamp(begun, UTC).isoformat() if begun else None

"""The monitor as a systemd unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from ipfx_failover.adapters.carry_out import carry_out
from ipfx_failover.adapters.linux import unit_files
from ipfx_failover.errors import Failed, Refused
from ipfx_failover.installing import Plan, Run, ServiceState, WriteFile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

UNIT: Final = "ipfx-failover.service"
_PROPERTIES: Final = (
    "LoadState",
    "ActiveState",
    "SubState",
    "UnitFileState",
    "MainPID",
    "ActiveEnterTimestamp",
    "StatusText",
    "Result",
)


class SystemdService:
    """The unit. `text`: what it is to be; None: nobody knows, because the config is wrong.

    `notes` are for whoever installs it, `instead` for who has no systemd.
    """

    def __init__(self, text: str | None, *, notes: Sequence[str] = (), instead: str) -> None:
        self._text = text
        self._notes = tuple(notes)
        self._instead = instead

    def installation(self) -> Plan:
        """What is to be done so that it starts at boot; it needs no systemd to say it."""
        units = {UNIT: self._text or ""}
        unit_files.require_ours(units)
        if unit_files.is_booted() and unit_files.is_installed(units) and self.state().at_boot:
            return Plan()
        return Plan(unit_files.installation(units, UNIT, now=False), self._notes)

    def export(self, directory: Path) -> Plan:
        """What writes the unit into a directory, to be carried to another machine."""
        return Plan((WriteFile(directory / UNIT, self._text or ""),), self._notes)

    def removal(self) -> Plan:
        return Plan(unit_files.removal(unit_files.require_ours([UNIT]), UNIT))

    def control(self, verb: Literal["start", "stop"]) -> Plan:
        """What starts or stops it.

        Raises:
            Refused: it is not installed.
        """
        unit_files.require_booted(self._instead)
        if not unit_files.require_ours([UNIT]):
            raise Refused(f"{UNIT} is not installed", "install it: ipfx-failover service install")
        return Plan((Run(("systemctl", verb, UNIT)),))

    def carry_out(self, plan: Plan) -> ServiceState:
        """Do what the plan says; what is so afterwards.

        Raises:
            Refused: no systemd, or no right to.
            Failed: a command failed; files are as they were.
        """
        unit_files.require_booted(self._instead)
        try:
            carry_out(plan.actions)
        except Failed as error:
            hint = f"see: systemctl status {UNIT}; journalctl -u {UNIT}"
            raise Failed(error.message, hint) from None
        return self.state()

    def state(self) -> ServiceState:
        """What systemd says of it now."""
        unit_files.require_booted(self._instead)
        said = unit_files.properties(UNIT, *_PROPERTIES)
        agrees = None if self._text is None else unit_files.is_installed({UNIT: self._text})
        return ServiceState(
            unit=str(unit_files.UNIT_DIRECTORY / UNIT),
            installed=said["LoadState"] == "loaded",
            agrees=agrees,
            at_boot=said["UnitFileState"] == "enabled",
            active=said["ActiveState"],
            detail=said["SubState"] if said["Result"] == "success" else said["Result"],
            pid=int(said["MainPID"] or 0) or None,
            since=unit_files.instant(said["ActiveEnterTimestamp"]),
            text=said["StatusText"],
        )


def installed_user(wanted: str | None) -> str | None:
    """Who the unit runs as when `wanted` is asked for: None asks for whoever it runs as now.

    None is root.

    Raises:
        UsageError: there is no such user.
    """
    user = wanted or unit_files.setting(UNIT, "User")
    if user is None or user == "root":
        return None
    unit_files.require_user(user)
    return user

"""The daily replication as a systemd timer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ipfx_failover.adapters.linux import unit_files
from ipfx_failover.adapters.service.unit_text import command_line, settings_of, unit_text
from ipfx_failover.errors import Failed
from ipfx_failover.installing import Plan, ScheduleState

if TYPE_CHECKING:
    from ipfx_failover.adapters.service.unit_text import Rights
    from ipfx_failover.installing import Job

TIMER: Final = "ipfx-failover-replicate.timer"
SERVICE: Final = "ipfx-failover-replicate.service"
_MADE_BY: Final = "schedule install"
_DESCRIPTION: Final = "IPFX Failover Server: daily replication"


class SystemdTimer:
    """A timer and the service that it starts, with `rights`."""

    name = "systemd"

    def __init__(self, rights: Rights) -> None:
        self._rights = rights

    def files(self, job: Job) -> dict[str, str]:
        """Name and text of what is installed."""
        service = {"Type": "oneshot", "ExecStart": command_line(job.argv)}
        network = {"Wants": "network-online.target", "After": "network-online.target"}
        timer: dict[str, str | tuple[str, ...]] = {
            "OnCalendar": tuple(f"*-*-* {each:%H:%M:%S}" for each in job.times),
            # A night that was missed is caught up at the next start.
            "Persistent": "true",
            "AccuracySec": "1s",
        }
        return {
            SERVICE: unit_text(
                _MADE_BY,
                {
                    "Unit": {"Description": _DESCRIPTION, **network},
                    "Service": {**service, **settings_of(self._rights)},
                },
            ),
            TIMER: unit_text(
                _MADE_BY,
                {
                    "Unit": {"Description": _DESCRIPTION},
                    "Timer": timer,
                    "Install": {"WantedBy": "timers.target"},
                },
            ),
        }

    def installation(self, job: Job) -> Plan:
        unit_files.require_ours((TIMER, SERVICE))
        if unit_files.is_booted() and self.state(job).agrees:
            return Plan()
        return Plan(unit_files.installation(self.files(job), TIMER, now=True))

    def removal(self) -> Plan:
        return Plan(unit_files.removal(unit_files.require_ours((TIMER, SERVICE)), TIMER))

    def check(self, job: Job) -> ScheduleState:
        """What systemd says after the installation.

        Raises:
            Failed: the timer does not wait for its time.
        """
        state = self.state(job)
        if not state.agrees:
            raise Failed(
                f"{TIMER} was installed and is not active", f"see: systemctl status {TIMER}"
            )
        return state

    def state(self, job: Job | None) -> ScheduleState:
        there = bool(unit_files.require_ours((TIMER,)))
        place = str(unit_files.UNIT_DIRECTORY / TIMER)
        if not there or not unit_files.is_booted():
            return ScheduleState(self.name, place, installed=there)
        said = unit_files.properties(
            TIMER, "ActiveState", "UnitFileState", "NextElapseUSecRealtime"
        )
        waits = (said["ActiveState"], said["UnitFileState"]) == ("active", "enabled")
        return ScheduleState(
            self.name,
            place,
            installed=True,
            agrees=waits and job is not None and unit_files.is_installed(self.files(job)),
            next_run=unit_files.instant(said["NextElapseUSecRealtime"]),
        )

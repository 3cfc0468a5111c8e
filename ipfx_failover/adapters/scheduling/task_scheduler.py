"""The daily replication in Windows Task Scheduler, through schtasks.

It was run against a stand-in for schtasks only: nothing here was tried on Windows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ipfx_failover.adapters.scheduling.task_xml import essence, in_utf16, task_xml
from ipfx_failover.adapters.short_commands import run_command
from ipfx_failover.errors import Failed
from ipfx_failover.installing import DeleteFile, Plan, Run, ScheduleState, WriteFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ipfx_failover.adapters.scheduling.task_xml import Account
    from ipfx_failover.installing import Job

TASK: Final = r"\ipfx-failover\replicate-daily"
FILE: Final = "ipfx-failover-replicate.xml"
_ANSWERS_WITHIN_S: Final = 30.0


class TaskScheduler:
    """A task of `account`, whose XML is kept in `directory`."""

    name = "task-scheduler"

    def __init__(self, account: Account, directory: Path, next_run: Callable[[Job], str]) -> None:
        self._account = account
        self._file = directory / FILE
        self._next_run = next_run

    def files(self, job: Job) -> dict[str, str]:
        """Name and text of what is installed."""
        return {FILE: in_utf16(self.xml(job))}

    def xml(self, job: Job) -> str:
        """The task, without its encoding."""
        return task_xml(job, self._account)

    def installation(self, job: Job) -> Plan:
        if self.state(job).agrees:
            return Plan()
        xml = WriteFile(self._file, in_utf16(self.xml(job)), "utf-16")
        register = ("schtasks", "/Create", "/TN", TASK, "/XML", str(self._file), "/F")
        if self._account.needs_network and not self._account.is_managed and self._account.name:
            ask = f"/RU {self._account.name} /RP *"
            note = f"Windows asks for the password. Run: {' '.join(register)} {ask}"
            return Plan((xml,), (note,))
        return Plan((xml, Run(register)))

    def removal(self) -> Plan:
        if not self.state(None).installed:
            return Plan()
        return Plan((Run(("schtasks", "/Delete", "/TN", TASK, "/F")), DeleteFile(self._file)))

    def check(self, job: Job) -> ScheduleState:
        return self.state(job)

    def state(self, job: Job | None) -> ScheduleState:
        ended = run_command(
            ("schtasks", "/Query", "/TN", TASK, "/XML"), timeout_s=_ANSWERS_WITHIN_S
        )
        if ended.exit_code != 0:
            return ScheduleState(self.name, TASK, installed=False)
        try:
            there = essence(ended.output)
        except ValueError as error:
            raise Failed(
                f"schtasks shows no task: {error}", f"see: schtasks /Query /TN {TASK}"
            ) from None
        agrees = job is not None and there == essence(self.xml(job))
        return ScheduleState(
            self.name,
            TASK,
            installed=True,
            agrees=agrees,
            next_run=self._next_run(job) if job and agrees else None,
        )

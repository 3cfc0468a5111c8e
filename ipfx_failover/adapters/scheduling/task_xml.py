"""The daily replication, and the monitor, as XML for Windows Task Scheduler. Pure.

The elements and their order are those of the Task Scheduler schema ([MS-TSCH] 2.5; version 1.2 is
Windows Vista and later). There is never a password in it.
"""

from __future__ import annotations

import subprocess
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ipfx_failover.installing import MARK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ipfx_failover.installing import Job

NAMESPACE: Final = "http://schemas.microsoft.com/windows/2004/02/mit/task"
_LOCAL_SYSTEM: Final = "S-1-5-18"
# Task Scheduler wants a first day; any that has been will do.
_FIRST_DAY: Final = "2026-01-01"


@dataclass(frozen=True, slots=True)
class Account:
    """Who a task runs as. `name`: None is the system itself.

    `needs_network`: whether it opens shares or databases as itself; then it needs its password,
    which is given when the task is registered, or is a group managed account (`name$`).
    """

    name: str | None
    needs_network: bool

    @property
    def is_managed(self) -> bool:
        """A group managed service account: Windows keeps its password."""
        return self.name is not None and self.name.endswith("$")

    @property
    def is_alone(self) -> bool:
        """A user without a password (S4U), who is nobody on the network."""
        return self.name is not None and not self.needs_network and not self.is_managed


def task_xml(job: Job, account: Account) -> str:
    """The task, as text: the encoding is said where it gets one (`in_utf16`)."""
    triggers = ET.Element("Triggers")
    for each in job.times:
        trigger = ET.SubElement(triggers, "CalendarTrigger")
        _add(trigger, StartBoundary=f"{_FIRST_DAY}T{each:%H:%M:%S}")
        _add(ET.SubElement(trigger, "ScheduleByDay"), DaysInterval="1")
    return _task(f"{MARK} schedule install", triggers, account, job.argv, _SETTINGS)


def monitor_xml(argv: Sequence[str]) -> str:
    """The monitor as a task of the system's: from its start on, and again when it has ended.

    It is looked for each minute; while one runs, none is started beside it.
    """
    triggers = ET.Element("Triggers")
    trigger = ET.SubElement(triggers, "BootTrigger")
    _add(ET.SubElement(trigger, "Repetition"), Interval="PT1M")
    settings = {
        **_SETTINGS,
        # What is usual is below normal, for its memory and disk, too: too low for milliseconds.
        "Priority": "4",
    }
    account = Account(None, needs_network=False)
    return _task("The monitor of ipfx-failover", triggers, account, argv, settings)


def _task(
    description: str,
    triggers: ET.Element,
    account: Account,
    argv: Sequence[str],
    settings: Mapping[str, str],
) -> str:
    task = ET.Element("Task", version="1.2", xmlns=NAMESPACE)
    about = ET.SubElement(task, "RegistrationInfo")
    _add(about, Author="ipfx-failover", Description=description)
    task.append(triggers)
    principal = ET.SubElement(ET.SubElement(task, "Principals"), "Principal", id="Author")
    _add(principal, UserId=account.name or _LOCAL_SYSTEM)
    if account.name is not None:
        _add(principal, LogonType="S4U" if account.is_alone else "Password")
    _add(principal, RunLevel="HighestAvailable")
    _add(ET.SubElement(task, "Settings"), **settings)
    command = ET.SubElement(ET.SubElement(task, "Actions", Context="Author"), "Exec")
    _add(command, Command=argv[0], Arguments=subprocess.list2cmdline(argv[1:]))
    ET.indent(task)
    return ET.tostring(task, encoding="unicode")


def in_utf16(xml: str) -> str:
    """The text of the file, which Task Scheduler wants as UTF-16 with a byte order mark."""
    return f'<?xml version="1.0" encoding="UTF-16"?>\n{xml}\n'


_SETTINGS: Final = {
    "MultipleInstancesPolicy": "IgnoreNew",
    "DisallowStartIfOnBatteries": "false",
    "StopIfGoingOnBatteries": "false",
    # A night that was missed is caught up.
    "StartWhenAvailable": "true",
    "RunOnlyIfNetworkAvailable": "false",
    "Enabled": "true",
    # A large database may take longer than the three days that are usual.
    "ExecutionTimeLimit": "PT0S",
}


def _add(element: ET.Element, **children: str) -> None:
    for name, text in children.items():
        ET.SubElement(element, name).text = text


def essence(xml: str) -> tuple[list[str], list[str], list[str]]:
    """Command, times and accounts of a task: what Task Scheduler keeps as it was given.

    Raises:
        ValueError: it is no task.
    """
    try:
        task = ET.fromstring(xml.partition("?>")[2] if xml.startswith("<?") else xml)  # noqa: S314 - of our own machine
    except ET.ParseError as error:
        raise ValueError(str(error)) from None
    tag = f"{{{NAMESPACE}}}"

    def texts(*names: str) -> list[str]:
        return [each.text or "" for name in names for each in task.iter(f"{tag}{name}")]

    return texts("Command", "Arguments"), texts("StartBoundary"), texts("UserId")

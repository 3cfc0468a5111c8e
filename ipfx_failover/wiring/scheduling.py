"""The daily replication in a scheduler of the system."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Final, Protocol

from ipfx_failover.errors import Refused, UsageError
from ipfx_failover.installing import Job, Plan, WriteFile

if TYPE_CHECKING:
    from datetime import time
    from pathlib import Path

    from ipfx_failover.adapters.scheduling.task_xml import Account
    from ipfx_failover.installing import ScheduleState
    from ipfx_failover.wiring.site import Site

WINDOWS_PROGRAM: Final = r"C:\Program Files\ipfx-failover\Scripts\ipfx-failover.exe"
WINDOWS_CONFIG: Final = r"C:\ProgramData\ipfx-failover\config.toml"
"""Where they usually are, for a task that is made on another system."""
WORDS: Final = ("replicate-from-live", "--all", "--if-due", "--yes")


class Scheduler(Protocol):
    """One scheduler of this machine, and our job in it."""

    name: str

    def files(self, job: Job) -> dict[str, str]:
        """Name and text of what is installed, to be carried to another machine."""
        ...

    def installation(self, job: Job) -> Plan: ...
    def removal(self) -> Plan: ...
    def check(self, job: Job) -> ScheduleState: ...
    def state(self, job: Job | None) -> ScheduleState: ...


def wanted(site: Site) -> dict[str, time]:
    """When each server is to be replicated, as the config says (replicate_daily)."""
    return {
        name: server.replicate_daily
        for name, server in site.config.servers.items()
        if server.replicate_daily is not None and server.database is not None
    }


def job_of(site: Site, *, windows: bool = False) -> Job:
    """The job that does it; `windows`: on a Windows machine, in its usual places.

    Raises:
        UsageError: the config asks for none.
    """
    from ipfx_failover.adapters.own_program import own_program
    from ipfx_failover.adapters.paths import WINDOWS

    times = tuple(sorted(set(wanted(site).values())))
    if not times:
        raise UsageError(
            "no server of the config has a daily replication",
            'set replicate_daily = "01:00:00" for a server that has a database',
        )
    program, config = own_program(), str(site.config_path.absolute())
    if windows and not WINDOWS:
        program, config = (WINDOWS_PROGRAM,), WINDOWS_CONFIG
    return Job((*program, *WORDS, "--config", config), times)


def scheduler(name: str, site: Site | None, account: Account | None = None) -> Scheduler:
    """One of them; without `site` it only looks, and removes."""
    if name == "systemd":
        from ipfx_failover.adapters.scheduling.timer import SystemdTimer
        from ipfx_failover.adapters.service.unit_text import Rights
        from ipfx_failover.wiring.service import job_rights

        return SystemdTimer(job_rights(site) if site else Rights())
    if name == "cron":
        from ipfx_failover.adapters.scheduling.cron import Crontab

        return Crontab(_next_run)
    from ipfx_failover.adapters.scheduling.task_scheduler import TaskScheduler

    return TaskScheduler(account or account_for(site, None), _windows_directory(), _next_run)


def task_xml(site: Site, user: str | None) -> str:
    """The task for Windows Task Scheduler, as text."""
    from ipfx_failover.adapters.scheduling.task_xml import task_xml as xml_of

    return xml_of(job_of(site, windows=True), account_for(site, user))


def here() -> list[str]:
    """The schedulers of this machine, the best first.

    Raises:
        Refused: there is none.
    """
    if sys.platform == "win32":
        return ["task-scheduler"]
    from ipfx_failover.adapters.linux.unit_files import is_booted

    found = ["systemd"] if is_booted() else []
    if shutil.which("crontab"):
        found.append("cron")
    if not found:
        raise Refused(
            "this machine has neither systemd nor cron",
            "install cron; or leave it to the monitor, which replicates daily, too",
        )
    return found


def account_for(site: Site | None, user: str | None) -> Account:
    """The Windows account of the task: it needs the network where a share is mounted as it."""
    from ipfx_failover.adapters.scheduling.task_xml import Account

    paths = [s.files.path for s in site.config.servers.values() if s.files] if site else []
    return Account(user, needs_network=any(str(path).startswith("\\\\") for path in paths))


def installation(site: Site, name: str, account: Account) -> Plan:
    """What installs it in this scheduler, and removes it from the others: one at a time."""
    others = (scheduler(other, None).removal() for other in here() if other != name)
    wanted_plan = scheduler(name, site, account).installation(
        job_of(site, windows=name == "task-scheduler")
    )
    actions = (*(action for other in others for action in other.actions), *wanted_plan.actions)
    return Plan(actions, (*wanted_plan.notes, *_notes(site, name, account)))


def export(site: Site, name: str, account: Account, directory: Path) -> Plan:
    """What writes the files of a scheduler, to be carried to another machine."""
    windows = name == "task-scheduler"
    files = scheduler(name, site, account).files(job_of(site, windows=windows))
    encoding = "utf-16" if windows else "utf-8"
    writes = tuple(WriteFile(directory / file, text, encoding) for file, text in files.items())
    return Plan(writes, _notes(site, name, account))


def carry_out(plan: Plan) -> None:
    """Do what a plan says (ipfx_failover.adapters.carry_out)."""
    from ipfx_failover.adapters.carry_out import carry_out as do

    do(plan.actions)


def _notes(site: Site, name: str, account: Account) -> tuple[str, ...]:
    from ipfx_failover.wiring.service import secret_notes

    notes = list(secret_notes(site.config))
    if name != "task-scheduler":
        return tuple(notes)
    if account.needs_network and account.name is None:
        notes.append(
            "On other machines the system has the rights of the computer account alone. A UNC path "
            "needs a group managed service account that may read it: --user DOMAIN\\name$"
        )
    if account.is_alone:
        notes.append(
            f"{account.name} runs without its password (S4U), so without rights on the network: "
            "enough for SSH. A UNC path or a Windows login at SQL Server needs a group managed "
            "service account (DOMAIN\\name$)"
        )
    return tuple(notes)


def _windows_directory() -> Path:
    import os

    from ipfx_failover.adapters.paths import places

    return places(os.environ, windows=True).config_file.parent


def _next_run(job: Job) -> str:
    from ipfx_failover.adapters.clock import SystemClock, SystemLocalTime
    from ipfx_failover.decide.schedule import next_planned

    local, now = SystemLocalTime(), SystemClock().now()
    first = min(next_planned(each, local.today(), now, local.instant) for each in job.times)
    return first.isoformat()

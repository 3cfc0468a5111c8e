"""`schedule install`, `remove` and `show`: the daily replication in a scheduler of the system."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ipfx_failover.cli.options import ConfigPath, Json, OutputDir, Plan

if TYPE_CHECKING:
    from ipfx_failover.cli.output import Output
    from ipfx_failover.installing import ScheduleState


class With(StrEnum):
    SYSTEMD = "systemd"
    CRON = "cron"
    TASK_SCHEDULER = "task-scheduler"


class Format(StrEnum):
    TEXT = "text"
    XML = "xml"


User = Annotated[
    str | None,
    typer.Option(
        "--user",
        metavar="ACCOUNT",
        help="Task Scheduler only: who the task runs as; default: the system.",
        show_default=False,
    ),
]


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(
        name="schedule",
        help="Have the daily replication done by a scheduler of the system.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for command in (install, remove, show):
        group.command(command.__name__)(command)
    app.add_typer(group)


def install(
    with_: Annotated[
        With | None,
        typer.Option("--with", help="Default: what this machine has.", show_default=False),
    ] = None,
    output_dir: OutputDir = None,
    user: User = None,
    config: ConfigPath = None,
    plan: Plan = False,
    as_json: Json = False,
) -> None:
    """Have a systemd timer, cron or Windows Task Scheduler do the daily replication.

    At the times of replicate_daily, a missed night is caught up. A monitor replicates by itself;
    both may be on, for the state says what is due. Installing again brings the job up to date with
    the config. No password is in it.

    Example: ipfx-failover schedule install --plan
    """
    from dataclasses import asdict

    from ipfx_failover.cli.output import Output
    from ipfx_failover.cli.plans import show_files, show_notes, show_plan
    from ipfx_failover.wiring import scheduling
    from ipfx_failover.wiring.site import open_site

    site = open_site(config)
    output = Output(as_json)
    name = _chosen(with_, output_dir, user)
    account = scheduling.account_for(site, user)
    if output_dir is not None:
        wanted = scheduling.export(site, name, account, output_dir)
    else:
        wanted = scheduling.installation(site, name, account)
    if plan:
        show_plan(wanted, output)
        return
    scheduling.carry_out(wanted)
    if output_dir is not None:
        show_files(wanted, output)
        return
    state = scheduling.scheduler(name, site, account).check(scheduling.job_of(site))
    _show(state, output)
    show_notes(wanted, output)
    output.document(**asdict(state), changed=bool(wanted.actions), notes=wanted.notes)


def remove(plan: Plan = False, as_json: Json = False) -> None:
    """Remove what schedule install made, from whatever scheduler it is in; nothing else.

    Example: ipfx-failover schedule remove
    """
    from ipfx_failover.cli.output import Output
    from ipfx_failover.cli.plans import show_plan
    from ipfx_failover.installing import Plan as Steps
    from ipfx_failover.wiring import scheduling

    output = Output(as_json)
    plans = [scheduling.scheduler(name, None).removal() for name in scheduling.here()]
    wanted = Steps(tuple(action for each in plans for action in each.actions))
    if plan:
        show_plan(wanted, output)
        return
    scheduling.carry_out(wanted)
    output.line("the schedule was removed" if wanted.actions else "there is no schedule")
    output.document(changed=bool(wanted.actions))


def show(
    format_: Annotated[
        Format, typer.Option("--format", help="xml: the task for Windows Task Scheduler.")
    ] = Format.TEXT,
    user: User = None,
    config: ConfigPath = None,
    as_json: Json = False,
) -> None:
    """Show what is installed, when it runs next, and whether it is what the config asks for.

    Example: ipfx-failover schedule show
    """
    from dataclasses import asdict

    from ipfx_failover.cli.output import Output
    from ipfx_failover.wiring import scheduling
    from ipfx_failover.wiring.site import open_site

    site = open_site(config)
    output = Output(as_json)
    if format_ is Format.XML:
        xml = scheduling.task_xml(site, user)
        output.as_it_is(xml)
        output.document(xml=xml)
        return
    wanted = {name: f"{at:%H:%M:%S}" for name, at in scheduling.wanted(site).items()}
    job = scheduling.job_of(site) if wanted else None
    states = [scheduling.scheduler(name, site).state(job) for name in scheduling.here()]
    for name, at in wanted.items():
        output.line(f"config: {name} daily at {at}")
    if not wanted:
        output.line("config: no server has a daily replication (replicate_daily)")
    for state in states:
        _show(state, output)
    output.document(wanted=wanted, schedules=[asdict(state) for state in states])


def _show(state: ScheduleState, output: Output) -> None:
    from ipfx_failover.cli.plans import local

    if not state.installed:
        output.line(f"{state.scheduler}: nothing installed")
    elif state.agrees:
        output.line(f"{state.scheduler}: {state.place}, next run {local(state.next_run)}")
    else:
        output.line(
            f"{state.scheduler}: {state.place} is not what the config asks for: "
            "ipfx-failover schedule install"
        )


def _chosen(with_: With | None, output_dir: Path | None, user: str | None) -> str:
    """The scheduler to use.

    Raises:
        UsageError: it is not on this machine, and no files are asked for.
    """
    from ipfx_failover.errors import UsageError
    from ipfx_failover.wiring import scheduling

    if with_ is not None and output_dir is not None:
        name = str(with_)
    else:
        available = scheduling.here()
        name = str(with_ or available[0])
        if name not in available:
            raise UsageError(
                f"this machine has no {name}",
                f"it has {' and '.join(available)}; for another machine add --output DIR",
            )
    if user is not None and name != With.TASK_SCHEDULER:
        raise UsageError(
            f"--user is for Task Scheduler, not for {name}",
            "the job runs as the monitor's service does (systemd), or as you (cron)",
        )
    return name

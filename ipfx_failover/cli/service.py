"""`service install`, `remove`, `start`, `stop` and `status`: the monitor as a service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ipfx_failover.cli.options import ConfigPath, Json, OutputDir, Plan

if TYPE_CHECKING:
    from ipfx_failover.cli.output import Output
    from ipfx_failover.installing import ServiceState


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(
        name="service",
        help="Run the monitor as a service.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for command in (install, remove, start, stop, status):
        group.command(command.__name__)(command)
    group.command("run", hidden=True)(run)
    app.add_typer(group)


def install(
    user: Annotated[
        str | None,
        typer.Option(
            "--user",
            metavar="USER",
            help="Who it runs as; default: as it is installed already, else root (Windows: the "
            "system).",
            show_default=False,
        ),
    ] = None,
    output_dir: OutputDir = None,
    config: ConfigPath = None,
    plan: Plan = False,
    as_json: Json = False,
) -> None:
    """Install the monitor as a service that starts at boot; start it with service start.

    With systemd a unit, on Windows a service. It has the least rights that the config allows, and a
    watchdog: a monitor that judges no pings any more is restarted. The application outlives it.
    Installing again brings the service up to date with the config.

    Example: ipfx-failover service install --plan
    """
    from ipfx_failover.cli.output import Output
    from ipfx_failover.cli.plans import show_files, show_notes, show_plan
    from ipfx_failover.wiring.scheduling import carry_out
    from ipfx_failover.wiring.service import monitor_service
    from ipfx_failover.wiring.site import open_site

    service = monitor_service(open_site(config), user)
    output = Output(as_json)
    wanted = service.installation() if output_dir is None else service.export(output_dir)
    if plan:
        show_plan(wanted, output)
        return
    if output_dir is not None:
        carry_out(wanted)
        show_files(wanted, output)
        return
    state = service.carry_out(wanted)
    if not wanted.actions:
        output.line(f"{state.unit} is installed already")
    elif state.pid:
        output.line(f"{state.unit} written; it takes effect after service stop and service start")
    else:
        output.line(f"{state.unit} installed; now run: ipfx-failover service start")
    show_notes(wanted, output)
    _document(state, output, changed=bool(wanted.actions))


def remove(plan: Plan = False, as_json: Json = False) -> None:
    """Stop the monitor's service, and remove what service install made.

    A stand-in stays standing; without a monitor nobody looks after it.

    Example: ipfx-failover service remove --plan
    """
    from ipfx_failover.cli.output import Output
    from ipfx_failover.cli.plans import show_plan
    from ipfx_failover.wiring.service import service_as_it_is

    service = service_as_it_is()
    output = Output(as_json)
    wanted = service.removal()
    if plan:
        show_plan(wanted, output)
        return
    state = service.carry_out(wanted)
    output.line(f"{state.unit} {'removed' if wanted.actions else 'is not there'}")
    _document(state, output, changed=bool(wanted.actions))


def start(plan: Plan = False, as_json: Json = False) -> None:
    """Start the monitor's service; returns when the monitor watches.

    Example: ipfx-failover service start
    """
    _control("start", plan=plan, as_json=as_json)


def stop(plan: Plan = False, as_json: Json = False) -> None:
    """Stop the monitor's service until it is started again; a stand-in stays standing.

    Example: ipfx-failover service stop
    """
    _control("stop", plan=plan, as_json=as_json)


def status(config: ConfigPath = None, as_json: Json = False) -> None:
    """Show whether the monitor's service runs, and whether it is what the config asks for.

    Example: ipfx-failover service status --json
    """
    from ipfx_failover.cli.output import Output
    from ipfx_failover.errors import UsageError
    from ipfx_failover.wiring.service import monitor_service, service_as_it_is
    from ipfx_failover.wiring.site import open_site

    output = Output(as_json)
    try:
        service = monitor_service(open_site(config))
    except UsageError as error:
        output.line(f"the config is not usable: {error.message}")
        service = service_as_it_is()
    _show(service.state(), output)


def run(config: ConfigPath = None) -> None:
    """Be the Windows service: what its service manager starts."""
    from ipfx_failover.cli.monitor import watch
    from ipfx_failover.wiring.windows_service import hosted

    with hosted() as host:
        watch(config, host=host)


def _control(verb: Literal["start", "stop"], *, plan: bool, as_json: bool) -> None:
    from ipfx_failover.cli.output import Output
    from ipfx_failover.cli.plans import show_plan
    from ipfx_failover.wiring.service import service_as_it_is

    service = service_as_it_is()
    output = Output(as_json)
    wanted = service.control(verb)
    if plan:
        show_plan(wanted, output)
    else:
        _show(service.carry_out(wanted), output)


def _show(state: ServiceState, output: Output) -> None:
    from ipfx_failover.cli.plans import local

    if not state.installed:
        output.line("not installed; install it: ipfx-failover service install")
    else:
        pid = f", process {state.pid}" if state.pid else ""
        since = f", since {local(state.since)}" if state.since and state.pid else ""
        output.line(f"{state.active} ({state.detail}){pid}{since}")
        output.line("starts at boot" if state.at_boot else "does not start at boot")
        if state.text and state.pid:
            output.line(f"says: {state.text}")
        if state.agrees is False:
            output.line(
                f"{state.unit} is not what the config asks for: ipfx-failover service install"
            )
    _document(state, output)


def _document(state: ServiceState, output: Output, **more: object) -> None:
    from dataclasses import asdict

    output.document(**asdict(state), **more)

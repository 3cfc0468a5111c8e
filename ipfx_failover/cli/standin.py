"""`failover-now`, `stop-failover` and `takeover-ip`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from ipfx_failover.cli.ending import end
from ipfx_failover.cli.names import adapter_names, server_names
from ipfx_failover.cli.options import ConfigPath, Json, Name, Plan, Yes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfx_failover.cli.meter import Meter
    from ipfx_failover.cli.output import Output
    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.errors import DoneWithExceptions, Refused
    from ipfx_failover.records import StandIn
    from ipfx_failover.standin.desk import StandInDesk
    from ipfx_failover.state.journal import Step, StepState
    from ipfx_failover.wiring.site import Site
    from ipfx_failover.workflow.ports import Observer, Workflow

Force = Annotated[
    bool, typer.Option("--force", help="Take the address although somebody may use it.")
]


def add_to(app: typer.Typer) -> None:
    app.command("failover-now")(failover_now)
    app.command("stop-failover")(stop_failover)
    app.command("takeover-ip")(takeover_ip)


def failover_now(
    name: Name,
    config: ConfigPath = None,
    yes: Yes = False,
    plan: Plan = False,
    force: Force = False,
    as_json: Json = False,
) -> int:
    """Take a Primary's role over now, whatever the pings say.

    Works with and without a running monitor; a running one takes over the upkeep. With assume_ip
    the address is probed by ARP first (3 s); --force skips that.

    Example: ipfx-failover failover-now DEMOSERVER --plan
    """
    from ipfx_failover.cli.meter import Meter
    from ipfx_failover.cli.output import Output
    from ipfx_failover.standin.commands import address_in_use
    from ipfx_failover.standin.takeover import Takeover
    from ipfx_failover.wiring import rights
    from ipfx_failover.wiring.site import open_site
    from ipfx_failover.wiring.standin import desk

    site = open_site(config)
    server = site.server(name)
    output = Output(as_json)
    with Meter(output, site.clock) as meter, desk(site, observer=_observer(meter)) as at:
        refusal = at.refusal(server) or rights.for_taking_over(server)
        if refusal is None and not force:
            refusal = address_in_use(at, server)
        if plan:
            steps = at.plan_takeover(server, by="operator")
            warnings = _broken_off(site, at, server)
            _show_plan(at, Takeover(at.ports), steps, refusal, output, warnings=warnings)
            return 0
        if refusal is not None:
            raise refusal
        output.confirm(
            f"The Failover Server will take over the role of {server.name} now; clients have to "
            f"log in again. If {server.name} still runs, both will.",
            yes=yes,
        )
        at.take_over(server, by="operator", wait_s=10)
        stand_in = at.ports.store.stand_in()
    return end(
        site,
        output,
        f"The Failover Server stands in for {server.name}",
        server.name,
        but_for=_unready(stand_in),
    )


def stop_failover(
    name: Name,
    config: ConfigPath = None,
    yes: Yes = False,
    plan: Plan = False,
    as_json: Json = False,
) -> None:
    """Give a Primary's role back: stop the application here, and release the address.

    The first step of failback. Then restart the Primary quickly, and run replicate-to-live: until
    then it is not failed over automatically, and nothing is copied from it.

    Example: ipfx-failover stop-failover DEMOSERVER
    """
    from ipfx_failover.cli.meter import Meter
    from ipfx_failover.cli.output import Output
    from ipfx_failover.standin.commands import signs_of_life
    from ipfx_failover.standin.stand_down import StandDown
    from ipfx_failover.wiring import rights
    from ipfx_failover.wiring.network import application_answers_at
    from ipfx_failover.wiring.site import open_site_in_use
    from ipfx_failover.wiring.standin import desk

    output = Output(as_json)
    site = open_site_in_use(config, output.progress)
    server = site.server(name)
    with Meter(output, site.clock) as meter, desk(site, observer=_observer(meter)) as at:
        if plan or not at.is_giving_back(server.name):
            stand_in = at.stand_in_for(server.name)
        refusal = rights.for_giving_back(at, server.name)
        answers = partial(application_answers_at, server.port)
        signs = [] if refusal else signs_of_life(at, server, answers)
        if plan:
            steps = at.plan_stand_down(stand_in, discard=False)
            _show_plan(at, StandDown(at.ports), steps, refusal, output, warnings=signs)
            return
        if refusal is not None:
            raise refusal
        output.confirm(
            f"The Failover Server will stop performing the role of {server.name}; nobody serves "
            f"its clients until {server.name} has been restarted.",
            yes=yes,
            warnings=signs,
        )
        at.stand_down(server.name, wait_s=10)
    end(
        site,
        output,
        f"Stopped standing in for {server.name}. Now restart it, and then run: "
        f"ipfx-failover replicate-to-live {server.name}",
        server.name,
    )


def takeover_ip(
    target: Annotated[
        str,
        typer.Argument(
            metavar="ADDRESS|NAME",
            help="An IPv4 address, or a server.",
            autocompletion=server_names,
        ),
    ],
    adapter: Annotated[
        str | None,
        typer.Option(
            "--adapter",
            metavar="NAME",
            help="Network adapter; default: network.adapter.",
            autocompletion=adapter_names,
        ),
    ] = None,
    release: Annotated[bool, typer.Option("--release", help="Give the address up again.")] = False,
    force: Force = False,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Stay, announce it and answer conflicts until Ctrl-C."),
    ] = False,
    config: ConfigPath = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Take or release an IP address, alone: no application is started.

    The address is probed by ARP first (RFC 5227, 3 s) and refused with the MAC that answered. It
    is taken as a /32 until the next reboot, announced, and verified by a ping from it. A running
    monitor keeps it; without one use --keep.

    Example: ipfx-failover takeover-ip 192.168.11.1 --adapter eth0
    """
    from ipfx_failover.cli.meter import Meter
    from ipfx_failover.cli.output import Output
    from ipfx_failover.standin.commands import AddressCommand
    from ipfx_failover.wiring import rights
    from ipfx_failover.wiring.network import arp
    from ipfx_failover.wiring.site import open_site
    from ipfx_failover.wiring.standin import desk

    site = open_site(config)
    output = Output(as_json)
    with Meter(output, site.clock) as meter, desk(site, observer=_observer(meter)) as at:
        command = AddressCommand(at, target, adapter)
        if release:
            is_released = command.release()
            done = f"{command.address} was not held: nothing to release"
            if is_released:
                done = f"{command.address} released from {command.adapter}"
        else:
            if refusal := rights.for_addresses(f"take address {command.address}"):
                raise refusal
            command.check(force=force)
            output.confirm(
                f"This machine will use {command.address}; whoever has it now loses it.", yes=yes
            )
            command.take()
            done = f"{command.address} taken on {command.adapter}"
            if keep:
                output.progress(f"{done}; kept until Ctrl-C")
                command.keep(arp, output.progress)
                done = f"{command.address} released from {command.adapter}"
    end(site, output, done, None)


def _unready(stand_in: StandIn | None) -> DoneWithExceptions | None:
    """What to say of a role that is performed on a copy that is not quite ready; else None."""
    if stand_in is None or not stand_in.unready:
        return None
    from ipfx_failover.errors import DoneWithExceptions

    return DoneWithExceptions(
        f"the copy that stands in for {stand_in.server} is not quite ready: {stand_in.unready}",
        "a running monitor tries it again; see: ipfx-failover status",
    )


def _observer(meter: Meter) -> Observer:
    from ipfx_failover.state.journal import StepState

    def observe(step: Step, state: StepState, text: str) -> None:  # noqa: ARG001 - the port
        words = {StepState.DONE: "done", StepState.UNDONE: "undone"}
        if state is StepState.DOING:
            meter.begin(text)
        elif state in words:
            meter.end()
            meter.line(f"  {words[state]}: {text}")

    return observe


def _broken_off(site: Site, at: StandInDesk, server: ServerSettings) -> list[str]:
    """What is left half done with the database, which may not even be in its place."""
    from ipfx_failover.state import journal, locks

    resource = locks.database(server.name)
    found = journal.broken_off(at.ports.store, site.locks.is_held)
    return [each.advice for each in found if each.resource == resource]


def _show_plan(
    at: StandInDesk,
    workflow: Workflow,
    steps: list[Step],
    refusal: Refused | None,
    output: Output,
    warnings: Sequence[str] = (),
) -> None:
    lines = at.describe(steps, workflow)
    for number, line in enumerate(lines, start=1):
        output.line(f"{number}. {line}")
    for warning in warnings:
        output.line(f"warning: {warning}")
    reasons = []
    if refusal is not None:
        output.line(f"It would be refused: {refusal.message}")
        output.line(f"  hint: {refusal.hint}")
        reasons.append({"message": refusal.message, "hint": refusal.hint})
    output.document(steps=lines, warnings=list(warnings), refusals=reasons)

"""`replicate-from-live` and `replicate-to-live` (manual, "Replicating databases manually")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ipfx_failover.cli.options import Ask, ConfigPath, Json, Name, NameOrAll, UntilEof, Yes

if TYPE_CHECKING:
    from ipfx_failover.cli.each import Done
    from ipfx_failover.cli.meter import Meter
    from ipfx_failover.cli.output import Output
    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.state.journal import Step, StepState
    from ipfx_failover.state.store import Store
    from ipfx_failover.wiring.site import Site
    from ipfx_failover.workflow.ports import Observer, Values


def add_to(app: typer.Typer) -> None:
    app.command("replicate-from-live")(replicate_from_live)
    app.command("replicate-to-live")(replicate_to_live)


def replicate_from_live(
    name: NameOrAll = None,
    every: Annotated[bool, typer.Option("--all", help="All servers of the config.")] = False,
    if_due: Annotated[
        bool, typer.Option("--if-due", help="Only where the daily replication is due.")
    ] = False,
    discard_standby: Annotated[
        bool,
        typer.Option(
            "--discard-standby",
            help="Also when the standby is ahead, or may be; what it has is set aside first.",
        ),
    ] = False,
    config: ConfigPath = None,
    yes: Yes = False,
    as_json: Json = False,
    until_eof: UntilEof = False,
    ask: Ask = False,
) -> int | None:
    """Copy a Primary's database to the Failover Server now: backup, copy, verify, swap.

    The Primary goes on working meanwhile. When anything fails, the standby copy is the one that it
    was, and an e-mail is sent. Refused while the standby holds data that the Primary has not.
    A terminal is asked first; --yes, a scheduler and a script are not.
    From a scheduler use --all --if-due --yes.

    Example: ipfx-failover replicate-from-live DEMOSERVER
    """
    from ipfx_failover.cli.each import chosen, end_with_parent, for_each
    from ipfx_failover.cli.ending import tell
    from ipfx_failover.cli.output import Output
    from ipfx_failover.wiring.site import open_site

    end_with_parent(until_eof=until_eof)
    site = open_site(config)
    output = Output(as_json)
    servers = chosen(site, name, every=every, has=lambda server: server.database)
    with site.store() as store:
        if if_due:
            servers = [server for server in servers if _is_due(site, store, server)]
        names = ", ".join(server.name for server in servers)
        if discard_standby:
            output.confirm(
                f"What the standby of {names} has, and the Primary has not, will not reach the "
                "Primary; a copy of it is kept here.",
                yes=yes,
            )
        elif servers and (ask or (output.can_ask and not (if_due or until_eof))):
            # The manual's question. It guards nothing that could be lost: schedulers go on.
            output.confirm(
                f"The database of {names} will be replicated to the Failover Server now. This may "
                "take several minutes.",
                yes=yes,
            )
        code = for_each(
            servers,
            output,
            lambda server: _from_live(
                site, store, server, output, discard=discard_standby, is_daily=if_due
            ),
        )
    tell(site)
    return code


def replicate_to_live(
    name: Name,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Also when the standby is not ahead: what is live is replaced."
        ),
    ] = False,
    config: ConfigPath = None,
    yes: Yes = False,
    as_json: Json = False,
) -> int | None:
    """Copy database and files from the Failover Server to the Primary: the last step of failback.

    The Primary runs, its application does not. A safety backup of its database is made first, and
    kept there. Afterwards start the application on the Primary.

    Example: ipfx-failover replicate-to-live DEMOSERVER
    """
    from ipfx_failover.cli.each import for_each
    from ipfx_failover.cli.ending import tell
    from ipfx_failover.cli.output import Output
    from ipfx_failover.wiring.site import open_site

    site = open_site(config)
    server = site.server(name)
    output = Output(as_json)
    output.confirm(
        f"The database of {server.name} will be replaced by the Failover Server's, and its files "
        "brought up to date. Its application must not run.",
        yes=yes,
    )
    with site.store() as store:
        code = for_each(
            [server], output, lambda each: _to_live(site, store, each, output, overwrite=overwrite)
        )
    tell(site)
    return code


def _is_due(site: Site, store: Store, server: ServerSettings) -> bool:
    from ipfx_failover.monitor.nightly import due

    return due(server, store, site.clock.now(), site.local)


def _from_live(
    site: Site,
    store: Store,
    server: ServerSettings,
    output: Output,
    *,
    discard: bool,
    is_daily: bool,
) -> Done:
    from ipfx_failover.cli.meter import Meter
    from ipfx_failover.history.wording import size
    from ipfx_failover.replication.facts import exceptions_of
    from ipfx_failover.wiring.replication import replicator
    from ipfx_failover.wiring.setting_aside import discard_standby

    with Meter(output, site.clock) as meter:
        if discard:
            meter.begin("keep what the standby has")
            kept = discard_standby(site, store, server)
            meter.line(f"{server.name}: what the standby had is kept in {kept}")
        meter.line(f"{server.name}: replicating from live")
        meter.begin(f"reach {server.name}")
        made, close = replicator(
            site, store, server, _observer(meter), report=meter, is_daily=is_daily
        )
        try:
            facts = made.from_live(discards=discard)
        finally:
            close()
    output.line(
        f"{server.name}: replicated from live, {size(int(facts['backup_size_bytes'] or 0))} as of "
        f"{_local(facts['backup_as_of'])}"
    )
    shown: dict[str, object] = {
        "as_of": facts["backup_as_of"],
        "size_bytes": facts["backup_size_bytes"],
        "kept_backup": facts.get("kept_backup"),
        "warnings": _warned(server, facts, output),
    }
    return shown, exceptions_of(server.name, facts)


def _to_live(
    site: Site, store: Store, server: ServerSettings, output: Output, *, overwrite: bool
) -> Done:
    from ipfx_failover.cli.meter import Meter
    from ipfx_failover.history.wording import size
    from ipfx_failover.replication.facts import exceptions_of
    from ipfx_failover.wiring.network import application_answers
    from ipfx_failover.wiring.replication import replicator

    answers = application_answers(server)
    with Meter(output, site.clock) as meter:
        made, close = replicator(site, store, server, _observer(meter), report=meter)
        try:
            facts = made.to_live(application_answers=answers, overwrite=overwrite)
        finally:
            close()
    safety = facts.get("safety_path")
    output.line(f"{server.name}: replicated to live, {size(int(facts['backup_size_bytes'] or 0))}")
    if safety:
        output.line(f"{server.name}: the database that was there is kept as {safety}")
    output.line(f"Now start the application on {server.name}.")
    if server.real_time != "off":
        output.line(
            "Its rows are followed again after a whole copy, which is due now: ipfx-failover "
            f"replicate-from-live {server.name}"
        )
    shown: dict[str, object] = {
        "size_bytes": facts["backup_size_bytes"],
        "files_copied": facts.get("files_copied", 0),
        "safety_backup": safety,
        "warnings": _warned(server, facts, output),
    }
    return shown, exceptions_of(server.name, facts)


def _warned(server: ServerSettings, facts: Values, output: Output) -> list[str]:
    """What the operator should know although all is done; said, and given back."""
    from ipfx_failover.replication.facts import warnings_of

    warnings = warnings_of(facts)
    for each in warnings:
        output.progress(f"warning: {server.name}: {each}")
    return warnings


def _observer(meter: Meter) -> Observer:
    from ipfx_failover.state.journal import StepState

    def observe(step: Step, state: StepState, text: str) -> None:  # noqa: ARG001 - the port
        if state is StepState.DOING:
            meter.line(f"  {text}")
            meter.begin(text)
        elif state is StepState.UNDONE:
            meter.line(f"  undone: {text}")

    return observe


def _local(iso: object) -> str:
    from datetime import datetime

    return f"{datetime.fromisoformat(str(iso)).astimezone():%Y-%m-%d %H:%M:%S}"

"""`hot enable`, `hot disable`, `hot show`: change tracking on the live server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from ipfx_failover.cli.options import ConfigPath, Json, Name, Plan, Yes
from ipfx_failover.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ipfx_failover.cli.output import Output
    from ipfx_failover.replication.rows.switching import Setup
    from ipfx_failover.wiring.hot import HotReport

_INDENT = "  "


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(
        name="hot",
        help="Follow a SQL Server's rows in real time.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for command in (enable, disable, show):
        group.command(command.__name__)(command)
    app.add_typer(group)


def enable(
    name: Name,
    config: ConfigPath = None,
    plan: Plan = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Switch on, on the live server, what following its rows needs.

    Prints the statements first, and asks. Change tracking keeps the keys of changed rows for seven
    days; snapshots let them be read without holding up the application. Which tables, the config
    says (real_time, configuration_tables); those without a primary key cannot be followed, and are
    as of the last replication from live.

    Example: ipfx-failover hot enable DEMOSERVER --plan
    """
    after = f"Now make the copy that rows are added to: ipfx-failover replicate-from-live {name}"
    _switch(config, name, on=True, is_plan=plan, yes=yes, output=_output(as_json), after=after)


def disable(
    name: Name,
    config: ConfigPath = None,
    plan: Plan = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Switch change tracking off on the live server, as for an upgrade of its application.

    With it on, primary keys cannot be dropped (3735), nor partitions switched. Prints the
    statements first, and asks; also those for what it leaves on, since others may use it. The copy
    stays, and is as of the last replication from live; rows are followed again after hot enable
    and replicate-from-live. Where this machine's own SQL Server is away it goes on, and ends with
    6.

    Example: ipfx-failover hot disable DEMOSERVER
    """
    after = f"To follow rows again: ipfx-failover hot enable {name}"
    _switch(config, name, on=False, is_plan=plan, yes=yes, output=_output(as_json), after=after)


def show(name: Name, config: ConfigPath = None, as_json: Json = False) -> ExitCode:
    """Show which tables are followed, and how far the copy has come.

    Ends with 6 when rows cannot be followed, with 4 when one of the two servers cannot be reached.

    Example: ipfx-failover hot show DEMOSERVER
    """
    from dataclasses import asdict, replace

    from ipfx_failover.cli.output import as_error
    from ipfx_failover.wiring.hot import report
    from ipfx_failover.wiring.site import open_site

    site = open_site(config)
    output = _output(as_json)
    found = report(site, site.server(name))
    _show(found, output)
    shown = asdict(replace(found, trouble=None))
    shown["trouble"] = as_error(found.trouble) if found.trouble else None
    output.document(ok=not found.exit_code, **shown, rows_behind=found.behind)
    return found.exit_code


def _output(as_json: bool) -> Output:
    from ipfx_failover.cli.output import Output

    return Output(as_json)


def _switch(
    config: Path | None,
    name: str,
    *,
    on: bool,
    is_plan: bool,
    yes: bool,
    output: Output,
    after: str,
) -> None:
    from ipfx_failover.replication.rows.schema import torn
    from ipfx_failover.replication.rows.switching import UNSEEN
    from ipfx_failover.wiring.hot import switch
    from ipfx_failover.wiring.site import open_site

    site = open_site(config)
    with switch(site, site.server(name), on=on) as wanted:
        warnings = torn(wanted.setup.choice, wanted.setup.keys) if on else []
        _show_statements(f"On {wanted.server}, in {wanted.catalog}:", wanted.statements, output)
        if not wanted.statements:
            output.line("Nothing to do: it is so already.")
        if on:
            _show_kept(wanted.setup, output)
            _show_not_followed(wanted.setup.choice.left, output)
            for each in warnings:
                _show_wrapped(f"Warning: {each}", output)
            if not wanted.setup.sees_definitions:
                _show_wrapped(f"Warning: {UNSEEN}", output)
        _show_statements(
            "Left on, for others may use it. Once nobody does:", wanted.left_on, output
        )
        if wanted.statements and not is_plan:
            output.confirm(f"This changes the live database of {wanted.server}.", yes=yes)
            wanted.carry_out()
            _show_wrapped(after, output)
        output.document(
            server=wanted.server,
            statements=list(wanted.statements),
            left_on=list(wanted.left_on),
            not_followed=dict(wanted.setup.choice.left),
            torn=warnings,
            sees_definitions=wanted.setup.sees_definitions,
            is_done=not is_plan,
        )


def _show_statements(title: str, statements: Sequence[str], output: Output) -> None:
    """As they can be copied."""
    from ipfx_failover.cli.layout import columns
    from ipfx_failover.events import one_line
    from ipfx_failover.replication.tsql.text import folded

    width = columns()
    if statements:
        output.line(one_line(title))
    for statement in statements:
        for line in folded(one_line(statement), width - len(_INDENT)):
            output.line(f"{_INDENT}{line}")


def _show_kept(setup: Setup, output: Output) -> None:
    """How long the history is kept, where somebody else has switched it on."""
    if setup.retention is None:
        return
    kept = f"Change tracking is on, and kept {setup.retention}: so long this machine may be away"
    _show_wrapped(kept, output)
    if setup.is_short:
        _show_wrapped(
            "Warning: after a longer outage the whole database is copied again; better: ALTER "
            "DATABASE … SET CHANGE_TRACKING (CHANGE_RETENTION = 7 DAYS)",
            output,
        )


def _show_not_followed(left: Mapping[str, str], output: Output) -> None:
    for table, why in left.items():
        _show_wrapped(f"Not followed: {table}: {why}", output)


def _show_wrapped(text: str, output: Output) -> None:
    from ipfx_failover.cli.layout import columns, wrapped

    for line in wrapped(text, columns()):
        output.line(line)


def _show(found: HotReport, output: Output) -> None:
    from ipfx_failover.cli.layout import columns, table

    kept = f"is on, kept {found.retention}" if found.retention else "is off"
    snapshots = "allowed" if found.has_snapshots else "not allowed"
    output.line(f"{found.server}: change tracking {kept}; snapshots are {snapshots}")
    if found.trouble is not None:
        output.line(found.trouble.message)
        output.line(f"  {found.trouble.hint}")
    elif found.copy_version is not None:
        lag = "" if found.lag_s is None else f", {found.lag_s:.0f} s ago"
        output.line(
            f"The copy is at version {found.copy_version} of {found.live_version}{lag}; "
            f"rows behind: {'not known' if found.behind is None else found.behind}"
        )
    rows = [("TABLE", "BEHIND", "HISTORY FROM")]
    rows += [
        (each.name, _number(each.behind), _number(each.valid_from))
        for each in found.tables
        if each.obstacle is None
    ]
    for line in table(rows, columns()) if len(rows) > 1 else ():
        output.line(line)
    _show_not_followed({t.name: t.obstacle for t in found.tables if t.obstacle}, output)
    for each in found.torn:
        _show_wrapped(f"Warning: {each}", output)


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)

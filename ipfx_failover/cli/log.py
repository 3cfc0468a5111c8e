"""`log`: what happened, as the monitor prints it."""

from __future__ import annotations

from typing import Annotated

import typer

from ipfx_failover.cli.names import server_names
from ipfx_failover.cli.options import ConfigPath, Json, Since
from ipfx_failover.errors import ExitCode, Interrupted
from ipfx_failover.events import Level


def add_to(app: typer.Typer) -> None:
    app.command("log")(log)


def log(
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on as the log grows, until Ctrl-C.")
    ] = False,
    since: Since = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Only what was before.")
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(
            "--server", metavar="NAME", help="Only this server.", autocompletion=server_names
        ),
    ] = None,
    level: Annotated[
        Level | None,
        typer.Option("--level", case_sensitive=False, help="Only this level, and graver ones."),
    ] = None,
    lines: Annotated[
        int | None,
        typer.Option(
            "--lines",
            "-n",
            min=0,
            metavar="N",
            help="Only the last N; 20 where no time is given, else all.",
            show_default=False,
        ),
    ] = None,
    config: ConfigPath = None,
    as_json: Json = False,
) -> int | None:
    """Show what happened, as the monitor prints it.

    A line an event, whoever caused it, the monitor or a command, with or without a running
    monitor; oldest first. With --json a document a line, with all the figures of the event.
    --follow ends on Ctrl-C with 130, and goes on when the state store is made anew.

    Example: ipfx-failover log --since 2d --server DEMOSERVER --level warning
    """
    import sys
    from functools import partial

    from ipfx_failover.cli.output import Output, write
    from ipfx_failover.wiring.past import Asked, show_log

    output = Output(as_json)
    asked = Asked(since, until, server, level, lines)
    try:
        show_log(config, asked, output.event, partial(write, sys.stderr), follow=follow)
    except Interrupted:
        if not follow:
            raise
        return ExitCode.INTERRUPTED
    return None

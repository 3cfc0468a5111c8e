"""`status`: the main screen's server list, as a table, as JSON, or as a check."""

from __future__ import annotations

from os import environ
from typing import TYPE_CHECKING, Annotated

import typer

from ipfx_failover.cli.options import ConfigPath, Json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ipfx_failover.report.values import ServerReport, StatusReport


def add_to(app: typer.Typer) -> None:
    app.command("status")(status)


def status(
    config: ConfigPath = None,
    as_json: Json = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="One line and exit 0, 1, 2 or 3, as monitoring plug-ins do."),
    ] = False,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch",
            help="Show the main screen until q; with --json print a document when something "
            "changes.",
        ),
    ] = False,
) -> int | None:
    """Show every server's status, the stand-in, and the age of the copies.

    The status is one of the manual's (OK, SUSPENDED, STOPPED, SUSPECT, FAILURE, REPLICATING), or
    UNKNOWN: nothing was seen yet, or no monitor runs. An old OK is never shown. Below the table
    stands what is to be done.

    --watch shows the main screen of the manual: the server list, the details and the replication
    status of the chosen server, and the log as it grows. The toolbar's keys ask as their commands
    do, and run these commands beside the screen. It needs a terminal, and the package textual:

    pip install 'ipfx-failover[tui]'

    --check ends with the exit codes of monitoring plug-ins (0 OK, 1 WARNING, 2 CRITICAL,
    3 UNKNOWN), the one exception to the exit codes of all commands.

    Example: ipfx-failover status --json
    """
    from dataclasses import asdict

    from ipfx_failover.cli.output import Output
    from ipfx_failover.report.verdict import is_bad
    from ipfx_failover.wiring.looking import look

    output = Output(as_json)
    if watch:
        from ipfx_failover.cli.watch import watch_status

        return watch_status(config, output, check=check)
    report = look(config)
    if check:
        code, line = is_bad(report)
        output.line(line)
        output.document(ok=code == 0, check=line, **asdict(report))
        return code
    if as_json:
        output.document(**asdict(report))
    else:
        _show(report)
    return None


def _show(report: StatusReport) -> None:
    """A plain table; Rich would take longer to import than everything else here."""
    import sys
    from datetime import datetime

    from ipfx_failover.cli.layout import columns, wrapped
    from ipfx_failover.cli.output import lines

    width = columns()
    colours = sys.stdout.isatty() and speaks_colours(environ)
    now = datetime.fromisoformat(report.as_of).astimezone()
    lines(sys.stdout, table(report, now, width, colours=colours))
    for remark in remarks(report):
        lines(sys.stdout, wrapped(remark, width))


def speaks_colours(environ: Mapping[str, str]) -> bool:
    """Whether a terminal understands colours, and nobody minds them (no-color.org)."""
    return not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


_HEADER = ("SERVER", "ADDRESS", "STATUS", "ACTIVITY", "DATABASE OF", "FILES OF")
_ADDRESS = _HEADER.index("ADDRESS")
_COLOURS = {"OK": "32", "FAILURE": "31;1", "SUSPECT": "33", "REPLICATING": "36"}


def table(report: StatusReport, now: datetime, width: int, *, colours: bool) -> list[str]:
    """The lines of the table, without the addresses where they would not fit; `now` is local."""
    from ipfx_failover.cli.layout import table as laid_out
    from ipfx_failover.history.tables import aligned

    rows: list[tuple[str, ...]] = [
        _HEADER,
        *(
            (
                server.name,
                server.address,
                server.status,
                "interrupted" if server.activity == "interrupted stand-in" else server.activity,
                _of(server.copy_as_of, now),
                _of(server.files_as_of, now),
            )
            for server in report.servers
        ),
    ]
    if max(map(len, aligned(rows))) > width:
        rows = [(*row[:_ADDRESS], *row[_ADDRESS + 1 :]) for row in rows]
    head, *others = laid_out(rows, width)
    at = head.index("STATUS")
    return [head, *(_coloured(line, at) if colours else line for line in others)]


def _coloured(line: str, at: int) -> str:
    """With the status, which begins there, in its colour."""
    status = line[at:].partition(" ")[0]
    if (colour := _COLOURS.get(status)) is None:
        return line
    return f"{line[:at]}\x1b[{colour}m{status}\x1b[0m{line[at + len(status) :]}"


def remarks(report: StatusReport) -> list[str]:
    """What stands below the table: what is wrong, why, and what is to be done."""
    found = list(report.warnings)
    if report.standing_in_for:
        found.append(f"Stand-in: {report.stand_in_phase} for {report.standing_in_for}")
    for server in report.servers:
        obstacle = (server.obstacle,) if server.obstacle else ()
        found += [f"{server.name}: {note}" for note in (*obstacle, *server.notes)]
        if server.rows_lag_s is not None:
            found.append(f"{server.name}: hot, {_lag_of(server)}")
    found += report.advice
    if report.mails_waiting:
        waiting = "mail waits" if report.mails_waiting == 1 else "mails wait"
        found.append(f"{report.mails_waiting} {waiting} to be sent")
    for hook, count in report.hooks_waiting.items():
        found.append(f"{count} {'message waits' if count == 1 else 'messages wait'} for {hook}")
    return found


def _lag_of(server: ServerReport) -> str:
    """How far the rows of a hot standby are behind those of the live server."""
    if server.rows_behind is None:
        return f"with all rows as of {_last_whole(server)}"
    what = "" if server.rows_as_of == server.copy_as_of else "what is followed is "
    rows = "row" if server.rows_behind == 1 else "rows"
    return f"{what}{server.rows_lag_s or 0:.0f} s and {server.rows_behind} {rows} behind"


def _last_whole(server: ServerReport) -> str:
    """When it was last known to have every row; after a failback that is the whole copy."""
    from datetime import datetime

    from ipfx_failover.report.wording import in_local_time

    known = filter(None, (server.rows_as_of, server.copy_as_of))
    return in_local_time(max(map(datetime.fromisoformat, known)))


def _of(iso: str | None, now: datetime) -> str:
    """Of when a copy is, in as few words as tell it from `now`."""
    from datetime import datetime

    if iso is None:
        return "-"
    at = datetime.fromisoformat(iso).astimezone()
    if at.date() == now.date():
        return f"{at:%H:%M:%S}"
    return f"{at:%m-%d %H:%M}" if at.year == now.year else f"{at:%Y-%m-%d}"

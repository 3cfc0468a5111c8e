"""`status`: the main screen's server list, as a table, as JSON, or as a check."""

from __future__ import annotations

from os import environ
from typing import TYPE_CHECKING, Annotated

import typer

from ipfx_failover.cli.options import ConfigPath, Json

if TYPE_CHECKING:
    from ipfx_failover.report import StatusReport


def add_to(app: typer.Typer) -> None:
    app.command("status")(status)


def status(
    config: ConfigPath = None,
    as_json: Json = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="One line and exit 0, 1, 2 or 3, as monitoring plug-ins do."),
    ] = False,
) -> int | None:
    """Show every server's status, the stand-in, and the age of the copies.

    The status is one of the manual's (OK, SUSPENDED, STOPPED, SUSPECT, FAILURE, REPLICATING), or
    UNKNOWN: nothing was seen yet, or no monitor runs. An old OK is never shown. Below the table
    stands what is to be done.

    --check ends with the exit codes of monitoring plug-ins (0 OK, 1 WARNING, 2 CRITICAL,
    3 UNKNOWN), the one exception to the exit codes of all commands.

    Example: ipfx-failover status --json
    """
    from dataclasses import asdict

    from ipfx_failover.cli.output import Output
    from ipfx_failover.report import is_bad
    from ipfx_failover.wiring.looking import look

    report = look(config)
    output = Output(as_json)
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

    from ipfx_failover.cli.output import lines

    rows = [_HEADER] + [
        (
            server.name,
            server.address,
            server.status,
            server.activity,
            _local(server.database_as_of),
            _local(server.files_as_of),
        )
        for server in report.servers
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    colours = sys.stdout.isatty() and "NO_COLOR" not in environ
    lines(sys.stdout, [_row(row, widths, colours=colours) for row in rows])
    lines(sys.stdout, _remarks(report))


def _row(row: tuple[str, ...], widths: list[int], *, colours: bool) -> str:
    cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
    if colours and (colour := _COLOURS.get(row[_STATUS])):
        cells[_STATUS] = f"\x1b[{colour}m{cells[_STATUS]}\x1b[0m"
    return "  ".join(cells).rstrip()


_HEADER = ("SERVER", "ADDRESS", "STATUS", "ACTIVITY", "DATABASE AS OF", "FILES AS OF")
_STATUS = _HEADER.index("STATUS")
_COLOURS = {"OK": "32", "FAILURE": "31;1", "SUSPECT": "33", "REPLICATING": "36"}


def _remarks(report: StatusReport) -> list[str]:
    remarks = list(report.warnings)
    if report.standing_in_for:
        remarks.append(f"Stand-in: {report.stand_in_phase} for {report.standing_in_for}")
    remarks += [f"{server.name}: {note}" for server in report.servers for note in server.notes]
    if report.mails_waiting:
        remarks.append(f"{report.mails_waiting} mails wait to be sent")
    return remarks


def _local(iso: str | None) -> str:
    from datetime import datetime

    return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M:%S") if iso else "-"

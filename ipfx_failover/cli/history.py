"""`history`: failovers, replications, availability; as tables, charts, JSON, or a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ipfx_failover.cli.options import ConfigPath, Json, MaybeName, Since

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ipfx_failover.history.record import History

_SLOTS_OF_REPORT = 240
_LAST_REPLICATIONS = 10


def add_to(app: typer.Typer) -> None:
    app.command("history")(history)


def history(
    name: MaybeName = None,
    since: Since = None,
    plot: Annotated[
        bool, typer.Option("--plot", help="Draw ping time, loss and failovers over time.")
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html", metavar="FILE", help="Write a report with charts to open in a browser."
        ),
    ] = None,
    config: ConfigPath = None,
    as_json: Json = False,
) -> None:
    """Show failovers, replications, file syncs, and each month's availability.

    Of one server, or of all; without --since as far back as is known, 400 days at most. A server
    is available while it answers pings, and down from the first unanswered ping of a failure to
    its next answer. Time in which nobody watched (no monitor ran, the server was suspended or
    stopped, our own network was down) is not known, and counts neither way. Pings are recorded
    once a minute.

    The report of --html is one file that needs no network, for a browser, a phone or a printer.
    With --plot, --json has the figures of the charts, too.

    Example: ipfx-failover history DEMOSERVER --since 30d
    """
    from ipfx_failover.cli.layout import columns
    from ipfx_failover.cli.output import Output
    from ipfx_failover.history.plot import chart_columns
    from ipfx_failover.wiring.recalling import recall, save

    output = Output(as_json)
    width = columns()
    slots = chart_columns(width) if plot else _SLOTS_OF_REPORT if html else None
    found = recall(config, name, since, slots, output.progress)
    if html:
        from ipfx_failover.history.page import page

        save(html, page(found))
        output.line(f"The report is {html}")
    if as_json:
        from ipfx_failover.history.record import document

        report = {"html": str(html)} if html else {}
        output.document(**document(found, with_pings=plot), **report)
    elif plot or not html:
        for line in _plot(found, width) if plot else _tables(found, width):
            output.line(line)


def _tables(found: History, width: int) -> Iterable[str]:
    from ipfx_failover.history import tables

    shown = [
        tables.availability_table(found),
        tables.failover_table(found),
        tables.replication_table(found, _LAST_REPLICATIONS),
        tables.file_sync_table(found),
    ]
    return tables.as_lines(shown, width)


def _plot(found: History, width: int) -> Iterable[str]:
    import sys

    from ipfx_failover.history.plot import characters, plot

    return plot(found, width, characters(sys.stdout.encoding))

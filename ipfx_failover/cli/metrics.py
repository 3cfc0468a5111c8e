"""`metrics`: the status for Prometheus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ipfx_failover.cli.options import ConfigPath, Json, UntilEof

if TYPE_CHECKING:
    from ipfx_failover.cli.output import Output
    from ipfx_failover.metrics import Measured

ListenAt = Annotated[
    str | None,
    typer.Option(
        "--listen",
        metavar="ADDRESS:PORT",
        help="Serve them over HTTP at /metrics until Ctrl-C.",
        show_default=False,
    ),
]


def add_to(app: typer.Typer) -> None:
    app.command("metrics")(metrics)


def metrics(
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="FILE",
            help="Write them into a file, replaced in one step, for the textfile collector.",
            show_default=False,
        ),
    ] = None,
    listen: ListenAt = None,
    config: ConfigPath = None,
    as_json: Json = False,
    until_eof: UntilEof = False,
) -> int | None:
    """Print the status as Prometheus metrics.

    The same numbers as in status, with units in their names: whether a monitor runs, each server's
    status, when it was pinged and answered, pings and losses, the age of the copies, what waits in
    the outbox. A running monitor serves them by itself: monitor --metrics. examples/monitoring has
    alert rules and a dashboard. It needs the package prometheus-client:

    pip install 'ipfx-failover[metrics]'

    Example: ipfx-failover metrics --output /srv/metrics/ipfx.prom
    """
    from ipfx_failover.cli.output import Output
    from ipfx_failover.errors import ExitCode, Interrupted, UsageError
    from ipfx_failover.wiring.measuring import Meter, place_of, serve

    if listen is None:
        shown = Output(as_json)
        _print(Meter(config, shown.progress).measure(), output, shown)
        return None
    if output is not None or as_json:
        raise UsageError("--listen goes with neither --output nor --json", "leave one of them out")
    place = place_of(listen)
    if until_eof:
        from ipfx_failover.adapters.signals import end_at_eof

        end_at_eof()
    try:
        serve(config, place, is_child=until_eof)
    except Interrupted:
        return ExitCode.INTERRUPTED
    return None


def _print(measured: Measured, file: Path | None, output: Output) -> None:
    from ipfx_failover.metrics import exposition, families

    if file is not None:
        from ipfx_failover.wiring.measuring import write

        write(exposition(measured), file)
    elif not output.as_json:
        output.as_it_is(exposition(measured).removesuffix("\n"))
    if output.as_json:
        output.document(
            file=None if file is None else str(file),
            metrics=[
                {
                    "name": family.name,
                    "type": family.type,
                    "help": family.documentation,
                    "samples": [
                        {"name": each.name, "labels": each.labels, "value": float(each.value)}
                        for each in family.samples
                    ],
                }
                for family in families(measured)
            ],
        )

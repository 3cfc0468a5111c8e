"""`monitor`: the long-running loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ipfx_failover.cli.options import ConfigPath, Json

if TYPE_CHECKING:
    from pathlib import Path

    from ipfx_failover.monitor.supervision import Host


def add_to(app: typer.Typer) -> None:
    app.command("monitor")(monitor)


def monitor(
    metrics: Annotated[
        str | None,
        typer.Option(
            "--metrics",
            metavar="ADDRESS:PORT",
            help="Serve Prometheus metrics at /metrics, from a process of its own.",
            show_default=False,
        ),
    ] = None,
    config: ConfigPath = None,
    as_json: Json = False,
) -> None:
    """Watch all servers, keep their copies fresh, and take over from one that fails.

    Runs until SIGTERM or Ctrl-C, which leave a stand-in standing; started again, also after a
    crash, it goes on. A second monitor of the same state directory is refused. Prints what
    happens, a line an event (with --json a document a line). An edit of the config is taken up
    without a restart, and what it changed is told; a broken one changes nothing. Needs root, or the
    rights CAP_NET_RAW (pings) and CAP_NET_ADMIN (addresses); on Windows an administrator.

    Example: ipfx-failover monitor --config /etc/ipfx-failover/config.toml
    """
    if metrics is not None:
        from ipfx_failover.wiring.measuring import check_metrics

        check_metrics(metrics)
    watch(config, as_json=as_json, metrics=metrics)


def watch(
    config: Path | None,
    *,
    as_json: bool = False,
    metrics: str | None = None,
    host: Host | None = None,
) -> None:
    """Monitor until told to end; `host`: the Windows service that this is."""
    from ipfx_failover.cli.output import Output
    from ipfx_failover.wiring.monitoring import run_monitor
    from ipfx_failover.wiring.site import open_site

    site = open_site(config)
    output = Output(as_json)
    for warning in site.warnings:
        output.progress(f"warning: {warning}")
    run_monitor(site, output.event, output.progress, metrics_at=metrics, host=host)

"""`sync-rows`: rows in real time (manual, "Database replication", hot)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from ipfx_failover.cli.options import ConfigPath, Json, NameOrAll, UntilEof

if TYPE_CHECKING:
    from ipfx_failover.cli.each import Done
    from ipfx_failover.cli.output import Output
    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.replication.rows.follower import Round
    from ipfx_failover.state.store import Store
    from ipfx_failover.wiring.site import Site


def add_to(app: typer.Typer) -> None:
    app.command("sync-rows")(sync_rows)


def sync_rows(
    name: NameOrAll = None,
    every: Annotated[
        bool, typer.Option("--all", help="All servers whose rows are followed.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on for ever: apply changes as they come.")
    ] = False,
    config: ConfigPath = None,
    as_json: Json = False,
    until_eof: UntilEof = False,
) -> int | None:
    """Bring the rows of a standby database up to date, exactly once.

    For servers with real_time = "all" or "configuration" (hot). A running monitor does it all the
    time. It needs a copy, which replicate-from-live makes, and change tracking on the live server,
    which hot enable switches on. Nothing is applied while the standby holds what the Primary has
    not. Ends with 6 when a table was altered or dropped on the live server: its rows wait for the
    next replication from live, which is then due at once.

    Example: ipfx-failover sync-rows DEMOSERVER
    """
    from ipfx_failover.cli.each import chosen, end_with_parent, for_each
    from ipfx_failover.cli.ending import tell
    from ipfx_failover.cli.output import Output
    from ipfx_failover.wiring.rows import follow_all, is_hot
    from ipfx_failover.wiring.site import open_site

    end_with_parent(until_eof=until_eof)
    site = open_site(config)
    output = Output(as_json)
    servers = chosen(site, name, every=every, has=lambda server: is_hot(server) or None)
    if watch:
        follow_all(site, servers, lambda server, done: _watched(server, done, output))
        return None
    with site.store() as store:
        code = for_each(servers, output, partial(_once, site, store, output))
    tell(site)
    return code


def _once(site: Site, store: Store, output: Output, server: ServerSettings) -> Done:
    from ipfx_failover.cli.meter import Meter
    from ipfx_failover.replication.rows.decisions import Outdated
    from ipfx_failover.wiring.rows import synced_once

    with Meter(output, site.clock) as meter:
        meter.begin(f"bring the rows of {server.name} up to date")
        done = synced_once(site, store, server, None if output.as_json else meter)
    error = Outdated(server.name, done.outdated) if done.outdated else None
    return _shown(server, done, output), error


def _watched(server: ServerSettings, done: Round, output: Output) -> None:
    shown = _shown(server, done, output)
    output.document(results=[{"server": server.name, "ok": True, **shown}])


def _shown(server: ServerSettings, done: Round, output: Output) -> dict[str, object]:
    from ipfx_failover.cli.layout import columns, wrapped

    rows = "1 row" if done.rows == 1 else f"{done.rows} rows"
    output.line(f"{server.name}: {rows} applied")
    for table in done.reloaded:
        output.line(f"  copied whole: {table}")
    for table, why in done.left.items():
        for line in wrapped(f"not followed: {table}: {why}", columns() - 2):
            output.line(f"  {line}")
    return {
        "rows": done.rows,
        "version": done.version,
        "reloaded": list(done.reloaded),
        "not_followed": dict(done.left),
    }

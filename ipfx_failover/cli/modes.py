"""`suspend`, `resume`, `stop` (manual, "Status icons" and "Taking a CT Server Offline")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.cli.options import ConfigPath, Json, Name

if TYPE_CHECKING:
    from pathlib import Path

    import typer


def add_to(app: typer.Typer) -> None:
    app.command("suspend")(suspend)
    app.command("resume")(resume)
    app.command("stop")(stop)


def suspend(name: Name, config: ConfigPath = None, as_json: Json = False) -> None:
    """Stop pinging a server and syncing its files; its database goes on being replicated.

    For planned maintenance: while suspended the server is never failed over.

    Example: ipfx-failover suspend DEMOSERVER
    """
    _change("suspend", name, config, as_json=as_json)


def stop(name: Name, config: ConfigPath = None, as_json: Json = False) -> None:
    """Stop pinging a server, and syncing anything with it.

    After resume the copy counts as out of date until the next full replication. Refused while the
    Failover Server stands in for it: that is what stop-failover is for.

    Example: ipfx-failover stop DEMOSERVER
    """
    _change("stop", name, config, as_json=as_json)


def resume(name: Name, config: ConfigPath = None, as_json: Json = False) -> None:
    """Ping a server again, and sync its files; changed files are copied at once.

    It also allows automatic failover again while failback is pending.

    Example: ipfx-failover resume DEMOSERVER
    """
    _change("resume", name, config, as_json=as_json)


def _change(verb: str, name: str, config: Path | None, *, as_json: bool) -> None:
    from ipfx_failover.cli.ending import tell
    from ipfx_failover.cli.output import Output
    from ipfx_failover.modes import change_mode
    from ipfx_failover.wiring.site import open_site_in_use

    output = Output(as_json)
    site = open_site_in_use(config, output.progress)
    server = site.server(name)
    with site.store() as store:
        changed = change_mode(store, server.name, verb, site.clock.now())
    output.line(f"{server.name}: {changed.text}")
    tell(site)
    output.document(server=server.name, mode=changed.mode, changed=changed.changed)

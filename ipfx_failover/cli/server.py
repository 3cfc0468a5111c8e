"""`server`: the manual's Server Details window, as commands."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from ipfx_failover.cli import server_change, server_populate
from ipfx_failover.cli.options import ConfigPath, Json, Name, Yes

_COLUMNS: Final = ("SERVER", "ADDRESS", "PORT", "ASSUME IP", "DATABASE", "FILES", "DAILY AT")


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(
        name="server",
        help="Add, change, test and trust the monitored servers.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    server_change.add_to(group)
    server_populate.add_to(group)
    group.command("list")(show_all)
    group.command("show")(show)
    group.command("test")(run_test)
    group.command("trust")(trust)
    app.add_typer(group)


def show_all(config: ConfigPath = None, as_json: Json = False) -> None:
    """List the servers of the config; their status is in `status`.

    Example: ipfx-failover server list
    """
    from ipfx_failover.cli.layout import columns, table
    from ipfx_failover.cli.output import Output
    from ipfx_failover.wiring.site import open_site

    servers = open_site(config).config.servers.values()
    output = Output(as_json)
    rows = [
        (
            server.name,
            str(server.address),
            str(server.port),
            "yes" if server.assume_ip else "no",
            server.database.engine if server.database else "-",
            "real time" if server.files and server.files.real_time else "-",
            f"{server.replicate_daily:%H:%M:%S}" if server.replicate_daily else "-",
        )
        for server in servers
    ]
    for line in table([_COLUMNS, *rows], columns()):
        output.line(line)
    if not rows:
        output.progress("No server yet. Add one: ipfx-failover server add NAME")
    output.document(servers=[server.model_dump(mode="json", by_alias=True) for server in servers])


def show(name: Name, config: ConfigPath = None, as_json: Json = False) -> None:
    """Show a server's settings that are in force, as `config show` does; passwords are masked.

    Example: ipfx-failover server show DEMOSERVER
    """
    from ipfx_failover.cli.config import show as show_config

    show_config(f"servers.{name}", config=config, as_json=as_json)


def run_test(name: Name, config: ConfigPath = None, as_json: Json = False) -> int:
    """Test the way to a server: a line for each thing that was looked at.

    Ping and application; with assume_ip whether its address could be taken; host key, login and
    clock; whether its database opens, and its VM directory can be read and written; space on both
    sides. Of a SQL Server also both logins, versions, editions, rights, and whether each server
    writes a backup where we can read it (a small one, which is removed). The gravest line decides
    the exit code; with warnings alone it is 6.

    Example: ipfx-failover server test DEMOSERVER
    """
    from ipfx_failover.cli.checks import tell
    from ipfx_failover.cli.output import Output
    from ipfx_failover.wiring.site import open_site
    from ipfx_failover.wiring.surveying import trial

    site = open_site(config)
    server = site.server(name)
    found = trial(site, server).checks()
    return tell(found, Output(as_json), server.name, server=server.name)


def trust(
    name: Name,
    fingerprint: Annotated[
        str | None,
        typer.Option(
            "--fingerprint",
            metavar="SHA256:...",
            help="Trust the key with this fingerprint, and no other; asks nothing.",
            show_default=False,
        ),
    ] = None,
    config: ConfigPath = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Show a server's SSH host keys as ssh-keygen does, and trust them.

    Compare a fingerprint with what the server itself says: ssh-keygen -lf
    /etc/ssh/ssh_host_ed25519_key.pub. A key that has changed is refused, whatever is asked for.

    Example: ipfx-failover server trust DEMOSERVER
    """
    from ipfx_failover.cli.output import Output
    from ipfx_failover.wiring import trusting
    from ipfx_failover.wiring.site import open_site

    site = open_site(config)
    server = site.server(name)
    output = Output(as_json)
    found = trusting.host_keys(site, server)
    for key in found.shown:
        output.line(str(key))
    keys = found.chosen(fingerprint)
    known = found.are_trusted()
    if not known:
        if fingerprint is None:
            # Without a terminal, whoever reads the refusal has not seen them yet.
            listed = f": {', '.join(key.fingerprint for key in keys)}" if as_json else "."
            output.confirm(f"These SSH host keys of {server.name} will be trusted{listed}", yes=yes)
        trusting.trust(site, found, keys)
    output.line(f"{server.name}: {'was trusted already' if known else 'is trusted now'}")
    output.document(
        server=server.name,
        host=found.target.host,
        port=found.target.port,
        keys=[{"type": key.kind, "fingerprint": key.fingerprint} for key in found.shown],
        trusted=[key.fingerprint for key in keys],
        changed=not known,
        known_hosts_file=str(found.target.known_hosts_file),
    )

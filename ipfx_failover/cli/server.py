"""`server`: the manual's Server Details window, as commands."""

from __future__ import annotations

from typing import Annotated

import typer

from ipfx_failover.cli.options import ConfigPath, Json, Name, Yes


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(
        name="server",
        help="Look at, test and trust the monitored servers.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("trust")(trust)
    app.add_typer(group)


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

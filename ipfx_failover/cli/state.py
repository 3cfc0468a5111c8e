"""`state reset`: how to go on after the state store was damaged."""

from __future__ import annotations

import typer

from ipfx_failover.cli.options import ConfigPath, Json, Yes


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(
        name="state", help="Repair the state store.", no_args_is_help=True, rich_markup_mode=None
    )
    group.command("reset")(reset)
    app.add_typer(group)


def reset(config: ConfigPath = None, yes: Yes = False, as_json: Json = False) -> None:
    """Make a new state store in the place of a damaged one, which is kept beside it.

    Nobody knows any more which side is ahead, so every standby counts as ahead: nothing is copied
    from live until replicate-to-live, or replicate-from-live --discard-standby. Refused when the
    store is not damaged, and while a monitor runs.

    Example: ipfx-failover state reset
    """
    from ipfx_failover.cli.output import Output
    from ipfx_failover.state.reset import reset as reset_store
    from ipfx_failover.wiring.site import open_site

    site = open_site(config)
    output = Output(as_json)
    output.confirm(
        "A new state store will be made. Has somebody checked that this machine does not stand in "
        "for a server now (its address, its application)?",
        yes=yes,
    )
    kept = reset_store(
        site.state_dir,
        servers=list(site.config.servers),
        locks_of_state=site.locks,
        clock=site.clock,
    )
    output.line(f"A new state store was made; the damaged one is {kept}")
    output.document(kept=str(kept))

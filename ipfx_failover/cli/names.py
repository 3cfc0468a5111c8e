"""Names that a shell completes: fast, and silent whatever is wrong."""

from __future__ import annotations

from pathlib import Path

import typer

from ipfx_failover.errors import FailoverError


def server_names(ctx: typer.Context) -> list[str]:
    """The servers of the config, of a broken one those that were known before; else none."""
    from ipfx_failover.wiring.looking import outline_at

    named = ctx.params.get("config")
    try:
        outline = outline_at(Path(named) if named else None)
    except FailoverError:
        return []
    return [server.name for server in outline.servers]


def keys(ctx: typer.Context) -> list[str]:
    """The keys of the config, those of its servers by their names."""
    from ipfx_failover.config.reference import ENTRY, HOLDERS, rows

    paths = [row.path for row in rows() if ENTRY not in row.path]
    held = {path for path in paths for holder in HOLDERS if path[: len(holder)] == holder}
    general = [".".join(path) for path in paths if path not in held]
    return general + [
        f"servers.{name}.{key}" for name in server_names(ctx) for key in server_keys()
    ]


def server_keys() -> list[str]:
    """The keys of a server, as they are below its own table."""
    from ipfx_failover.config.reference import ENTRY, NAME, rows

    below = ("servers", NAME)
    own = (row.path[2:] for row in rows() if row.path[:2] == below and ENTRY not in row.path)
    return [".".join(path) for path in own]


def adapter_names() -> list[str]:
    """The network adapters of this machine."""
    import socket

    return [name for _, name in socket.if_nameindex() if name != "lo"]

"""Names that a shell completes: fast, and silent whatever is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from ipfx_failover.errors import FailoverError


def server_names(ctx: typer.Context) -> list[str]:
    """The servers of the config; none where it cannot be read or is broken."""
    from ipfx_failover.config.find import find
    from ipfx_failover.config.outline import read_outline

    named = ctx.params.get("config")
    try:
        file = find(Path(named) if named else None, environ=os.environ)
    except FailoverError:
        return []
    outline = read_outline(file, os.environ)
    return [server.name for server in outline.servers] if outline else []


def adapter_names() -> list[str]:
    """The network adapters of this machine."""
    import socket

    return [name for _, name in socket.if_nameindex() if name != "lo"]

"""Missing rights as refusals that say how to grant them."""

from __future__ import annotations

from ipfx_failover.errors import Refused


def missing_right(action: str, capability: str) -> Refused:
    """The refusal for an action that needs a Linux capability such as `CAP_NET_RAW`."""
    return Refused(
        f"no permission to {action}: {capability} is missing",
        f"run it as root, or as a systemd service with AmbientCapabilities={capability}; "
        "never by setcap on the Python interpreter",
    )

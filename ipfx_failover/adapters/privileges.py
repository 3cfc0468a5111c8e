"""Missing rights as refusals that say how to grant them."""

from __future__ import annotations

from ipfx_failover.errors import Refused


def missing_right(action: str, *capabilities: str) -> Refused:
    """The refusal for an action that needs Linux capabilities such as `CAP_NET_RAW`."""
    verb = "is" if len(capabilities) == 1 else "are"
    return Refused(
        f"no permission to {action}: {' and '.join(capabilities)} {verb} missing",
        f"run it as root, or as a systemd service with AmbientCapabilities={' '.join(capabilities)}"
        "; never by setcap on the Python interpreter",
    )

"""Which run of this machine it is."""

from __future__ import annotations

from ipfx_failover.adapters.paths import WINDOWS
from ipfx_failover.errors import Refused


def boot_id() -> str:
    """Differs after each boot: what was volatile is gone when it has changed.

    Raises:
        Refused: this account may not ask.
    """
    try:
        if WINDOWS:
            from ipfx_failover.adapters.windows.boot import boot_id as ask
        else:
            from ipfx_failover.adapters.linux.boot import boot_id as ask
        return ask()
    except OSError as error:
        raise Refused(
            f"no permission to tell one boot of this machine from the next: {error.strerror}",
            "run it elevated (as administrator), or as a service",
        ) from None

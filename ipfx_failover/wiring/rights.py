"""Rights that a command will need, asked for before its first step."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from ipfx_failover.adapters.paths import WINDOWS
from ipfx_failover.adapters.process_identity import created_at
from ipfx_failover.errors import Refused

if TYPE_CHECKING:
    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.standin.desk import StandInDesk


def for_taking_over(server: ServerSettings) -> Refused | None:
    """Why this account cannot take the server's role; None when it can."""
    return for_addresses(f"take address {server.address}") if server.assume_ip else None


def for_giving_back(at: StandInDesk, name: str) -> Refused | None:
    """Why this account cannot give the role of server `name` back; None when it can."""
    for held in at.ports.store.held_addresses():
        is_his = held.server is not None and held.server.casefold() == name.casefold()
        if is_his and at.ports.addresses.holder(IPv4Address(held.address)) is not None:
            return for_addresses(f"release address {held.address}") or _for_ending(at, name)
    return _for_ending(at, name)


def for_addresses(action: str) -> Refused | None:
    """Why this account cannot change addresses and announce them; None when it can."""
    if WINDOWS:
        from ipfx_failover.adapters.windows.addresses import not_taken

        return not_taken()
    from ipfx_failover.adapters.linux.rights import missing
    from ipfx_failover.adapters.privileges import missing_right

    lacks = missing("CAP_NET_ADMIN", "CAP_NET_RAW")
    return missing_right(action, *lacks) if lacks else None


def _for_ending(at: StandInDesk, name: str) -> Refused | None:
    """Why this account cannot end the application that stands in; None when it can."""
    application = at.ports.store.application()
    if application is None or WINDOWS:
        return None
    from ipfx_failover.adapters.linux.rights import may_end

    pid, began = application
    if created_at(pid) != began or may_end(pid):
        return None
    return Refused(
        f"the application that stands in for {name} (process {pid}) belongs to another user",
        "run this as the user that runs the monitor, or as root",
    )

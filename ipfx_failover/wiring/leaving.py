"""Whether a server may be taken out of the config, and what it leaves behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.errors import Refused
from ipfx_failover.records import Authority

if TYPE_CHECKING:
    from pathlib import Path

    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.wiring.site import Site


def removal_refusal(site: Site, server: ServerSettings) -> Refused | None:
    """Why a server must stay in the config now; None when it may go."""
    from ipfx_failover.wiring.replication import refuse_while_noted

    name = server.name
    give_back = f"give everything back first: ipfx-failover replicate-to-live {name}"
    with site.store() as store:
        stand_in, state = store.stand_in(), store.server(name)
    if stand_in is not None and stand_in.server.casefold() == name.casefold():
        return Refused(
            f"the Failover Server stands in for {name}",
            f"give the role back first: ipfx-failover stop-failover {name}",
        )
    if state.authority is Authority.STANDBY:
        return Refused(
            f"the Failover Server holds data of {name} that exist nowhere else",
            f"{give_back}; or let them go: replicate-from-live {name} --discard-standby",
        )
    if state.failback_pending:
        return Refused(f"failback of {name} is pending", give_back)
    try:
        refuse_while_noted(site, server)
    except Refused as noted:
        return noted
    return None


def left_behind(site: Site, server: ServerSettings) -> list[Path]:
    """What stays on this machine of a server that is not monitored any more."""
    places = [
        server.local_vm_dir,
        site.state_dir / "files" / f"{server.name}.db",
        *sorted((site.state_dir / "kept").glob(f"{server.name}-*")),
    ]
    return [place for place in places if place.exists()]

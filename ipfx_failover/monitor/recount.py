"""Whose misses are counted afresh because the state has changed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.decide import fleet as fleets
from ipfx_failover.decide.liveness import Liveness

if TYPE_CHECKING:
    from ipfx_failover.decide.fleet import Fleet
    from ipfx_failover.monitor.view import View


def recounted(fleet: Fleet, before: View, view: View) -> Fleet:
    """The fleet under another view of the state, of the same config."""
    for name, state in view.states.items():
        was = before.states.get(name, state)
        may_again = was.failback_pending and not state.failback_pending
        is_well = fleet.servers[name].liveness is Liveness.OK
        if state.mode is not was.mode or (may_again and not is_well):
            fleet = fleets.forget(fleet, name)
    for name in before.probed_at.keys() & view.states.keys() - view.probed_at.keys():
        # Its address is ours now. That it failed stays true; an old OK is never shown.
        if fleet.servers[name].liveness is not Liveness.FAILED:
            fleet = fleets.forget(fleet, name)
    if before.stand_in and _is_given_back(before.stand_in.server, view, fleet):
        fleet = fleets.given_back(fleet, before.stand_in.server)
    return fleet


def _is_given_back(server: str, view: View, fleet: Fleet) -> bool:
    """Whether the role was given back; after a takeover that failed the counting goes on."""
    if view.stand_in is not None and view.stand_in.server.casefold() == server.casefold():
        return False
    name = next((n for n in view.states if n.casefold() == server.casefold()), None)
    return name is None or not (view.states[name].attempts or fleet.servers[name].attempts)

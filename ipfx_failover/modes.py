"""What the operator wants of a server: monitored, suspended, stopped (manual, "Status icons").

The wanted mode is written without a lock; a running monitor takes it up within a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.errors import Refused, UsageError
from ipfx_failover.events import Event, EventKind
from ipfx_failover.records import Authority, Mode

if TYPE_CHECKING:
    from datetime import datetime

    from ipfx_failover.records import ServerState
    from ipfx_failover.state.store import Store
    from ipfx_failover.state.writing import Transaction

_MODES = {
    "suspend": (Mode.SUSPENDED, EventKind.SUSPENDED),
    "stop": (Mode.STOPPED, EventKind.STOPPED),
    "resume": (Mode.MONITORING, EventKind.RESUMED),
}


@dataclass(frozen=True, slots=True)
class Changed:
    """The mode after the command; `changed` is false when it was that already."""

    mode: Mode
    changed: bool
    text: str


def change_mode(store: Store, server: str, verb: str, now: datetime) -> Changed:
    """Carry out `suspend`, `stop` or `resume`.

    Raises:
        UsageError: there is no such verb.
        Refused: `stop` while standing in for the server.
    """
    if verb not in _MODES:
        raise UsageError(f"there is no mode change {verb}", f"one of: {', '.join(_MODES)}")
    mode, kind = _MODES[verb]
    with store.transaction(durable=True) as tx:
        stand_in = tx.stand_in()
        stands_in = stand_in is not None and stand_in.server.casefold() == server.casefold()
        if mode is Mode.STOPPED and stands_in:
            raise Refused(
                f"the Failover Server stands in for {server}",
                f"give the role back first: ipfx-failover stop-failover {server}",
            )
        before = tx.server(server)
        if before.mode is mode and not (mode is Mode.MONITORING and before.failback_pending):
            return Changed(mode, changed=False, text=f"is {mode} already")
        event = Event(kind, now, server, {"detail": _apply(tx, before, mode)})
        tx.emit(event)
    return Changed(mode, changed=True, text=event.text)


def _apply(tx: Transaction, before: ServerState, mode: Mode) -> str:
    """Write the mode and what follows from it; what the event adds."""
    name, detail = before.name, ""
    tx.set_mode(name, mode)
    if mode is not Mode.MONITORING:
        return detail
    if before.mode is Mode.STOPPED:
        tx.set_stale(name, stale=True)
        detail += "; the copy is out of date until the next full replication"
    if before.failback_pending:
        tx.set_failback_pending(name, pending=False)
        detail += "; automatic failover is on again"
        if before.authority is Authority.STANDBY:
            detail += ", and the standby is still ahead"
    return detail

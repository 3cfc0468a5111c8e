"""What is written down of decisions and of finished work: events, and the phase of a stand-in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.decide.decisions import Decision, ForgetAttempts, MarkInterrupted, Say
from ipfx_failover.errors import Busy, InDoubt, Refused
from ipfx_failover.events import Event, EventKind
from ipfx_failover.records import Phase
from ipfx_failover.standin.takeover import failure
from ipfx_failover.state.trouble import StateUnwritableError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ipfx_failover.events import Value
    from ipfx_failover.monitor.messages import WorkDone
    from ipfx_failover.state.writing import Transaction
    from ipfx_failover.workflow.ports import Effect

_JOBS = {
    "take over": "the takeover",
    "stop failover": "giving the role back",
    "restore address": "taking the address again",
}


def event(kind: EventKind, at: datetime, server: str | None, data: Mapping[str, Value]) -> Effect:
    happened = Event(kind, at, server, data)
    return lambda tx: tx.emit(happened)


def effects_of(decision: Decision, at: datetime, boot_id: str) -> list[Effect]:
    """What a decision of the fleet writes by itself."""
    match decision:
        case Say(kind, server, data):
            return [event(kind, at, server, data)]
        case MarkInterrupted(server, reason):
            said = event(EventKind.STAND_IN_INTERRUPTED, at, server, {"reason": reason})
            return [_interruption(server, boot_id, said)]
        case ForgetAttempts(server):
            return [lambda tx: tx.set_attempts(server, 0)]
        case _:
            return []


def _interruption(server: str, boot_id: str, said: Effect) -> Effect:
    """Mark the role that was ours before a reboot; not one that was taken again since."""

    def mark(tx: Transaction) -> None:
        stand_in = tx.stand_in()
        if (
            stand_in is not None
            and stand_in.server.casefold() == server.casefold()
            and stand_in.boot_id != boot_id
            and stand_in.phase is not Phase.INTERRUPTED
        ):
            tx.set_phase(Phase.INTERRUPTED)
            said(tx)

    return mark


def trouble_of(
    done: WorkDone, at: datetime, server: str | None, *, stands_in: bool
) -> Event | None:
    """What is to be told of a job that failed; None where its own events have told it.

    `server`: whom it is about. `stands_in`: some role is performed.
    """
    error = done.error
    if error is None or _is_told_elsewhere(done, stands_in=stands_in):
        return None
    if done.untold and not isinstance(error, InDoubt):
        return failure(done.server, error.message, at)
    data = {"reason": error.message, "advice": error.hint}
    if done.job == "take over" and not isinstance(error, InDoubt):
        return Event(EventKind.TAKEOVER_REFUSED, at, server, data)
    job = _JOBS.get(done.job, "what was begun")
    return Event(EventKind.STAND_IN_TROUBLE, at, server, {"job": job, **data})


def _is_told_elsewhere(done: WorkDone, *, stands_in: bool) -> bool:
    error = done.error
    if isinstance(error, InDoubt) or done.untold:
        return False
    if done.job == "take over":
        # Undone, it has told so; or another process has been quicker.
        return done.begun or (isinstance(error, Busy) and stands_in)
    if done.job == "stop failover" and isinstance(error, Refused):
        return True  # somebody else has given the role back
    return isinstance(error, Busy | StateUnwritableError)

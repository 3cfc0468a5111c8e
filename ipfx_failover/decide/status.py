"""The manual's six statuses, computed in one place ("Status icons"). Pure."""

from __future__ import annotations

from enum import StrEnum

from ipfx_failover.decide.liveness import Liveness
from ipfx_failover.records import Mode


class Status(StrEnum):
    """The manual's words, and UNKNOWN: nothing has been seen (yet, or any more)."""

    OK = "OK"
    SUSPENDED = "SUSPENDED"
    STOPPED = "STOPPED"
    SUSPECT = "SUSPECT"
    FAILURE = "FAILURE"
    REPLICATING = "REPLICATING"
    UNKNOWN = "UNKNOWN"


_OF_LIVENESS = {
    Liveness.UNKNOWN: Status.UNKNOWN,
    Liveness.OK: Status.OK,
    Liveness.SUSPECT: Status.SUSPECT,
    Liveness.FAILED: Status.FAILURE,
}


def status(mode: Mode, liveness: Liveness, *, replicating: bool) -> Status:
    """The first row that fits.

    ========================  ===========
    monitored and failed      FAILURE
    data being transferred    REPLICATING
    mode stopped              STOPPED
    mode suspended            SUSPENDED
    otherwise                 by liveness
    ========================  ===========

    `liveness` is UNKNOWN when no monitor runs: an old OK is never shown.
    """
    if mode is Mode.MONITORING and liveness is Liveness.FAILED:
        return Status.FAILURE
    if replicating:
        return Status.REPLICATING
    if mode is Mode.STOPPED:
        return Status.STOPPED
    if mode is Mode.SUSPENDED:
        return Status.SUSPENDED
    return _OF_LIVENESS[liveness]

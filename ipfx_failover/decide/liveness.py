"""Probe results become liveness. Pure: values in, values out.

The counts are the manual's ("Network tab"): consecutive failed pings for the warning e-mail, for
failover, and for failover of a server that has not answered since this machine booted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Liveness(StrEnum):
    """What the pings say of a server; `unknown` at start, on resume and after isolation."""

    UNKNOWN = "unknown"
    OK = "ok"
    SUSPECT = "suspect"
    FAILED = "failed"


class Change(StrEnum):
    """What a probe result brought about."""

    ANSWERING = "answering"
    SUSPECT = "suspect"
    WARNING = "warning"
    FAILED = "failed"
    DUE = "due"
    """A full count of misses: the fleet is to decide. Comes again after each fresh full count."""
    RESET = "reset"
    """A failed server answers again."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Counts of consecutive failed pings."""

    warning: int
    failover: int
    after_reboot: int


@dataclass(frozen=True, slots=True)
class Answered:
    """The probe was answered in time; `received_ns` is when."""

    received_ns: int


@dataclass(frozen=True, slots=True)
class Missed:
    """The probe sent at `sent_ns` was not answered in time."""

    sent_ns: int


@dataclass(frozen=True, slots=True)
class Inconclusive:
    """Our own stall spoilt the round: neither a miss nor a reset."""


@dataclass(frozen=True, slots=True)
class AnsweredLate:
    """An old probe was answered after its time; `missed_since` later probes were missed."""

    received_ns: int
    missed_since: int


Outcome = Answered | Missed | Inconclusive | AnsweredLate


@dataclass(frozen=True, slots=True)
class ServerLiveness:
    """What is known of one server. Times are monotonic nanoseconds.

    `misses`, `answers`: consecutive ones. `dues`: full counts since it last answered. `attempts`:
    takeovers that failed, while the store does not know of as many.
    """

    liveness: Liveness = Liveness.UNKNOWN
    answered_since_boot: bool = False
    misses: int = 0
    answers: int = 0
    dues: int = 0
    attempts: int = 0
    first_miss_ns: int | None = None

    def needed(self, thresholds: Thresholds) -> int:
        """How many consecutive misses make a failure now."""
        return thresholds.failover if self.answered_since_boot else thresholds.after_reboot


def observe(
    state: ServerLiveness, outcome: Outcome, thresholds: Thresholds
) -> tuple[ServerLiveness, tuple[Change, ...]]:
    """The state after a probe result, and what changed."""
    match outcome:
        case Answered():
            return _answered(state)
        case AnsweredLate(missed_since=0):
            return _answered(state)
        case AnsweredLate():
            return _answered_late(state, outcome)
        case Missed():
            return _missed(state, outcome, thresholds)
        case Inconclusive():
            return state, ()


def counted_afresh(state: ServerLiveness) -> ServerLiveness:
    """The state after a refused takeover: still failed, but a full count must pass again."""
    return replace(state, misses=0, first_miss_ns=None)


def forgotten(state: ServerLiveness) -> ServerLiveness:
    """The state on resume and after isolation: nothing is known, except since this boot."""
    return ServerLiveness(answered_since_boot=state.answered_since_boot)


def _answered(state: ServerLiveness) -> tuple[ServerLiveness, tuple[Change, ...]]:
    after = ServerLiveness(
        liveness=Liveness.OK, answered_since_boot=True, answers=state.answers + 1
    )
    match state.liveness:
        case Liveness.FAILED:
            return after, (Change.RESET,)
        case Liveness.OK:
            return after, ()
        case _:
            return after, (Change.ANSWERING,)


def _answered_late(
    state: ServerLiveness, late: AnsweredLate
) -> tuple[ServerLiveness, tuple[Change, ...]]:
    if state.misses == 0 and state.liveness is not Liveness.FAILED:
        # Nothing is counted against it; an old answer makes nothing worse.
        return replace(state, answered_since_boot=True), ()
    # It was alive after all: only the misses since then count, and evidence must be newer.
    after = replace(
        state,
        liveness=Liveness.SUSPECT,
        answered_since_boot=True,
        misses=min(state.misses, late.missed_since),
        dues=0,
        first_miss_ns=late.received_ns,
    )
    return after, (Change.RESET,) if state.liveness is Liveness.FAILED else ()


def _missed(
    state: ServerLiveness, missed: Missed, thresholds: Thresholds
) -> tuple[ServerLiveness, tuple[Change, ...]]:
    misses = state.misses + 1
    needed = state.needed(thresholds)
    was_failed = state.liveness is Liveness.FAILED
    is_due = misses >= needed
    changes: list[Change] = []
    if state.liveness in {Liveness.UNKNOWN, Liveness.OK}:
        changes.append(Change.SUSPECT)
    if misses == thresholds.warning and not was_failed:
        changes.append(Change.WARNING)
    if is_due:
        changes += [Change.DUE] if was_failed else [Change.FAILED, Change.DUE]
    after = replace(
        state,
        liveness=Liveness.FAILED if was_failed or is_due else Liveness.SUSPECT,
        misses=misses,
        answers=0,
        dues=state.dues + is_due,
        first_miss_ns=missed.sent_ns if state.first_miss_ns is None else state.first_miss_ns,
    )
    return after, tuple(changes)

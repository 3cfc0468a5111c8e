"""All servers together: liveness and evidence become decisions. Pure.

Thresholds belong to liveness; the fleet only arbitrates. A decision is a value; what comes of it
(a takeover that fails, an operator's command) comes back as part of the next `Round`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ipfx_failover.decide.decisions import (
    Decision,
    ForgetAttempts,
    MarkInterrupted,
    Round,
    Say,
    StopFailover,
    TakeOver,
)
from ipfx_failover.decide.evidence import (
    ArpEvidence,
    Candidate,
    Limitation,
    Obstacle,
    limitation,
)
from ipfx_failover.decide.liveness import (
    Answered,
    AnsweredLate,
    Liveness,
    Missed,
    Outcome,
    ServerLiveness,
    Thresholds,
    counted_afresh,
    forgotten,
    observe,
)
from ipfx_failover.decide.reports import report
from ipfx_failover.events import EventKind
from ipfx_failover.records import Mode, Phase

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


_ARP_PROBES = 3
"""PROBE_NUM of RFC 5227, where the count leaves time for so many."""
_LEFT_TO_OTHERS = frozenset({Phase.INTERRUPTED, Phase.STANDING_DOWN})
"""Phases in which a human, or the unfinished journal, says how it goes on."""


NOBODY_ANSWERS = "no reference target answers"


@dataclass(frozen=True, slots=True)
class Fleet:
    """The liveness of all servers; and why we are cut off ourselves, if we are."""

    servers: Mapping[str, ServerLiveness] = field(default_factory=dict)
    isolation: str | None = None

    @property
    def isolated(self) -> bool:
        return self.isolation is not None


def step(fleet: Fleet, round_: Round, thresholds: Thresholds) -> tuple[Fleet, tuple[Decision, ...]]:
    """The fleet after a round, and what is to be done."""
    if round_.isolation is not None:
        return _isolate(fleet, round_.isolation)
    if fleet.isolated and not _network_is_back(round_):
        return replace(fleet, isolation=NOBODY_ANSWERS), ()
    decisions: list[Decision] = []
    if fleet.isolated:
        decisions.append(Say(EventKind.ISOLATION_ENDED, None))
    servers = dict(fleet.servers)
    for name, outcome in round_.outcomes.items():
        before = servers.get(name, ServerLiveness())
        after, changes = observe(before, outcome, thresholds)
        known_attempts = round_.facts[name].attempts
        if 0 < after.attempts <= known_attempts:
            after = replace(after, attempts=0)  # the store knows it now
        servers[name] = after
        if not (changes or round_.stand_in or known_attempts):
            continue  # so it is with nearly every server in nearly every round
        decisions += report(name, after, changes, thresholds, round_)
        decisions += _interrupted(name, outcome, round_)
        decisions += _returned_for_good(name, after, thresholds, round_)
        if after.liveness is Liveness.OK and known_attempts:
            decisions.append(ForgetAttempts(name))
    fleet = Fleet(servers)
    due = [name for name, state in servers.items() if _is_due(name, state, thresholds, round_)]
    return _arbitrate(fleet, due, round_, thresholds, decisions)


def why_not_taken(
    name: str, fleet: Fleet, round_: Round, thresholds: Thresholds
) -> Limitation | None:
    """What speaks now against taking over from a server that is silent; None: nothing, or not yet.

    Not what the operator did, or left undone; that is known without a monitor. Of one that is only
    suspect no more is known than that its address is in use.
    """
    state = fleet.servers[name]
    if name not in round_.networks or round_.is_stand_in(name) or round_.facts[name].missing:
        return None
    if state.liveness is not Liveness.FAILED:
        arp = round_.arp.get(name)
        if arp is None or arp.mac is None or arp.silent:
            return None
        state = replace(state, dues=1)
    standing_in = round_.stand_in.server if round_.stand_in else None
    candidate = _candidate(name, state, round_, thresholds)
    found = limitation(candidate, round_.networks[name], standing_in, round_.now_ns)
    return None if found is None or found.obstacle is Obstacle.INHIBITED else found


def forget(fleet: Fleet, name: str) -> Fleet:
    """The fleet after a server was suspended, stopped or resumed, or its role given back."""
    state = fleet.servers.get(name, ServerLiveness())
    return replace(fleet, servers={**fleet.servers, name: forgotten(state)})


def given_back(fleet: Fleet, name: str) -> Fleet:
    """The fleet after a role was given back: who failed meanwhile is counted from now on."""
    waiting = [other for other, s in fleet.servers.items() if s.liveness is Liveness.FAILED]
    for other in waiting:
        fleet = count_afresh(fleet, other)
    return forget(fleet, name)


def count_afresh(fleet: Fleet, name: str) -> Fleet:
    """The fleet after a takeover that failed: another full count before the next."""
    state = fleet.servers.get(name, ServerLiveness())
    return replace(fleet, servers={**fleet.servers, name: counted_afresh(state)})


def takeover_failed(fleet: Fleet, name: str, known: int) -> Fleet:
    """The fleet after a takeover failed that the store knows nothing of; it knows of `known`."""
    state = fleet.servers.get(name, ServerLiveness())
    return _with_attempts(fleet, name, max(known, state.attempts) + 1)


def taken_over(fleet: Fleet, name: str) -> Fleet:
    """The fleet after a takeover that succeeded: those before it delay none any more."""
    return _with_attempts(fleet, name, 0)


def _with_attempts(fleet: Fleet, name: str, attempts: int) -> Fleet:
    state = fleet.servers.get(name, ServerLiveness())
    return replace(fleet, servers={**fleet.servers, name: replace(state, attempts=attempts)})


def _network_is_back(round_: Round) -> bool:
    answered = any(isinstance(outcome, Answered) for outcome in round_.outcomes.values())
    no_reference = not any(network.has_reference for network in round_.networks.values())
    return answered or round_.any_reference_answered or no_reference


def _isolate(fleet: Fleet, reason: str) -> tuple[Fleet, tuple[Decision, ...]]:
    servers = {name: forgotten(state) for name, state in fleet.servers.items()}
    say = () if fleet.isolated else (Say(EventKind.ISOLATED, None, {"reason": reason}),)
    return Fleet(servers, isolation=reason), say


def _is_due(name: str, state: ServerLiveness, thresholds: Thresholds, round_: Round) -> bool:
    return (
        name in round_.outcomes
        and isinstance(round_.outcomes[name], Missed)
        and state.misses >= state.needed(thresholds)
    )


def _arbitrate(
    fleet: Fleet,
    due: list[str],
    round_: Round,
    thresholds: Thresholds,
    decisions: list[Decision],
) -> tuple[Fleet, tuple[Decision, ...]]:
    """One stand-in at a time: the first that may be taken is; the others count afresh."""
    standing_in = round_.stand_in.server if round_.stand_in else None
    for name in due:
        if _stands_in_already(name, round_):
            continue
        candidate = _candidate(name, fleet.servers[name], round_, thresholds)
        obstacle = limitation(candidate, round_.networks[name], standing_in, round_.now_ns)
        if obstacle is None:
            decisions.append(TakeOver(name))
            standing_in = name
        elif obstacle.obstacle is Obstacle.ISOLATED:
            isolated, say = _isolate(fleet, obstacle.reason)
            return isolated, (*decisions, *say)
        else:
            decisions += _refusal(name, obstacle, standing_in)
        fleet = count_afresh(fleet, name)
    return fleet, tuple(decisions)


def _stands_in_already(name: str, round_: Round) -> bool:
    return round_.is_stand_in(name) and not _is_from_another_boot(round_)


def _is_from_another_boot(round_: Round) -> bool:
    return round_.stand_in is not None and round_.stand_in.boot_id != round_.boot_id


def _candidate(
    name: str, state: ServerLiveness, round_: Round, thresholds: Thresholds
) -> Candidate:
    facts = round_.facts[name]
    return Candidate(
        name=name,
        mode=facts.mode,
        failback_pending=facts.failback_pending,
        interrupted=round_.is_stand_in(name)
        and round_.stand_in is not None
        and round_.stand_in.phase in _LEFT_TO_OTHERS,
        missing=facts.missing,
        attempts=max(facts.attempts, state.attempts),
        dues=state.dues,
        first_miss_ns=state.first_miss_ns,
        arp=round_.arp.get(name, ArpEvidence(silent=0)) if facts.assume_ip else None,
        arp_needed=min(_ARP_PROBES, state.needed(thresholds) - 1),
    )


def _refusal(name: str, obstacle: Limitation, standing_in: str | None) -> Iterator[Decision]:
    if obstacle.obstacle is Obstacle.ALREADY_STANDING_IN and standing_in:
        yield Say(EventKind.FAILED_WHILE_STANDING_IN, name, {"standing_in": standing_in})
    elif obstacle.obstacle is Obstacle.VETO:
        yield Say(
            EventKind.TAKEOVER_REFUSED,
            name,
            {"reason": obstacle.reason, "advice": obstacle.advice},
        )


def _interrupted(name: str, outcome: Outcome, round_: Round) -> Iterator[MarkInterrupted]:
    stand_in = round_.stand_in
    if stand_in is None or not round_.is_stand_in(name) or not _is_from_another_boot(round_):
        return
    answers = isinstance(outcome, (Answered, AnsweredLate))
    if answers and stand_in.phase not in _LEFT_TO_OTHERS:
        yield MarkInterrupted(name, f"this machine was restarted, and {name} answers again")


def _returned_for_good(
    name: str, state: ServerLiveness, thresholds: Thresholds, round_: Round
) -> Iterator[StopFailover]:
    stand_in, facts = round_.stand_in, round_.facts[name]
    if stand_in is None or not round_.is_stand_in(name) or facts.assume_ip:
        return
    if facts.auto_stop_failover and facts.mode is Mode.MONITORING:
        settled = stand_in.phase in {Phase.STANDING_IN, Phase.INTERRUPTED}
        if settled and state.liveness is Liveness.OK and state.answers >= state.needed(thresholds):
            yield StopFailover(name)

"""All servers together: liveness and evidence become decisions. Pure.

Thresholds belong to liveness; the fleet only arbitrates. A decision is a value; what comes of it
(a takeover that fails, an operator's command) comes back as part of the next `Round`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ipfx_failover.decide.evidence import (
    ArpEvidence,
    Candidate,
    Limitation,
    Network,
    Obstacle,
    limitation,
)
from ipfx_failover.decide.liveness import (
    Answered,
    AnsweredLate,
    Change,
    Liveness,
    Missed,
    Outcome,
    ServerLiveness,
    Thresholds,
    counted_afresh,
    forgotten,
    observe,
)
from ipfx_failover.events import EventKind
from ipfx_failover.records import Mode, Phase

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ipfx_failover.events import Value
    from ipfx_failover.records import StandIn

_ARP_PROBES = 3
"""PROBE_NUM of RFC 5227, where the count leaves time for so many."""
_LEFT_TO_OTHERS = frozenset({Phase.INTERRUPTED, Phase.STANDING_DOWN})
"""Phases in which a human, or the unfinished journal, says how it goes on."""


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What the fleet must know of a server besides its pings."""

    name: str
    mode: Mode = Mode.MONITORING
    failback_pending: bool = False
    missing: str | None = None
    attempts: int = 0
    assume_ip: bool = False
    auto_stop_failover: bool = False


@dataclass(frozen=True, slots=True)
class Round:
    """What one round of probes showed, and the state it meets.

    `outcomes` by server name; a server that was not probed is not in it. `arp` by server name.
    `networks` by server name, since no server is its own reference. `isolation`: why our own
    network does not work at all, in words.
    """

    now_ns: int
    boot_id: str
    outcomes: Mapping[str, Outcome]
    facts: Mapping[str, ServerFacts]
    networks: Mapping[str, Network]
    stand_in: StandIn | None
    isolation: str | None = None
    any_reference_answered: bool = False
    arp: Mapping[str, ArpEvidence] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Say:
    """Something to report."""

    kind: EventKind
    server: str | None
    data: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TakeOver:
    """Take the server's role; again after a reboot of this machine, if it was ours already."""

    server: str


@dataclass(frozen=True, slots=True)
class StopFailover:
    """The failed server is back for good: give its role back, if its application answers too."""

    server: str


@dataclass(frozen=True, slots=True)
class MarkInterrupted:
    """After a reboot of this machine the server answers: do not take it again."""

    server: str
    reason: str


@dataclass(frozen=True, slots=True)
class ForgetAttempts:
    """The server answers: takeovers that failed before do not delay the next one."""

    server: str


NOBODY_ANSWERS = "no reference target answers"

Decision = Say | TakeOver | StopFailover | MarkInterrupted | ForgetAttempts


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
        servers[name] = after
        decisions += _report(name, after, changes, thresholds, round_)
        decisions += _interrupted(name, outcome, round_)
        decisions += _returned_for_good(name, after, thresholds, round_)
        if after.liveness is Liveness.OK and round_.facts[name].attempts:
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
    if name not in round_.networks or _is_stand_in(name, round_) or round_.facts[name].missing:
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
    return _is_stand_in(name, round_) and not _is_from_another_boot(round_)


def _is_stand_in(name: str, round_: Round) -> bool:
    stand_in = round_.stand_in
    return stand_in is not None and stand_in.server.casefold() == name.casefold()


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
        interrupted=_is_stand_in(name, round_)
        and round_.stand_in is not None
        and round_.stand_in.phase in _LEFT_TO_OTHERS,
        missing=facts.missing,
        attempts=facts.attempts,
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


def _report(
    name: str,
    state: ServerLiveness,
    changes: tuple[Change, ...],
    thresholds: Thresholds,
    round_: Round,
) -> Iterator[Say]:
    needed = state.needed(thresholds)
    standing_in = _is_stand_in(name, round_)
    # Then somebody is at work on it: the log says what is seen, and nobody is alarmed.
    pending = round_.facts[name].failback_pending
    for change in changes:
        match change:
            case Change.ANSWERING:
                yield Say(EventKind.SERVER_ANSWERING, name)
            case Change.SUSPECT:
                follows = "" if pending else f"; failover after {needed} in a row"
                yield Say(EventKind.SERVER_SUSPECT, name, {"follows": follows})
            case Change.WARNING if not (standing_in or pending):
                data = {"misses": state.misses, "needed": needed}
                yield Say(EventKind.WARNING_COUNT_REACHED, name, data)
            case Change.FAILED:
                failure = _failure(state, round_.now_ns, pending=pending)
                yield Say(EventKind.SERVER_FAILED, name, failure)
            case Change.RESET:
                yield _reset(name, round_)
            case _:
                pass


def _failure(state: ServerLiveness, now_ns: int, *, pending: bool) -> Mapping[str, Value]:
    """`silent_s`: since its first probe that was not answered was sent."""
    first_ns = now_ns if state.first_miss_ns is None else state.first_miss_ns
    return {
        "misses": state.misses,
        "silent_s": round((now_ns - first_ns) / 1e9, 3),
        "detail": "; not taken over: failback is pending" if pending else "",
    }


def _reset(name: str, round_: Round) -> Say:
    facts = round_.facts[name]
    if facts.failback_pending:
        return Say(EventKind.SERVER_ANSWERING, name)
    if not _is_stand_in(name, round_):
        return Say(EventKind.SERVER_RESET, name, {"advice": "Nothing; find out why it failed."})
    if facts.assume_ip:
        # It is its management address that answers; ARP may have told of it already.
        return Say(EventKind.PRIMARY_RETURNED, name, {"how": "it answers pings"})
    data = {
        "detail": "; the Failover Server still stands in for it",
        "advice": f"Give the role back: ipfx-failover stop-failover {name}, restart {name}, "
        f"ipfx-failover replicate-to-live {name}",
    }
    return Say(EventKind.SERVER_RESET, name, data)


def _interrupted(name: str, outcome: Outcome, round_: Round) -> Iterator[MarkInterrupted]:
    stand_in = round_.stand_in
    if stand_in is None or not _is_stand_in(name, round_) or not _is_from_another_boot(round_):
        return
    answers = isinstance(outcome, (Answered, AnsweredLate))
    if answers and stand_in.phase not in _LEFT_TO_OTHERS:
        yield MarkInterrupted(name, f"this machine was restarted, and {name} answers again")


def _returned_for_good(
    name: str, state: ServerLiveness, thresholds: Thresholds, round_: Round
) -> Iterator[StopFailover]:
    stand_in, facts = round_.stand_in, round_.facts[name]
    if stand_in is None or not _is_stand_in(name, round_) or facts.assume_ip:
        return
    if facts.auto_stop_failover and facts.mode is Mode.MONITORING:
        settled = stand_in.phase in {Phase.STANDING_IN, Phase.INTERRUPTED}
        if settled and state.liveness is Liveness.OK and state.answers >= state.needed(thresholds):
            yield StopFailover(name)

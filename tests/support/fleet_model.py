"""A simulated Failover Server: it judges rounds, carries decisions out, restarts and reboots.

It also keeps its own, independent books of what each server's pings showed, and refuses (by an
AssertionError) every decision that these books do not support.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ipfx_failover.decide import fleet as fleets
from ipfx_failover.decide.decisions import (
    Decision,
    ForgetAttempts,
    MarkInterrupted,
    Round,
    Say,
    ServerFacts,
    StopFailover,
    TakeOver,
)
from ipfx_failover.decide.evidence import ArpEvidence, Network
from ipfx_failover.decide.fleet import Fleet
from ipfx_failover.decide.liveness import (
    Answered,
    AnsweredLate,
    Liveness,
    Missed,
    Outcome,
    ServerLiveness,
    Thresholds,
)
from ipfx_failover.events import EventKind
from ipfx_failover.records import Mode, Phase, StandIn

if TYPE_CHECKING:
    from collections.abc import Mapping

COUNTS = Thresholds(warning=2, failover=4, after_reboot=7)
INTERVAL_NS = 2_000_000_000
TIMEOUT_NS = 1_000_000_000
LONG_AGO = datetime(2026, 3, 4, tzinfo=UTC)
SILENT = ArpEvidence(silent=3)
IN_USE = ArpEvidence(silent=0, mac="02:00:00:00:00:01")


@dataclass
class Books:
    """What really happened to one server, counted by the test."""

    silent: int = 0
    """Misses since its last sign of life."""
    since_verdict: int = 0
    """Misses since the last decision about it (or since it was forgotten)."""
    first_miss_ns: int | None = None
    answers: int = 0
    verdicts: int = 0
    """Full counts since its last sign of life."""

    def count(self, outcome: Outcome) -> None:
        match outcome:
            case Answered() | AnsweredLate(missed_since=0):
                self.reset(answers=self.answers + 1)
            case AnsweredLate(received_ns, later):
                self.silent, self.verdicts = min(self.silent, later), 0
                self.since_verdict = min(self.since_verdict, later)
                self.first_miss_ns = received_ns
            case Missed(sent_ns):
                self.silent, self.answers = self.silent + 1, 0
                self.since_verdict += 1
                if self.since_verdict == 1 and self.first_miss_ns is None:
                    self.first_miss_ns = sent_ns

    def reset(self, answers: int = 0) -> None:
        self.silent = self.since_verdict = self.verdicts = 0
        self.first_miss_ns, self.answers = None, answers

    def judged(self) -> None:
        self.since_verdict, self.first_miss_ns = 0, None
        self.verdicts += 1


@dataclass
class FailoverServer:
    """What survives a restart of the monitor, what survives a reboot, and what does not."""

    facts: dict[str, ServerFacts]
    newest_allowed_age_ns: int
    most_attempts: int = 1000
    """How many failed takeovers are counted; few, where a test waits for the next."""
    stand_in: StandIn | None = None
    answered_boot: dict[str, str] = field(default_factory=dict)
    boot: int = 1
    now_ns: int = 1_000 * INTERVAL_NS
    reference_answer_ns: int | None = None
    fleet: Fleet = field(default_factory=Fleet)
    ordered: list[str] = field(default_factory=list)
    books: dict[str, Books] = field(default_factory=dict)
    said: list[tuple[EventKind, str | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.books = {name: Books() for name in self.facts}

    @property
    def boot_id(self) -> str:
        return f"boot {self.boot}"

    def twin(self) -> FailoverServer:
        return copy.deepcopy(self)

    # What the operator and the workflows do.

    def set_mode(self, name: str, mode: Mode) -> None:
        if self.facts[name].mode is not mode:
            self._know(name, mode=mode)
            if mode is Mode.MONITORING:
                self._know(name, failback_pending=False)
            self._forget(name)

    def give_back(self) -> None:
        if self.stand_in is not None:
            name, self.stand_in = self.stand_in.server, None
            self._know(name, failback_pending=True)
            self._given_back(name)

    def set_missing(self, name: str, missing: str | None) -> None:
        self._know(name, missing=missing)

    def replicate_to_live(self, name: str) -> None:
        self._know(name, failback_pending=False)

    def carry_out(self, *, works: bool) -> None:
        """The executor does its oldest order; one role at a time, as the store sees to."""
        if not self.ordered:
            return
        name = self.ordered.pop(0)
        if self.stand_in is not None and self.stand_in.server != name:
            return
        if works:
            self._know(name, attempts=0)
            self.stand_for(name)
        else:
            attempts = min(self.facts[name].attempts + 1, self.most_attempts)
            self._know(name, attempts=attempts)

    def stand_for(self, name: str, phase: Phase = Phase.STANDING_IN) -> None:
        self.stand_in = StandIn(name, self.boot_id, LONG_AGO, phase, address=None, adapter=None)

    def begin_giving_back(self) -> None:
        """A stand-down whose process was killed in the middle."""
        if self.stand_in is not None:
            self.stand_in = replace(self.stand_in, phase=Phase.STANDING_DOWN)

    def restart_monitor(self) -> None:
        self.ordered.clear()
        self.fleet = Fleet(
            {
                name: ServerLiveness(answered_since_boot=self._answered_since_boot(name))
                for name in self.facts
            }
        )
        for books in self.books.values():
            books.reset()

    def reboot(self) -> None:
        self.boot += 1
        self.restart_monitor()

    # Rounds.

    def round(
        self,
        outcomes: Mapping[str, Outcome],
        *,
        isolation: str | None = None,
        carrier: bool = True,
        reference_answers: bool = True,
        arp: Mapping[str, ArpEvidence] | None = None,
    ) -> tuple[Decision, ...]:
        """One round: the fleet judges it, the decisions are checked and carried out."""
        self.now_ns += INTERVAL_NS
        if reference_answers:
            self.reference_answer_ns = self.now_ns - TIMEOUT_NS
        round_ = self._round(outcomes, isolation, arp or {}, carrier, reference_answers)
        before = self.fleet
        self.fleet, decisions = fleets.step(before, round_, COUNTS)
        self._keep_books(round_, is_judged=not (before.isolated and self.fleet.isolated))
        self._check(round_, decisions)
        self._apply(round_, decisions)
        return decisions

    def _round(
        self,
        outcomes: Mapping[str, Outcome],
        isolation: str | None,
        arp: Mapping[str, ArpEvidence],
        carrier: bool,  # noqa: FBT001
        reference_answers: bool,  # noqa: FBT001
    ) -> Round:
        network = Network(
            carrier=carrier,
            has_reference=self.reference_answer_ns is not None,
            reference_answer_ns=self.reference_answer_ns,
            newest_allowed_age_ns=self.newest_allowed_age_ns,
        )
        return Round(
            now_ns=self.now_ns,
            boot_id=self.boot_id,
            outcomes=outcomes,
            facts=self.facts,
            networks=dict.fromkeys(outcomes, network),
            stand_in=self.stand_in,
            isolation=isolation,
            any_reference_answered=reference_answers,
            arp=arp,
        )

    def _keep_books(self, round_: Round, *, is_judged: bool) -> None:
        if round_.isolation is not None:
            for books in self.books.values():
                books.reset()
            return
        if not is_judged:
            return
        for name, outcome in round_.outcomes.items():
            self.books[name].count(outcome)
            if isinstance(outcome, (Answered, AnsweredLate)):
                self.answered_boot[name] = self.boot_id

    def _check(self, round_: Round, decisions: tuple[Decision, ...]) -> None:
        taken = [d.server for d in decisions if isinstance(d, TakeOver)]
        assert len(taken) <= 1, f"two takeovers in one round: {taken}"
        for name in taken:
            self._check_takeover(name, round_)
        for decision in decisions:
            match decision:
                case StopFailover(server):
                    self._check_stop(server)
                case MarkInterrupted(server, _):
                    assert isinstance(round_.outcomes[server], (Answered, AnsweredLate))
                    assert self.stand_in is not None
                    assert self.stand_in.boot_id != self.boot_id
                case Say(EventKind.WARNING_COUNT_REACHED, str(server), _):
                    assert self.books[server].since_verdict == COUNTS.warning
                    assert self.stand_in is None or self.stand_in.server != server
                case Say(EventKind.FAILED_WHILE_STANDING_IN, str(server), data):
                    assert data["standing_in"] in {*taken, self.stand_in and self.stand_in.server}
                    assert self.books[server].since_verdict >= self.needed(server)

    def _check_takeover(self, name: str, round_: Round) -> None:
        facts, books, stand_in = self.facts[name], self.books[name], self.stand_in
        network = round_.networks[name]
        assert facts.mode is Mode.MONITORING
        assert round_.isolation is None
        assert network.carrier
        assert not facts.failback_pending
        assert facts.missing is None
        assert isinstance(round_.outcomes[name], Missed)
        if stand_in is not None:
            assert stand_in.server == name, "a second role"
            assert stand_in.boot_id != self.boot_id, "a role that is performed already"
            assert stand_in.phase in {Phase.STANDING_IN, Phase.TAKING_OVER}
        needed = self.needed(name)
        assert books.silent >= needed, "too early"
        assert books.since_verdict >= needed, "without a fresh full count"
        assert books.verdicts + 1 >= 2 ** min(facts.attempts, 6)
        if network.has_reference:
            answer_ns = network.reference_answer_ns
            assert answer_ns is not None
            assert books.first_miss_ns is not None
            assert books.first_miss_ns <= answer_ns
            assert self.now_ns - answer_ns <= self.newest_allowed_age_ns
        if facts.assume_ip:
            assert round_.arp[name].silent >= min(3, needed - 1)

    def _check_stop(self, name: str) -> None:
        facts = self.facts[name]
        assert facts.auto_stop_failover
        assert not facts.assume_ip
        assert facts.mode is Mode.MONITORING
        assert self.stand_in is not None
        assert self.stand_in.server == name
        assert self.books[name].answers >= COUNTS.failover

    def _apply(self, round_: Round, decisions: tuple[Decision, ...]) -> None:
        for name in round_.outcomes:
            self._note_verdict(name, round_, decisions)
        for decision in decisions:
            self._carry(decision)

    def _carry(self, decision: Decision) -> None:
        match decision:
            case Say(kind, server, _):
                self.said.append((kind, server))
                if kind is EventKind.ISOLATED:
                    for books in self.books.values():
                        books.reset()
            case TakeOver(server):
                self.ordered.append(server)
            case ForgetAttempts(server):
                self._know(server, attempts=0)
            case MarkInterrupted():
                assert self.stand_in is not None
                self.stand_in = replace(self.stand_in, phase=Phase.INTERRUPTED)
            case StopFailover(server):
                # The application is asked too, and the role is given back for good.
                self.stand_in = None
                self._given_back(server)

    def _note_verdict(self, name: str, round_: Round, decisions: tuple[Decision, ...]) -> None:
        """A full count was judged, whatever came of it (its own role is not judged)."""
        state = self.fleet.servers[name]
        judged = state.liveness is Liveness.FAILED and state.misses == 0
        if isinstance(round_.outcomes[name], Missed) and judged:
            self.books[name].judged()
        elif any(isinstance(d, TakeOver) and d.server == name for d in decisions):
            raise AssertionError("a takeover without a count afresh")

    def needed(self, name: str) -> int:
        return COUNTS.failover if self._answered_since_boot(name) else COUNTS.after_reboot

    def _answered_since_boot(self, name: str) -> bool:
        return self.answered_boot.get(name) == self.boot_id

    def _know(self, name: str, **changes: object) -> None:
        self.facts[name] = replace(self.facts[name], **changes)  # type: ignore[arg-type]

    def _given_back(self, name: str) -> None:
        """Who failed meanwhile is counted from now on; of the others the counting goes on."""
        for other, state in self.fleet.servers.items():
            if state.liveness is Liveness.FAILED:
                self.books[other].since_verdict, self.books[other].first_miss_ns = 0, None
        self.fleet = fleets.given_back(self.fleet, name)
        self.books[name].reset()

    def _forget(self, name: str) -> None:
        self.fleet = fleets.forget(self.fleet, name)
        self.books[name].reset()

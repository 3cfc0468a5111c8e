"""Whatever happens in whatever order: never two roles, never against the evidence, always in time.

`tests.support.fleet_model` refuses every decision that its own books do not support.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ipfx_failover.decide.decisions import ServerFacts, TakeOver
from ipfx_failover.decide.liveness import Answered, AnsweredLate, Inconclusive, Missed
from ipfx_failover.records import Mode, Phase
from tests.support.fleet_model import COUNTS, IN_USE, INTERVAL_NS, SILENT, FailoverServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfx_failover.decide.evidence import ArpEvidence
    from ipfx_failover.decide.liveness import Outcome

TAKES_ADDRESS, STOPS_ITSELF, PLAIN = NAMES = ("TAKES_ADDRESS", "STOPS_ITSELF", "PLAIN")

SECOND_NS = 1_000_000_000

names = st.sampled_from(NAMES)
some_names = st.sets(names, min_size=1)
full_counts = st.sampled_from([COUNTS.failover, COUNTS.after_reboot, 3, 6, 1])
habits = st.sampled_from(["answers", "silent", "late", "stalled", "unprobed"])
arps = st.sampled_from([SILENT, SILENT, IN_USE])
executions = st.sampled_from(["at once", "later", "fails"])
facts = {
    TAKES_ADDRESS: ServerFacts(TAKES_ADDRESS, assume_ip=True),
    STOPS_ITSELF: ServerFacts(STOPS_ITSELF, auto_stop_failover=True),
    PLAIN: ServerFacts(PLAIN),
}


HAPPENINGS: dict[str, Callable[[FailoverServer, str], object]] = {
    "our own cable is pulled": lambda us, _: us.round(
        {}, isolation="no carrier", reference_answers=False
    ),
    "the operator suspends": lambda us, name: us.set_mode(name, Mode.SUSPENDED),
    "the operator stops": lambda us, name: us.set_mode(name, Mode.STOPPED),
    "the operator resumes": lambda us, name: us.set_mode(name, Mode.MONITORING),
    "the operator gives the role back": lambda us, _: us.give_back(),
    "the operator replicates to live": lambda us, name: us.replicate_to_live(name),
    "a copy is lost": lambda us, name: us.set_missing(name, "a copy"),
    "a copy is made": lambda us, name: us.set_missing(name, None),
    "the executor is done": lambda us, _: us.carry_out(works=True),
    "the executor fails": lambda us, _: us.carry_out(works=False),
    "the monitor is restarted": lambda us, _: us.restart_monitor(),
    "this machine reboots": lambda us, _: us.reboot(),
    "a stand-down is killed in the middle": lambda us, _: us.begin_giving_back(),
}


class AnySequence(RuleBasedStateMachine):
    @initialize(
        away=st.none() | st.tuples(names, st.sampled_from([Mode.SUSPENDED, Mode.STOPPED])),
        pending=st.none() | names,
        lacking=st.none() | names,
        age_s=st.sampled_from([3, 7, 60]),
        has_reference=st.booleans(),
        known=st.sets(names),
        standing_for=st.none() | names,
        phase=st.sampled_from(Phase),
        rebooted=st.booleans(),
    )
    def start(
        self,
        away: tuple[str, Mode] | None,
        pending: str | None,
        lacking: str | None,
        age_s: int,
        has_reference: bool,  # noqa: FBT001
        known: set[str],
        standing_for: str | None,
        phase: Phase,
        rebooted: bool,  # noqa: FBT001
    ) -> None:
        met = dict(facts)
        if away:
            met[away[0]] = replace(met[away[0]], mode=away[1])
        if pending:
            met[pending] = replace(met[pending], failback_pending=True)
        if lacking:
            met[lacking] = replace(met[lacking], missing="a copy")
        self.us = FailoverServer(met, newest_allowed_age_ns=age_s * SECOND_NS, most_attempts=3)
        self.has_reference = has_reference
        if known:
            self.round(dict.fromkeys(known, "answers"))
        if standing_for:
            self.us.stand_for(standing_for, phase)
        if rebooted:
            self.us.reboot()

    def round(
        self,
        habits_now: dict[str, str],
        *,
        late_by: int = 0,
        execute: str = "later",
        arp: ArpEvidence = SILENT,
        reference_answers: bool = True,
        carrier: bool = True,
    ) -> None:
        sent_ns = self.us.now_ns + INTERVAL_NS // 2
        made: dict[str, Outcome] = {
            "answers": Answered(sent_ns + 1),
            "silent": Missed(sent_ns),
            "late": AnsweredLate(sent_ns + 1, late_by),
            "stalled": Inconclusive(),
        }
        self.us.round(
            {name: made[habit] for name, habit in habits_now.items() if habit in made},
            reference_answers=reference_answers and self.has_reference,
            carrier=carrier,
            arp=dict.fromkeys(NAMES, arp),
        )
        if self.us.ordered and execute != "later":
            self.us.carry_out(works=execute == "at once")

    @rule(
        dead=some_names,
        rounds=full_counts,
        reference_until=st.sampled_from([9, 9, 0, 1, 3]),
        arp=arps,
        execute=executions,
    )
    def servers_are_silent(
        self,
        dead: set[str],
        rounds: int,
        reference_until: int,
        arp: ArpEvidence,
        execute: str,
    ) -> None:
        habits_now = {name: "silent" if name in dead else "answers" for name in NAMES}
        for number in range(rounds):
            self.round(
                habits_now, execute=execute, arp=arp, reference_answers=number < reference_until
            )

    @rule(
        habits_now=st.fixed_dictionaries(dict.fromkeys(NAMES, habits)),
        late_by=st.sampled_from([0, 1, 3, 6]),
        carrier=st.sampled_from([True, True, False]),
        arp=arps,
        execute=executions,
    )
    def anything_is_seen(
        self,
        habits_now: dict[str, str],
        late_by: int,
        carrier: bool,  # noqa: FBT001
        arp: ArpEvidence,
        execute: str,
    ) -> None:
        self.round(habits_now, late_by=late_by, carrier=carrier, arp=arp, execute=execute)

    @rule(name=names, late_by=st.sampled_from([1, 3, 6]), silent_before=full_counts)
    def a_silent_server_answers_late(self, name: str, late_by: int, silent_before: int) -> None:
        for _ in range(silent_before):
            self.round({name: "silent"})
        self.round({name: "late"}, late_by=late_by)

    @rule(alive=some_names, rounds=st.sampled_from([1, COUNTS.failover - 1, COUNTS.failover]))
    def servers_answer(self, alive: set[str], rounds: int) -> None:
        for _ in range(rounds):
            self.round(dict.fromkeys(alive, "answers"))

    @rule(name=names, what=st.sampled_from(sorted(HAPPENINGS)))
    def something_happens(self, name: str, what: str) -> None:
        HAPPENINGS[what](self.us, name)

    @rule(name=names, rounds_before=st.integers(0, 5))
    def a_server_that_dies_now_is_always_taken_over(self, name: str, rounds_before: int) -> None:
        """Tried on a twin, from wherever we are, once nothing inhibits it any more."""
        us = self.us.twin()
        us.ordered.clear()
        if us.stand_in is not None:
            us.give_back()
        us.set_mode(name, Mode.MONITORING)
        us.replicate_to_live(name)
        us.set_missing(name, None)
        others = [other for other in NAMES if other != name]
        for other in others:
            us.set_mode(other, Mode.MONITORING)
        for round_ in range(rounds_before + 1):
            answering = [*others, name] if round_ < rounds_before else others
            us.round({other: Answered(us.now_ns + INTERVAL_NS // 2) for other in answering})
        counts = us.needed(name) * (2 ** min(us.facts[name].attempts, 6) + 1)
        for _ in range(counts):
            sent_ns = us.now_ns + INTERVAL_NS // 2
            silence: dict[str, Outcome] = {name: Missed(sent_ns)}
            alive = {other: Answered(sent_ns + 1) for other in others}
            if TakeOver(name) in us.round(silence | alive, arp={name: SILENT}):
                return
        raise AssertionError(f"{name} was silent for {counts} rounds, and nobody took over")

    @invariant()
    def the_counts_stay_sane(self) -> None:
        if hasattr(self, "us"):
            for name, state in self.us.fleet.servers.items():
                mine = self.us.stand_in is not None and self.us.stand_in.server == name
                assert mine or state.misses < COUNTS.after_reboot


AnySequence.TestCase.settings = settings(
    max_examples=200, stateful_step_count=20, deadline=None, print_blob=True
)
TestAnySequence = AnySequence.TestCase

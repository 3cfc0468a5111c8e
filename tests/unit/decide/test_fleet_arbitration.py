"""All servers together: the decisions, one situation at a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.decide.decisions import MarkInterrupted, Say, ServerFacts, StopFailover, TakeOver
from ipfx_failover.decide.fleet import taken_over, takeover_failed
from ipfx_failover.decide.liveness import Answered, AnsweredLate, Inconclusive, Missed
from ipfx_failover.events import EventKind
from ipfx_failover.records import Mode
from tests.support.fleet_model import COUNTS, IN_USE, SILENT, FailoverServer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfx_failover.decide.decisions import Decision
    from ipfx_failover.decide.evidence import ArpEvidence

K = EventKind
FOREVER_NS = 10**15


def failover_server(*facts: ServerFacts) -> FailoverServer:
    """One that has just seen all its servers well."""
    us = FailoverServer({fact.name: fact for fact in facts}, newest_allowed_age_ns=FOREVER_NS)
    answers(us, *us.facts)
    us.said.clear()
    return us


def answers(us: FailoverServer, *names: str, rounds: int = 1) -> list[Decision]:
    decisions: list[Decision] = []
    for _ in range(rounds):
        decisions += us.round({name: Answered(us.now_ns + 1) for name in names})
    return decisions


def silence(
    us: FailoverServer,
    *dead: str,
    rounds: int = COUNTS.failover,
    alive: Sequence[str] = (),
    reference_answers: bool = True,
    arp: ArpEvidence = SILENT,
) -> list[Decision]:
    decisions: list[Decision] = []
    for _ in range(rounds):
        outcomes = {name: Missed(us.now_ns + 1) for name in dead}
        decisions += us.round(
            outcomes | {name: Answered(us.now_ns + 2) for name in alive},
            reference_answers=reference_answers,
            arp=dict.fromkeys(dead, arp),
        )
    return decisions


def kinds(decisions: list[Decision]) -> Counter[EventKind]:
    return Counter(d.kind for d in decisions if isinstance(d, Say))


A, B = ServerFacts("A"), ServerFacts("B")


def test_a_dead_server_is_taken_over_at_the_count_and_not_before() -> None:
    us = failover_server(A)

    assert [] == [d for d in silence(us, "A", rounds=3) if isinstance(d, TakeOver)]
    assert TakeOver("A") in silence(us, "A", rounds=1)


def test_the_log_of_a_death_is_suspect_warning_failure() -> None:
    us = failover_server(A)
    silence(us, "A")

    assert [
        (K.SERVER_SUSPECT, "A"),
        (K.WARNING_COUNT_REACHED, "A"),
        (K.SERVER_FAILED, "A"),
    ] == us.said


def test_of_two_that_die_at_once_the_first_is_taken_and_the_other_is_said_once_per_count() -> None:
    us = failover_server(A, B)

    first = silence(us, "A", "B")
    us.carry_out(works=True)
    later = silence(us, "A", "B", rounds=2 * COUNTS.failover)

    assert [TakeOver("A")] == [d for d in first if isinstance(d, TakeOver)]
    assert Say(K.FAILED_WHILE_STANDING_IN, "B", {"standing_in": "A"}) in first
    assert [] == [d for d in later if isinstance(d, TakeOver)]
    assert 2 == kinds(later)[K.FAILED_WHILE_STANDING_IN]


def test_the_second_is_taken_only_a_full_count_after_the_role_was_given_back() -> None:
    us = failover_server(A, B)
    silence(us, "A", "B")
    us.carry_out(works=True)
    silence(us, "B", rounds=2)
    us.give_back()

    assert [] == [d for d in silence(us, "B", rounds=3) if isinstance(d, TakeOver)]
    assert TakeOver("B") in silence(us, "B", rounds=1)


def test_after_a_failed_takeover_it_is_tried_again_after_longer_and_longer() -> None:
    us = failover_server(A)
    tried_at = []
    for count in range(1, 260):
        if any(isinstance(d, TakeOver) for d in silence(us, "A")):
            tried_at.append(count)
            us.carry_out(works=False)

    assert [1, 2, 4, 8, 16, 32, 64, 128, 192, 256] == tried_at


@pytest.mark.parametrize("known", [0, 3])
def test_a_failed_takeover_that_the_store_knows_nothing_of_counts_until_it_does(known: int) -> None:
    us = failover_server(replace(A, attempts=known))
    us.fleet = takeover_failed(us.fleet, "A", known)
    us.fleet = takeover_failed(us.fleet, "A", known)
    silence(us, "A")

    assert known + 2 == us.fleet.servers["A"].attempts
    us.facts["A"] = replace(A, attempts=known + 2)
    silence(us, "A", rounds=1)
    assert 0 == us.fleet.servers["A"].attempts


def test_after_a_takeover_that_succeeded_those_before_it_do_not_count() -> None:
    us = failover_server(A)
    us.fleet = taken_over(takeover_failed(us.fleet, "A", 0), "A")

    assert 0 == us.fleet.servers["A"].attempts


def test_takeovers_that_failed_before_the_server_was_back_do_not_delay_the_next() -> None:
    us = failover_server(A)
    for _ in range(3):
        silence(us, "A", rounds=8 * COUNTS.failover)
        us.carry_out(works=False)
    answers(us, "A")
    us.ordered.clear()

    assert 0 == us.facts["A"].attempts
    assert TakeOver("A") in silence(us, "A")


def test_while_failback_is_pending_nobody_is_alarmed_by_what_the_operator_does() -> None:
    us = failover_server(replace(A, failback_pending=True))

    said = [d for d in silence(us, "A", rounds=3 * COUNTS.failover) if isinstance(d, Say)]
    back = [d for d in answers(us, "A") if isinstance(d, Say)]

    assert [K.SERVER_SUSPECT, K.SERVER_FAILED, K.SERVER_ANSWERING] == [
        each.kind for each in (*said, *back)
    ]
    assert "; not taken over: failback is pending" == said[1].data["detail"]


def test_a_refusal_is_said_once_per_full_count_with_its_reason() -> None:
    us = failover_server(replace(A, missing="its database has never been replicated"))

    decisions = silence(us, "A", rounds=3 * COUNTS.failover)

    refusals = [d for d in decisions if isinstance(d, Say) and d.kind is K.TAKEOVER_REFUSED]
    assert 3 == len(refusals)
    assert "its database has never been replicated" == refusals[0].data["reason"]
    assert 1 == kinds(decisions)[K.SERVER_FAILED]


def test_an_address_in_use_is_refused_and_taken_as_soon_as_it_is_free() -> None:
    us = failover_server(replace(A, assume_ip=True))

    refused = silence(us, "A", arp=IN_USE)

    assert 1 == kinds(refused)[K.TAKEOVER_REFUSED]
    assert TakeOver("A") in silence(us, "A")


def test_without_any_arp_probe_the_address_is_not_taken() -> None:
    us = failover_server(replace(A, assume_ip=True))
    for _ in range(COUNTS.failover):
        decisions = us.round({"A": Missed(us.now_ns)})

    assert 1 == kinds(list(decisions))[K.TAKEOVER_REFUSED]


@pytest.mark.parametrize("mode", [Mode.SUSPENDED, Mode.STOPPED])
def test_a_result_that_comes_behind_a_suspend_takes_nothing_over(mode: Mode) -> None:
    us = failover_server(A)
    silence(us, "A", rounds=3)
    us.facts["A"] = replace(us.facts["A"], mode=mode)

    assert [] == [d for d in silence(us, "A", rounds=9) if isinstance(d, TakeOver)]


def test_after_resume_the_count_begins_again() -> None:
    us = failover_server(A)
    silence(us, "A", rounds=3)
    us.set_mode("A", Mode.SUSPENDED)
    us.set_mode("A", Mode.MONITORING)

    assert [] == [d for d in silence(us, "A", rounds=3) if isinstance(d, TakeOver)]
    assert TakeOver("A") in silence(us, "A", rounds=1)


def test_after_a_reboot_the_larger_count_holds_until_the_first_answer() -> None:
    us = failover_server(A, B)
    us.reboot()
    answers(us, "B")

    decisions = silence(us, "A", "B")

    assert [TakeOver("B")] == [d for d in decisions if isinstance(d, TakeOver)]
    us.give_back()
    us.ordered.clear()
    assert TakeOver("A") in silence(us, "A", rounds=COUNTS.after_reboot - COUNTS.failover)


def test_after_a_restart_of_the_monitor_the_normal_count_holds() -> None:
    us = failover_server(A)
    us.restart_monitor()

    assert TakeOver("A") in silence(us, "A")


def test_a_stalled_round_neither_counts_nor_resets() -> None:
    us = failover_server(A)
    silence(us, "A", rounds=3)
    us.round({"A": Inconclusive()})

    assert TakeOver("A") in silence(us, "A", rounds=1)


def test_a_late_answer_cancels() -> None:
    us = failover_server(A)
    silence(us, "A", rounds=3)
    us.round({"A": AnsweredLate(us.now_ns, missed_since=1)})

    assert [] == [d for d in silence(us, "A", rounds=2) if isinstance(d, TakeOver)]
    assert TakeOver("A") in silence(us, "A", rounds=1)


def test_a_late_answer_is_no_reason_to_take_over_though_the_smaller_count_is_passed() -> None:
    us = failover_server(A)
    us.reboot()
    silence(us, "A", rounds=6)

    decisions = us.round({"A": AnsweredLate(us.now_ns, missed_since=6)}, arp={"A": SILENT})

    assert [] == [d for d in decisions if isinstance(d, TakeOver)]
    assert TakeOver("A") in silence(us, "A", rounds=1)


def test_when_the_references_fall_silent_too_we_are_cut_off_and_judge_nobody() -> None:
    us = failover_server(A, B)
    decisions = silence(us, "A", "B", reference_answers=False, rounds=9)

    assert [] == [d for d in decisions if isinstance(d, TakeOver)]
    assert {K.ISOLATED: 1} == {k: n for k, n in kinds(decisions).items() if k is K.ISOLATED}
    assert us.fleet.isolated


def test_cut_off_while_standing_in_nobody_else_is_said_to_be_offline() -> None:
    us = failover_server(A, B)
    silence(us, "A", alive=["B"])
    us.carry_out(works=True)

    decisions = silence(us, "B", reference_answers=False, rounds=3 * COUNTS.failover)

    assert 1 == kinds(decisions)[K.ISOLATED]
    assert 0 == kinds(decisions)[K.FAILED_WHILE_STANDING_IN]


def test_after_isolation_everything_is_counted_afresh() -> None:
    us = failover_server(A)
    silence(us, "A", reference_answers=False)

    decisions = silence(us, "A", rounds=COUNTS.failover)

    assert 1 == kinds(decisions)[K.ISOLATION_ENDED]
    assert [TakeOver("A")] == [d for d in decisions if isinstance(d, TakeOver)]
    assert TakeOver("A") == decisions[-1]


def test_our_own_cable_is_told_once_and_forgets_all_counts() -> None:
    us = failover_server(A)
    silence(us, "A", rounds=3)
    for _ in range(5):
        us.round({}, isolation="the network cable has no carrier", reference_answers=False)

    assert 1 == us.said.count((K.ISOLATED, None))
    assert [] == [d for d in silence(us, "A", rounds=3) if isinstance(d, TakeOver)]


def test_with_no_reference_the_carrier_alone_ends_isolation() -> None:
    us = FailoverServer({"A": A}, newest_allowed_age_ns=FOREVER_NS)
    us.round({}, isolation="the network cable has no carrier", reference_answers=False)

    decisions = silence(us, "A", reference_answers=False, rounds=COUNTS.after_reboot)

    assert 1 == kinds(decisions)[K.ISOLATION_ENDED]
    assert TakeOver("A") in decisions


def test_the_server_that_we_stand_in_for_is_neither_taken_again_nor_warned_of() -> None:
    us = failover_server(A)
    silence(us, "A")
    us.carry_out(works=True)
    us.restart_monitor()

    decisions = silence(us, "A", rounds=3 * COUNTS.after_reboot)

    assert [] == [d for d in decisions if isinstance(d, TakeOver)]
    assert 0 == kinds(decisions)[K.WARNING_COUNT_REACHED]


def test_after_a_reboot_a_role_whose_primary_is_silent_is_taken_again() -> None:
    us = failover_server(A)
    silence(us, "A")
    us.carry_out(works=True)
    us.reboot()

    assert [] == [
        d for d in silence(us, "A", rounds=COUNTS.after_reboot - 1) if isinstance(d, TakeOver)
    ]
    assert TakeOver("A") in silence(us, "A", rounds=1)


@pytest.mark.parametrize("outcome", [Answered(1), AnsweredLate(1, missed_since=2)])
def test_after_a_reboot_a_role_whose_primary_answers_is_interrupted(
    outcome: Answered | AnsweredLate,
) -> None:
    us = failover_server(A)
    us.stand_for("A")
    us.reboot()

    decisions = us.round({"A": outcome})

    assert "A" in [d.server for d in decisions if isinstance(d, MarkInterrupted)]
    assert [] == [d for d in silence(us, "A", rounds=20) if isinstance(d, TakeOver)]


def test_a_role_that_was_being_given_back_at_the_reboot_is_not_taken_again() -> None:
    us = failover_server(A)
    us.stand_for("A")
    us.begin_giving_back()
    us.reboot()

    assert [] == [d for d in silence(us, "A", rounds=20) if isinstance(d, TakeOver)]
    assert [] == [d for d in answers(us, "A") if isinstance(d, MarkInterrupted)]


def test_a_failed_server_that_answers_was_reset() -> None:
    us = failover_server(replace(A, missing="a copy"))
    silence(us, "A")

    assert 1 == kinds(answers(us, "A"))[K.SERVER_RESET]


def test_a_reset_while_standing_in_says_how_to_give_back() -> None:
    us = failover_server(A)
    silence(us, "A")
    us.carry_out(works=True)

    said = [d for d in answers(us, "A") if isinstance(d, Say)]

    assert [K.SERVER_RESET] == [d.kind for d in said]
    assert "stop-failover A" in str(said[0].data["advice"])


def test_failover_stops_by_itself_after_as_many_answers_as_misses_were_needed() -> None:
    us = failover_server(replace(A, auto_stop_failover=True))
    silence(us, "A")
    us.carry_out(works=True)

    assert [] == [d for d in answers(us, "A", rounds=3) if isinstance(d, StopFailover)]
    assert StopFailover("A") in answers(us, "A", rounds=1)


@pytest.mark.parametrize(
    "facts",
    [A, replace(A, auto_stop_failover=True, assume_ip=True)],
    ids=["not wanted", "the answers may be our own"],
)
def test_failover_does_not_stop_by_itself(facts: ServerFacts) -> None:
    us = failover_server(facts)
    us.stand_for("A")

    assert [] == [d for d in answers(us, "A", rounds=20) if isinstance(d, StopFailover)]


def test_failback_pending_inhibits_until_replicated() -> None:
    us = failover_server(A)
    us.stand_for("A")
    us.give_back()

    assert [] == [d for d in silence(us, "A", rounds=9) if isinstance(d, TakeOver)]
    us.replicate_to_live("A")
    assert TakeOver("A") in silence(us, "A", rounds=COUNTS.failover)


def test_the_case_of_a_name_makes_no_second_server() -> None:
    us = failover_server(A)
    us.stand_for("a")

    assert [] == [d for d in silence(us, "A", rounds=9) if isinstance(d, TakeOver)]

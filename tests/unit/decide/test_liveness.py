"""Probe results become liveness: the manual's three counts."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipfx_failover.decide.liveness import (
    Answered,
    AnsweredLate,
    Change,
    Inconclusive,
    Liveness,
    Missed,
    Outcome,
    ServerLiveness,
    Thresholds,
    counted_afresh,
    forgotten,
    observe,
)

COUNTS = Thresholds(warning=2, failover=4, after_reboot=7)
KNOWN = ServerLiveness(answered_since_boot=True)
OK = ServerLiveness(liveness=Liveness.OK, answered_since_boot=True, answers=3)


def after(
    state: ServerLiveness, outcomes: list[Outcome], counts: Thresholds = COUNTS
) -> tuple[ServerLiveness, list[tuple[Change, ...]]]:
    changes = []
    for outcome in outcomes:
        state, change = observe(state, outcome, counts)
        changes.append(change)
    return state, changes


def misses(count: int, first: int = 1) -> list[Outcome]:
    return [Missed(sent_ns=number) for number in range(first, first + count)]


outcomes = st.one_of(
    st.builds(Answered, st.integers(0, 1000)),
    st.builds(Missed, st.integers(0, 1000)),
    st.just(Inconclusive()),
    st.builds(AnsweredLate, st.integers(0, 1000), st.integers(0, 9)),
)
thresholds = st.tuples(st.integers(1, 6), st.integers(0, 6), st.integers(0, 6)).map(
    lambda counts: Thresholds(counts[0], counts[0] + counts[1], sum(counts))
)
states = st.lists(outcomes, max_size=30).map(lambda given: after(ServerLiveness(), given)[0])


def test_a_server_in_normal_operation_fails_at_the_failover_count() -> None:
    state, changes = after(OK, misses(4))

    assert [
        (Change.SUSPECT,),
        (Change.WARNING,),
        (),
        (Change.FAILED, Change.DUE),
    ] == changes
    assert Liveness.FAILED is state.liveness


def test_a_server_that_has_not_answered_since_the_boot_needs_the_larger_count() -> None:
    _, changes = after(ServerLiveness(), misses(7))

    assert [(Change.SUSPECT,), (Change.WARNING,), (), (), (), ()] == changes[:6]
    assert (Change.FAILED, Change.DUE) == changes[6]


def test_the_larger_count_ends_with_the_first_answer() -> None:
    state, _ = after(ServerLiveness(), [*misses(6), Answered(7), *misses(3, 8)])

    assert Liveness.SUSPECT is state.liveness
    assert (Change.FAILED, Change.DUE) == observe(state, Missed(11), COUNTS)[1]


def test_a_late_answer_ends_the_larger_count_too() -> None:
    state, _ = after(ServerLiveness(), [*misses(6), AnsweredLate(7, missed_since=3)])

    assert (Change.FAILED, Change.DUE) == observe(state, Missed(8), COUNTS)[1]


def test_after_a_late_answer_a_count_that_is_passed_already_is_due_at_the_next_miss() -> None:
    state, _ = after(ServerLiveness(), [*misses(6), AnsweredLate(7, missed_since=6)])

    assert (Change.FAILED, Change.DUE) == observe(state, Missed(8), COUNTS)[1]


def test_a_late_answer_cancels_the_misses_before_it() -> None:
    state, _ = after(OK, [*misses(3), AnsweredLate(50, missed_since=1)])

    assert (1, 50) == (state.misses, state.first_miss_ns)


def test_an_answer_to_the_latest_probe_counts_though_it_is_late() -> None:
    state, changes = after(OK, [*misses(3), AnsweredLate(50, missed_since=0)])

    assert Liveness.OK is state.liveness
    assert (Change.ANSWERING,) == changes[-1]


@pytest.mark.parametrize("state", [OK, KNOWN, ServerLiveness()])
def test_an_old_answer_makes_nothing_worse(state: ServerLiveness) -> None:
    seen, changes = observe(state, AnsweredLate(50, missed_since=2), COUNTS)

    assert (replace(state, answered_since_boot=True), ()) == (seen, changes)


def test_a_failed_server_that_answers_was_reset() -> None:
    state, _ = after(OK, misses(9))

    assert (Change.RESET,) == observe(state, Answered(10), COUNTS)[1]
    assert (Change.RESET,) == observe(state, AnsweredLate(10, missed_since=2), COUNTS)[1]


def test_a_failed_server_stays_failed_while_it_is_counted_afresh() -> None:
    state = counted_afresh(after(OK, misses(4))[0])

    state, changes = after(state, misses(4, 5))

    assert [(), (), (), (Change.DUE,)] == changes
    assert (Liveness.FAILED, 2) == (state.liveness, state.dues)


def test_what_is_forgotten_counts_from_zero_but_remembers_the_boot() -> None:
    state, _ = after(OK, misses(3))

    assert KNOWN == forgotten(state)
    assert ServerLiveness() == forgotten(after(ServerLiveness(), misses(6))[0])


@given(states)
def test_an_inconclusive_round_is_neither_a_miss_nor_a_reset(state: ServerLiveness) -> None:
    assert (state, ()) == observe(state, Inconclusive(), COUNTS)


@given(states, st.integers(0, 1000))
def test_an_answer_always_ends_the_counting(state: ServerLiveness, at_ns: int) -> None:
    seen, _ = observe(state, Answered(at_ns), COUNTS)

    assert Liveness.OK is seen.liveness
    assert (0, None, True) == (seen.misses, seen.first_miss_ns, seen.answered_since_boot)


@given(st.lists(st.booleans(), max_size=60), thresholds)
def test_each_silence_warns_and_fails_exactly_once_at_its_count(
    answers: list[bool], counts: Thresholds
) -> None:
    given_outcomes: list[Outcome] = [
        Answered(n) if yes else Missed(n) for n, yes in enumerate(answers)
    ]
    _, changes = after(KNOWN, given_outcomes, counts)

    for answered, run in groupby(zip(answers, changes, strict=True), key=lambda pair: pair[0]):
        silence = [change for _, change in run]
        if not answered:
            warned = [n for n, change in enumerate(silence, 1) if Change.WARNING in change]
            failed = [n for n, change in enumerate(silence, 1) if Change.FAILED in change]
            assert [counts.warning] * (len(silence) >= counts.warning) == warned
            assert [counts.failover] * (len(silence) >= counts.failover) == failed


@given(st.lists(outcomes, max_size=60), thresholds)
def test_nothing_is_due_before_that_many_misses_since_the_last_sign_of_life(
    given_outcomes: list[Outcome], counts: Thresholds
) -> None:
    state, silent, answered_once = ServerLiveness(), 0, False
    for outcome in given_outcomes:
        state, changes = observe(state, outcome, counts)
        match outcome:
            case Missed():
                silent += 1
            case Answered():
                silent, answered_once = 0, True
            case AnsweredLate(missed_since=later):
                silent, answered_once = min(silent, later), True
        needed = counts.failover if answered_once else counts.after_reboot
        assert Change.DUE not in changes or silent >= needed


@given(states)
def test_evidence_must_be_newer_than_the_first_miss_that_counts(state: ServerLiveness) -> None:
    begun = observe(OK, Missed(500), COUNTS)[0]

    assert 500 == after(begun, misses(2, 600))[0].first_miss_ns
    assert (state.misses == 0) or state.first_miss_ns is not None

"""Ctrl-C or SIGTERM at any moment: nothing is left half done, and nothing more is begun."""

from __future__ import annotations

import signal
from itertools import count
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.errors import Failed, InDoubt, Interrupted
from ipfx_failover.state.journal import read_journal
from ipfx_failover.state.store import StateUnwritableError, Store
from ipfx_failover.workflow.committer import Committer
from tests.support.interrupts import signals_told
from tests.support.toy_workflow import (
    ALL_DONE,
    ALL_UNDONE,
    RESOURCE,
    STEPS,
    Toy,
    end,
    prepare,
    runner,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ipfx_failover.workflow.ports import Effect

KINDS = ("Write", "SetAside", "SwapIn")


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    with signals_told():
        yield


class InterruptedCommitter(Committer):
    """Somebody presses Ctrl-C right behind one of its commits."""

    def __init__(self, store: Store, interrupted_at: int) -> None:
        super().__init__(store)
        self.commits = 0
        self.interrupted_at = interrupted_at

    def commit(self, *effects: Effect) -> None:
        super().commit(*effects)
        self.commits += 1
        if self.commits == self.interrupted_at:
            signal.raise_signal(signal.SIGINT)


class FullAtTheEnd(Committer):
    """The disk has room for each step, and none for the end."""

    commits = 0

    def commit(self, *effects: Effect) -> None:
        self.commits += 1
        if self.commits > 1 + 2 * len(KINDS):
            raise StateUnwritableError("database or disk is full", "make room")
        super().commit(*effects)


def interrupt(toy: Toy, moment: str) -> None:
    """Let somebody press Ctrl-C while a step is done, or undone: `do Write`, `undo Write`."""

    def press(now: str) -> None:
        if now == moment:
            signal.raise_signal(signal.SIGINT)

    toy.during = press


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_that_is_interrupted_is_undone_with_those_before_it(
    store: Store, toy: Toy, kind: str
) -> None:
    interrupt(toy, f"do {kind}")

    with pytest.raises(Interrupted):
        runner(store, toy).run(RESOURCE, "DEMO", STEPS)

    assert ALL_UNDONE == end(store, toy)


def test_an_interrupt_right_behind_any_commit_undoes_all_until_the_last_step_is_done(
    tmp_path: Path,
) -> None:
    ends = []
    for interrupted_at in count(1):
        directory = tmp_path / str(interrupted_at)
        toy = prepare(directory)
        with Store(directory / "state") as store:
            committer = InterruptedCommitter(store, interrupted_at)
            try:
                with signals_told():
                    runner(store, toy, committer=committer).run(RESOURCE, "DEMO", STEPS)
                break
            except Interrupted:
                ends.append(end(store, toy))

    assert [*[ALL_UNDONE] * 6, *[ALL_DONE] * 2] == ends


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_killed_process_left_is_undone_to_its_end_before_an_interrupt_is_told(
    store: Store, toy: Toy, kind: str
) -> None:
    toy.fails_at, toy.stuck_at = "SwapIn", "SwapIn"
    with pytest.raises(InDoubt):
        runner(store, toy).run(RESOURCE, "DEMO", STEPS)
    toy.stuck_at = ""
    interrupt(toy, f"undo {kind}")

    with pytest.raises(Interrupted):
        runner(store, toy).recover(RESOURCE)

    assert ALL_UNDONE == end(store, toy)


def test_a_failure_that_is_being_undone_comes_first_and_nothing_is_begun_behind_it(
    store: Store, toy: Toy
) -> None:
    toy.fails_at = "SwapIn"
    interrupt(toy, "undo SetAside")
    with pytest.raises(Failed, match="no space left"):
        runner(store, toy).run(RESOURCE, "DEMO", STEPS)
    undone = end(store, toy)
    toy.fails_at = ""

    with pytest.raises(Interrupted):
        runner(store, toy).run(RESOURCE, "DEMO", STEPS)

    assert ALL_UNDONE == undone == end(store, toy)


@pytest.mark.parametrize("commits", range(5, 9))
def test_behind_the_point_of_no_return_an_interrupt_undoes_nothing(
    store: Store, toy: Toy, commits: int
) -> None:
    committer = InterruptedCommitter(store, commits)
    work = runner(store, toy, committer=committer, point_of_no_return="SetAside")
    if commits > len(KINDS) + 3:
        with pytest.raises(Interrupted):
            work.run(RESOURCE, "DEMO", STEPS)
    else:
        facts = work.run(RESOURCE, "DEMO", STEPS)
        assert facts["was_interrupted"]

    assert ALL_DONE == end(store, toy)


def test_a_step_behind_the_point_of_no_return_is_finished_undisturbed_and_says_so(
    store: Store, toy: Toy
) -> None:
    interrupt(toy, "do SwapIn")
    facts = runner(store, toy, point_of_no_return="SetAside").run(RESOURCE, "DEMO", STEPS)

    assert facts["was_interrupted"]
    assert ALL_DONE == end(store, toy)


def test_what_is_done_and_cannot_be_written_down_is_in_doubt_and_finished_by_the_next(
    store: Store, toy: Toy
) -> None:
    work = runner(store, toy, committer=FullAtTheEnd(store), point_of_no_return="SwapIn")
    with pytest.raises(InDoubt, match="it is done, but not written down: the state store"):
        work.run(RESOURCE, "DEMO", STEPS)
    assert read_journal(store, RESOURCE) is not None

    runner(store, toy, forward=True).recover(RESOURCE)
    assert ALL_DONE == end(store, toy)

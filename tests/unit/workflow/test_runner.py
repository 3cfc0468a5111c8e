"""The step runner: journal, do, commit; on failure undo in reverse."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.errors import Busy, Failed, InDoubt
from ipfx_failover.records import Authority, Mode
from ipfx_failover.state.journal import (
    Step,
    StepState,
    close_journal,
    learn,
    mark,
    open_journal,
    open_journals,
    read_journal,
    turn_back,
)
from ipfx_failover.state.store import BALLAST, StateUnwritableError, Store
from ipfx_failover.workflow.committer import Committer
from tests.fakes.clock import A_WEDNESDAY_NOON
from tests.support.toy_workflow import (
    ALL_DONE,
    ALL_UNDONE,
    NEW,
    OLD,
    RESOURCE,
    STEPS,
    Toy,
    ToyWorkflow,
    end,
    runner,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ipfx_failover.state.writing import Transaction


class Watcher:
    """Writes down what it is told; `raising` is raised at one of the calls."""

    def __init__(self, raising: BaseException | None = None, at: int = 1) -> None:
        self.seen: list[tuple[str, StepState]] = []
        self.raising = raising
        self.at = at

    def __call__(self, step: Step, state: StepState, text: str) -> None:  # noqa: ARG002
        self.seen.append((step.kind, state))
        if self.raising is not None and len(self.seen) == self.at:
            raise self.raising


class PatientStore(Store):
    """Writes down how long it is asked to wait for other writers."""

    def __init__(self, state_dir: Path) -> None:
        super().__init__(state_dir, busy_timeout_s=0.05)
        self.waits: list[float | None] = []

    @contextmanager
    def transaction(
        self, *, durable: bool = False, busy_timeout_s: float | None = None
    ) -> Iterator[Transaction]:
        self.waits.append(busy_timeout_s)
        with super().transaction(durable=durable, busy_timeout_s=busy_timeout_s) as tx:
            yield tx


def test_all_steps_are_done_in_order_and_the_end_is_told_once(store: Store, toy: Toy) -> None:
    watcher = Watcher()

    facts = runner(store, toy, observer=watcher).run(RESOURCE, "DEMO", STEPS)

    assert {"size": len(NEW)} == facts
    assert ALL_DONE == end(store, toy)
    assert [
        (kind, state)
        for kind in ("Write", "SetAside", "SwapIn")
        for state in (StepState.DOING, StepState.DONE)
    ] == watcher.seen


def test_a_step_that_fails_is_undone_with_all_before_it_in_reverse(store: Store, toy: Toy) -> None:
    toy.fails_at = "SwapIn"
    watcher = Watcher()

    with pytest.raises(Failed, match="no space left"):
        runner(store, toy, observer=watcher).run(RESOURCE, "DEMO", STEPS)

    assert ALL_UNDONE == end(store, toy)
    assert ["SwapIn", "SetAside", "Write"] == [
        kind for kind, state in watcher.seen if state is StepState.UNDONE
    ]
    assert "no space left" in store.events_after(0)[0].event.text


def test_what_was_not_begun_is_not_undone(store: Store, toy: Toy) -> None:
    toy.fails_at, toy.stuck_at = "SetAside", "SwapIn"

    with pytest.raises(Failed):
        runner(store, toy).run(RESOURCE, "DEMO", STEPS)

    assert ALL_UNDONE == end(store, toy)


def test_when_undoing_fails_too_a_human_is_asked_for_and_the_next_goes_on(
    store: Store, toy: Toy
) -> None:
    toy.fails_at, toy.stuck_at = "SwapIn", "SetAside"
    with pytest.raises(InDoubt) as caught:
        runner(store, toy).run(RESOURCE, "DEMO", STEPS)

    assert "no space left; and undoing 'SetAside DEMO' failed: it is in use" == caught.value.message
    assert caught.value.hint.startswith("end whoever uses it; then run the same command again")
    with pytest.raises(InDoubt):
        runner(store, toy, forward=True).recover(RESOURCE)
    toy.stuck_at = ""
    assert runner(store, toy, forward=True).recover(RESOURCE)
    assert ALL_UNDONE == end(store, toy)
    assert not runner(store, toy).recover(RESOURCE)


def test_an_error_in_undoing_that_nobody_foresaw_leaves_it_in_doubt(store: Store, toy: Toy) -> None:
    toy.fails_at = "SetAside"
    toy.path("beside").mkdir()
    with pytest.raises(InDoubt, match="undoing 'Write DEMO' failed: "):
        runner(store, toy).run(RESOURCE, "DEMO", STEPS)

    toy.path("beside").rmdir()
    runner(store, toy).recover(RESOURCE)
    assert ALL_UNDONE == end(store, toy)


def test_while_a_journal_is_open_other_work_on_the_resource_is_refused(
    store: Store, toy: Toy
) -> None:
    toy.fails_at, toy.stuck_at = "SwapIn", "SwapIn"
    with pytest.raises(InDoubt):
        runner(store, toy).run(RESOURCE, "DEMO", STEPS)
    before = toy.files()

    with pytest.raises(Busy, match="other work on DEMO/database"):
        runner(store, toy).run(RESOURCE, "DEMO", STEPS)

    assert before == toy.files()
    assert [RESOURCE] == open_journals(store)


def test_the_journal_of_another_workflow_is_left_to_it(store: Store, toy: Toy) -> None:
    toy.fails_at, toy.stuck_at = "SwapIn", "SwapIn"
    with pytest.raises(InDoubt):
        runner(store, toy).run(RESOURCE, "DEMO", STEPS)
    other = runner(store, toy)
    other._workflow = replace(ToyWorkflow(toy), name="another")  # noqa: SLF001

    assert not other.recover(RESOURCE)
    assert read_journal(store, RESOURCE) is not None


def test_steps_of_another_version_are_left_alone(store: Store, toy: Toy) -> None:
    toy.fails_at, toy.stuck_at = "SwapIn", "SwapIn"
    with pytest.raises(InDoubt):
        runner(store, toy).run(RESOURCE, "DEMO", STEPS)
    with store.transaction() as tx:
        tx.connection.execute("UPDATE journal_steps SET kind = 'Conjure' WHERE position = 0")

    with pytest.raises(InDoubt, match=r"another version of ipfx-failover.*Conjure"):
        runner(store, toy).recover(RESOURCE)


def test_a_decision_to_undo_binds_whoever_goes_on(store: Store, toy: Toy) -> None:
    toy.fails_at, toy.stuck_at = "SwapIn", "SwapIn"
    with pytest.raises(InDoubt):
        runner(store, toy).run(RESOURCE, "DEMO", STEPS)
    with store.transaction() as tx:
        turn_back(tx, RESOURCE, "a file \udce9 cannot be copied")
    toy.stuck_at = ""

    runner(store, toy, forward=True).recover(RESOURCE)

    assert ALL_UNDONE == end(store, toy)
    assert r"a file \udce9 cannot be copied" in store.events_after(0)[0].event.text


def test_what_is_done_already_is_not_done_again(store: Store, toy: Toy) -> None:
    with store.transaction() as tx:
        open_journal(
            tx,
            resource=RESOURCE,
            workflow="toy",
            server="DEMO",
            boot_id="boot 1",
            steps=STEPS,
            at=A_WEDNESDAY_NOON,
        )
        mark(tx, RESOURCE, 0, StepState.DONE)
        learn(tx, RESOURCE, {"size": len(NEW)})
    toy.path("beside").write_text(NEW)
    watcher = Watcher()

    assert runner(store, toy, forward=True, observer=watcher).recover(RESOURCE)

    assert {"SetAside", "SwapIn"} == {kind for kind, _ in watcher.seen}
    assert ALL_DONE == end(store, toy)


def test_opening_changes_are_committed_with_the_journal_or_not_at_all(
    store: Store, toy: Toy
) -> None:
    def stop(_: object) -> None:
        raise OSError("before anything was begun")

    with pytest.raises(OSError, match="before anything"):
        runner(store, toy).run(RESOURCE, "DEMO", STEPS, opening=[stop])
    assert read_journal(store, RESOURCE) is None

    runner(store, toy).run(
        RESOURCE, "DEMO", STEPS, opening=[lambda tx: tx.set_mode("DEMO", Mode.SUSPENDED)]
    )
    assert Mode.SUSPENDED is store.server("DEMO").mode


@pytest.mark.parametrize("at", range(1, 7))
def test_nobody_who_watches_is_needed(store: Store, toy: Toy, at: int) -> None:
    runner(store, toy, observer=Watcher(BrokenPipeError(), at)).run(RESOURCE, "DEMO", STEPS)

    assert ALL_DONE == end(store, toy)


@pytest.mark.parametrize("at", range(1, 7))
def test_an_interrupt_while_a_step_is_told_undoes_everything(
    store: Store, toy: Toy, at: int
) -> None:
    with pytest.raises(KeyboardInterrupt):
        runner(store, toy, observer=Watcher(KeyboardInterrupt(), at)).run(RESOURCE, "DEMO", STEPS)

    assert ALL_UNDONE == end(store, toy)
    assert "it was interrupted" in store.events_after(0)[0].event.text


def full(store: Store) -> None:
    """The disk has no room for one more page."""
    pages = int(store.rows("PRAGMA page_count")[0]["page_count"])
    store.rows(f"PRAGMA max_page_count = {pages}")


def roomy(store: Store) -> None:
    store.rows("PRAGMA max_page_count = 1000000")


def long_steps() -> tuple[Step, ...]:
    """Steps whose journal needs a page of its own."""
    return (Step("Write", {**STEPS[0].parameters, "pad": "x" * 20_000}), *STEPS[1:])


def test_work_that_may_wait_is_not_begun_while_the_disk_is_full(store: Store, toy: Toy) -> None:
    full(store)

    with pytest.raises(StateUnwritableError, match="full"):
        runner(store, toy).run(RESOURCE, "DEMO", long_steps())

    assert {"live": OLD} == toy.files()


def test_a_takeover_goes_on_while_the_disk_is_full_and_is_written_down_later(
    store: Store, toy: Toy
) -> None:
    told: list[str] = []
    committer = Committer(store, must_go_on=True, on_unwritable=told.append)
    full(store)
    runner(store, toy, committer=committer).run(RESOURCE, "DEMO", long_steps())

    assert {"live": NEW, "previous": OLD} == toy.files()
    was_behind = committer.is_behind
    assert {"database or disk is full"} == set(told)
    assert Authority.LIVE is store.server("DEMO").authority

    roomy(store)
    committer.commit()
    assert (True, False) == (was_behind, committer.is_behind)
    assert ALL_DONE == end(store, toy)


def test_a_takeover_that_fails_while_the_disk_is_full_is_undone(store: Store, toy: Toy) -> None:
    committer = Committer(store, must_go_on=True)
    full(store)
    toy.fails_at = "SwapIn"
    with pytest.raises(Failed):
        runner(store, toy, committer=committer).run(RESOURCE, "DEMO", long_steps())

    assert {"live": OLD} == toy.files()
    roomy(store)
    committer.commit()
    assert ALL_UNDONE == end(store, toy)


def test_the_ballast_is_given_up_when_the_disk_is_full(store: Store) -> None:
    store.renew_ballast()
    full(store)
    with pytest.raises(StateUnwritableError):
        Committer(store).commit(lambda tx: tx.set_answered("DEMO", "x" * 20_000))

    assert not (store.state_dir / BALLAST).exists()


def test_the_ballast_is_kept_when_another_writer_is_in_the_way(store: Store) -> None:
    store.renew_ballast()
    with (
        Store(store.state_dir) as other,
        other.transaction(),
        pytest.raises(StateUnwritableError),
    ):
        Committer(store).commit(lambda tx: tx.set_stale("DEMO", stale=True))

    assert (store.state_dir / BALLAST).exists()


def test_a_writer_that_hangs_is_waited_for_once_and_not_at_every_step(
    store: Store, toy: Toy
) -> None:
    with Store(store.state_dir) as other, PatientStore(store.state_dir) as ours:
        committer = Committer(ours, must_go_on=True)
        with other.transaction():
            runner(ours, toy, committer=committer).run(RESOURCE, "DEMO", STEPS)
        committer.commit()

        assert [None, *[0.0] * (len(ours.waits) - 1)] == ours.waits
    assert ALL_DONE == end(store, toy)


def test_what_cannot_be_undone_for_want_of_room_is_in_doubt_and_goes_on_later(
    store: Store, toy: Toy
) -> None:
    def fill(step: Step, state: StepState, text: str) -> None:  # noqa: ARG001
        if (step.kind, state) == ("SetAside", StepState.DONE):
            full(store)
            raise Failed("x" * 20_000, "make room")

    with pytest.raises(InDoubt, match="it is not undone: the state store cannot be written"):
        runner(store, toy, observer=fill).run(RESOURCE, "DEMO", STEPS)

    roomy(store)
    runner(store, toy).recover(RESOURCE)
    assert ALL_UNDONE == end(store, toy)


def test_a_journal_is_closed_with_its_steps(store: Store, toy: Toy) -> None:
    toy.fails_at, toy.stuck_at = "SwapIn", "SwapIn"
    with pytest.raises(InDoubt):
        runner(store, toy).run(RESOURCE, "DEMO", STEPS)
    with store.transaction() as tx:
        close_journal(tx, RESOURCE)

    assert ([], []) == (open_journals(store), store.rows("SELECT * FROM journal_steps"))

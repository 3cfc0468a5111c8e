"""The stand-in thread: which orders it carries out, which not any more, and what it tells."""

from __future__ import annotations

import threading
from itertools import pairwise
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.errors import Busy, Failed, InDoubt, Refused
from ipfx_failover.events import Event, EventKind
from ipfx_failover.monitor.executor import Executor
from ipfx_failover.monitor.hurry import Hurry
from ipfx_failover.monitor.messages import WorkDone
from ipfx_failover.records import Mode, Phase
from ipfx_failover.state import locks
from tests.fakes.application import Behaviour
from tests.support.stand_in import ADDRESS, DEMO, OTHER, FailoverMachine, Fate, Killed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ipfx_failover.monitor.executor import Job
    from ipfx_failover.monitor.messages import Message
    from ipfx_failover.standin.desk import StandInDesk

K = EventKind
GENEROUS_S = 30


class Thread:
    """The stand-in thread, turn by turn."""

    def __init__(self, directory: Path) -> None:
        self.machine = FailoverMachine.with_a_dead_primary(directory)
        self.messages: SimpleQueue[Message] = SimpleQueue()
        self.hurry = Hurry(self.machine.clock)
        self.desk = self.open_desk()
        self.executor = Executor(
            config=self.machine.config,
            open_desk=self.open_desk,
            answers=self.machine.application_answers,
            messages=self.messages,
            hurry=self.hurry,
        )

    def open_desk(self) -> StandInDesk:
        return self.machine.open_desk(must_go_on=True, observer=self.hurry.observe)

    def failed(self) -> list[Event]:
        return [Event(K.SERVER_FAILED, self.machine.clock.now(), DEMO, {"misses": 15})]

    def order(self, job: Job, server: str = DEMO) -> bool:
        opening = [lambda tx, event=event: tx.emit(event) for event in self.failed()]
        return self.executor.order(job, server, opening if job == "take over" else ())

    def turn(self) -> list[WorkDone]:
        """One order, or a look; what it told."""
        assert self.executor.turn(self.desk, wait_s=0)
        told = []
        while not self.messages.empty():
            message = self.messages.get()
            assert isinstance(message, WorkDone)
            told.append(message)
        return told

    def do(self, job: Job, server: str = DEMO) -> WorkDone:
        assert self.order(job, server)
        [done, *_] = self.turn()
        return done

    def pass_s(self, seconds: float) -> list[WorkDone]:
        self.machine.clock.advance(seconds)
        return self.turn()

    def phase(self) -> Phase | None:
        with self.machine.store() as store:
            stand_in = store.stand_in()
        return stand_in.phase if stand_in else None


@pytest.fixture
def thread(tmp_path: Path) -> Iterator[Thread]:
    made = Thread(tmp_path)
    yield made
    made.desk.close()


def test_a_takeover_is_committed_with_the_failure_that_it_answers(thread: Thread) -> None:
    done = thread.do("take over")

    assert (None, (), True) == (done.error, done.unsaid, done.begun)
    assert [K.SERVER_FAILED, K.TAKEOVER_STARTED] == thread.machine.kinds()[:2]
    assert thread.machine.holds()


def test_an_order_under_way_is_not_doubled(thread: Thread) -> None:
    assert thread.order("take over")
    assert not thread.order("take over")
    assert thread.order("take over", OTHER)
    thread.turn()
    assert thread.order("take over")


def test_a_takeover_that_is_not_wanted_any_more_is_not_begun(thread: Thread) -> None:
    thread.order("take over")
    thread.executor.withdraw(lambda name: name != DEMO)
    [done] = thread.turn()

    assert not thread.machine.holds()
    assert (None, False, 1) == (done.error, done.begun, len(done.unsaid))
    assert thread.do("take over").begun


def test_one_that_is_still_wanted_is_carried_out(thread: Thread) -> None:
    thread.order("take over")
    thread.executor.withdraw(lambda name: name == DEMO)
    thread.turn()

    assert thread.machine.holds()


def test_a_server_that_came_while_a_role_was_performed_waits_for_its_desk(thread: Thread) -> None:
    done = thread.do("take over", "NEW")

    assert isinstance(done.error, Refused)
    assert "came into the config while a role was performed" in done.error.message


def test_giving_back_is_not_withdrawn(thread: Thread) -> None:
    thread.do("take over")
    thread.machine.answering.add(DEMO)
    thread.order("stop failover")
    thread.executor.withdraw(lambda _name: False)
    thread.turn()

    assert not thread.machine.holds()


def test_what_the_operator_says_while_an_order_waits_counts(thread: Thread) -> None:
    thread.order("take over")
    with thread.machine.store() as store, store.transaction() as tx:
        tx.set_mode(DEMO, Mode.SUSPENDED)
    [done] = thread.turn()

    assert isinstance(done.error, Refused)
    assert "suspended" in done.error.message
    assert 1 == len(done.unsaid)
    assert not thread.machine.holds()


def test_a_takeover_that_failed_and_was_undone_has_told_so_itself(thread: Thread) -> None:
    thread.machine.application.behaviour = Behaviour.FAILING
    done = thread.do("take over")

    assert isinstance(done.error, Failed)
    assert done.begun
    assert K.TAKEOVER_FAILED is thread.machine.kinds()[-1]


def test_while_another_process_is_at_it_nothing_is_begun(thread: Thread) -> None:
    with thread.machine.machine_locks().hold(locks.STAND_IN, "ipfx-failover failover-now"):
        done = thread.do("take over")

    assert isinstance(done.error, Busy)
    assert (False, 1) == (done.begun, len(done.unsaid))


class Exploding:
    """A desk with a bug."""

    def __init__(self, desk: StandInDesk) -> None:
        self.ports = desk.ports
        self.committer = desk.committer

    def restore_addresses(self) -> None:
        raise ZeroDivisionError("division by zero")

    def is_unfinished(self) -> bool:
        return False


def test_a_bug_does_not_end_the_thread_and_is_told_as_doubt(thread: Thread) -> None:
    thread.order("restore address", str(ADDRESS))
    desk = thread.desk
    thread.desk = Exploding(desk)  # type: ignore[assignment]
    [done] = thread.turn()
    thread.desk = desk

    assert isinstance(done.error, InDoubt)
    assert "ZeroDivisionError" in done.error.message
    assert thread.do("take over").error is None


def test_the_role_is_given_back_only_when_the_application_answers(thread: Thread) -> None:
    thread.do("take over")
    thread.do("stop failover")
    assert thread.machine.holds()

    thread.machine.answering.add(DEMO)
    thread.do("stop failover")
    assert not thread.machine.holds()


def test_what_a_killed_command_has_left_is_finished_while_the_monitor_runs(
    thread: Thread,
) -> None:
    thread.do("take over")
    with pytest.raises(Killed), thread.machine.desk(fate=Fate(6)) as command:
        command.stand_down(DEMO)
    assert thread.desk.is_unfinished()

    thread.pass_s(61)
    assert not thread.desk.is_unfinished()
    assert thread.phase() is None
    assert not thread.machine.holds()


def test_an_application_that_dies_is_started_again_with_back_off(thread: Thread) -> None:
    thread.do("take over")
    thread.machine.application.behaviour = Behaviour.FAILING
    thread.machine.application.crash()
    starts = []
    for _ in range(200):
        before = len(thread.machine.application.starts)
        assert [] == thread.pass_s(5)
        if len(thread.machine.application.starts) > before:
            starts.append(thread.machine.clock.monotonic_ns() // 1_000_000_000)
    waits = [later - sooner for sooner, later in pairwise(starts)]

    assert sorted(waits) == waits
    assert 300 == waits[-1]
    thread.machine.application.behaviour = Behaviour.GOOD
    for _ in range(70):
        thread.pass_s(5)
    assert thread.machine.application.role is not None
    assert K.APPLICATION_RESTARTED is thread.machine.kinds()[-1]
    assert 1 == thread.machine.kinds().count(K.APPLICATION_RESTARTED)


def waits_of_a_copy_that_is_not_ready(thread: Thread, passes: int) -> list[int]:
    """Seconds between the tries to make it ready."""
    machine = thread.machine
    machine.copy_troubles = ["fk_a is in use"]
    with machine.store() as store, store.transaction() as tx:
        tx.set_unready("fk_a is in use")
    tried = []
    for _ in range(passes):
        tries = machine.copy_tries
        assert [] == thread.pass_s(5)
        if machine.copy_tries > tries:
            tried.append(machine.clock.monotonic_ns() // 1_000_000_000)
    machine.copy_troubles = []
    return [later - sooner for sooner, later in pairwise(tried)]


def test_a_copy_that_is_not_quite_ready_is_tried_again_with_back_off(thread: Thread) -> None:
    thread.do("take over")
    waits = waits_of_a_copy_that_is_not_ready(thread, 200)
    for _ in range(70):
        thread.pass_s(5)

    assert sorted(waits) == waits
    assert 300 == waits[-1]
    assert K.COPY_READY is thread.machine.kinds()[-1]
    assert 1 == thread.machine.kinds().count(K.COPY_READY)
    assert waits_of_a_copy_that_is_not_ready(thread, 70)[0] < waits[-1]


def test_orders_that_come_all_the_time_do_not_keep_it_from_watching(thread: Thread) -> None:
    thread.do("take over")
    thread.machine.application.crash()
    for _ in range(10):
        thread.machine.clock.advance(2)
        thread.do("restore address", str(ADDRESS))

    assert thread.machine.application.role is not None


def test_it_ends_when_everything_before_is_done(thread: Thread) -> None:
    thread.order("take over")
    thread.executor.stop()
    running = threading.Thread(target=thread.executor.run)
    running.start()
    running.join(GENEROUS_S)

    assert not running.is_alive()
    assert Phase.STANDING_IN is thread.phase()
    assert thread.executor.opened.result(0) is None


def test_a_desk_that_cannot_be_opened_is_why_the_monitor_does_not_start(thread: Thread) -> None:
    def refuse() -> StandInDesk:
        raise Refused("a right is missing", "grant it")

    executor = Executor(
        config=thread.machine.config,
        open_desk=refuse,
        answers=thread.machine.application_answers,
        messages=thread.messages,
        hurry=thread.hurry,
    )
    running = threading.Thread(target=executor.run)
    running.start()
    running.join(GENEROUS_S)

    with pytest.raises(Refused, match="a right is missing"):
        executor.opened.result(0)


def test_from_the_decision_to_the_announcement_everything_else_waits(thread: Thread) -> None:
    thread.order("take over")
    assert thread.hurry.is_on
    thread.turn()

    assert not thread.hurry.is_on


def test_an_address_that_was_given_up_again_was_ours_until_then(thread: Thread) -> None:
    thread.machine.application.behaviour = Behaviour.FAILING
    before_ns = thread.machine.clock.monotonic_ns()
    thread.do("take over")
    after_ns = thread.machine.clock.monotonic_ns()

    assert thread.hurry.was_ours(ADDRESS, before_ns)
    assert not thread.hurry.was_ours(ADDRESS, after_ns + 1)

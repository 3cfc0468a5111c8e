"""The monitor's stand-in thread: takes over, gives back, watches the application.

It has its imports loaded, its sockets open and its frames built before it is needed: in a
takeover milliseconds count. A start that takes two minutes delays no ping.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Literal

from ipfx_failover.errors import Failed, FailoverError, InDoubt, Refused
from ipfx_failover.events import Event, EventKind
from ipfx_failover.monitor.backoff import BackOff
from ipfx_failover.monitor.messages import Message, WorkDone
from ipfx_failover.records import Phase
from ipfx_failover.standin.application import Process
from ipfx_failover.standin.takeover import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipfx_failover.config.models import Config, ServerSettings
    from ipfx_failover.monitor.hurry import Hurry
    from ipfx_failover.standin.application import Application
    from ipfx_failover.standin.desk import StandInDesk
    from ipfx_failover.state.writing import Transaction
    from ipfx_failover.workflow.ports import Effect

_WATCH_EVERY_S = 5.0
_LOCK_WAIT_S = 30.0
_RECOVER_EVERY_NS = 60_000_000_000

Job = Literal["take over", "stop failover", "restore address", "recover", "watch"]


@dataclass(slots=True)
class Opening:
    """What is to be committed first of all by a takeover: the failure that it answers."""

    effects: Sequence[Effect]
    is_tried: bool = False

    def __call__(self, tx: Transaction) -> None:
        self.is_tried = True
        for effect in self.effects:
            effect(tx)


@dataclass(frozen=True, slots=True)
class _Order:
    """`withdrawn`: it is not wanted any more; what is begun already is carried through."""

    job: Job
    server: str
    opening: Opening | None = field(default=None, compare=False)
    withdrawn: threading.Event = field(default_factory=threading.Event, compare=False)


_WATCH = _Order("watch", "")


class Executor:
    """Carries orders out one after the other, and watches the application every few seconds.

    `opened` is done when the desk is ready; its error is why the monitor cannot start.
    """

    def __init__(
        self,
        *,
        config: Config,
        open_desk: Callable[[], StandInDesk],
        answers: Callable[[ServerSettings], bool],
        messages: SimpleQueue[Message],
        hurry: Hurry,
    ) -> None:
        self._config = config
        self._open_desk = open_desk
        self.opened: Future[None] = Future()
        self._answers = answers
        self._messages = messages
        self._hurry = hurry
        self._orders: SimpleQueue[_Order | None] = SimpleQueue()
        self._under_way: dict[_Order, _Order] = {}
        self._restarting = BackOff()
        self._readying = BackOff()
        self._was_dead = False
        self._recover_ns = 0
        self._watch_ns = 0

    def order(self, job: Job, server: str, opening: Sequence[Effect] = ()) -> bool:
        """Have a job done soon; False when it is under way already. From the deciding thread.

        `opening` is committed with the takeover's journal; where it comes to none, it is in the
        `WorkDone` that tells why.
        """
        order = _Order(job, server, Opening(opening))
        if order in self._under_way:
            return False
        self._under_way[order] = order
        if job == "take over":
            self._hurry.begin()
        self._orders.put(order)
        return True

    @property
    def is_in_a_hurry(self) -> bool:
        """Whether an address is being taken: what can wait had better."""
        return self._hurry.is_on

    @property
    def is_idle(self) -> bool:
        """Whether no order is under way; from the deciding thread."""
        return not self._under_way

    def withdraw(self, wanted: Callable[[str], bool]) -> None:
        """Take back the takeovers, not begun yet, that are not wanted any more.

        They may have waited for a job before them; the Primary may have answered meanwhile, or
        the operator have suspended it.
        """
        for order in list(self._under_way):
            if order.job == "take over" and not wanted(order.server):
                order.withdrawn.set()

    def stop(self) -> None:
        """Let `run` end when everything before this is done."""
        self._orders.put(None)

    def run(self) -> None:
        # Opened here, because netlink is twice as fast in the thread that opened it.
        try:
            desk = self._open_desk()
        except BaseException as error:  # noqa: BLE001 - it is raised where the monitor starts
            self.opened.set_exception(error)
            return
        self.opened.set_result(None)
        try:
            while self.turn(desk, wait_s=_WATCH_EVERY_S):
                pass
        finally:
            desk.close()

    def turn(self, desk: StandInDesk, *, wait_s: float) -> bool:
        """Carry out the next order, if one comes in time; watch; False when it is to end."""
        try:
            order = self._orders.get(timeout=wait_s)
        except Empty:
            order = _WATCH
        if order is None:
            return False
        if order is not _WATCH:
            self._guarded(desk, order, partial(self._do, order=order))
            self._hurry.end()
            self._under_way.pop(order, None)
        # Orders that come all the time must not keep it from watching.
        now_ns = desk.ports.clock.monotonic_ns()
        if now_ns >= self._watch_ns:
            self._watch_ns = now_ns + int(_WATCH_EVERY_S * 0.9e9)
            self._guarded(desk, _WATCH, self._watch)
        return True

    def _guarded(
        self, desk: StandInDesk, order: _Order, work: Callable[[StandInDesk], None]
    ) -> None:
        """Run a piece of work; whatever happens, the thread lives, and the monitor is told."""
        error: FailoverError | None = None
        try:
            work(desk)
        except FailoverError as failure:
            error = failure
        except Exception as bug:  # noqa: BLE001 - the stand-in thread must survive a bug
            error = InDoubt(
                f"a bug: {type(bug).__name__}: {bug}",
                "report it with the log; check by hand: ipfx-failover status",
            )
        if order.server or error is not None:
            self._messages.put(_done(desk, order, error))

    def _do(self, desk: StandInDesk, order: _Order) -> None:
        match order.job:
            case "recover":
                desk.recover()
            case "take over":
                if not order.withdrawn.is_set():
                    self._take_over(desk, order)
            case "stop failover":
                if self._answers(self._config.servers[order.server]):
                    desk.stand_down(order.server, discard=True, wait_s=_LOCK_WAIT_S)
            case "restore address":
                desk.restore_addresses()

    def _take_over(self, desk: StandInDesk, order: _Order) -> None:
        opening = [order.opening] if order.opening else []
        server = self._config.servers.get(order.server)
        if server is None:
            raise Refused(
                f"{order.server} came into the config while a role was performed",
                "nothing: after the next full count it is taken over",
            )
        desk.take_over(server, by="monitor", automatic=True, opening=opening)

    def _watch(self, desk: StandInDesk) -> None:
        """Finish what could not be finished before, look after the copy and the application."""
        if desk.committer.is_behind:
            desk.catch_up()
        now_ns = desk.ports.clock.monotonic_ns()
        if desk.is_unfinished() and now_ns >= self._recover_ns:
            self._recover_ns = now_ns + _RECOVER_EVERY_NS
            desk.recover()
        stand_in = desk.ports.store.stand_in()
        if stand_in is None or stand_in.phase is not Phase.STANDING_IN:
            return
        server = self._config.servers.get(stand_in.server)
        if server is None or stand_in.boot_id != desk.ports.boot_id:
            return
        if stand_in.unready:
            self._watch_copy(desk, server)
        if (application := desk.ports.application) is not None:
            self._watch_application(desk, server, application)

    def _watch_copy(self, desk: StandInDesk, server: ServerSettings) -> None:
        """What could not be done when the role was taken is tried again, with back-off."""
        now_ns = desk.ports.clock.monotonic_ns()
        if self._readying.is_due(now_ns):
            self._readying.tried(now_ns)
            if desk.ready_copy(server):
                self._readying.is_over()

    def _watch_application(
        self, desk: StandInDesk, server: ServerSettings, application: Application
    ) -> None:
        """Is the application still doing its work? If not, start it again, with back-off."""
        store, now_ns = desk.ports.store, desk.ports.clock.monotonic_ns()
        record = store.application()
        problem = application.problem(desk.role_of(server), Process(*record) if record else None)
        if problem is None:
            if self._was_dead:
                self._tell(desk, EventKind.APPLICATION_RESTARTED, server.name)
            self._was_dead = False
            self._restarting.is_over()
        elif self._restarting.is_due(now_ns):
            self._was_dead = True
            self._restarting.tried(now_ns)
            self._tell(desk, EventKind.APPLICATION_DIED, server.name, f": {problem}")
            try:
                desk.restart_application(server)
            except Failed as error:
                self._tell(desk, EventKind.APPLICATION_DIED, server.name, f": {error.message}")

    def _tell(self, desk: StandInDesk, kind: EventKind, server: str, detail: str = "") -> None:
        event = Event(kind, desk.ports.clock.now(), server, {"detail": detail})
        desk.committer.commit(lambda tx: tx.emit(event))


def _done(desk: StandInDesk, order: _Order, error: FailoverError | None) -> WorkDone:
    """What the deciding thread has to know of a job that is over."""
    opening, committer = order.opening, desk.committer
    if opening is None or not opening.is_tried:
        return WorkDone(order.server, order.job, error, tuple(opening.effects if opening else ()))
    untold = error is not None and committer.keeps(opening)
    unsaid: tuple[Effect, ...] = ()
    if untold and not isinstance(error, InDoubt):
        # Undone, nothing of it is to reach the store but that it failed.
        committer.forget()
        unsaid = (*opening.effects, counted(order.server))
    return WorkDone(order.server, order.job, error, unsaid, begun=True, untold=untold)

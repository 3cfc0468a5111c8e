"""A pass of file sync as a piece of work: allowed, locked, carried out, written down."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from ipfx_failover.errors import FailoverError, Interrupted, Refused
from ipfx_failover.events import Event, EventKind
from ipfx_failover.files.values import Direction
from ipfx_failover.records import Authority, Copy, Mode, RunOutcome
from ipfx_failover.state import locks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ipfx_failover.clock import Clock
    from ipfx_failover.events import Value
    from ipfx_failover.files.values import SyncResult
    from ipfx_failover.state.store import Store
    from ipfx_failover.workflow.ports import Effect

_TOLD_AFTER = timedelta(seconds=60)
"""A Primary that has just died is told of by its pings; file sync need not add to that."""
_SAY_AGAIN = timedelta(seconds=30)
"""How old the note of the last pass may be when nothing has changed."""


class Pass(Protocol):
    """One pass; None when there was nothing to look at."""

    def __call__(self) -> SyncResult | None: ...


@dataclass(slots=True)
class Passes:
    """Carries out passes for one server, by hand or all the time.

    `server`: its name. `failing_since`: when the failures began that last; `told`: of them.
    `setback`: of the last pass, which holds as long as there is nothing new to look at.
    `quiet_at`: the store's position at the last pass, if all was well and nothing had changed.
    """

    server: str
    store: Store
    locks: locks.Locks
    clock: Clock
    told: bool = False
    failing_since: datetime | None = None
    noted_at: datetime | None = None
    setback: FailoverError | None = None
    quiet_at: tuple[int, int] | None = None

    def refusal(self, direction: Direction, *, by_hand: bool) -> Refused | None:
        """Why no pass may be made now.

        Suspended stops the passes that come by themselves, stopped all; while the standby is ahead
        nothing goes from live.
        """
        state = self.store.server(self.server)
        stopping = {Mode.STOPPED} if by_hand else {Mode.STOPPED, Mode.SUSPENDED}
        if state.mode in stopping:
            return Refused(
                f"{self.server} is {state.mode}: its files are not synced",
                f"resume it first: ipfx-failover resume {self.server}",
            )
        if direction is Direction.FROM_LIVE and state.authority is Authority.STANDBY:
            return Refused(
                f"the standby of {self.server} holds files that the live server has not",
                f"bring them there: ipfx-failover sync-files {self.server} --to-live, or "
                f"ipfx-failover replicate-to-live {self.server}",
            )
        return None

    def follow(self, has_changed: Callable[[], bool], make: Pass) -> SyncResult | None:
        """Make a pass from live, by itself, if there is anything to do; None when there is not.

        Looking needs no lock, and is nearly all that is ever done: what the store says is read
        again when it has moved. What has changed is looked at again under the lock: others may have
        worked on these files meanwhile.

        Raises: as `carry_out`.
        """
        position = self.store.position()
        is_quiet, self.quiet_at = position == self.quiet_at, None
        if not is_quiet and (reason := self.refusal(Direction.FROM_LIVE, by_hand=False)):
            raise reason
        began = self.clock.now()
        with self._failures_told(Direction.FROM_LIVE, began, by_hand=False):
            changed = has_changed()
        if changed:
            return self.carry_out(Direction.FROM_LIVE, make, by_hand=False)
        if not is_quiet or self._is_note_old(began):
            self._done(Direction.FROM_LIVE, None, began, by_hand=False)
        if self.setback is None:
            self.quiet_at = position
        return None

    def carry_out(self, direction: Direction, make: Pass, *, by_hand: bool) -> SyncResult | None:
        """Make a pass under the lock of the files, and write down what came of it.

        Raises:
            Refused: it may not be made now.
            Busy: other work on these files goes on.
            FailoverError: as the pass itself; written down once as long as it lasts.
        """
        with self.locks.hold(locks.files(self.server), locks.this_command()):
            if reason := self.refusal(direction, by_hand=by_hand):
                raise reason
            began = self.clock.now()
            with self._failures_told(direction, began, by_hand=by_hand):
                result = make()
        self._done(direction, result, began, by_hand=by_hand)
        return result

    @contextmanager
    def _failures_told(
        self, direction: Direction, began: datetime, *, by_hand: bool
    ) -> Iterator[None]:
        try:
            yield
        except Interrupted:
            raise
        except FailoverError as error:
            run = {**self._run(direction, began), "outcome": RunOutcome.FAILED}
            self._failed(error, run, by_hand=by_hand)
            raise

    def _run(self, direction: Direction, began: datetime) -> dict[str, Value]:
        duration_s = (self.clock.now() - began).total_seconds()
        return {"direction": direction.value, "duration_s": duration_s}

    def _failed(self, error: FailoverError, run: Mapping[str, Value], *, by_hand: bool) -> None:
        now = self.clock.now()
        self.failing_since = self.failing_since or now
        lasts = by_hand or now - self.failing_since >= _TOLD_AFTER
        if lasts and not self.told:
            self.told = True
            data = {"reason": error.message, "advice": error.hint, **run}
            event = Event(EventKind.FILE_SYNC_FAILED, now, self.server, data)
            self._commit(lambda tx: tx.emit(event))

    def _done(
        self, direction: Direction, result: SyncResult | None, began: datetime, *, by_hand: bool
    ) -> None:
        effects: list[Effect] = []
        if result is not None:
            self.setback = result.setback
        if self.setback is not None:
            self._failed(self.setback, {"direction": direction.value}, by_hand=by_hand)
        else:
            effects += self._recovered(began)
        if result is not None and (by_hand or result.copied or result.deleted):
            effects.append(self._synced(result, self._run(direction, began)))
        if self.setback is None and self._is_to_be_noted(began, changed=bool(effects)):
            copy = Copy(self.server, "files", began, self.clock.now(), 0, "")
            effects.append(lambda tx: tx.set_copy(copy))
        if effects:
            self._commit(*effects)

    def _recovered(self, at: datetime) -> list[Effect]:
        self.told, self.failing_since = False, None
        recovered = Event(EventKind.FILE_SYNC_RECOVERED, at, self.server)
        return [lambda tx: tx.emit(recovered)] if self._is_open() else []

    def _is_open(self) -> bool:
        return self.store.is_told(self.server, EventKind.FILE_SYNC_FAILED)

    def _is_to_be_noted(self, began: datetime, *, changed: bool) -> bool:
        due = changed or self._is_note_old(began)
        if due:
            self.noted_at = began
        return due

    def _is_note_old(self, at: datetime) -> bool:
        return self.noted_at is None or at - self.noted_at >= _SAY_AGAIN

    def _synced(self, result: SyncResult, run: Mapping[str, Value]) -> Effect:
        data = {
            **run,
            "copied": result.copied,
            "deleted": result.deleted,
            "files": result.copied + result.deleted,
            "size_bytes": result.copied_bytes,
            "outcome": RunOutcome.EXCEPTIONS if result.problem else RunOutcome.DONE,
        }
        event = Event(EventKind.FILES_SYNCED, self.clock.now(), self.server, data)
        return lambda tx: tx.emit(event)

    def _commit(self, *effects: Effect) -> None:
        with self.store.transaction() as tx:
            for effect in effects:
                effect(tx)

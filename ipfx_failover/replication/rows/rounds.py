"""A round as a piece of work: allowed, locked, carried out, written down."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ipfx_failover.errors import Busy, FailoverError, Interrupted, Unreachable
from ipfx_failover.events import Event, EventKind
from ipfx_failover.records import RowState
from ipfx_failover.replication.refusals import rows_refusal
from ipfx_failover.replication.rows.decisions import FullNeeded, LiveRestored, Outdated
from ipfx_failover.replication.sqlserver.session import SqlRefused
from ipfx_failover.state import locks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ipfx_failover.clock import Clock
    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.replication.rows.follower import Follower, Round
    from ipfx_failover.state.store import Store

_TOLD_AFTER = timedelta(seconds=60)
"""A Primary that has just died is told of by its pings; and who reads the copy lets go of it."""
_LOCKED = 1222
_NOTE_EVERY = timedelta(seconds=1)
_LOOK_THROUGH_EVERY = timedelta(seconds=5)
"""A table that is defined otherwise, or emptied, need not change the version that is asked for."""


@dataclass(slots=True)
class Rounds:
    """Carries out rounds for one server. `failing_since`: when the failures began that last.

    `outdated`: the tables that the last round found so.
    """

    server: ServerSettings
    follower: Follower
    store: Store
    locks: locks.Locks
    clock: Clock
    failing_since: datetime | None = None
    noted_at: datetime | None = None
    looked_through_at: datetime | None = None
    outdated: tuple[str, ...] = ()

    def follow(self) -> Round | None:
        """Make a round if there is anything to do; None when there is not.

        Looking needs no lock, and is nearly all that is ever done.

        Raises: as `carry_out`.
        """
        self._refuse()
        now = self.clock.now()
        if self.looked_through_at is not None and not self._is_due(now):
            with self._failures_told(by_hand=False):
                has_news = self._has_news()
            if not has_news:
                self._done(now, None)
                return None
        return self.carry_out(by_hand=False)

    def _has_news(self) -> bool:
        try:
            return self.follower.has_news()
        except FullNeeded:
            return True  # under its lock a round sees whether that copy is still in its place

    def carry_out(self, *, by_hand: bool) -> Round:
        """Make a round under the lock of the rows, and write down what came of it.

        Raises:
            Refused: it may not be made now.
            Busy: the copy is being replaced, or somebody else applies rows to it.
            FailoverError: as the round itself; written down once as long as it lasts.
        """
        with self.locks.hold(locks.rows(self.server.name), locks.this_command()):
            self._refuse()
            began = self.clock.now()
            with self._failures_told(by_hand=by_hand):
                done = self.follower.round()
        self.looked_through_at = began
        self._done(began, done)
        return done

    def _refuse(self) -> None:
        if reason := rows_refusal(self.server, self.store):
            self.follower.close()
            raise reason

    def _is_due(self, now: datetime) -> bool:
        since = self.looked_through_at
        return since is None or now - since >= _LOOK_THROUGH_EVERY

    @contextmanager
    def _failures_told(self, *, by_hand: bool) -> Iterator[None]:
        try:
            yield
        except (Busy, Interrupted):
            raise
        except FailoverError as error:
            self._failed(error, by_hand=by_hand)
            raise

    def _failed(self, error: FailoverError, *, by_hand: bool) -> None:
        now = self.clock.now()
        self.failing_since = self.failing_since or now
        waits = _may_pass(error) and not by_hand
        known = self._known()
        state = RowState(
            self.server.name,
            known.as_of if known else None,
            self.follower.behind or None,
            *self._words(error),
            known.left if known else {},
        )
        if waits and now - self.failing_since < _TOLD_AFTER:
            self._note(state, now)
            return
        data = {"reason": state.trouble, "advice": state.advice}
        event = Event(EventKind.ROWS_FAILED, now, self.server.name, data)
        events = () if known and known.trouble and self._is_open() else (event,)
        self._note(state, now, *events, is_stale=_lacks_rows(error))

    def _words(self, error: FailoverError) -> tuple[str, str]:
        return error.message.removeprefix(f"{self.server.name}: "), error.hint  # it is said whose

    def _done(self, began: datetime, done: Round | None) -> None:
        known = self._known() if done is not None or self._is_to_be_noted(began) else None
        if done is None and known is None:
            return
        before = left = known.left if known else {}
        if done is not None:
            self.outdated = done.outdated
            left = dict(sorted(done.left.items()))
        events = [*self._recovered(began)]
        if done is not None:
            events += self._told(began, done, left, before)
        if events or self._is_to_be_noted(began):
            is_stale, name = bool(self.outdated), self.server.name
            words = self._words(Outdated(name, self.outdated)) if is_stale else ("", "")
            state = RowState(name, began, 0, *words, left)
            self._note(state, began, *events, is_stale=is_stale)

    def _is_to_be_noted(self, at: datetime) -> bool:
        is_over = self.failing_since is not None
        return is_over or self.noted_at is None or at - self.noted_at >= _NOTE_EVERY

    def _recovered(self, at: datetime) -> Iterator[Event]:
        was_failing, self.failing_since = self.failing_since, None
        if (was_failing or self.noted_at is None) and self._is_open():
            yield Event(EventKind.ROWS_RECOVERED, at, self.server.name)

    def _told(
        self, at: datetime, done: Round, left: Mapping[str, str], before: Mapping[str, str]
    ) -> Iterator[Event]:
        name = self.server.name
        if done.reloaded:
            data = {"tables": ", ".join(done.reloaded)}
            yield Event(EventKind.TABLES_RELOADED, at, name, data)
        if left != before:
            kind = EventKind.TABLES_LEFT if left else EventKind.TABLES_FOLLOWED
            tables = "; ".join(f"{table}: {why}" for table, why in left.items())
            yield Event(kind, at, name, {"tables": tables})

    def _known(self) -> RowState | None:
        return self.store.row_states().get(self.server.name.casefold())

    def _is_open(self) -> bool:
        return self.store.is_told(self.server.name, EventKind.ROWS_FAILED)

    def _note(self, state: RowState, at: datetime, *events: Event, is_stale: bool = False) -> None:
        """`is_stale`: then the daily replication is due at once.

        Not if the last one was of no use, such as with a history that is shorter than it takes.
        """
        name = self.server.name
        self.noted_at = at
        with self.store.transaction() as tx:
            tx.set_row_state(state)
            copy = tx.copy(name, "database")
            if is_stale and copy and state.as_of and state.as_of > copy.finished_at:
                tx.set_stale(name, stale=True)
            for event in events:
                tx.emit(event)


def _may_pass(error: FailoverError) -> bool:
    is_locked = isinstance(error, SqlRefused) and error.number == _LOCKED
    return is_locked or isinstance(error, Unreachable)


def _lacks_rows(error: FailoverError) -> bool:
    """Whether only a whole copy helps, and nothing speaks against making it by itself."""
    return isinstance(error, FullNeeded) and not isinstance(error, LiveRestored)

"""The monitor's writing thread: the deciding thread never waits for a disk."""

from __future__ import annotations

import threading
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from ipfx_failover.errors import FailoverError
from ipfx_failover.events import Event, EventKind
from ipfx_failover.workflow.committer import Committer

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfx_failover.clock import Clock
    from ipfx_failover.monitor.hurry import Hurry
    from ipfx_failover.state.store import Store
    from ipfx_failover.workflow.ports import Effect

_RETRY_S = 1.0
_REFRESH_S = 5.0
"""How old the snapshot gets, also when pings, and with them commits, are further apart."""


class Scribe:
    """Commits effects in the order in which they were given, several at once when they pile up.

    While the store cannot be written they are kept in memory, and tried again every second; what
    a damaged one does not take is lost, and said so.
    `after_commit` runs every few seconds (the snapshot for unprivileged readers).
    `cry` mails past the store.
    """

    def __init__(
        self,
        *,
        open_store: Callable[[], Store],
        clock: Clock,
        after_commit: Callable[[Store], None],
        say: Callable[[str], None],
        cry: Callable[[Event], None],
        hurry: Hurry,
    ) -> None:
        self._open_store = open_store
        self._clock = clock
        self._after_commit = after_commit
        self._say = say
        self._cry = cry
        self._hurry = hurry
        self._effects: SimpleQueue[Effect | None] = SimpleQueue()
        self._unwritable = False
        self._doubting = threading.Lock()
        self._is_doubted = False
        self._refresh_ns = 0

    def write(self, *effects: Effect) -> None:
        """Commit these soon; from any thread."""
        for effect in effects:
            self._effects.put(effect)

    def emit(self, kind: EventKind, server: str | None = None, **data: str | float | bool) -> None:
        """Commit an event soon; from any thread."""
        event = Event(kind, self._clock.now(), server, data)
        self.write(lambda tx: tx.emit(event))

    def doubt(self, error: FailoverError) -> None:
        """The store is damaged, and keeps nothing any more: say so, and mail it past it, once.

        From any thread.
        """
        with self._doubting:
            is_news, self._is_doubted = not self._is_doubted, True
        if is_news:
            self._say(f"{error.message}; {error.hint}")
            self.cry(
                Event(EventKind.STATE_DAMAGED, self._clock.now(), None, {"reason": error.message})
            )

    def cry(self, event: Event) -> None:
        """Mail an event past the store; from any thread."""
        self._cry(event)

    def stop(self) -> None:
        """Let `run` end when everything before this is committed."""
        self._effects.put(None)

    def run(self) -> None:
        with self._open_store() as store:
            committer = self.committer(store)
            while self.turn(store, committer, wait_s=None):
                pass

    def committer(self, store: Store) -> Committer:
        return Committer(store, must_go_on=True, on_unwritable=self._complain)

    def turn(self, store: Store, committer: Committer, *, wait_s: float | None) -> bool:
        """Commit what is there, or comes in time; False when it is to end."""
        if wait_s is None:
            wait_s = _RETRY_S if committer.is_behind else self._until_refresh_s()
        effects, goes_on = self._gather(wait_s)
        if effects or committer.is_behind:
            self._hurry.wait_until_over()
            self._commit(committer, effects)
        self._refresh(store, now=not goes_on)
        return goes_on

    def _until_refresh_s(self) -> float:
        return max(0.0, (self._refresh_ns - self._clock.monotonic_ns()) / 1e9)

    def _refresh(self, store: Store, *, now: bool) -> None:
        """The snapshot is a whole document: every second would cost more than the pings."""
        now_ns = self._clock.monotonic_ns()
        if not now and now_ns < self._refresh_ns:
            return
        self._refresh_ns = now_ns + int(_REFRESH_S * 1e9)
        if not self._is_doubted:
            with suppress(FailoverError):  # a commit has told of the trouble
                self._after_commit(store)

    def _gather(self, wait_s: float | None) -> tuple[list[Effect], bool]:
        effects: list[Effect] = []
        try:
            effect = self._effects.get(timeout=wait_s)
            while effect is not None:
                effects.append(effect)
                effect = self._effects.get_nowait()
        except Empty:
            return effects, True
        return effects, False

    def _commit(self, committer: Committer, effects: list[Effect]) -> None:
        try:
            committer.commit(*effects)
        except FailoverError as error:
            self.doubt(error)
            return
        if self._unwritable and not committer.is_behind:
            self._unwritable = False
            writable = Event(EventKind.STATE_WRITABLE, self._clock.now())
            committer.commit(lambda tx: tx.emit(writable))

    def _complain(self, reason: str) -> None:
        if not self._unwritable:
            self._unwritable = True
            event = Event(EventKind.STATE_UNWRITABLE, self._clock.now(), None, {"reason": reason})
            self._say(event.text)
            self.cry(event)
            self._effects.put(lambda tx: tx.emit(event))

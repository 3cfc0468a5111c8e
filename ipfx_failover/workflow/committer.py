"""How the steps of a workflow are committed, also when the store cannot be written just now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.state.store import StateUnwritableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipfx_failover.state.store import Store
    from ipfx_failover.workflow.ports import Effect


class Committer:
    """Commits effects; one that `must_go_on` keeps them in memory while the store is unwritable."""

    def __init__(
        self,
        store: Store,
        *,
        durable: bool = False,
        must_go_on: bool = False,
        on_unwritable: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._durable = durable
        self._must_go_on = must_go_on
        self._on_unwritable = on_unwritable
        self._kept: list[Effect] = []

    @property
    def is_behind(self) -> bool:
        """Whether effects wait in memory for a store that can be written."""
        return bool(self._kept)

    def keeps(self, effect: Effect) -> bool:
        """Whether an effect waits in memory."""
        return any(kept is effect for kept in self._kept)

    def forget(self) -> None:
        """Give up what waits in memory: it does not hold any more."""
        self._kept = []

    def commit(self, *effects: Effect) -> None:
        """Commit `effects` behind what was kept.

        Raises:
            StateUnwritableError: the store cannot be written, and we must not go on without.
        """
        waiting = [*self._kept, *effects]
        try:
            self._write(waiting)
        except StateUnwritableError as error:
            if not self._must_go_on:
                raise
            self._kept = waiting
            self._on_unwritable(error.reason)
        else:
            self._kept = []

    def _write(self, effects: Sequence[Effect]) -> None:
        try:
            self._write_once(effects)
        except StateUnwritableError as error:
            if not error.needs_room or not self._store.release_ballast():
                raise
            self._write_once(effects)

    def _write_once(self, effects: Sequence[Effect]) -> None:
        # Another writer that hangs is waited for once, not at every step of a takeover.
        wait_s = 0.0 if self.is_behind else None
        with self._store.transaction(durable=self._durable, busy_timeout_s=wait_s) as tx:
            for effect in effects:
                effect(tx)

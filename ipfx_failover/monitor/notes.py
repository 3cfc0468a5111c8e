"""What the pings showed, for the store: who answered when, who cannot be pinged at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.decide.liveness import ServerLiveness
from ipfx_failover.events import EventKind
from ipfx_failover.monitor.conditions import lasting
from ipfx_failover.records import Observation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from ipfx_failover.clock import Clock
    from ipfx_failover.decide.fleet import Fleet
    from ipfx_failover.monitor.prober import ProbeRound
    from ipfx_failover.monitor.scribe import Scribe
    from ipfx_failover.monitor.view import View
    from ipfx_failover.records import Condition
    from ipfx_failover.workflow.ports import Effect

_EVERY_NS = 1_000_000_000


class Notes:
    """Writes at most once a second, and when a liveness has changed.

    `answered`: the servers that have answered since this machine booted.
    """

    def __init__(self, scribe: Scribe, clock: Clock, boot_id: str, answered: Iterable[str]) -> None:
        self._scribe = scribe
        self._clock = clock
        self._boot_id = boot_id
        self._answered = set(answered)
        self._answered_at: dict[str, datetime] = {}
        self._probed_at: dict[str, datetime] = {}
        self._refused: set[str] = set()
        self._written_ns = 0
        self._written: Fleet | None = None
        self._conditions: tuple[Condition, ...] | None = None

    def keep(self, found: Iterable[Condition]) -> None:
        """Note what holds now; it is written when it changes."""
        conditions = lasting(found, self._conditions or ())
        if conditions != self._conditions:
            self._conditions = conditions
            self._scribe.write(lambda tx: tx.set_conditions(conditions))

    def forget(self, names: Collection[str]) -> None:
        """These are gone, or other machines now: what was seen of them says nothing any more."""
        for name in names:
            for seen in (self._answered_at, self._probed_at):
                seen.pop(name, None)
            self._refused.discard(name)
            self._answered.discard(name)
        self._scribe.write(lambda tx: tx.forget_observations(names))

    def take(self, view: View, fleet: Fleet, seen: ProbeRound) -> None:
        """Note a judged round."""
        now = self._clock.now()
        for name, address in view.probed_at.items():
            self._probed_at[name] = now
            if address in seen.answered:
                self._note_answer(name, now)
            elif address in seen.refused and name not in self._refused:
                self._refused.add(name)
                self._scribe.emit(EventKind.PROBE_REFUSED, name, reason=seen.refused[address])
        if self._has_changed(fleet) or seen.judged_ns - self._written_ns >= _EVERY_NS:
            self._written_ns, self._written = seen.judged_ns, fleet
            # Also of those that are not probed any more: what is known of them is forgotten.
            observations = [self._observation(name, fleet) for name in self._probed_at]
            self._scribe.write(lambda tx: tx.observe(observations), lambda tx: tx.beat(now))

    def _note_answer(self, name: str, now: datetime) -> None:
        self._answered_at[name] = now
        self._refused.discard(name)
        if name not in self._answered:
            self._answered.add(name)
            self._scribe.write(self._has_answered(name))

    def _has_answered(self, name: str) -> Effect:
        return lambda tx: tx.set_answered(name, self._boot_id)

    def _has_changed(self, fleet: Fleet) -> bool:
        if self._written is None:
            return True
        before = self._written.servers
        return any(
            name not in before or before[name].liveness is not state.liveness
            for name, state in fleet.servers.items()
        )

    def _observation(self, name: str, fleet: Fleet) -> Observation:
        state, probed_at = fleet.servers.get(name, ServerLiveness()), self._probed_at[name]
        answered_at = self._answered_at.get(name)
        return Observation(name, state.liveness, state.misses, probed_at, answered_at)

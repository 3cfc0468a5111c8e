"""Full replication as a workflow: what it means that it is done, or undone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.events import Event, EventKind
from ipfx_failover.records import Authority, Copy, RunOutcome
from ipfx_failover.replication import steps
from ipfx_failover.replication.facts import (
    backup_of,
    exceptions_of,
    files_left_out,
    sizes,
    warnings_of,
)
from ipfx_failover.replication.refusals import NOT_FOLLOWED, WHOLE_COPY
from ipfx_failover.state.journal import Journal, Step, StepState
from ipfx_failover.workflow.ports import HINT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from ipfx_failover.clock import Clock
    from ipfx_failover.events import Value
    from ipfx_failover.replication.engine import Backup
    from ipfx_failover.state.reading import Reading
    from ipfx_failover.state.writing import Transaction
    from ipfx_failover.workflow.ports import Effect, StepKind, Values

FROM_LIVE = "from-live"
TO_LIVE = "to-live"
IS_HOT = "is_hot"
"""The fact that the copy's rows are followed."""
_UNDONE = {
    FROM_LIVE: (
        EventKind.REPLICATION_FAILED,
        EventKind.REPLICATION_ROLLED_BACK,
        "the standby copy is the one that it was",
    ),
    TO_LIVE: (
        EventKind.FAILBACK_FAILED,
        EventKind.FAILBACK_ROLLED_BACK,
        "the live database is the one that it was",
    ),
}
"""What is told of one that failed, and what is as it was then."""


@dataclass(frozen=True, slots=True)
class Replication:
    """One direction, as a workflow (`direction` is FROM_LIVE or TO_LIVE).

    `recovers`: it finishes what a killed process began, perhaps long ago. `for_takeover`: a
    takeover does, behind which nothing is copied from the live server.
    """

    ports: steps.ReplicationPorts
    clock: Clock
    direction: str
    recovers: bool = False
    for_takeover: bool = False

    durable = True
    point_of_no_return = steps.SWAP

    @property
    def name(self) -> str:
        return f"replicate-{self.direction}"

    @property
    def kinds(self) -> Mapping[str, StepKind]:
        return steps.kinds(self.ports)

    def finished(self, server: str, facts: Values) -> Sequence[Effect]:
        now, backup = self.clock.now(), backup_of(facts)
        copy = Copy(server, "database", backup.as_of, now, backup.size_bytes, backup.version)
        left = exceptions_of(server, facts)
        outcome = RunOutcome.EXCEPTIONS if left else RunOutcome.DONE
        warnings = "; ".join(warnings_of(facts))
        told = {
            **sizes(facts),
            "detail": f"; {left.message}" if left else "",
            "warnings": warnings,
        }
        effects: list[Effect] = [
            lambda tx: tx.set_copy(copy),
            lambda tx: tx.set_stale(server, stale=False),
            self._end(EventKind.REPLICATED, server, outcome, **told),
        ]
        if warnings:
            effects.append(self._event(EventKind.REPLICATION_WARNED, server, warnings=warnings))
        if self.direction == TO_LIVE:
            effects.append(self._give_back(server, backup, facts))
        else:
            effects.append(lambda tx: tx.forget_row_trouble(server))
        return effects

    def _give_back(self, server: str, backup: Backup, facts: Values) -> Effect:
        left_out = files_left_out(facts)
        detail = f", but for {left_out} of its files" if left_out else ""
        completed = self._event(EventKind.FAILBACK_COMPLETED, server, detail=detail)

        def give_back(tx: Transaction) -> None:
            # What was recorded after that backup is still only here.
            if self.recovers and _has_stood_in_since(tx, server, backup.as_of):
                return
            tx.set_authority(server, Authority.LIVE)
            tx.set_failback_pending(server, pending=False)
            tx.set_row_trouble(server, NOT_FOLLOWED, f"{WHOLE_COPY} {server}")
            tx.set_stale(server, stale=bool(facts.get(IS_HOT)))  # a whole copy is due at once
            completed(tx)

        return give_back

    def undone(self, server: str, reason: str, facts: Values) -> Sequence[Effect]:
        failed, rolled_back, kept = _UNDONE[self.direction]
        daily = "Daily " if facts.get("is_daily") else ""
        told = {"advice": self._advice(server, str(facts.get(HINT) or "")), "daily": daily}
        return (
            self._end(failed, server, RunOutcome.FAILED, reason=reason, **told, **sizes(facts)),
            self._event(rolled_back, server, kept=kept, **told),
        )

    def _advice(self, server: str, hint: str) -> str:
        """The error's own; where that names no command, with the one that does all again."""
        if self.for_takeover:
            return (
                f"Nothing is copied from {server} while the Failover Server stands in for it. "
                f"When it is repaired: ipfx-failover stop-failover {server}"
            )
        again = f"ipfx-failover {self.name} {server}"
        if not hint:
            return f"Try again: {again}"
        advice = f"{hint[0].upper()}{hint[1:]}."
        return advice if "ipfx-failover " in hint else f"{advice} Then: {again}"

    def goes_forward(self, journal: Journal) -> bool:
        """Once swapped it is done but for tidying up; whoever uses the new one has begun to."""
        states = zip(journal.steps, journal.states, strict=True)
        return any(self._has_swapped(step, state) for step, state in states)

    def _has_swapped(self, step: Step, state: StepState) -> bool:
        if step.kind != steps.SWAP or state is StepState.WAITING:
            return False
        new = str(step.parameters["new"])
        # Killed behind the exchange, before that was written down: going back would lose rows.
        return state is StepState.DONE or not self.ports.side(step.parameters).exists(new)

    def started(self, server: str) -> Sequence[Effect]:
        now = self.clock.now()
        return (
            lambda tx: tx.begin_run(server, self.name, now),
            self._event(EventKind.REPLICATION_STARTED, server),
        )

    def _end(self, kind: EventKind, server: str, outcome: RunOutcome, **data: Value) -> Effect:
        """The run is over; its one event that has an `outcome` says how long it took."""
        now = self.clock.now()

        def end(tx: Transaction) -> None:
            run = tx.last_run(server, self.name)
            duration_s = (now - run[0]).total_seconds() if run else 0.0
            tx.end_run(server, self.name, now, outcome)
            told: dict[str, Value] = {
                "direction": self.direction,
                "duration_s": duration_s,
                "outcome": outcome,
            }
            tx.emit(Event(kind, now, server, {**told, **data}))

        return end

    def _event(self, kind: EventKind, server: str, **data: str | float) -> Effect:
        event = Event(kind, self.clock.now(), server, {"direction": self.direction, **data})
        return lambda tx: tx.emit(event)


def _has_stood_in_since(reading: Reading, server: str, at: datetime) -> bool:
    stand_in, last = reading.stand_in(), reading.server(server).last_failover_at
    is_standing = stand_in is not None and stand_in.server.casefold() == server.casefold()
    return is_standing or (last is not None and last > at)

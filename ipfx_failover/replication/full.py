"""Full replication: a whole database from live to standby (nightly), or back (failback).

Manual: "Database replication", "Replicating databases manually", "Failback". Everything is done
beside what is there; the copy that was there is the one that is there until the swap, and again
when anything fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.errors import Failed, Refused
from ipfx_failover.events import Event, EventKind
from ipfx_failover.livehost import base_name, join, parent
from ipfx_failover.records import Authority, Copy, Mode, RunOutcome
from ipfx_failover.replication import steps
from ipfx_failover.replication.places import database_path
from ipfx_failover.replication.steps import backup_of, exceptions_of
from ipfx_failover.state import locks
from ipfx_failover.state.journal import Journal, Step, StepState, read_journal
from ipfx_failover.workflow.runner import Effect, Observer, Runner, Values, silent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from ipfx_failover.clock import Clock
    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.events import Value
    from ipfx_failover.records import ServerState
    from ipfx_failover.replication.engine import Backup
    from ipfx_failover.state.reading import Reading
    from ipfx_failover.state.store import Store
    from ipfx_failover.state.writing import Transaction
    from ipfx_failover.workflow.runner import StepKind

FROM_LIVE = "from-live"
TO_LIVE = "to-live"


@dataclass(frozen=True, slots=True)
class Replication:
    """One direction, as a workflow (`direction` is FROM_LIVE or TO_LIVE).

    `recovers`: it finishes what a killed process began, perhaps long ago.
    """

    ports: steps.ReplicationPorts
    clock: Clock
    direction: str
    recovers: bool = False

    durable = True

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
        told = {**_sizes(facts), "detail": f"; {left.message}" if left else ""}
        effects: list[Effect] = [
            lambda tx: tx.set_copy(copy),
            lambda tx: tx.set_stale(server, stale=False),
            self._end(EventKind.REPLICATED, server, outcome, **told),
        ]
        if self.direction == TO_LIVE:
            effects.append(self._give_back(server, backup))
        return effects

    def _give_back(self, server: str, backup: Backup) -> Effect:
        completed = self._event(EventKind.FAILBACK_COMPLETED, server)

        def give_back(tx: Transaction) -> None:
            # What was recorded after that backup is still only here.
            if self.recovers and _has_stood_in_since(tx, server, backup.as_of):
                return
            tx.set_authority(server, Authority.LIVE)
            tx.set_failback_pending(server, pending=False)
            completed(tx)

        return give_back

    def undone(self, server: str, reason: str, facts: Values) -> Sequence[Effect]:
        kept = {
            FROM_LIVE: "the standby copy is the one that it was",
            TO_LIVE: "the live database is the one that it was",
        }[self.direction]
        again = f"Try again: ipfx-failover {self.name} {server}"
        data = {"reason": reason, "advice": again, **_sizes(facts)}
        return (
            self._end(EventKind.REPLICATION_FAILED, server, RunOutcome.FAILED, **data),
            self._event(EventKind.REPLICATION_ROLLED_BACK, server, kept=kept),
        )

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


@dataclass(frozen=True, slots=True)
class Replicator:
    """Replicates one server; `run_id` goes into the names of what is made on the way.

    `application_answers`: whether the Primary's application takes connections.
    """

    server: ServerSettings
    ports: steps.ReplicationPorts
    store: Store
    locks: locks.Locks
    clock: Clock
    boot_id: str
    run_id: str
    observer: Observer = silent

    def from_live(self, *, wait_s: float = 0.0) -> Values:
        """Copy the live database to the standby. Returns the facts of the run.

        Raises:
            Refused: the standby is ahead, the server is stopped, or it has no database.
            Busy: other work on this copy goes on; it is named.
            Unreachable, Failed: rolled back; the standby copy is the one that it was.
        """
        with self.locks.hold(self._resource, locks.this_command(), wait_s=wait_s):
            runner, workflow = self._runner(FROM_LIVE)
            self.recover()
            if reason := from_live_refusal(self.server, self.store):
                raise reason
            started = workflow.started(self.server.name)
            return runner.run(
                self._resource, self.server.name, self.plan(FROM_LIVE), opening=started
            )

    def to_live(
        self, *, application_answers: bool, overwrite: bool = False, wait_s: float = 0.0
    ) -> Values:
        """Copy the standby's database and files to the live server. Returns the facts of the run.

        `overwrite`: also when the standby is not ahead, so that what is live would be lost.

        Raises:
            Refused: the Primary's application runs, or we still stand in, or nothing is ahead.
            Busy: other work on this copy goes on; it is named.
            Unreachable, Failed: rolled back; the live database is the one that it was.
        """
        with self.locks.hold(self._resource, locks.this_command(), wait_s=wait_s):
            runner, workflow = self._runner(TO_LIVE)
            begun = read_journal(self.store, self._resource)
            self.recover()
            if begun and begun.workflow == workflow.name and self._is_finished(workflow.name):
                return begun.facts  # a killed run had come so far that nothing is left to do
            reason = to_live_refusal(
                self.server,
                self.store,
                application_answers=application_answers,
                overwrite=overwrite,
            )
            if reason:
                raise reason
            started = workflow.started(self.server.name)
            return runner.run(self._resource, self.server.name, self.plan(TO_LIVE), opening=started)

    def recover(self, *directions: str) -> None:
        """Finish or undo what killed runs left; the caller holds the lock of the database."""
        for direction in directions or (FROM_LIVE, TO_LIVE):
            runner, _ = self._runner(direction, recovers=True)
            runner.recover(self._resource)

    def _is_finished(self, work: str) -> bool:
        last = self.store.last_run(self.server.name, work)
        is_ahead = self.store.server(self.server.name).authority is Authority.STANDBY
        ended_well = last is not None and last[1] in {RunOutcome.DONE, RunOutcome.EXCEPTIONS}
        return ended_well and not is_ahead

    def plan(self, direction: str) -> list[Step]:
        """What replicating consists of, as data."""
        return (
            from_live_steps(self.server, self.run_id)
            if direction == FROM_LIVE
            else to_live_steps(self.server, self.run_id)
        )

    @property
    def _resource(self) -> str:
        return locks.database(self.server.name)

    def _runner(self, direction: str, *, recovers: bool = False) -> tuple[Runner, Replication]:
        workflow = Replication(self.ports, self.clock, direction, recovers)
        runner = Runner(
            store=self.store,
            clock=self.clock,
            boot_id=self.boot_id,
            workflow=workflow,
            observer=self.observer,
        )
        return runner, workflow


def _sizes(facts: Values) -> dict[str, Value]:
    """How much a run moved, as far as it came to know."""
    known = {"size_bytes": "backup_size_bytes", "files": "files_copied"}
    return {name: int(facts[fact] or 0) for name, fact in known.items() if fact in facts}


def _has_stood_in_since(reading: Reading, server: str, at: datetime) -> bool:
    stand_in, last = reading.stand_in(), reading.server(server).last_failover_at
    is_standing = stand_in is not None and stand_in.server.casefold() == server.casefold()
    return is_standing or (last is not None and last > at)


def from_live_refusal(server: ServerSettings, store: Store) -> Refused | None:
    """Why nothing may be copied from the live server now; the same for database and files."""
    state = store.server(server.name)
    if state.mode is Mode.STOPPED:
        return Refused(
            f"{server.name} is stopped: nothing is synchronised",
            f"resume it first: ipfx-failover resume {server.name}",
        )
    return ahead_refusal(server.name, state)


def ahead_refusal(name: str, state: ServerState) -> Refused | None:
    """Why authority forbids copying from live: the standby holds what exists nowhere else."""
    if state.authority is Authority.LIVE:
        return None
    return Refused(
        f"the standby of {name} holds data that the live server has not",
        f"bring them there: ipfx-failover replicate-to-live {name}; or set them aside: "
        f"ipfx-failover replicate-from-live {name} --discard-standby",
    )


def to_live_refusal(
    server: ServerSettings, store: Store, *, application_answers: bool, overwrite: bool
) -> Refused | None:
    """Why nothing may be copied to the live server now."""
    name, stand_in = server.name, store.stand_in()
    if stand_in is not None and stand_in.server.casefold() == name.casefold():
        return Refused(
            f"the Failover Server still stands in for {name}",
            f"give the role back first: ipfx-failover stop-failover {name}",
        )
    if application_answers:
        return Refused(
            f"the application of {name} runs (port {server.port} answers); it would go on with "
            "a database that is replaced under it",
            f"stop the application on {name} (not the machine), then try again",
        )
    if store.server(name).authority is Authority.LIVE and not overwrite:
        copy = store.copy(name, "database")
        as_of = f" (as of {copy.as_of.astimezone():%Y-%m-%d %H:%M:%S})" if copy else ""
        return Refused(
            f"the live database of {name} is newer than the standby copy{as_of}",
            "nothing is to be given back; to go back to that copy all the same, add --overwrite",
        )
    return None


def from_live_steps(server: ServerSettings, run_id: str) -> list[Step]:
    """Backup, copy, verify, swap, tidy up (manual, "Database replication")."""
    database, standby = _places(server)
    marker = f"{server.standby_catalog}.run-"
    backup = join(_backup_directory(server, database), f"{marker}{run_id}.bak")
    new, previous = _beside(standby, run_id)
    return [
        Step(
            steps.MAKE_ROOM,
            {
                "side": "live",
                "database": database,
                "backup": backup,
                "target_side": "standby",
                "current": standby,
                "marker": marker,
            },
        ),
        Step(steps.BACK_UP, {"side": "live", "database": database, "to": backup, "as": "backup"}),
        Step(steps.CARRY, {"side": "standby", "to": new, "like": standby}),
        Step(steps.VERIFY, {"side": "standby", "database": new}),
        Step(steps.CLOSE_DOWN, {"side": "standby", "database": standby}),
        Step(
            steps.SWAP,
            {"side": "standby", "current": standby, "new": new, "previous": previous},
        ),
        Step(steps.TIDY, {"live_files": backup, "standby_files": previous}),
    ]


def to_live_steps(server: ServerSettings, run_id: str) -> list[Step]:
    """Safety backup first, then the way of `from_live_steps` with the sides swapped, and files."""
    database, standby = _places(server)
    marker = f"{server.standby_catalog}.run-"
    backup, _ = _beside(standby, run_id)
    directory = parent(database)
    new = join(directory, f"{marker}{run_id}.new")
    previous = join(directory, f"{marker}{run_id}.previous")
    safety = join(directory, f"{base_name(database)}.before-{run_id}")
    plan = [
        Step(
            steps.MAKE_ROOM,
            {
                "side": "standby",
                "database": standby,
                "backup": backup,
                "target_side": "live",
                "current": database,
                "marker": marker,
            },
        ),
        Step(steps.CLOSE_DOWN, {"side": "live", "database": database}),
        Step(steps.BACK_UP, {"side": "live", "database": database, "to": safety, "as": "safety"}),
        Step(steps.BACK_UP, {"side": "standby", "database": standby, "to": backup, "as": "backup"}),
        Step(steps.CARRY, {"side": "live", "to": new, "like": database}),
        Step(steps.VERIFY, {"side": "live", "database": new}),
    ]
    if server.files is not None:
        plan.append(Step(steps.SYNC_FILES, {}))
    return [
        *plan,
        Step(steps.CLOSE_DOWN, {"side": "live", "database": database}),
        Step(steps.SWAP, {"side": "live", "current": database, "new": new, "previous": previous}),
        Step(steps.TIDY, {"live_files": previous, "standby_files": backup}),
    ]


def _places(server: ServerSettings) -> tuple[str, str]:
    """Where the live database is, and where the standby's."""
    standby = database_path(server)
    if server.database is None or standby is None:
        raise Failed(
            f"{server.name} has no database in the config",
            f"add [servers.{server.name}.database], or sync its files: "
            f"ipfx-failover sync-files {server.name}",
        )
    return server.database.data_source, str(standby)


def _backup_directory(server: ServerSettings, database: str) -> str:
    r"""The manual's `\\VM\\DB`, where there is a VM directory."""
    return join(server.live_vm_dir, "DB") if server.live_vm_dir else parent(database)


def _beside(standby: str, run_id: str) -> tuple[str, str]:
    stem = standby.removesuffix(".db")
    return f"{stem}.run-{run_id}.new", f"{stem}.run-{run_id}.previous"

"""Full replication: a whole database from live to standby (nightly), or back (failback).

Manual: "Database replication", "Replicating databases manually", "Failback". Everything is done
beside what is there; the copy that was there is the one that is there until the swap, and again
when anything fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.records import Authority, RunOutcome
from ipfx_failover.replication.plans import from_live_steps, to_live_steps
from ipfx_failover.replication.refusals import (
    from_live_refusal,
    known_of_copy,
    to_live_refusal,
)
from ipfx_failover.replication.workflow import FROM_LIVE, IS_HOT, TO_LIVE, Replication
from ipfx_failover.state import locks
from ipfx_failover.state.journal import Step, read_journal
from ipfx_failover.workflow.ports import Observer, Values, silent
from ipfx_failover.workflow.runner import Runner

if TYPE_CHECKING:
    from ipfx_failover.clock import Clock
    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.replication.steps import ReplicationPorts
    from ipfx_failover.state.store import Store


@dataclass(frozen=True, slots=True)
class Replicator:
    """Replicates one server; `run_id` goes into the names of what is made on the way.

    `is_daily`: as the schedule wants it, not an operator.
    """

    server: ServerSettings
    ports: ReplicationPorts
    store: Store
    locks: locks.Locks
    clock: Clock
    boot_id: str
    run_id: str
    is_daily: bool = False
    for_takeover: bool = False
    observer: Observer = silent

    def from_live(self, *, discards: bool = False, wait_s: float = 0.0) -> Values:
        """Copy the live database to the standby. Returns the facts of the run.

        `discards`: whatever the copy has may go; it is kept elsewhere.

        Raises:
            Refused: the standby is ahead, or may be, the server is stopped, or it has no database.
            Busy: other work on this copy goes on; it is named.
            Unreachable, Failed: rolled back; the standby copy is the one that it was.
        """
        with self.locks.hold(self._resource, locks.this_command(), wait_s=wait_s):
            runner, workflow = self._runner(FROM_LIVE)
            self.recover()
            if reason := from_live_refusal(self.server, self.store):
                raise reason
            started = workflow.started(self.server.name)
            known = known_of_copy(self.server.name, self.store, discards=discards)
            return runner.run(
                self._resource,
                self.server.name,
                self.plan(FROM_LIVE),
                opening=started,
                facts={"is_daily": self.is_daily, **known},
            )

    def to_live(
        self, *, application_answers: bool, overwrite: bool = False, wait_s: float = 0.0
    ) -> Values:
        """Copy the standby's database and files to the live server. Returns the facts of the run.

        `application_answers`: whether the Primary's application takes connections. `overwrite`:
        also when the standby is not ahead, so that what is live would be lost.

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
            return runner.run(
                self._resource,
                self.server.name,
                self.plan(TO_LIVE),
                opening=started,
                facts={IS_HOT: self.server.real_time != "off"},
            )

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
        workflow = Replication(self.ports, self.clock, direction, recovers, self.for_takeover)
        runner = Runner(
            store=self.store,
            clock=self.clock,
            boot_id=self.boot_id,
            workflow=workflow,
            observer=self.observer,
        )
        return runner, workflow

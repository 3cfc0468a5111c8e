"""The monitor's deciding thread: rounds in, decisions out.

It waits for messages only, never for a disk, a database, a mail server or a Primary: those have
threads or processes of their own.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
from dataclasses import dataclass
from ipaddress import IPv4Address
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from ipfx_failover.decide import fleet as fleets
from ipfx_failover.decide.liveness import ServerLiveness, Thresholds
from ipfx_failover.errors import Busy, FailoverError
from ipfx_failover.events import EventKind
from ipfx_failover.monitor.messages import Message, Stop, WorkDone
from ipfx_failover.monitor.prober import Prober, ProbeRound
from ipfx_failover.monitor.view import View, round_of, with_last_answers
from ipfx_failover.records import MonitorRecord, Observation, Phase, ServerState
from ipfx_failover.standin.desk import missing
from ipfx_failover.standin.upkeep import Asked, Conflict, Gone, Upkeep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from ipfx_failover.clock import Clock
    from ipfx_failover.config.models import Config
    from ipfx_failover.monitor.executor import Executor
    from ipfx_failover.monitor.mailer import Mailer
    from ipfx_failover.monitor.nightly import Nightly
    from ipfx_failover.monitor.scribe import Scribe
    from ipfx_failover.monitor.workers import Worker
    from ipfx_failover.net import Address
    from ipfx_failover.state.store import Store
    from ipfx_failover.workflow.runner import Effect

_TURN_S = 0.2
"""How often the store is looked at between rounds: commands are noticed within a second."""
_OBSERVE_EVERY_NS = 1_000_000_000
_LOOK_EVERY_NS = 30_000_000_000
"""The store tells of its changes; a new gateway does not."""


@dataclass(frozen=True, slots=True)
class Threads:
    """What runs beside the deciding thread."""

    prober: Prober
    upkeep: Upkeep
    executor: Executor
    scribe: Scribe
    mailer: Mailer
    workers: Sequence[Worker]
    nightly: Nightly


class Monitor:
    """Runs until a `Stop` message comes; a stand-in stays standing.

    `store` is read only here; everything is written by the scribe.
    """

    def __init__(
        self,
        *,
        config: Config,
        store: Store,
        clock: Clock,
        boot_id: str,
        gateway: Callable[[], Address | None],
        messages: SimpleQueue[Message],
        threads: Threads,
    ) -> None:
        self._config = config
        self._store = store
        self._clock = clock
        self._boot_id = boot_id
        self._gateway = gateway
        self._messages = messages
        self._threads = threads
        network = config.network
        self._thresholds = Thresholds(
            warning=network.warning_count,
            failover=network.failover_count,
            after_reboot=network.failover_count_after_reboot,
        )
        self._version = -1
        self._revision = -1
        self._looked_ns = 0
        self._blind = False
        self._last_answers: Mapping[Address, int] = {}
        self._answered_at: dict[str, datetime] = {}
        self._answered_boot: set[str] = set()
        self._refused: set[str] = set()
        self._observed_ns = 0
        self._observed: fleets.Fleet | None = None
        self._view = self._look()
        self._fleet = self._first_fleet()
        self._record = MonitorRecord(
            pid=os.getpid(),
            host=socket.gethostname(),
            boot_id=boot_id,
            started_at=clock.now(),
            heartbeat_at=clock.now(),
        )

    def run(self) -> str:
        """Monitor until told to stop; the reason."""
        running = self._start()
        try:
            return self._decide_until_stopped()
        finally:
            self._end(running)

    def _start(self) -> list[threading.Thread]:
        threads = self._threads
        threads.scribe.write(lambda tx: tx.set_monitor(self._record))
        threads.scribe.emit(
            EventKind.MONITOR_STARTED, servers=len(self._config.servers), pid=os.getpid()
        )
        threads.executor.order("recover", "")
        self._aim()
        running = [
            threading.Thread(target=target, name=name, daemon=True)
            for name, target in (
                ("scribe", threads.scribe.run),
                ("prober", threads.prober.run),
                ("upkeep", threads.upkeep.run),
                ("stand-in", threads.executor.run),
                ("mailer", threads.mailer.run),
            )
        ]
        for thread in running:
            thread.start()
        for worker in threads.workers:
            worker.start()
        return running

    def _end(self, running: list[threading.Thread]) -> None:
        threads = self._threads
        threads.prober.stop()
        threads.upkeep.stop()
        threads.executor.stop()
        for worker in [*threads.workers, threads.nightly.worker]:
            worker.stop()
        standing = self._view.stand_in
        detail = f"; still standing in for {standing.server}" if standing else ""
        threads.scribe.emit(EventKind.MONITOR_STOPPED, detail=detail)
        threads.mailer.stop()
        for thread in running:
            if thread.name != "scribe":
                thread.join(timeout=15)
        threads.scribe.stop()
        running[0].join(timeout=15)

    def _decide_until_stopped(self) -> str:
        while True:
            try:
                message = self._messages.get(timeout=_TURN_S)
            except Empty:
                self._turn()
                continue
            if isinstance(message, Stop):
                return message.reason
            self._hear(message)
            self._turn()

    def _hear(self, message: Message) -> None:
        match message:
            case ProbeRound():
                self._judge(message)
            case WorkDone():
                self._work_done(message)
            case Conflict():
                self._tell(EventKind.ADDRESS_CONFLICT, message.address, mac=message.mac)
            case Asked():
                self._tell(
                    EventKind.PRIMARY_RETURNED, message.address, how=f"ARP probe from {message.mac}"
                )
            case Gone():
                self._threads.executor.order("restore address", str(message.address))
            case _:
                pass

    def _judge(self, seen: ProbeRound) -> None:
        self._last_answers = with_last_answers(self._last_answers, seen)
        round_ = round_of(self._view, seen, self._last_answers)
        self._fleet, decisions = fleets.step(self._fleet, round_, self._thresholds)
        # The takeover first: milliseconds count.
        for decision in decisions:
            match decision:
                case fleets.TakeOver(server):
                    self._threads.executor.order("take over", server)
                case fleets.StopFailover(server):
                    self._threads.executor.order("stop failover", server)
                case _:
                    pass
        for decision in decisions:
            self._write_down(decision)
        self._observe(seen)

    def _write_down(self, decision: fleets.Decision) -> None:
        scribe = self._threads.scribe
        match decision:
            case fleets.Say(kind, server, data):
                scribe.emit(kind, server, **data)
            case fleets.MarkInterrupted(server, reason):
                scribe.write(lambda tx: tx.set_phase(Phase.INTERRUPTED))
                scribe.emit(EventKind.STAND_IN_INTERRUPTED, server, reason=reason)
            case _:
                pass

    def _observe(self, seen: ProbeRound) -> None:
        """Write down what was seen, at most once a second or when something changed."""
        now = self._clock.now()
        for name, address in self._view.probed_at.items():
            if address in seen.answered:
                self._answered_at[name] = now
                self._refused.discard(name)
                if name not in self._answered_boot:
                    self._answered_boot.add(name)
                    self._threads.scribe.write(self._has_answered(name))
            elif address in seen.refused and name not in self._refused:
                self._refused.add(name)
                self._threads.scribe.emit(
                    EventKind.PROBE_REFUSED, name, reason=seen.refused[address]
                )
        changed = self._liveness_changed()
        if not changed and seen.judged_ns - self._observed_ns < _OBSERVE_EVERY_NS:
            return
        self._observed_ns, self._observed = seen.judged_ns, self._fleet
        observations = [self._observation(name, now) for name in self._view.probed_at]
        self._threads.scribe.write(lambda tx: tx.observe(observations), lambda tx: tx.beat(now))

    def _has_answered(self, name: str) -> Effect:
        return lambda tx: tx.set_answered(name, self._boot_id)

    def _liveness_changed(self) -> bool:
        if self._observed is None:
            return True
        before = self._observed.servers
        return any(
            name not in before or before[name].liveness is not state.liveness
            for name, state in self._fleet.servers.items()
        )

    def _observation(self, name: str, now: datetime) -> Observation:
        state = self._fleet.servers.get(name, ServerLiveness())
        return Observation(name, state.liveness, state.misses, now, self._answered_at.get(name))

    def _work_done(self, done: WorkDone) -> None:
        if done.error is None or isinstance(done.error, Busy):
            return  # busy: another process is at it, and the next full count decides again
        standing_in = self._view.stand_in.server if self._view.stand_in else None
        self._threads.scribe.emit(
            EventKind.TAKEOVER_REFUSED,
            done.server if done.server in self._config.servers else standing_in,
            reason=f"{done.job}: {done.error.message}",
            advice=done.error.hint,
        )

    def _tell(self, kind: EventKind, address: Address, **data: str) -> None:
        server = self._view.stand_in.server if self._view.stand_in else None
        self._threads.scribe.emit(kind, server, address=str(address), **data)

    def _turn(self) -> None:
        """Between messages: has a command changed something, is work due, does every child run?"""
        try:
            version = self._store.data_version()
            if version != self._version:
                self._take_up_changes()
                self._version = version
            self._threads.nightly.look(self._store)
        except (FailoverError, sqlite3.DatabaseError) as error:
            # Pings and takeover go on with what was known; the scribe tells of its own trouble.
            if not self._blind:
                self._threads.scribe.emit(EventKind.STATE_UNWRITABLE, reason=str(error))
            self._blind = True
        else:
            self._blind = False
        for worker in self._threads.workers:
            worker.look()

    def _take_up_changes(self) -> None:
        """Somebody has committed; mostly it was our own heartbeat, which changes nothing here."""
        revision, now_ns = self._store.revision(), self._clock.monotonic_ns()
        if revision != self._revision or now_ns - self._looked_ns > _LOOK_EVERY_NS:
            self._take_up(self._look())
            self._revision, self._looked_ns = revision, now_ns

    def _take_up(self, view: View) -> None:
        before, self._view = self._view, view
        for name, state in view.states.items():
            if state.mode is not before.states[name].mode:
                self._fleet = fleets.forget(self._fleet, name)
        if before.stand_in and not view.stand_in:
            self._fleet = fleets.forget(self._fleet, before.stand_in.server)
        if view.targets != before.targets:
            self._aim()
        elif view.ours != before.ours:
            self._keep()

    def _aim(self) -> None:
        self._threads.prober.aim(self._view.targets)
        self._keep()

    def _keep(self) -> None:
        held = {
            IPv4Address(held.address): held.adapter
            for held in self._store.held_addresses()
            if held.boot_id == self._boot_id
        }
        self._threads.upkeep.keep(held)

    def _look(self) -> View:
        known = {name.casefold(): state for name, state in self._store.servers().items()}
        states = {
            name: known.get(name.casefold(), ServerState(name=name))
            for name in self._config.servers
        }
        held, copies = self._store.held_addresses(), self._store.copies()
        return View(
            config=self._config,
            boot_id=self._boot_id,
            states=states,
            missing={
                name: missing(server, copies) for name, server in self._config.servers.items()
            },
            stand_in=self._store.stand_in(),
            ours=frozenset(IPv4Address(h.address) for h in held if h.boot_id == self._boot_id),
            gateway=self._gateway(),
        )

    def _first_fleet(self) -> fleets.Fleet:
        """Nothing is known but who has answered since this machine booted."""
        self._answered_boot = {
            name
            for name, state in self._view.states.items()
            if state.answered_boot_id == self._boot_id
        }
        return fleets.Fleet(
            {
                name: ServerLiveness(answered_since_boot=name in self._answered_boot)
                for name in self._config.servers
            }
        )

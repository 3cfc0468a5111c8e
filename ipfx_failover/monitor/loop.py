"""The monitor's deciding thread: rounds in, decisions out.

It waits for messages only, never for a disk, a database, a mail server or a Primary: those have
threads or processes of their own.
"""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

from ipfx_failover.decide import fleet as fleets
from ipfx_failover.decide.decisions import Decision, Round, Say, StopFailover, TakeOver
from ipfx_failover.decide.liveness import Liveness, ServerLiveness
from ipfx_failover.events import Event, EventKind
from ipfx_failover.monitor.adoption import counted_on, is_same_primary, thresholds
from ipfx_failover.monitor.conditions import conditions
from ipfx_failover.monitor.config_in_use import ConfigInUse
from ipfx_failover.monitor.crew import Crew
from ipfx_failover.monitor.messages import (
    ConfigBroken,
    Doubted,
    Looked,
    Message,
    Reconfigured,
    Stop,
    ThreadDied,
    WorkDone,
)
from ipfx_failover.monitor.notes import Notes
from ipfx_failover.monitor.prober import ProbeRound
from ipfx_failover.monitor.recount import recounted
from ipfx_failover.monitor.supervision import Supervisor, in_words, round_ms
from ipfx_failover.monitor.tally import Tally
from ipfx_failover.monitor.view import View, round_of, with_last_answers, without
from ipfx_failover.monitor.watched import Launch, watched
from ipfx_failover.monitor.written import effects_of, trouble_of
from ipfx_failover.records import MonitorRecord
from ipfx_failover.standin.upkeep import Asked, Conflict, Gone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from queue import SimpleQueue

    from ipfx_failover.clock import Clock
    from ipfx_failover.config.models import Config
    from ipfx_failover.errors import FailoverError
    from ipfx_failover.monitor.config_watch import ConfigWatch
    from ipfx_failover.monitor.threads import Threads
    from ipfx_failover.net import Address
    from ipfx_failover.workflow.ports import Effect


class Monitor:
    """Runs until a `Stop` message comes; a stand-in stays standing.

    `is_ours`: whether this machine has an address, or had it when it answered (monotonic ns).
    """

    def __init__(
        self,
        *,
        config: Config,
        clock: Clock,
        boot_id: str,
        is_ours: Callable[[Address, int], bool],
        messages: SimpleQueue[Message],
        threads: Threads,
        supervisor: Supervisor,
        launch: Launch = watched,
    ) -> None:
        self._config = config
        self._clock = clock
        self._boot_id = boot_id
        self._is_ours = is_ours
        self._messages = messages
        self._crew = Crew(threads, messages, launch)
        self._supervisor = supervisor
        self._thresholds = thresholds(config)
        self._config_in_use = ConfigInUse(lambda: self._threads.scribe, clock)
        self._troubles: dict[str, str] = {}
        self._refusals: dict[str, FailoverError] = {}
        self._rounds = 0
        self._cried: set[str | None] = set()
        self._last_answers: Mapping[Address, int] = {}
        self._view = threads.lookout.first()
        answered = {
            name
            for name, state in self._view.states.items()
            if state.answered_boot_id == self._boot_id
        }
        self._notes = Notes(threads.scribe, clock, boot_id, answered)
        self._tally = Tally(threads.scribe, clock)
        # Nothing is known but who has answered since this machine booted.
        self._fleet = fleets.Fleet(
            {name: ServerLiveness(answered_since_boot=name in answered) for name in config.servers}
        )
        self._record = MonitorRecord(
            pid=os.getpid(),
            host=socket.gethostname(),
            boot_id=boot_id,
            started_at=clock.now(),
            heartbeat_at=clock.now(),
        )

    @property
    def _threads(self) -> Threads:
        return self._crew.threads

    @property
    def view(self) -> View:
        """What it knows of the store and our network."""
        return self._view

    @property
    def fleet(self) -> fleets.Fleet:
        """What it makes of the pings."""
        return self._fleet

    def run(self, config_watch: ConfigWatch) -> str:
        """Monitor until told to stop; the reason."""
        self.begin()
        self._crew.start()
        try:
            self._threads.executor.opened.result()
            self._supervisor.expect(round_ms(self._config))
            self._supervisor.ready(self._in_words())
            self._crew.launch("chores", self._threads.chores.run)
            self._crew.launch("config", config_watch.run)
            return self._decide_until_stopped()
        finally:
            config_watch.stop()
            self._end()

    def begin(self) -> None:
        """What is to be done first; the threads do it as soon as they run."""
        threads = self._threads
        # Nothing that a monitor before this one saw, or was kept from, may look as if it were new.
        threads.scribe.write(
            lambda tx: tx.set_monitor(self._record),
            lambda tx: tx.forget_liveness(),
            lambda tx: tx.set_conditions(()),
        )
        threads.scribe.emit(
            EventKind.MONITOR_STARTED, servers=len(self._config.servers), pid=os.getpid()
        )
        threads.executor.order("recover", "")
        self._aim()

    def _end(self) -> None:
        self._supervisor.stopping()
        self._crew.stop_work()
        standing = self._view.stand_in
        detail = f"; still standing in for {standing.server}" if standing else ""
        self._tally.flush()
        self._threads.scribe.emit(EventKind.MONITOR_STOPPED, detail=detail)
        self._crew.wait()
        self._hear_the_rest()
        self._crew.end()

    def _hear_the_rest(self) -> None:
        """What the last job did is written down, too."""
        while not self._messages.empty():
            message = self._messages.get()
            if isinstance(message, WorkDone):
                self._work_done(message)

    def _decide_until_stopped(self) -> str:
        while True:
            message = self._messages.get()
            if isinstance(message, Stop):
                return message.reason
            if isinstance(message, ThreadDied):
                raise message.error
            self.hear(message)

    def hear(self, message: Message) -> None:
        """Decide what follows from a message."""
        match message:
            case ProbeRound():
                self._judge(message)
                self._supervisor.alive(message.judged_ns, self._in_words)
            case Looked(view):
                self._take_up(view)
            case Doubted(error):
                self._view = replace(self._view, doubt=error.message)
                self._threads.scribe.doubt(error)
            case WorkDone():
                self._work_done(message)
            case Reconfigured():
                message.answer(is_taken=self._adopts(message))
            case ConfigBroken(reason):
                self._config_in_use.broken(reason)
            case _:
                self._hear_network(message)

    def _hear_network(self, message: Message) -> None:
        """What befalls an address that we hold."""
        match message:
            case Conflict():
                self._tell(EventKind.ADDRESS_CONFLICT, message.address, mac=message.mac)
            case Asked() if self._stands_in_at(message.address):
                self._tell(
                    EventKind.PRIMARY_RETURNED, message.address, how=f"ARP probe from {message.mac}"
                )
            case Gone():
                self._threads.executor.order("restore address", str(message.address))
            case _:
                pass

    def _judge(self, seen: ProbeRound) -> None:
        seen = self._without_ourselves(seen)
        self._last_answers = with_last_answers(self._last_answers, seen)
        round_ = round_of(self._view, seen, self._last_answers)
        self._fleet, decisions = fleets.step(self._fleet, round_, self._thresholds)
        # The takeover first: milliseconds count. Its failure is written down by it.
        taken = {d.server for d in decisions if isinstance(d, TakeOver)}
        for name in taken:
            opening = [e for d in decisions if _says_of(d, name) for e in self._effects_of(d)]
            if not self._threads.executor.order("take over", name, opening):
                self._threads.scribe.write(*opening)
        for decision in decisions:
            if isinstance(decision, StopFailover):
                self._threads.executor.order("stop failover", decision.server)
            elif not any(_says_of(decision, name) for name in taken):
                self._threads.scribe.write(*self._effects_of(decision))
                self._cry_in_doubt(decision)
        self._withdraw()
        self._notes.take(self._view, self._fleet, seen)
        if not self._threads.executor.is_in_a_hurry:
            self._note_conditions(seen, round_)
        self._tally.take(self._view, self._fleet, seen)

    def _cry_in_doubt(self, decision: Decision) -> None:
        """A server that fails while the store is damaged: no event tells of it; once a server."""
        if self._view.doubt is None or not isinstance(decision, Say):
            return
        if decision.kind is EventKind.TAKEOVER_REFUSED and decision.server not in self._cried:
            self._cried.add(decision.server)
            self._threads.scribe.cry(
                Event(decision.kind, self._clock.now(), decision.server, decision.data)
            )

    def _note_conditions(self, seen: ProbeRound, round_: Round) -> None:
        self._rounds += 1
        found = conditions(
            self._view,
            self._fleet,
            seen,
            round_,
            thresholds=self._thresholds,
            refusals=self._refusals,
            # Before that many rounds nobody can be blamed for not having answered yet.
            last_answers=self._last_answers if self._rounds > self._thresholds.warning else None,
            now=self._clock.now(),
        )
        self._notes.keep([*found, *filter(None, [self._config_in_use.trouble])])

    def _withdraw(self) -> None:
        """A takeover that still waits is not wanted any more once its server has not failed."""
        servers = self._fleet.servers
        self._threads.executor.withdraw(lambda n: servers[n].liveness is Liveness.FAILED)

    def _without_ourselves(self, seen: ProbeRound) -> ProbeRound:
        """Without the answers of addresses that have just become ours: those prove nothing.

        The store tells of a stand-in a little later than its address begins to answer.
        """
        answers = {at: late.received_ns for at, late in seen.late.items()} | dict(seen.answered)
        doubtful = {
            server.address
            for name, server in self._config.servers.items()
            if server.assume_ip
            and server.address in answers
            and self._fleet.servers[name].liveness is not Liveness.OK
        }
        return without(seen, {at for at in doubtful if self._is_ours(at, answers[at])})

    def _effects_of(self, decision: Decision) -> list[Effect]:
        return effects_of(decision, self._clock.now(), self._boot_id)

    def _work_done(self, done: WorkDone) -> None:
        self._threads.lookout.soon()
        self._threads.scribe.write(*done.unsaid)
        job = "recover" if done.job == "watch" else done.job  # which goes on with the same
        before = self._refusals.get(done.server)
        if job == "take over":
            self._refusals.pop(done.server, None)
            self._count_attempt(done)
        if done.error is None:
            self._troubles.pop(job, None)
            return
        if job == "take over":
            self._refusals[done.server] = done.error
        standing_in = self._view.stand_in.server if self._view.stand_in else None
        server = done.server if done.server in self._config.servers else standing_in
        told = trouble_of(done, self._clock.now(), server, stands_in=standing_in is not None)
        # What is tried again and again is told when it changes; a refused takeover each time.
        is_news = self._troubles.get(job) != done.error.message or job == "take over"
        self._troubles[job] = done.error.message
        if told is not None and is_news:
            self._threads.scribe.write(lambda tx: tx.emit(told))
            if done.untold and self._is_new_failure(done, before):
                self._threads.scribe.cry(told)

    def _count_attempt(self, done: WorkDone) -> None:
        """In memory, what the store cannot be told of."""
        state = self._view.states.get(done.server)
        if state is None:
            return  # the config has just lost it
        if done.untold:
            self._fleet = fleets.takeover_failed(self._fleet, done.server, state.attempts)
        elif done.begun and done.error is None:
            self._fleet = fleets.taken_over(self._fleet, done.server)

    def _is_new_failure(self, done: WorkDone, before: FailoverError | None) -> bool:
        """Whether it is the first since its server answered, or has another reason."""
        state = self._fleet.servers.get(done.server)
        return state is None or state.attempts == 1 or str(before) != str(done.error)

    def _stands_in_at(self, address: Address) -> bool:
        return self._view.stand_in is not None and self._view.stand_in.address == str(address)

    def _tell(self, kind: EventKind, address: Address, **data: str) -> None:
        self._threads.scribe.emit(kind, self._server_at(address), address=str(address), **data)

    def _server_at(self, address: Address) -> str | None:
        """Whose address it is."""
        names = (name for name, s in self._config.servers.items() if s.address == address)
        return next(names, None)

    def _adopts(self, new: Reconfigured) -> bool:
        """Take up another config between two rounds, unless a role is just being taken or given."""
        old, threads = self._threads, new.generation.threads
        standing_in = self._view.stand_in.server if self._view.stand_in else None
        has_other_desk = threads.executor is not old.executor
        if standing_in != new.standing_in or (has_other_desk and not old.executor.is_idle):
            return False
        before, config = self._config, new.generation.config
        self._config, self._thresholds = config, thresholds(config)
        self._supervisor.expect(round_ms(config))
        view = new.generation.view
        answered = {n for n, s in view.states.items() if s.answered_boot_id == self._boot_id}
        self._fleet = counted_on(self._fleet, before, config, answered)
        gone = [
            n for n, s in before.servers.items() if not is_same_primary(s, config.servers.get(n))
        ]
        self._notes.forget(gone)
        self._refusals = {n: e for n, e in self._refusals.items() if n not in gone}
        self._crew.exchange(new.generation)
        self._take_up(view)
        self._aim()
        self._config_in_use.replaced(new.changes, new.waits)
        return True

    def _take_up(self, view: View) -> None:
        if view.config is not self._config:
            return  # of the lookout of a former config
        before, self._view = self._view, view
        self._cried.clear()
        self._fleet = recounted(self._fleet, before, view)
        self._withdraw()
        if view.targets != before.targets or view.held != before.held:
            self._aim()

    def _in_words(self) -> str:
        return in_words(self._fleet, self._view)

    def _aim(self) -> None:
        self._threads.prober.aim(self._view.targets)
        self._threads.upkeep.keep(self._view.held)


def _says_of(decision: Decision, name: str) -> bool:
    return isinstance(decision, Say) and decision.server == name

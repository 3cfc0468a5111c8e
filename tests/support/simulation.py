"""Hours of outages in seconds: the real monitor on a simulated LAN, turn by turn.

Prober, deciding thread, stand-in thread, scribe, lookout and upkeep are the product's; they take
their turns one after the other instead of in threads. Store and journal are real, on a disk. Books
are kept beside, and whatever the Failover Server does is held against them.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from ipfx_failover.events import Event, EventKind
from ipfx_failover.modes import change_mode
from ipfx_failover.monitor.chores import Chores
from ipfx_failover.monitor.copy_watch import CopyWatch
from ipfx_failover.monitor.executor import Executor
from ipfx_failover.monitor.hurry import Hurry
from ipfx_failover.monitor.lookout import Lookout
from ipfx_failover.monitor.loop import Monitor
from ipfx_failover.monitor.mailer import Mailer
from ipfx_failover.monitor.messages import Reconfigured
from ipfx_failover.monitor.nightly import Nightly
from ipfx_failover.monitor.prober import Prober, ProbeRound
from ipfx_failover.monitor.scribe import Scribe
from ipfx_failover.monitor.threads import Generation, Threads
from ipfx_failover.monitor.workers import Worker
from ipfx_failover.records import Authority, Mode, Phase
from ipfx_failover.replication.refusals import to_live_refusal
from ipfx_failover.standin.upkeep import Upkeep
from tests.fakes.local_time import FakeLocalTime
from tests.fakes.network import LATENCY_NS
from tests.fakes.supervisor import FakeSupervisor
from tests.support.stand_in import (
    ADAPTER,
    ADDRESS,
    DEMO,
    OTHER,
    OTHER_ADDRESS,
    FailoverMachine,
    FullDisk,
    Killed,
)
from tests.support.waiting import FakeWait, at_once

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ipfx_failover.config.models import Config
    from ipfx_failover.monitor.messages import Message
    from ipfx_failover.records import ServerState, StandIn
    from tests.fakes.network import FakeMachine
    from tests.support.stand_in import Fate

INTERVAL_MS, TIMEOUT_MS = 2000, 1000
INTERVAL_NS, TIMEOUT_NS = INTERVAL_MS * 1_000_000, TIMEOUT_MS * 1_000_000
WARNING, FAILOVER, AFTER_REBOOT = 2, 4, 7
K = EventKind

NETWORK = {
    "ping_interval_ms": INTERVAL_MS,
    "ping_timeout_ms": TIMEOUT_MS,
    "warning_count": WARNING,
    "failover_count": FAILOVER,
    "failover_count_after_reboot": AFTER_REBOOT,
}


class MonitorProcess:
    """One run of the monitor, from its start until it is stopped or killed."""

    def __init__(self, machine: FailoverMachine, *, fate: Fate | None = None) -> None:
        self.machine = machine
        self.messages: SimpleQueue[Message] = SimpleQueue()
        self.said: list[str] = []
        self.cried: list[Event] = []
        self._open = ExitStack()
        clock, hurry = machine.clock, Hurry(machine.clock)
        addresses = machine.us.addresses()
        echo, arp = machine.us.echo(), machine.us.arp(ADAPTER)
        self.prober = Prober(
            echo=echo,
            arp=arp,
            carrier=lambda: machine.us.is_connected,
            clock=clock,
            interval_ms=INTERVAL_MS,
            timeout_ms=TIMEOUT_MS,
            tell=self.messages.put,
            wait=FakeWait(clock),
        )
        self._open.callback(self.prober.close)
        self.upkeep = Upkeep(
            addresses=addresses,
            open_arp=machine.us.arp,
            clock=clock,
            interval_ms=INTERVAL_MS,
            tell=self.messages.put,
            wait=at_once,
        )
        self._open.callback(self.upkeep.close)
        self.executor = Executor(
            config=machine.config,
            open_desk=lambda: machine.open_desk(fate=fate, must_go_on=True, observer=hurry.observe),
            answers=machine.application_answers,
            messages=self.messages,
            hurry=hurry,
        )
        self.desk = machine.open_desk(fate=fate, must_go_on=True, observer=hurry.observe)
        self._open.callback(self.desk.close)
        # A connection a thread: none notices its own commits.
        self.store, self.looking = machine.store(), machine.store()
        self._open.callback(self.store.close)
        self._open.callback(self.looking.close)
        self.scribe = Scribe(
            open_store=machine.store,
            clock=clock,
            after_commit=lambda _store: None,
            say=self.said.append,
            cry=self.cried.append,
            hurry=hurry,
        )
        self.committer = self.scribe.committer(self.store)
        self.hurry = hurry
        self.lookout = self._lookout(machine.config)
        self.supervisor = FakeSupervisor()
        self.threads = self._threads()
        self.monitor = Monitor(
            config=machine.config,
            clock=clock,
            boot_id=machine.boot_id,
            is_ours=lambda address, at_ns: (
                addresses.holder(address) is not None or hurry.was_ours(address, at_ns)
            ),
            messages=self.messages,
            threads=self.threads,
            supervisor=self.supervisor,
            # Its threads take their turns in `pump`.
            launch=lambda _name, _run, _messages: threading.Thread(target=lambda: None),
        )
        self.set_disk()
        self.monitor.begin()
        try:
            self.pump()
        except Killed:
            self.end()
            raise

    def _lookout(self, config: Config) -> Lookout:
        machine = self.machine
        return Lookout(
            config=config,
            clock=machine.clock,
            boot_id=machine.boot_id,
            open_store=machine.store,
            gateway=lambda: machine.us.gateway,
            note=machine.record().read,
            tell=self.messages.put,
            noticed=lambda: None,
            hurry=self.hurry,
        )

    def take_up(self, config: Config, *, built_for: str | None = None, waits: str = "") -> bool:
        """Offer the monitor another config, as it was built while we stood in for `built_for`."""
        lookout = self._lookout(config)
        threads = replace(self.threads, lookout=lookout)
        generation = Generation(config, threads, lookout.first(), lambda: None)
        offer = Reconfigured(generation, built_for, "as the test says", waits)
        self.monitor.hear(offer)
        if offer.is_taken:
            self.lookout, self.threads = lookout, threads
        return offer.is_taken

    def _threads(self) -> Threads:
        machine = self.machine
        worker = Worker(
            [], keeps_running=False, clock=machine.clock, failed=lambda _w, _r, _d: None
        )
        return Threads(
            prober=self.prober,
            upkeep=self.upkeep,
            executor=self.executor,
            scribe=self.scribe,
            mailer=Mailer(
                open_store=machine.store, deliver=lambda _store: None, say=self.said.append
            ),
            lookout=self.lookout,
            chores=Chores(
                open_store=machine.store,
                workers=[],
                nightly=Nightly(
                    servers={},
                    worker=worker,
                    clock=machine.clock,
                    local=FakeLocalTime(machine.clock),
                ),
            ),
            copies=CopyWatch(
                servers={},
                clock=machine.clock,
                open_store=machine.store,
                is_held=machine.machine_locks().is_held,
                obstacles=lambda _: {},
                hurry=self.hurry,
            ),
        )

    def set_disk(self) -> None:
        """Both of its connections see the disk as it is."""
        for store in (self.store, self.desk.ports.store):
            assert isinstance(store, FullDisk)
            store.is_full = self.machine.disk_is_full

    def turn(self) -> ProbeRound | None:
        """Until the prober has told of a round, or something else has happened."""
        self.prober.turn()
        return self.pump()

    def pump(self) -> ProbeRound | None:
        """Each thread does what it has to do, until all wait."""
        seen = None
        while True:
            while not self.messages.empty():
                message = self.messages.get()
                if isinstance(message, ProbeRound):
                    seen = message
                self.monitor.hear(message)
            self.executor.turn(self.desk, wait_s=0)
            self.scribe.turn(self.store, self.committer, wait_s=0)
            self.lookout.turn(self.looking)
            self.upkeep.turn()
            if self.messages.empty():
                return seen

    def end(self) -> None:
        """Stopped or killed: what is taken stays taken."""
        self._open.close()


@dataclass
class Books:
    """What really happened to one Primary, written down beside."""

    last_answer_ns: int | None = None
    """When its last answered probe was sent."""
    answered_in_boot: int = 0
    up_since_ns: int | None = None
    """Since when it has been connected and well."""


class Simulation:
    """A Failover Server, two Primaries and a gateway; time passes in rounds of probes."""

    def __init__(self, directory: Path, settings: dict[str, Any] | None = None) -> None:
        self.machine = FailoverMachine(directory, {"network": NETWORK, **(settings or {})})
        self.clock = self.machine.clock
        self.primaries = {DEMO: self.machine.primary, OTHER: self.machine.other}
        self.addresses = {DEMO: ADDRESS, OTHER: OTHER_ADDRESS}
        now_ns = self.clock.monotonic_ns()
        self.books = {name: Books(up_since_ns=now_ns) for name in self.primaries}
        self.cursor = 0
        self.events: list[Event] = []
        self.rounds = 0
        self.begun_ns = now_ns
        self.goes_on = False
        """With what a monitor before this one had decided."""
        self._reader = self.machine.store()
        self._version = -1
        self.process: MonitorProcess | None = MonitorProcess(self.machine)

    def close(self) -> None:
        self.kill_monitor()
        self._reader.close()

    # What the world does.

    def unplug(self, name: str) -> None:
        self.primaries[name].is_plugged = False
        self._note_ups()

    def plug(self, name: str) -> None:
        """The Primary is back; it announces itself, unless we hold its address (the guard)."""
        self.primaries[name].is_plugged = True
        self._come_up(name)

    def ignore_pings(self, name: str, *, ignore: bool) -> None:
        self.primaries[name].answers_icmp = not ignore
        self._note_ups()

    def unplug_us(self) -> None:
        self.machine.us.is_plugged = False

    def plug_us(self) -> None:
        self.machine.us.is_plugged = True

    def set_gateway(self, *, is_plugged: bool) -> None:
        self.machine.gateway.is_plugged = is_plugged

    def fill_disk(self, *, is_full: bool) -> None:
        self.machine.disk_is_full = is_full
        if self.process is not None:
            self.process.set_disk()

    def _come_up(self, name: str) -> None:
        primary, address = self.primaries[name], self.addresses[name]
        if primary.is_plugged and not self.machine.holds(address):
            arp = primary.arp(primary.adapter)
            arp.announce(address)
            arp.close()
            self.clock.advance(0.001)
        self._note_ups()

    def _note_ups(self) -> None:
        for name, primary in self.primaries.items():
            books = self.books[name]
            is_up = primary.is_connected and (primary.answers_icmp or self._takes_address(name))
            if not is_up:
                books.up_since_ns = None
            elif books.up_since_ns is None:
                books.up_since_ns = self.clock.monotonic_ns()

    def _takes_address(self, name: str) -> bool:
        return self.machine.config.servers[name].assume_ip

    # What the operator does, with a command of his own.

    def change_mode(self, name: str, verb: str) -> None:
        with self.machine.store() as store:
            change_mode(store, name, verb, self.clock.now())

    def failover_now(self, name: str) -> None:
        with self.machine.desk() as desk:
            desk.take_over(self.machine.config.servers[name], by="operator")

    def stop_failover(self, name: str) -> None:
        with self.machine.desk() as desk:
            desk.stand_down(name)
        self._come_up(name)

    def replicate_to_live(self, name: str) -> None:
        server = self.machine.config.servers[name]
        with self.machine.store() as store, store.transaction() as tx:
            if refusal := to_live_refusal(
                server, store, application_answers=False, overwrite=False
            ):
                raise refusal
            tx.set_authority(name, Authority.LIVE)
            tx.set_failback_pending(name, pending=False)
            tx.emit(Event(K.FAILBACK_COMPLETED, self.clock.now(), name))

    # What befalls our machine.

    def kill_monitor(self) -> None:
        if self.process is not None:
            self.process.end()
            self.process = None

    def start_monitor(self, *, fate: Fate | None = None) -> None:
        self.kill_monitor()
        self.begun_ns = self.clock.monotonic_ns()
        self.goes_on = True
        try:
            self.process = MonitorProcess(self.machine, fate=fate)
        except Killed:
            self.process = None
        self.follow()
        self.goes_on = False

    def reboot(self) -> None:
        self.kill_monitor()
        self.machine.reboot()
        for name in self.primaries:
            self._come_up(name)
        self.start_monitor()

    # Time.

    def rounds_pass(self, number: int) -> None:
        """So many rounds are judged; or as much time passes without a monitor."""
        if self.process is None:
            self.clock.advance(number * INTERVAL_MS / 1000)
            return
        end = self.rounds + number
        while self.rounds < end and self.process is not None:
            try:
                seen = self.process.turn()
            except Killed:
                self.kill_monitor()
                seen = None
            self.follow()
            if seen is not None:
                self.rounds += 1
                self._note(seen)

    def until(self, condition: Callable[[], bool], rounds: int = 200) -> None:
        for _ in range(rounds):
            if condition():
                return
            self.rounds_pass(1)
        raise AssertionError(f"it did not happen in {rounds} rounds: {self.kinds()[-12:]}")

    def _note(self, seen: ProbeRound) -> None:
        for name, address in self.addresses.items():
            if address in seen.answered and not self.machine.holds(address):
                books = self.books[name]
                books.answered_in_boot = self.machine.boot
                books.last_answer_ns = seen.answered[address] - LATENCY_NS

    def follow(self) -> None:
        """Read what was logged and mailed since; hold it against the books."""
        store = self._reader
        version = store.data_version()
        if version == self._version:
            return
        self._version = version
        for logged in store.events_after(self.cursor):
            self.cursor = logged.cursor
            self.events.append(logged.event)
            self._check(logged.event)
        self._check_roles(store.stand_in(), store.servers())

    @property
    def mails(self) -> list[str]:
        """The subjects of all mails, in order."""
        return [row["subject"] for row in self._reader.rows("SELECT * FROM outbox ORDER BY id")]

    def _check(self, event: Event) -> None:
        if event.kind is K.TAKEOVER_STARTED and event.data["by"] == "monitor":
            assert event.server is not None
            self._check_takeover(event.server)

    def _check_takeover(self, name: str) -> None:
        now_ns, books = self.clock.monotonic_ns(), self.books[name]
        state = self.state(name)
        assert state.mode is Mode.MONITORING, f"{name} is {state.mode}"
        assert not state.failback_pending, "failback is pending"
        assert self.machine.us.is_connected, "our own cable is out"
        if books.up_since_ns is not None:
            well_ns = now_ns - books.up_since_ns
            assert well_ns <= INTERVAL_NS + TIMEOUT_NS, f"{name} has been up for {well_ns} ns"
        since_boot = books.answered_in_boot == self.machine.boot
        needed = FAILOVER if since_boot else AFTER_REBOOT
        # A monitor that has just been started counts its own probes.
        silent_since_ns = self.begun_ns - INTERVAL_NS
        if books.last_answer_ns is not None and books.last_answer_ns >= self.begun_ns:
            silent_since_ns = books.last_answer_ns
        silent_ns = now_ns - silent_since_ns
        assert self.goes_on or silent_ns >= needed * INTERVAL_NS + TIMEOUT_NS, "too early"

    def _check_roles(self, stand_in: StandIn | None, states: dict[str, ServerState]) -> None:
        role = self.machine.application.role
        if stand_in is not None and stand_in.phase is Phase.STANDING_IN:
            assert states[stand_in.server].authority is Authority.STANDBY
            if role is not None:
                assert role.server == stand_in.server
        ours = [name for name, address in self.addresses.items() if self.machine.holds(address)]
        assert len(ours) <= 1

    # What there is to see.

    def clock_of(self, monotonic_ns: int) -> timedelta:
        """How long ago that was."""
        return timedelta(microseconds=(self.clock.monotonic_ns() - monotonic_ns) // 1000)

    def state(self, name: str) -> ServerState:
        return self._reader.server(name)

    @property
    def stand_in(self) -> StandIn | None:
        return self._reader.stand_in()

    def kinds(self, name: str | None = None) -> list[EventKind]:
        """What was logged, of one server or of all."""
        return [e.kind for e in self.events if name is None or e.server == name]

    def owners(self, name: str = DEMO) -> list[FakeMachine]:
        return self.machine.owners(self.addresses[name])

    def stands_in_for(self, name: str) -> bool:
        stand_in = self.stand_in
        return (
            stand_in is not None
            and stand_in.server == name
            and stand_in.phase is Phase.STANDING_IN
            and stand_in.boot_id == self.machine.boot_id
        )

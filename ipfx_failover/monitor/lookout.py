"""The monitor's reading thread: what the deciding thread must know comes to it as a message.

The store lies on a disk, our gateway behind netlink; either can keep whoever asks waiting.
"""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from ipfx_failover.errors import FailoverError, InDoubt
from ipfx_failover.events import SPECS, EventKind
from ipfx_failover.monitor.messages import Doubted, Looked
from ipfx_failover.monitor.view import View
from ipfx_failover.records import ServerState
from ipfx_failover.standin.refusals import missing
from ipfx_failover.standin.restoring import stand_in_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ipfx_failover.clock import Clock
    from ipfx_failover.config.models import Config
    from ipfx_failover.events import Event
    from ipfx_failover.monitor.hurry import Hurry
    from ipfx_failover.monitor.messages import Message
    from ipfx_failover.net import Address
    from ipfx_failover.records import Copy, StandIn
    from ipfx_failover.standin.record import Note
    from ipfx_failover.state.store import Store

_LOOK_EVERY_S = 0.2
"""Commands are noticed within a second."""
_GATEWAY_EVERY_NS = 30_000_000_000
"""The store tells of its changes; a new gateway does not."""
_CHECK_EVERY_NS = 5_000_000_000
_TOPICS = {SPECS[kind].topic for kind in (EventKind.FILE_SYNC_FAILED, EventKind.COPY_LOST)}


@dataclass(frozen=True, slots=True)
class _Known:
    """What the store says; `states` by case folded name, `held` with their adapters."""

    states: Mapping[str, ServerState]
    copies: Mapping[tuple[str, str], Copy]
    stand_in: StandIn | None
    held: dict[Address, str]
    troubles: tuple[Event, ...]


class Lookout:
    """Looks at the store whenever somebody has committed, and tells of what has changed.

    `gateway`: of our adapter. `note`: the machine's, which tells of a stand-in that a full disk
    kept from the store. `noticed` is called behind commits, whatever they changed. While the store
    cannot be read, what was known goes on to hold; the scribe tells of that trouble. One that is
    damaged is doubted, until all of it can be read again.
    """

    def __init__(
        self,
        *,
        config: Config,
        clock: Clock,
        boot_id: str,
        open_store: Callable[[], Store],
        gateway: Callable[[], Address | None],
        note: Callable[[], Note | None],
        tell: Callable[[Message], None],
        noticed: Callable[[], None],
        hurry: Hurry,
    ) -> None:
        self._config = config
        self._clock = clock
        self._boot_id = boot_id
        self._open_store = open_store
        self._ask_gateway = gateway
        self._note = note
        self._tell = tell
        self._noticed = noticed
        self._hurry = hurry
        self._version = -1
        self._revision = -1
        self._troubles: tuple[Event, ...] = ()
        self._gateway: Address | None = None
        self._gateway_ns: int | None = None
        self._check_ns = 0
        self._is_in_doubt = False
        self._soon = threading.Event()
        self._stop = threading.Event()

    def first(self) -> View:
        """What is known at the start.

        Raises:
            FailoverError: the store cannot be read.
        """
        with self._open_store() as store:
            self._read_gateway()
            return self._view(store)

    def soon(self) -> None:
        """Look again at once, whatever the store says; from any thread."""
        self._soon.set()

    def stop(self) -> None:
        self._stop.set()
        self._soon.set()

    def run(self) -> None:
        """Look until `stop`."""
        with self._open_store() as store:
            while not self._stop.is_set():
                self.turn(store)
                self._soon.wait(_LOOK_EVERY_S)

    def turn(self, store: Store) -> None:
        """Tell what is to be known, if it may have changed."""
        self._hurry.wait_until_over()
        is_wanted = self._soon.is_set()
        self._soon.clear()
        try:
            self._check(store)
            is_wanted |= self._has_changed(store)
            if self._read_gateway() or is_wanted:
                self._tell(Looked(self._view(store)))
                self._is_in_doubt = False
        except (FailoverError, sqlite3.DatabaseError) as error:
            self._version = self._revision = -1
            if isinstance(error, InDoubt) and not self._is_in_doubt:
                self._is_in_doubt = True
                self._tell(Doubted(error))

    def _check(self, store: Store) -> None:
        """Is it still what was opened? Our own connection may see in memory what is gone.

        Raises:
            InDoubt: it is damaged.
        """
        store.check_place()
        now_ns = self._clock.monotonic_ns()
        if now_ns >= self._check_ns:
            with self._open_store() as afresh:
                self._read(afresh)
            self._check_ns = now_ns + _CHECK_EVERY_NS

    def _has_changed(self, store: Store) -> bool:
        """Mostly it was the monitor's own heartbeat, which changes nothing here."""
        version = store.data_version()
        if version == self._version:
            return False
        self._noticed()
        revision = store.revision()
        has_changed = revision != self._revision or self._told_troubles(store) != self._troubles
        self._version, self._revision = version, revision
        return has_changed

    def _read_gateway(self) -> bool:
        """Whether it is another one now."""
        now_ns = self._clock.monotonic_ns()
        if self._gateway_ns is not None and now_ns - self._gateway_ns < _GATEWAY_EVERY_NS:
            return False
        before, self._gateway_ns = self._gateway, now_ns
        try:
            self._gateway = self._ask_gateway()
        except Exception:  # noqa: BLE001 - an adapter that is gone, netlink: the last known one holds
            return False
        return self._gateway != before

    def _read(self, store: Store) -> _Known:
        """All that a view is made of."""
        return _Known(
            states={name.casefold(): state for name, state in store.servers().items()},
            copies=store.copies(),
            stand_in=store.stand_in(),
            held={
                IPv4Address(held.address): held.adapter
                for held in store.held_addresses()
                if held.boot_id == self._boot_id
            },
            troubles=self._told_troubles(store),
        )

    def _view(self, store: Store) -> View:
        known = self._read(store)
        self._troubles = known.troubles
        stand_in, held = known.stand_in, known.held
        if stand_in is None and (noted := self._noted(store)) is not None:
            stand_in = noted
            if noted.address is not None and noted.adapter is not None:
                held[IPv4Address(noted.address)] = noted.adapter
        return View(
            config=self._config,
            boot_id=self._boot_id,
            states={
                name: known.states.get(name.casefold(), ServerState(name=name))
                for name in self._config.servers
            },
            missing={
                name: missing(server, known.copies) for name, server in self._config.servers.items()
            },
            stand_in=stand_in,
            held=held,
            gateway=self._gateway,
            troubles=known.troubles,
        )

    def _noted(self, store: Store) -> StandIn | None:
        note = self._note()
        if note is None or note.state_dir != str(store.state_dir):
            return None
        return stand_in_of(note, self._clock.now())

    def _told_troubles(self, store: Store) -> tuple[Event, ...]:
        """Why the copies of a server are not what they should be, as told and not over."""
        told = [
            store.event(cursor) for _, about, cursor, _ in store.open_alerts() if about in _TOPICS
        ]
        servers = self._config.servers
        return tuple(event for event in told if event is not None and event.server in servers)

"""Keeping an address that we hold: announce it again, answer conflicts, notice that it is gone.

A thread without file or database. What it sees goes to the monitor, which decides and commits.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ipfx_failover.errors import FailoverError
from ipfx_failover.net import wait_readable
from ipfx_failover.waker import Waker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ipfx_failover.clock import Clock
    from ipfx_failover.net import Address, Addresses, ArpPacket, ArpSocket, Readable, Wait

_ANNOUNCE_AFTER_S = (0.2, 1.0, 5.0, 5.2, 5.4, 5.6, 5.8)
"""After the burst of the takeover: some devices were busy, some tables slow."""
_ANNOUNCE_EVERY_S = 60.0
_ANSWERS_PER_S = 20
_ANSWERS_AT_ONCE = 50
_TELL_AGAIN_S = 10.0
_TOLD_PER_S = 0.5
_TOLD_AT_ONCE = 10
_MACS_REMEMBERED = 100
"""A flood under ever new MACs must fill neither our memory nor the log."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Another machine uses an address that we hold; it was answered."""

    address: Address
    mac: str


@dataclass(frozen=True, slots=True)
class Asked:
    """Another machine asks whether an address that we hold is free: somebody wants it back."""

    address: Address
    mac: str


@dataclass(frozen=True, slots=True)
class Gone:
    """An address that we hold is not on its adapter any more."""

    address: Address
    adapter: str


Seen = Conflict | Asked | Gone


@dataclass(slots=True)
class _Held:
    """One address under upkeep. Times are monotonic nanoseconds."""

    address: Address
    adapter: str
    arp: ArpSocket
    taken_ns: int
    announced: int = 0
    look_ns: int = 0
    told_ns: dict[tuple[type, str], int] = field(default_factory=dict)

    def announce_ns(self) -> int:
        """When the next announcement is due."""
        if self.announced < len(_ANNOUNCE_AFTER_S):
            return self.taken_ns + int(_ANNOUNCE_AFTER_S[self.announced] * 1e9)
        rounds = self.announced - len(_ANNOUNCE_AFTER_S) + 1
        return self.taken_ns + int((_ANNOUNCE_AFTER_S[-1] + rounds * _ANNOUNCE_EVERY_S) * 1e9)


class TokenBucket:
    """Limits how often something is done: `per_s` on average, `at_once` in a burst."""

    def __init__(self, per_s: float, at_once: int) -> None:
        self._per_s = per_s
        self._at_once = at_once
        self._tokens = float(at_once)
        self._filled_ns = 0

    def take(self, now_ns: int) -> bool:
        grown = (now_ns - self._filled_ns) / 1e9 * self._per_s
        self._tokens = min(float(self._at_once), self._tokens + grown)
        self._filled_ns = now_ns
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Upkeep:
    """Keeps the addresses that it was last told to, until stopped.

    What is not on its adapter is neither announced nor defended: the role may have been given
    back a moment ago, and whoever has the address now must not be disturbed.
    """

    def __init__(
        self,
        *,
        addresses: Addresses,
        open_arp: Callable[[str], ArpSocket],
        clock: Clock,
        interval_ms: int,
        tell: Callable[[Seen], None],
        wait: Wait = wait_readable,
    ) -> None:
        self._addresses = addresses
        self._open_arp = open_arp
        self._clock = clock
        self._interval_ns = interval_ms * 1_000_000
        self._tell = tell
        self._wait_for = wait
        self._held: dict[Address, _Held] = {}
        self._wanted: dict[Address, str] = {}
        self._bucket = TokenBucket(_ANSWERS_PER_S, _ANSWERS_AT_ONCE)
        self._telling = TokenBucket(_TOLD_PER_S, _TOLD_AT_ONCE)
        self._stop = threading.Event()
        self._waker = Waker()

    def keep(self, wanted: Mapping[Address, str]) -> None:
        """Keep these addresses (with their adapters) and no others; from any thread."""
        self._wanted = dict(wanted)
        self._waker.wake()

    def stop(self) -> None:
        """Let `run` end; from any thread."""
        self._stop.set()
        self._waker.wake()

    def run(self) -> None:
        """Keep until `stop`."""
        try:
            while not self._stop.is_set():
                self.turn()
        finally:
            self.close()

    def turn(self) -> None:
        """Wait until something is to be done, and do it."""
        self._take_up()
        self._wait()
        now_ns = self._clock.monotonic_ns()
        for held in list(self._held.values()):
            self._look_after(held, now_ns)

    def close(self) -> None:
        """Close its sockets; what it kept stays where it is."""
        for held in self._held.values():
            held.arp.close()
        self._held.clear()
        self._waker.close()

    def _take_up(self) -> None:
        wanted = self._wanted
        for address in [a for a, held in self._held.items() if wanted.get(a) != held.adapter]:
            self._held.pop(address).arp.close()
        for address, adapter in wanted.items():
            if address not in self._held:
                try:
                    arp = self._open_arp(adapter)
                except FailoverError:
                    continue  # the adapter is gone; `Gone` cannot help, the next look tries again
                arp.prepare(address)
                self._held[address] = _Held(address, adapter, arp, self._clock.monotonic_ns())

    def _wait(self) -> None:
        now_ns = self._clock.monotonic_ns()
        due_ns = [min(held.announce_ns(), held.look_ns) for held in self._held.values()]
        wait_ns = min(due_ns, default=now_ns + self._interval_ns) - now_ns
        sockets: dict[Readable, _Held] = {held.arp: held for held in self._held.values()}
        for readable in self._wait_for([self._waker, *sockets], max(wait_ns, 0) / 1e9):
            if readable is self._waker:
                self._waker.take()
            else:
                held = sockets[readable]
                for packet in held.arp.receive():
                    self._answer(held, packet)

    def _answer(self, held: _Held, packet: ArpPacket) -> None:
        if packet.sender_ip == held.address:
            if self._bucket.take(self._clock.monotonic_ns()) and self._is_there(held):
                held.arp.announce(held.address)
                self._tell_once(held, Conflict(held.address, packet.sender_mac))
        elif packet.claims(held.address):
            # The kernel answers the probe itself.
            self._tell_once(held, Asked(held.address, packet.sender_mac))

    def _tell_once(self, held: _Held, seen: Conflict | Asked) -> None:
        now_ns = self._clock.monotonic_ns()
        key = (type(seen), seen.mac)
        if now_ns - held.told_ns.get(key, -(1 << 62)) < _TELL_AGAIN_S * 1e9:
            return
        if self._telling.take(now_ns):
            if len(held.told_ns) >= _MACS_REMEMBERED:
                held.told_ns.clear()
            held.told_ns[key] = now_ns
            self._tell(seen)

    def _look_after(self, held: _Held, now_ns: int) -> None:
        is_due = now_ns >= held.announce_ns()
        if not is_due and now_ns < held.look_ns:
            return
        is_there = self._is_there(held)
        if is_due:
            held.announced += 1
            if is_there:
                held.arp.announce(held.address)
        if now_ns >= held.look_ns:
            held.look_ns = now_ns + self._interval_ns
            if not is_there:
                self._tell(Gone(held.address, held.adapter))

    def _is_there(self, held: _Held) -> bool:
        return self._addresses.holder(held.address) is not None

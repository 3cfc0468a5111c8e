"""A simulated LAN: machines with one adapter each, real ports on them, driven by a `FakeClock`.

    lan = FakeLan(FakeClock())
    us = lan.machine("us", "10.0.0.2/24", gateway="10.0.0.254")
    primary = lan.machine("primary", "10.0.0.1/24")
    primary.is_plugged = False

Ports are opened with `us.echo()`, `us.arp("eth0")` and `us.addresses()`. Frames arrive when the
clock is advanced. A client's path to an address is what it learnt by ARP: a moved address that
nobody announces is lost for it for half a minute, as in a real network.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Address, IPv4Interface
from typing import TYPE_CHECKING

from ipfx_failover.errors import UsageError
from ipfx_failover.net import Address, ArpOperation, ArpPacket, Interface
from tests.fakes.network_ports import FakeAddresses, FakeArpSocket, FakeEchoSocket

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.clock import FakeClock

LATENCY_NS = 200_000
STALE_NS = 31_000_000_000
"""How long a machine sends to the last known place of an address where nobody answers."""


@dataclass(slots=True)
class _Place:
    """Where the machines of the LAN believe an address to be."""

    machine: FakeMachine
    confirmed_ns: int


class FakeLan:
    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.machines: list[FakeMachine] = []
        self._places: dict[Address, _Place] = {}

    def machine(
        self, name: str, *interfaces: str, gateway: str | None = None, adapter: str = "eth0"
    ) -> FakeMachine:
        """Connect one more machine, switched on and plugged in."""
        machine = FakeMachine(
            lan=self,
            name=name,
            mac=f"02:00:00:00:00:{len(self.machines) + 1:02x}",
            adapter=adapter,
            interfaces=[IPv4Interface(text) for text in interfaces],
            gateway=IPv4Address(gateway) if gateway else None,
        )
        self.machines.append(machine)
        return machine

    def later(self, action: Callable[[], None]) -> None:
        """Let something happen after the time that a frame takes."""
        self.clock.at(self.clock.monotonic_ns() + LATENCY_NS, action)

    def find(self, address: Address) -> FakeMachine | None:
        """The machine that gets the frames for an address."""
        now_ns = self.clock.monotonic_ns()
        place = self._places.get(address)
        if place is None or now_ns - place.confirmed_ns > STALE_NS:
            holders = [m for m in self.machines if m.claims(address)]
            if not holders:
                return None
            place = self._places[address] = _Place(holders[0], now_ns)
        if not place.machine.claims(address):
            return None
        place.confirmed_ns = now_ns
        return place.machine

    def broadcast(self, sender: FakeMachine, packet: ArpPacket) -> None:
        if sender.is_connected:
            self.later(partial(self._arrive, sender, packet))

    def _arrive(self, sender: FakeMachine, packet: ArpPacket) -> None:
        if packet.is_announcement:
            self._places[packet.sender_ip] = _Place(sender, self.clock.monotonic_ns())
        for machine in self.machines:
            if machine is not sender and machine.is_connected:
                machine.hear(packet, sender)


@dataclass(eq=False)
class FakeMachine:
    """Change its switches at will; each takes effect at once."""

    lan: FakeLan
    name: str
    mac: str
    adapter: str
    interfaces: list[Interface]
    gateway: Address | None
    is_up: bool = True
    """Its adapter is switched on."""
    is_plugged: bool = True
    """Its cable is in, at both ends."""
    answers_icmp: bool = True
    answers_arp: bool = True
    firewalled: set[Address] = field(default_factory=set)
    """Addresses to which its own firewall lets no ping out."""
    arp_sockets: list[FakeArpSocket] = field(default_factory=list)

    @property
    def is_connected(self) -> bool:
        return self.is_up and self.is_plugged

    def has(self, address: Address) -> bool:
        return any(interface.ip == address for interface in self.interfaces)

    def claims(self, address: Address) -> bool:
        """Whether frames for the address are taken here, and whoever asks hears so."""
        return self.is_connected and self.answers_arp and self.has(address)

    def reaches(self, address: Address) -> FakeMachine | None:
        """Who would answer this machine at the address."""
        if self.has(address):
            return self
        return self.lan.find(address) if self.is_connected else None

    def hear(self, packet: ArpPacket, sender: FakeMachine) -> None:
        """A frame comes in; the system answers questions for our addresses (RFC 826)."""
        for listener in self.arp_sockets:
            listener.deliver(packet)
        is_question = packet.operation is ArpOperation.REQUEST and not packet.is_announcement
        if is_question and self.answers_arp and self.has(packet.target_ip):
            reply = ArpPacket(
                operation=ArpOperation.REPLY,
                sender_mac=self.mac,
                sender_ip=packet.target_ip,
                target_mac=packet.sender_mac,
                target_ip=packet.sender_ip,
                received_ns=0,
            )
            self.lan.later(lambda: sender.hear(reply, self) if sender.is_connected else None)

    def echo(self, source: Address | None = None) -> FakeEchoSocket:
        return FakeEchoSocket(self, source)

    def arp(self, adapter_name: str) -> FakeArpSocket:
        self.check_adapter(adapter_name)
        return FakeArpSocket(self)

    def addresses(self) -> FakeAddresses:
        return FakeAddresses(self)

    def check_adapter(self, name: str) -> None:
        if name != self.adapter:
            raise UsageError(
                f"there is no network adapter {name!r}", f"the adapters: {self.adapter}"
            )

"""The network ports of a simulated machine (tests/fakes/network.py)."""

from __future__ import annotations

import socket
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Interface
from typing import TYPE_CHECKING

from ipfx_failover.net import UNSPECIFIED, Adapter, Address, ArpOperation, ArpPacket, EchoReply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.fakes.network import FakeMachine

_NO_MAC = "00:00:00:00:00:00"


class _Bell:
    """A real descriptor that is readable while something is there."""

    def __init__(self) -> None:
        self._rope, self._bell = socket.socketpair()
        self._rings = False

    def fileno(self) -> int:
        return self._bell.fileno()

    def ring(self) -> None:
        if not self._rings:
            self._rope.send(b"\0")
            self._rings = True

    def silence(self) -> None:
        if self._rings:
            self._bell.recv(1)
            self._rings = False

    def close(self) -> None:
        self._rope.close()
        self._bell.close()


class FakeEchoSocket:
    """The `EchoSocket` port."""

    def __init__(self, machine: FakeMachine, source: Address | None) -> None:
        self._machine = machine
        self._source = source
        self._bell = _Bell()
        self._prepared: list[Address] = []
        self._outstanding: dict[Address, dict[int, int]] = {}
        self._arrived: list[tuple[Address, int, int]] = []
        self._is_closed = False
        self.refusal: str | None = None

    def fileno(self) -> int:
        return self._bell.fileno()

    def prepare(self, addresses: Sequence[Address]) -> None:
        self._prepared = list(dict.fromkeys(addresses))
        self._outstanding = {
            address: self._outstanding.get(address, {}) for address in self._prepared
        }

    def send(self, address: Address, sequence: int) -> int | None:
        sent_ns = self._machine.lan.clock.monotonic_ns()
        self.refusal = self._reason_not_to_send(address)
        if self.refusal:
            return None
        self._outstanding.setdefault(address, {})[sequence] = sent_ns
        target = self._machine.reaches(address)
        if target is not None and (target.answers_icmp or target is self._machine):
            self._machine.lan.later(partial(self._arrive, target, address, sequence))
        return sent_ns

    def send_all(self, sequence: int) -> list[int | None]:
        refusal = None
        times = []
        for address in self._prepared:
            times.append(self.send(address, sequence))
            refusal = self.refusal or refusal
        self.refusal = refusal
        return times

    def receive(self) -> list[EchoReply]:
        self._bell.silence()
        replies = []
        for address, sequence, received_ns in self._arrived:
            sent_ns = self._outstanding.get(address, {}).pop(sequence, None)
            if sent_ns is not None:
                replies.append(EchoReply(address, sequence, sent_ns, received_ns))
        self._arrived.clear()
        return replies

    def close(self) -> None:
        self._is_closed = True
        self._bell.close()

    def _reason_not_to_send(self, address: Address) -> str | None:
        if address in self._machine.firewalled:
            return "Operation not permitted"
        if self._source is not None and not self._machine.has(self._source):
            return f"cannot ping {address} from {self._source}: there is no route to it"
        if not self._machine.is_up and not self._machine.has(address):
            return f"cannot ping {address}: there is no route to it"
        return None

    def _arrive(self, target: FakeMachine, address: Address, sequence: int) -> None:
        # Either cable may have been pulled while the frames were under way.
        is_there = target is self._machine or (target.is_connected and self._machine.is_connected)
        if is_there and not self._is_closed:
            self._arrived.append((address, sequence, self._machine.lan.clock.monotonic_ns()))
            self._bell.ring()


class FakeArpSocket:
    """The `ArpSocket` port."""

    def __init__(self, machine: FakeMachine) -> None:
        self._machine = machine
        self._bell = _Bell()
        self._heard: list[ArpPacket] = []
        self.refusal: str | None = None
        machine.arp_sockets.append(self)

    @property
    def mac(self) -> str:
        return self._machine.mac

    def fileno(self) -> int:
        return self._bell.fileno()

    def prepare(self, address: Address) -> None:
        """Nothing takes time here."""

    def ask(self, address: Address) -> bool:
        own = self._machine.interfaces[0].ip if self._machine.interfaces else UNSPECIFIED
        return self._send(ArpOperation.REQUEST, own, _NO_MAC, address)

    def probe(self, address: Address) -> bool:
        return self._send(ArpOperation.REQUEST, UNSPECIFIED, _NO_MAC, address)

    def announce(self, address: Address) -> bool:
        return all(
            [
                self._send(ArpOperation.REQUEST, address, _NO_MAC, address),
                self._send(ArpOperation.REPLY, address, self.mac, address),
            ]
        )

    def receive(self) -> list[ArpPacket]:
        self._bell.silence()
        heard, self._heard = self._heard, []
        return heard

    def close(self) -> None:
        self._machine.arp_sockets.remove(self)
        self._bell.close()

    def deliver(self, packet: ArpPacket) -> None:
        """The LAN hands a frame of another machine in."""
        self._heard.append(replace(packet, received_ns=self._machine.lan.clock.monotonic_ns()))
        self._bell.ring()

    def _send(
        self, operation: ArpOperation, sender_ip: Address, target_mac: str, target_ip: Address
    ) -> bool:
        name = self._machine.adapter
        self.refusal = None if self._machine.is_up else f"no ARP on {name}: the adapter is down"
        if self.refusal:
            return False
        packet = ArpPacket(operation, self.mac, sender_ip, target_mac, target_ip, 0)
        self._machine.lan.broadcast(self._machine, packet)
        return True


class FakeAddresses:
    """The `Addresses` port; it may do everything."""

    def __init__(self, machine: FakeMachine) -> None:
        self._machine = machine

    def adapters(self) -> list[Adapter]:
        machine = self._machine
        return [
            Adapter(
                name=machine.adapter,
                index=2,
                mac=machine.mac,
                up=machine.is_up,
                carrier=machine.is_connected,
                interfaces=tuple(machine.interfaces),
                description="simulated",
            )
        ]

    def adapter(self, name: str) -> Adapter:
        self._machine.check_adapter(name)
        return self.adapters()[0]

    def carrier(self, name: str) -> bool:
        return name == self._machine.adapter and self._machine.is_connected

    def gateway(self, adapter_name: str) -> Address | None:
        self._machine.check_adapter(adapter_name)
        return self._machine.gateway

    def holder(self, address: Address) -> str | None:
        return self._machine.adapter if self._machine.has(address) else None

    def add(self, address: Address, adapter_name: str) -> None:
        self._machine.check_adapter(adapter_name)
        taken = IPv4Interface(address)
        if taken not in self._machine.interfaces:
            self._machine.interfaces.append(taken)

    def remove(self, address: Address, adapter_name: str) -> None:
        self._machine.check_adapter(adapter_name)
        taken = IPv4Interface(address)
        if taken in self._machine.interfaces:
            self._machine.interfaces.remove(taken)

    def close(self) -> None:
        """Nothing is open."""

"""The network interface as the guard sees it: its carrier, its addresses, ARP in and out.

Linux only: packet and netlink sockets, and `ip` to add and remove an address.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import subprocess
from dataclasses import dataclass
from enum import Enum, auto
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ETHERTYPE_ARP = 0x0806
_ETHERNET = struct.Struct("!6s6sH")
_ARP = struct.Struct("!HHBBH6s4s6s4s")
_ARP_KIND = (1, 0x0800, 6, 4)  # Ethernet, IPv4, lengths of their addresses
REQUEST, REPLY = 1, 2
_BROADCAST = b"\xff" * 6
_UNKNOWN_MAC = bytes(6)
NOBODY = IPv4Address(0)

_NETLINK_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_LINK_INDEX = struct.Struct("=4xi")
_LINK_FLAGS = struct.Struct("=8xI")
_RTM_NEWLINK, _RTM_DELLINK = _LINK_KINDS = (16, 17)
_LINK_AND_ADDRESS_GROUPS = 0x1 | 0x10  # RTMGRP_LINK, RTMGRP_IPV4_IFADDR
_LOWER_UP = 0x10000  # IFF_LOWER_UP: the carrier is there


class Change(Enum):
    NONE = auto()
    ADDRESS = auto()  # perhaps: something about the interface, its carrier apart
    CARRIER_LOST = auto()


@dataclass(frozen=True)
class Arp:
    """A received ARP packet."""

    operation: int
    mac: bytes
    sender: IPv4Address
    target: IPv4Address


def parse_arp(frame: bytes) -> Arp | None:
    """The packet in an Ethernet frame, None when it is not ARP for IPv4 over Ethernet."""
    if len(frame) < _ETHERNET.size + _ARP.size:
        return None
    *kind, operation, mac, sender, _, target = _ARP.unpack_from(frame, _ETHERNET.size)
    if tuple(kind) != _ARP_KIND:
        return None
    return Arp(operation, mac, IPv4Address(sender), IPv4Address(target))


def arp_frame(mac: bytes, sender: IPv4Address, target: IPv4Address, operation: int) -> bytes:
    """A broadcast; a reply names our own MAC as its target, or Linux would ignore it."""
    target_mac = mac if operation == REPLY else _UNKNOWN_MAC
    ethernet = _ETHERNET.pack(_BROADCAST, mac, _ETHERTYPE_ARP)
    arp = _ARP.pack(*_ARP_KIND, operation, mac, sender.packed, target_mac, target.packed)
    return ethernet + arp


def adapter_messages(datagram: bytes, index: int) -> Iterator[tuple[int, int]]:
    """Type and flags of each netlink message about interface `index` (rtnetlink(7)).

    Link and address messages have the index at the same place; only link messages have flags.
    """
    offset = 0
    while offset + _NETLINK_HEADER.size + _LINK_INDEX.size <= len(datagram):
        length, kind, *_ = _NETLINK_HEADER.unpack_from(datagram, offset)
        body = offset + _NETLINK_HEADER.size
        if _LINK_INDEX.unpack_from(datagram, body)[0] == index:
            flags = _LINK_FLAGS.unpack_from(datagram, body)[0] if kind in _LINK_KINDS else 0
            yield kind, flags
        offset += (max(length, _NETLINK_HEADER.size) + 3) & ~3


def _is_loss(kind: int, flags: int) -> bool:
    return kind == _RTM_DELLINK or (kind == _RTM_NEWLINK and not flags & _LOWER_UP)


class Adapter:
    """The network interface: its carrier, its addresses, ARP in and out."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.index = socket.if_nametoindex(name)
        self.arp = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETHERTYPE_ARP))
        self.arp.bind((name, _ETHERTYPE_ARP))
        self.arp.settimeout(0)
        self.mac: bytes = self.arp.getsockname()[4]
        self.changes = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        self.changes.bind((0, _LINK_AND_ADDRESS_GROUPS))
        self.changes.settimeout(0)

    def carrier(self) -> bool:
        try:
            return Path("/sys/class/net", self.name, "carrier").read_text("ascii").strip() == "1"
        except OSError:  # it is switched off
            return False

    def what_changed(self) -> Change:
        """Reads the kernel's messages; a carrier that was lost counts even when it is back."""
        try:
            messages = list(adapter_messages(self.changes.recv(1 << 16), self.index))
        except OSError:  # more messages than its buffer holds
            return Change.ADDRESS if self.carrier() else Change.CARRIER_LOST
        if any(_is_loss(kind, flags) for kind, flags in messages):
            return Change.CARRIER_LOST
        return Change.ADDRESS if messages else Change.NONE

    def send(self, sender: IPv4Address, target: IPv4Address, operation: int = REQUEST) -> None:
        with contextlib.suppress(OSError):  # the cable is out: nobody hears it anyway
            self.arp.send(arp_frame(self.mac, sender, target, operation))

    def receive(self) -> Arp | None:
        """A packet of somebody else; None when there is none, or nothing that we read."""
        try:
            found = parse_arp(self.arp.recv(1 << 16))
        except OSError:  # the interface was switched off meanwhile
            return None
        return found if found and found.mac != self.mac else None

    def holds(self, address: IPv4Interface) -> bool:
        argv = ["ip", "-4", "-o", "address", "show", "dev", self.name]
        shown = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
        return any(word.split("/")[0] == str(address.ip) for word in shown)

    def change(self, verb: str, address: IPv4Interface) -> None:
        """Adds (`add`) or removes (`del`) the address."""
        argv = ["ip", "address", verb, str(address), "dev", self.name]
        subprocess.run(argv, check=True, capture_output=True, text=True)

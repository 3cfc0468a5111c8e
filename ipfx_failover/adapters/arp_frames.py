"""ARP packets in Ethernet frames, built and parsed (RFC 826, RFC 5227). Pure."""

from __future__ import annotations

from struct import Struct

from ipfx_failover.net import UNSPECIFIED, Address, ArpOperation, ArpPacket

ETHERTYPE_ARP = 0x0806
BROADCAST_MAC = "ff:ff:ff:ff:ff:ff"
NO_MAC = "00:00:00:00:00:00"

_ETHERNET = Struct("!6s6sH")
_ARP = Struct("!HHBBH6s4s6s4s")
_HARDWARE_ETHERNET = 1
_PROTOCOL_IPV4 = 0x0800
# Hardware type, protocol type and the lengths of their addresses: all that we understand.
_ETHERNET_IPV4 = (_HARDWARE_ETHERNET, _PROTOCOL_IPV4, 6, 4)


def question(mac: str, own: Address, address: Address) -> bytes:
    """Asks who has the address, on behalf of one of our own."""
    return _broadcast(ArpOperation.REQUEST, mac, own, NO_MAC, address)


def probe(mac: str, address: Address) -> bytes:
    """Asks who uses the address. The sender address is zero, so that no cache learns from it."""
    return _broadcast(ArpOperation.REQUEST, mac, UNSPECIFIED, NO_MAC, address)


def announcements(mac: str, address: Address) -> tuple[bytes, bytes]:
    """Claims the address for this MAC, as a request and as a reply.

    Linux takes an unsolicited reply for fresh entries only if its target MAC is the sender's own.
    """
    return (
        _broadcast(ArpOperation.REQUEST, mac, address, NO_MAC, address),
        _broadcast(ArpOperation.REPLY, mac, address, mac, address),
    )


def parse(frame: bytes, received_ns: int) -> ArpPacket | None:
    """The ARP packet in an Ethernet frame; None if it is not one for IPv4 over Ethernet."""
    if len(frame) < _ETHERNET.size + _ARP.size:
        return None
    *_, ethertype = _ETHERNET.unpack_from(frame)
    *kind, operation, sender_mac, sender_ip, target_mac, target_ip = _ARP.unpack_from(
        frame, _ETHERNET.size
    )
    if ethertype != ETHERTYPE_ARP or tuple(kind) != _ETHERNET_IPV4:
        return None
    if operation not in (ArpOperation.REQUEST, ArpOperation.REPLY):
        return None
    return ArpPacket(
        operation=ArpOperation(operation),
        sender_mac=sender_mac.hex(":"),
        sender_ip=Address(sender_ip),
        target_mac=target_mac.hex(":"),
        target_ip=Address(target_ip),
        received_ns=received_ns,
    )


def _broadcast(
    operation: ArpOperation, mac: str, sender_ip: Address, target_mac: str, target_ip: Address
) -> bytes:
    ethernet = _ETHERNET.pack(_mac_bytes(BROADCAST_MAC), _mac_bytes(mac), ETHERTYPE_ARP)
    return ethernet + _ARP.pack(
        *_ETHERNET_IPV4,
        operation,
        _mac_bytes(mac),
        sender_ip.packed,
        _mac_bytes(target_mac),
        target_ip.packed,
    )


def _mac_bytes(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))

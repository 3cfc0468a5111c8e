"""Announces an address by ARP, once as a request and once as a reply (RFC 5227, section 3).

Usage: announce.py INTERFACE ADDRESS
"""

from __future__ import annotations

import socket
import struct
import sys

ETHERNET = struct.Struct("!6s6sH")
ARP = struct.Struct("!HHBBH6s4s6s4s")
BROADCAST = b"\xff" * 6
ETHERTYPE_ARP = 0x0806
REQUEST, REPLY = 1, 2


def gratuitous(mac: bytes, address: bytes, operation: int) -> bytes:
    ethernet = ETHERNET.pack(BROADCAST, mac, ETHERTYPE_ARP)
    return ethernet + ARP.pack(1, 0x0800, 6, 4, operation, mac, address, mac, address)


def main() -> None:
    interface, address = sys.argv[1:]
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as link:
        link.bind((interface, ETHERTYPE_ARP))
        mac = link.getsockname()[4]
        for operation in (REQUEST, REPLY):
            link.send(gratuitous(mac, socket.inet_aton(address), operation))


if __name__ == "__main__":
    main()

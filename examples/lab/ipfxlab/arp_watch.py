"""Prints every ARP packet that an interface receives, as one JSON line each.

Usage: python -m ipfxlab.arp_watch INTERFACE
"""

from __future__ import annotations

import json
import socket
import sys
import time

from ipfxlab.announce import ARP, ETHERNET, ETHERTYPE_ARP, REPLY


def main() -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE_ARP)) as link:
        link.bind((sys.argv[1], ETHERTYPE_ARP))
        print("ready", flush=True)
        while frame := link.recv(2048):
            *_, operation, mac, sender, _, target = ARP.unpack_from(frame, ETHERNET.size)
            packet = {
                "monotonic_s": time.monotonic(),
                "is_reply": operation == REPLY,
                "mac": mac.hex(":"),
                "sender": socket.inet_ntoa(sender),
                "target": socket.inet_ntoa(target),
            }
            print(json.dumps(packet), flush=True)


if __name__ == "__main__":
    main()

"""Runs in the switch: pulls a port's cable at a given phase after a sign of life passed it.

Usage: cutter.py PORT echo|vrrp. For each line `PHASE_MS` on standard input it waits for the next
sign of life (an echo request to, or a VRRP advertisement from, whoever is behind PORT), then for
the phase, sets PORT down, and prints `TRIGGER_NS PULLED_NS` (monotonic clock).
"""

from __future__ import annotations

import fcntl
import socket
import struct
import sys
import time

_ETH_P_ALL = 0x0003
_SIOCGIFFLAGS, _SIOCSIFFLAGS = 0x8913, 0x8914
_IFF_UP = 0x1
_IP_OFFSET, _PROTOCOL_OFFSET, _IP_BYTES = 14, 23, 20
_ICMP, _VRRP, _ECHO_REQUEST = 1, 112, 8


def is_sign(frame: bytes, kind: str) -> bool:
    """Whether the frame is the sign of life: an echo request, or an advertisement."""
    if len(frame) <= _IP_OFFSET + _IP_BYTES or frame[12:14] != b"\x08\x00":
        return False
    if kind == "vrrp":
        return frame[_PROTOCOL_OFFSET] == _VRRP
    return (
        frame[_PROTOCOL_OFFSET] == _ICMP
        and frame[_IP_OFFSET + _IP_BYTES] == _ECHO_REQUEST
        # From the Failover Server (.2), not from the client that measures.
        and frame[29] == 2
    )


def set_down(control: socket.socket, port: str) -> None:
    name = port.encode()
    flags = struct.unpack("16sh", fcntl.ioctl(control, _SIOCGIFFLAGS, struct.pack("16sh", name, 0)))
    fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh", name, flags[1] & ~_IFF_UP))


def main() -> None:
    port, kind = sys.argv[1:]
    control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    print("ready", flush=True)
    for line in sys.stdin:
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        wire.bind((port, 0))
        while not is_sign(wire.recv(2048), kind):
            pass
        trigger_ns = time.monotonic_ns()
        pull_ns = trigger_ns + int(float(line) * 1e6)
        time.sleep(max(0.0, (pull_ns - time.monotonic_ns()) / 1e9 - 0.001))
        while time.monotonic_ns() < pull_ns:
            pass
        set_down(control, port)
        print(trigger_ns, time.monotonic_ns(), flush=True)
        wire.close()


if __name__ == "__main__":
    main()

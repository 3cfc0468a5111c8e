"""Pings an address every few milliseconds and records each answer: how a client sees an outage.

Usage: pinger.py ADDRESS LOG [INTERVAL_MS]. Prints `answered` at the first answer; SIGTERM ends it
and writes LOG: one JSON object with parallel lists, `sent_ns` and `received_ns` (monotonic clock;
0 where no answer came).
"""

from __future__ import annotations

import itertools
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from pathlib import Path

ECHO_REQUEST = 8
ECHO_REPLY = 0
_ICMP = struct.Struct("!BBHHHI")  # type, code, checksum, identifier, sequence, our own number
_RECEIVE_BUFFER_BYTES = 1 << 20


def checksum(message: bytes) -> int:
    """RFC 1071, for an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(message) // 2}H", message))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def echo_request(identifier: int, number: int) -> bytes:
    head = (ECHO_REQUEST, 0)
    tail = (identifier, number & 0xFFFF, number)
    return _ICMP.pack(*head, checksum(_ICMP.pack(*head, 0, *tail)), *tail)


class Pinger:
    def __init__(self, address: str, interval_ms: float) -> None:
        self.address = address
        self.interval_ns = int(interval_ms * 1e6)
        self.sent_ns: list[int] = []
        self.received_ns: list[int] = []
        self.identifier = os.getpid() & 0xFFFF
        self.stopped = False
        self._answered = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        self._socket.setblocking(False)  # noqa: FBT003 - the socket module's own signature

    def run(self) -> None:
        """Sends on an absolute time grid, so that lateness does not add up; reads in between."""
        start = time.monotonic_ns()
        for number in itertools.count():
            if self.stopped:
                break
            self._send(number)
            next_ns = start + (number + 1) * self.interval_ns
            while (left_ns := next_ns - time.monotonic_ns()) > 0:
                if select.select([self._socket], [], [], left_ns / 1e9)[0]:
                    self._read()
        self._socket.close()

    def _send(self, number: int) -> None:
        self.sent_ns.append(time.monotonic_ns())
        self.received_ns.append(0)
        try:
            self._socket.sendto(echo_request(self.identifier, number), (self.address, 0))
        except OSError:
            return  # no route or no neighbour just now: an unanswered ping like any other

    def _read(self) -> None:
        packet = self._socket.recv(2048)
        now = time.monotonic_ns()
        message = packet[(packet[0] & 0x0F) * 4 :][: _ICMP.size]
        if len(message) < _ICMP.size:
            return
        kind, _, _, identifier, _, number = _ICMP.unpack(message)
        if kind != ECHO_REPLY or identifier != self.identifier or number >= len(self.sent_ns):
            return
        if not self._answered:
            self._answered = True
            print("answered", flush=True)
        self.received_ns[number] = self.received_ns[number] or now

    def stop(self) -> None:
        self.stopped = True


def main() -> None:
    address, log, *rest = sys.argv[1:]
    pinger = Pinger(address, float(rest[0]) if rest else 2.0)
    signal.signal(signal.SIGTERM, lambda *_: pinger.stop())
    pinger.run()
    record = {"sent_ns": pinger.sent_ns, "received_ns": pinger.received_ns}
    Path(log).write_text(json.dumps(record), "utf-8")


if __name__ == "__main__":
    main()

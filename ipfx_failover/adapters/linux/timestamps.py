"""The kernel's receive times on the monotonic clock: a late reader makes no packet late."""

from __future__ import annotations

import socket
import time
from struct import Struct
from typing import TypeAlias

# SO_TIMESTAMPNS_NEW (Linux 5.1): the same layout on every architecture; `socket` has no name for
# it.
_SO_TIMESTAMPNS = 64
_TIMESPEC = Struct("=qq")

WallTime: TypeAlias = tuple[int, int]
"""Seconds and nanoseconds, as the kernel stamps packets."""

ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)
"""Room for the one control message that each packet has."""

TIMESTAMP = Struct(f"={socket.CMSG_LEN(0)}xqq{ANCILLARY_BYTES - socket.CMSG_LEN(_TIMESPEC.size)}x")
"""That control message: its `WallTime`."""


def stamp_of(ancillary: list[tuple[int, int, bytes]]) -> WallTime | None:
    """The stamp among the control messages that `recvmsg` gave."""
    for level, kind, value in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            wall_s, nanoseconds = _TIMESPEC.unpack(value)
            return wall_s, nanoseconds
    return None


def request_timestamps(sock: socket.socket) -> None:
    """Make every received packet carry the time at which it arrived.

    Unless another program wanted this already, the kernel needs a few milliseconds to begin with
    it; until then the time is that of the reading.
    """
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


class Arrivals:
    """Converts the arrival times of the packets that one reader finds.

    The kernel stamps with the wall clock. Should that be set between a packet's arrival and its
    reading, the time is off by the same amount, but never later than the reading.
    """

    __slots__ = ("offset_ns", "read_ns")

    def __init__(self) -> None:
        self.read_ns = time.monotonic_ns()
        """When reading began, on the monotonic clock."""
        self.offset_ns = self.read_ns - time.clock_gettime_ns(time.CLOCK_REALTIME)
        """What makes a wall time monotonic."""

    def monotonic_ns(self, stamp: WallTime | None) -> int:
        """When the packet with this stamp arrived; without a stamp, now."""
        if stamp is None:
            return time.monotonic_ns()
        wall_s, nanoseconds = stamp
        return self.within(wall_s * 1_000_000_000 + nanoseconds + self.offset_ns)

    def within(self, arrived_ns: int) -> int:
        """This time, but not later than now."""
        return arrived_ns if arrived_ns <= self.read_ns else min(arrived_ns, time.monotonic_ns())

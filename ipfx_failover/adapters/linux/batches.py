"""Many datagrams in one system call: sendmmsg(2) and recvmmsg(2), which `socket` does not have.

A call for each packet costs as much as the packet: with these, 2,000 hosts take half the time.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
from struct import Struct
from typing import TYPE_CHECKING, Any

from ipfx_failover.adapters.linux.timestamps import ANCILLARY_BYTES, TIMESTAMP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ipfx_failover.adapters.linux.timestamps import WallTime

SEND_BATCH = 64
READ_BATCH = 128
"""Datagrams in one call at most. A reader that is asked after each sent batch gets all answers at
once, and knows from the free room that there are no more."""

# struct mmsghdr: address, its length, vectors, their number, control data, their length, flags;
# then the number of bytes that went or came.
_HEADER = Struct("@PIPNPNi0PI0P")
_VECTOR = Struct("@PN")
_SOCKADDR_IN = Struct("=HH4s8x")

_libc = ctypes.CDLL(None, use_errno=True)
_sendmmsg = _libc.sendmmsg
_sendmmsg.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int]
_recvmmsg = _libc.recvmmsg
_recvmmsg.argtypes = [*_sendmmsg.argtypes, ctypes.c_void_p]


class _Memory:
    """Equal pieces of memory at addresses that stay, as long as this object lives."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.piece_bytes = len(pieces[0]) if pieces else 0
        self._buffer = ctypes.create_string_buffer(b"".join(pieces), len(pieces) * self.piece_bytes)
        self.view = memoryview(self._buffer).cast("B")

    def address(self, index: int = 0) -> int:
        return ctypes.addressof(self._buffer) + index * self.piece_bytes

    def vector(self, index: int = 0) -> bytes:
        return _VECTOR.pack(self.address(index), self.piece_bytes)

    def fill(self, content: bytes) -> None:
        self.view[: len(content)] = content


class Outbox:
    """Datagrams to many hosts that differ in their middle only: head and tail change for all."""

    def __init__(self, head_bytes: int, tail_bytes: int) -> None:
        self._head = _Memory([bytes(head_bytes)])
        self._tail = _Memory([bytes(tail_bytes)])
        self.load((), ())

    def load(self, addresses: Iterable[bytes], middles: Iterable[bytes]) -> None:
        """Prebuild for these IPv4 addresses of 4 bytes, each with its middle of equal length."""
        self._middles = _Memory([*middles])
        self._addresses = _Memory([_SOCKADDR_IN.pack(socket.AF_INET, 0, a) for a in addresses])
        numbers = range(len(self._addresses.view) // _SOCKADDR_IN.size)
        self._vectors = _Memory(
            [self._head.vector() + self._middles.vector(n) + self._tail.vector() for n in numbers]
        )
        self._headers = _Memory(
            [
                _HEADER.pack(
                    *(self._addresses.address(n), _SOCKADDR_IN.size),
                    *(self._vectors.address(n), 3),
                    *(0, 0, 0, 0),
                )
                for n in numbers
            ]
        )

    def write(self, head: bytes, tail: bytes) -> None:
        """Set what the next datagrams have in common."""
        self._head.fill(head)
        self._tail.fill(tail)

    def send(self, fileno: int, start: int, count: int) -> int:
        """Send `count` datagrams from number `start` on; how many went before one was refused.

        Raises:
            OSError: The first one was refused.
        """
        sent: int = _sendmmsg(fileno, self._headers.address(start), count, 0)
        if sent < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return sent


class Inbox:
    """Receives datagrams that begin with one layout, and their arrival times."""

    def __init__(self, layout: Struct) -> None:
        self._layout = layout
        self._datagrams = _Memory([bytes(layout.size)] * READ_BATCH)
        self._stamps = _Memory([bytes(ANCILLARY_BYTES)] * READ_BATCH)
        self._vectors = _Memory([self._datagrams.vector(n) for n in range(READ_BATCH)])
        headers = [
            _HEADER.pack(
                *(0, 0, self._vectors.address(n), 1),
                *(self._stamps.address(n), ANCILLARY_BYTES, 0, 0),
            )
            for n in range(READ_BATCH)
        ]
        self._headers = _Memory(headers)
        self._fresh_headers = b"".join(headers)
        self._zeros = bytes(READ_BATCH * layout.size)

    def receive(self, fileno: int) -> tuple[int, Iterator[tuple[Any, WallTime]]]:
        """The datagrams that are there now, at most `READ_BATCH`: how many, and each one's fields.

        A longer datagram is cut, a shorter one ends in zeros. Take them before the next call.
        """
        self._headers.fill(self._fresh_headers)
        self._datagrams.fill(self._zeros)
        count = _recvmmsg(fileno, self._headers.address(), READ_BATCH, socket.MSG_DONTWAIT, None)
        if count < 0:
            number = ctypes.get_errno()
            if number not in (errno.EAGAIN, errno.EINTR):
                raise OSError(number, os.strerror(number))
            count = 0
        fields = self._layout.iter_unpack(self._datagrams.view[: count * self._layout.size])
        stamps = TIMESTAMP.iter_unpack(self._stamps.view[: count * TIMESTAMP.size])
        return count, zip(fields, stamps, strict=True)

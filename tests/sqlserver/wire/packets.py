"""TDS packets over a socket, encrypted or not ([MS-TDS] 2.2.3).

The TLS handshake goes inside PRELOGIN packets; behind it TLS carries the packets.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from dataclasses import dataclass
from enum import IntEnum

_HEADER = struct.Struct(">BBHHBB")
_END_OF_MESSAGE = 0x01
_IGNORE = 0x02
_RESET = 0x08 | 0x10
_SMALLEST = 512
_RECORD_BYTES = 16384


class Packet(IntEnum):
    BATCH = 0x01
    RPC = 0x03
    RESULT = 0x04
    ATTENTION = 0x06
    BULK = 0x07
    TRANSACTION = 0x0E
    LOGIN = 0x10
    SSPI = 0x11
    PRELOGIN = 0x12


@dataclass(frozen=True, slots=True)
class Incoming:
    """A whole message. `resets`: the session is to begin anew before it."""

    kind: int
    body: bytes
    resets: bool = False


class ClosedError(Exception):
    """The client has gone."""


class Stream:
    """Reads messages, and writes them in pieces; one thread reads, one writes."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._tls: ssl.SSLObject | None = None
        self._from_client = ssl.MemoryBIO()
        self._to_client = ssl.MemoryBIO()
        self._using_tls = threading.Lock()  # one thread at a time: OpenSSL guards nothing itself
        self._unread = b""
        self.packet_bytes = 4096
        self._number = 0

    def close(self) -> None:
        """End the conversation; whoever waits for the client in another thread hears of it."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def read(self) -> Incoming:
        """The next message.

        Raises:
            ClosedError: there is none.
        """
        body, resets, ignored = b"", False, False
        while True:
            kind, status, size, *_ = _HEADER.unpack(self._take(_HEADER.size))
            body += self._take(size - _HEADER.size)
            resets |= bool(status & _RESET)
            ignored |= bool(status & _IGNORE)
            if status & _END_OF_MESSAGE:
                break
        return Incoming(kind, b"" if ignored else body, resets)

    def write(self, body: bytes, kind: int = Packet.RESULT, *, is_last: bool) -> None:
        """Send a piece of a message; the last one ends it."""
        room = max(self.packet_bytes, _SMALLEST) - _HEADER.size
        pieces = [body[start : start + room] for start in range(0, len(body), room)] or [b""]
        for number, piece in enumerate(pieces, start=1):
            ends = is_last and number == len(pieces)
            self._number = (self._number + 1) % 256
            size = _HEADER.size + len(piece)
            head = _HEADER.pack(kind, _END_OF_MESSAGE if ends else 0, size, 0, self._number, 0)
            self._give(head + piece)

    def begin_encryption(self, context: ssl.SSLContext) -> None:
        """Shake hands inside PRELOGIN packets.

        Raises:
            ClosedError: the client does not like us.
        """
        tls = context.wrap_bio(self._from_client, self._to_client, server_side=True)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._send_wrapped()
                self._from_client.write(self.read().body)
            except ssl.SSLError as error:
                raise ClosedError(str(error)) from None
        self._send_wrapped()
        self._tls = tls

    def end_encryption(self) -> None:
        """Only the login was encrypted."""
        self._tls = None

    def _send_wrapped(self) -> None:
        if waiting := self._to_client.read():
            self.write(waiting, Packet.PRELOGIN, is_last=True)

    def _take(self, size: int) -> bytes:
        while len(self._unread) < size:
            self._unread += self._some()
        taken, self._unread = self._unread[:size], self._unread[size:]
        return taken

    def _some(self) -> bytes:
        if self._tls is None:
            return self._received()
        while True:
            try:
                with self._using_tls:
                    plain = self._tls.read(_RECORD_BYTES)
            except ssl.SSLWantReadError:
                self._from_client.write(self._received())
            except ssl.SSLError:
                raise ClosedError from None
            else:
                if plain:
                    return plain
                raise ClosedError

    def _received(self) -> bytes:
        try:
            received = self._socket.recv(65536)
        except OSError:
            raise ClosedError from None
        if not received:
            raise ClosedError
        return received

    def _give(self, data: bytes) -> None:
        if self._tls is not None:
            with self._using_tls:
                self._tls.write(data)
                data = self._to_client.read()
        try:
            self._socket.sendall(data)
        except OSError:
            raise ClosedError from None

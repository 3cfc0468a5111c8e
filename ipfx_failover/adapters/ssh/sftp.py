"""An SFTP client that keeps many requests in flight.

paramiko's own client waits for most answers one by one (200 small files a second, 60 MiB/s), and
fails a whole directory for one name that is not UTF-8. This one speaks the protocol itself over a
channel: requests in a pipeline, pieces as large as the server allows, names as bytes, and
OpenSSH's extensions (fsync, posix-rename, hardlink, statvfs, limits).
"""

from __future__ import annotations

import contextlib
import struct
from collections import deque
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import paramiko

from ipfx_failover.adapters.ssh import wire
from ipfx_failover.adapters.ssh.arriving import Arriving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ipfx_failover.errors import Unreachable

IN_FLIGHT = 64
"""Small requests under way at once."""
PIECES_IN_FLIGHT = 32
"""Pieces of a large file under way at once: 8 MiB, far below what upsets a re-key."""
SAFE_PIECE_BYTES = 32_768
"""What every server takes; more only where it says so (limits@openssh.com)."""
LARGEST_PIECE_BYTES = 255 * 1024
FLUSH_TIMEOUT_S = 300.0
"""A disk may take long to flush a large file."""

_HEAD = struct.Struct(">IBI")
"""Of each packet: its length behind that, its type, and its request's number (or the version)."""
_LENGTH_BYTES = 4
_LARGEST_PACKET_BYTES = 1 << 20
_GATHERED_BYTES = 1 << 20
"""Of a large file, so much is waited for at once: to be woken for each packet takes longer."""
_SEND_BYTES = 1 << 15


class Reply(NamedTuple):
    """What the server answered; the accessors raise OSError when it answered with an error."""

    type: int
    body: bytes
    """Without the request's number; of DATA, what was read."""

    def error(self) -> OSError | None:
        return wire.error_of(self.body) if self.type == wire.STATUS else None

    def check(self) -> None:
        if error := self.error():
            raise error

    def string(self) -> bytes:
        """A handle, or data."""
        self.check()
        return self.body if self.type == wire.DATA else wire.Reader(self.body).string()

    def attributes(self) -> wire.Attributes:
        self.check()
        return wire.Reader(self.body).attributes()


class Sftp:
    """One SFTP session. OSError: the server refused; `lost` makes the error for all the rest."""

    def __init__(
        self, channel: paramiko.Channel, *, timeout_s: float, lost: Callable[[str], Unreachable]
    ) -> None:
        """`channel`: a new one. Raises SSHException too: the server has no SFTP."""
        self._channel = channel
        self._arriving = Arriving()
        channel.in_buffer = self._arriving  # type: ignore[assignment] # it keeps what that promises
        self._timeout_s = timeout_s
        self._lost = lost
        self._usable = True
        self._received = memoryview(b"")
        self._last_number = 0
        self._arrived: dict[int, Reply] = {}
        self._abandoned: set[int] = set()
        channel.settimeout(timeout_s)
        channel.invoke_subsystem("sftp")
        self._extensions = self._shake_hands()
        self.read_bytes, self.write_bytes = self._piece_sizes()

    @property
    def usable(self) -> bool:
        """Whether the session still works; after a loss, or closed, it never does again."""
        return self._usable and not self._channel.closed

    def supports(self, extension: str) -> bool:
        return extension in self._extensions

    def close(self) -> None:
        self._channel.close()

    def ask(self, request: wire.Request, *, timeout_s: float | None = None) -> Reply:
        """Send one request and wait for its answer."""
        self._channel.settimeout(timeout_s or self._timeout_s)
        try:
            return self.begin(request)()
        finally:
            self._channel.settimeout(self._timeout_s)

    def begin(self, request: wire.Request) -> Callable[[], Reply]:
        """Send one request; what is returned waits for its answer, and is to be called."""
        (number,) = self._send([request])
        return partial(self._reply, number)

    def pipeline(
        self, requests: Iterable[wire.Request], in_flight: int = IN_FLIGHT
    ) -> Iterator[Reply]:
        """Send requests without waiting, and yield the answers in their order."""
        waiting: deque[int] = deque()
        source = iter(requests)
        try:
            while True:
                if len(waiting) <= in_flight // 2:
                    waiting.extend(self._send(list(islice(source, in_flight - len(waiting)))))
                if not waiting:
                    return
                yield self._reply(waiting.popleft())
        finally:
            self._abandoned.update(waiting)

    def read_pieces(self, handle: bytes, size_bytes: int, start_byte: int = 0) -> Iterator[bytes]:
        """The first `size_bytes` of an open file, from a byte on; fewer if it is shorter by now."""
        piece = self.read_bytes
        offsets = range(start_byte, size_bytes, piece)
        requests = (wire.read(handle, at, min(piece, size_bytes - at)) for at in offsets)
        for at, reply in zip(offsets, self.pipeline(requests, PIECES_IN_FLIGHT), strict=False):
            self._arriving.enough_bytes = max(1, min(_GATHERED_BYTES, size_bytes - at - piece))
            yield from self._whole_piece(handle, at, min(piece, size_bytes - at), reply)

    def _whole_piece(self, handle: bytes, at: int, length: int, reply: Reply) -> Iterator[bytes]:
        # A server may answer with less than was asked for.
        while length > 0:
            if reply.type == wire.STATUS and wire.Reader(reply.body).number() == wire.STATUS_EOF:
                return
            if not (data := reply.string()):
                return
            yield data
            at, length = at + len(data), length - len(data)
            if length > 0:
                reply = self.ask(wire.read(handle, at, length))

    def write_pieces(self, handle: bytes, chunks: Iterable[bytes], start_byte: int = 0) -> int:
        """Write to an open file from a byte on; returns where it ends."""
        written = start_byte

        def requests() -> Iterator[wire.Request]:
            nonlocal written
            for chunk in chunks:
                for start in range(0, len(chunk), self.write_bytes):
                    piece = chunk[start : start + self.write_bytes]
                    yield wire.write(handle, written, piece)
                    written += len(piece)

        for reply in self.pipeline(requests(), PIECES_IN_FLIGHT // 2):
            reply.check()
        return written

    def flush(self, handle: bytes) -> None:
        """Have an open file written to the server's disk, where the server can."""
        if self.supports("fsync@openssh.com"):
            self.ask(wire.extended("fsync@openssh.com", handle), timeout_s=FLUSH_TIMEOUT_S).check()

    def read_directory(self, path: bytes) -> Iterator[tuple[bytes, wire.Attributes]]:
        """The names in a directory but `.` and `..`, with their own attributes (lstat)."""
        handle = self.ask(wire.on(wire.OPENDIR, path)).string()
        try:
            while (reply := self.ask(wire.on(wire.READDIR, handle))).type == wire.NAME:
                yield from _names(reply.body)
            if wire.Reader(reply.body).number() != wire.STATUS_EOF:
                reply.check()
        finally:
            self.ask(wire.on(wire.CLOSE, handle))

    def lstat(self, path: bytes) -> wire.Attributes:
        return self.ask(wire.on(wire.LSTAT, path)).attributes()

    def set_attributes(self, path: bytes, attributes: bytes) -> Reply:
        """Set them without following a link, where the server can."""
        if self.supports("lsetstat@openssh.com"):
            return self.ask(wire.set_own_attributes(path, attributes))
        return self.ask(wire.set_attributes(path, attributes))

    def rename(self, path: bytes, to: bytes) -> None:
        """Rename a file over another one, atomically where the server can."""
        if self.supports("posix-rename@openssh.com"):
            self.ask(wire.extended("posix-rename@openssh.com", path, to)).check()
            return
        with contextlib.suppress(FileNotFoundError):
            self.ask(wire.on(wire.REMOVE, to)).check()
        self.ask(wire.rename_to_free_name(path, to)).check()

    def free_bytes(self, path: bytes) -> int | None:
        """Space that this account may still use; None when the server cannot tell (Windows)."""
        if not self.supports("statvfs@openssh.com"):
            return None
        reply = self.ask(wire.extended("statvfs@openssh.com", path))
        reply.check()
        reader = wire.Reader(reply.body)
        _block_size, fragment_size, _blocks, _free, available = (reader.long() for _ in range(5))
        return fragment_size * available

    def _shake_hands(self) -> dict[str, bytes]:
        self._transmit(_HEAD.pack(5, wire.INIT, 3))
        _version, reply = self._packet()
        if reply.type != wire.VERSION:
            raise self._gone("the SFTP server does not speak SFTP")
        reader, extensions = wire.Reader(reply.body), {}
        while not reader.at_end():
            name = reader.string().decode("ascii", "replace")
            extensions[name] = reader.string()
        return extensions

    def _piece_sizes(self) -> tuple[int, int]:
        if not self.supports("limits@openssh.com"):
            return SAFE_PIECE_BYTES, SAFE_PIECE_BYTES
        reply = self.ask(wire.extended("limits@openssh.com"))
        reply.check()
        reader = wire.Reader(reply.body)
        _packet, largest_read, largest_write = reader.long(), reader.long(), reader.long()
        return (
            min(largest_read or SAFE_PIECE_BYTES, LARGEST_PIECE_BYTES),
            min(largest_write or SAFE_PIECE_BYTES, LARGEST_PIECE_BYTES),
        )

    def _send(self, requests: list[wire.Request]) -> list[int]:
        numbers, packets = [], []
        for request in requests:
            self._last_number = (self._last_number + 1) & 0xFFFFFFFF
            numbers.append(self._last_number)
            head = _HEAD.pack(len(request.body) + 5, request.type, self._last_number)
            packets.append(head + request.body)
        if packets:
            self._transmit(b"".join(packets))
        return numbers

    def _reply(self, number: int) -> Reply:
        try:
            while number not in self._arrived:
                arrived, reply = self._packet()
                if arrived in self._abandoned:
                    self._abandoned.discard(arrived)
                else:
                    self._arrived[arrived] = reply
        except BaseException:
            # Interrupted within a packet, too: nobody finds the next one.
            self._gone("interrupted")
            raise
        return self._arrived.pop(number)

    def _packet(self) -> tuple[int, Reply]:
        """The next answer, with the number of its request."""
        length, packet_type, number = _HEAD.unpack(self._take(_HEAD.size))
        left = length + 4 - _HEAD.size
        if not 0 <= left <= _LARGEST_PACKET_BYTES:
            # Usually text that the account's login shell printed into the stream.
            raise self._gone("the SFTP stream is disturbed: does the login shell print something?")
        if packet_type == wire.DATA and left >= _LENGTH_BYTES:
            # What is read is the only string of its packet: it is copied once, from what came.
            self._take(_LENGTH_BYTES)
            left -= _LENGTH_BYTES
        return number, Reply(packet_type, self._take(left))

    def _take(self, wanted: int) -> bytes:
        parts = []
        while wanted > len(self._received):
            parts.append(self._received)
            wanted -= len(self._received)
            self._received = memoryview(self._receive())
        parts.append(self._received[:wanted])
        self._received = self._received[wanted:]
        return b"".join(parts)

    def _receive(self) -> bytes:
        try:
            piece = self._channel.recv(_LARGEST_PACKET_BYTES)
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise self._gone(reason(error)) from None
        if not piece:
            raise self._gone("the connection ended")
        return piece

    def _gone(self, why: str) -> Unreachable:
        self._usable = False
        return self._lost(why)

    def _transmit(self, data: bytes) -> None:
        # Not paramiko's sendall: it copies all that is left for each packet that it sends.
        view, at = memoryview(data), 0
        try:
            while at < len(view):
                sent = self._channel.send(bytes(view[at : at + _SEND_BYTES]))
                if not sent:
                    raise EOFError("the connection ended")
                at += sent
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise self._gone(reason(error)) from None
        except BaseException:
            # Who is interrupted here leaves half a packet, of ours or of SSH.
            self._gone("interrupted")
            raise


def reason(error: BaseException) -> str:
    """A few words for an error of the connection."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error).strip() or "the connection ended"


def _names(body: bytes) -> Iterator[tuple[bytes, wire.Attributes]]:
    reader = wire.Reader(body)
    for _ in range(reader.number()):
        name = reader.string()
        reader.string()
        attributes = reader.attributes()
        if name not in {b".", b".."}:
            yield name, attributes

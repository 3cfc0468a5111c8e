"""SFTP version 3 packets: draft-ietf-secsh-filexfer-02, and OpenSSH's PROTOCOL for extensions."""

from __future__ import annotations

import errno
import os
import stat
import struct
from dataclasses import dataclass
from typing import NamedTuple

from ipfx_failover.livehost import FileStat, Kind

INIT, VERSION = 1, 2
OPEN, CLOSE, READ, WRITE, LSTAT, FSTAT, SETSTAT, FSETSTAT = 3, 4, 5, 6, 7, 8, 9, 10
OPENDIR, READDIR, REMOVE, MKDIR, RMDIR, STAT, RENAME = 11, 12, 13, 14, 15, 17, 18
EXTENDED = 200
STATUS, HANDLE, DATA, NAME, ATTRS, EXTENDED_REPLY = 101, 102, 103, 104, 105, 201

OPEN_READ, OPEN_WRITE, OPEN_CREATE, OPEN_EXCLUSIVE = 0x01, 0x02, 0x08, 0x20
_HAS_SIZE, _HAS_OWNER, _HAS_MODE, _HAS_TIMES, _HAS_EXTENDED = 0x1, 0x2, 0x4, 0x8, 0x80000000

_USUAL = _HAS_SIZE | _HAS_OWNER | _HAS_MODE | _HAS_TIMES
_USUAL_FIELDS = struct.Struct(">QIIIII")

STATUS_OK, STATUS_EOF = 0, 1
_ERRNO = {2: errno.ENOENT, 3: errno.EACCES, 5: errno.EINVAL, 8: errno.ENOTSUP}


class Request(NamedTuple):
    """A packet type and its body, without the request number."""

    type: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Attributes:
    """What SFTP knows about a file; None: the server did not say."""

    size_bytes: int = 0
    owner: tuple[int, int] | None = None
    mode: int | None = None
    mtime_s: int = 0

    def to_stat(self) -> FileStat:
        return FileStat(kind_of(self.mode or 0), self.size_bytes, self.mtime_s * 1_000_000_000)


class Reader:
    """Takes a packet's body apart, from left to right; OSError when it ends too early."""

    def __init__(self, body: bytes | memoryview) -> None:
        self._body = memoryview(body)
        self._at = 0

    def at_end(self) -> bool:
        return self._at >= len(self._body)

    def number(self) -> int:
        return int.from_bytes(self._take(4), "big")

    def long(self) -> int:
        return int.from_bytes(self._take(8), "big")

    def string(self) -> bytes:
        return bytes(self._take(self.number()))

    def _take(self, length: int) -> memoryview:
        value = self._body[self._at : self._at + length]
        if len(value) != length:
            raise OSError(errno.EBADMSG, "the server's answer is cut off")
        self._at += length
        return value

    def attributes(self) -> Attributes:
        flags = self.number()
        if flags == _USUAL:
            # OpenSSH always answers so; at once, because there is one for each file.
            size, user, group, mode, _, mtime_s = _USUAL_FIELDS.unpack(
                self._take(_USUAL_FIELDS.size)
            )
            return Attributes(size, (user, group), mode, mtime_s)
        size = self.long() if flags & _HAS_SIZE else 0
        owner = (self.number(), self.number()) if flags & _HAS_OWNER else None
        mode = self.number() if flags & _HAS_MODE else None
        mtime_s = (self.number(), self.number())[1] if flags & _HAS_TIMES else 0
        for _ in range(self.number() if flags & _HAS_EXTENDED else 0):
            self.string()
            self.string()
        return Attributes(size, owner, mode, mtime_s)


def kind_of(mode: int) -> Kind:
    """What a POSIX mode stands for."""
    if stat.S_ISREG(mode):
        return Kind.FILE
    if stat.S_ISDIR(mode):
        return Kind.DIRECTORY
    return Kind.LINK if stat.S_ISLNK(mode) else Kind.OTHER


def string(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def encode_attributes(
    *,
    owner: tuple[int, int] | None = None,
    mode: int | None = None,
    mtime_s: int | None = None,
) -> bytes:
    flags, body = 0, b""
    if owner is not None:
        flags |= _HAS_OWNER
        body += struct.pack(">II", *owner)
    if mode is not None:
        flags |= _HAS_MODE
        body += struct.pack(">I", stat.S_IMODE(mode))
    if mtime_s is not None:
        # A version 3 time is an unsigned 32-bit number.
        second = min(max(mtime_s, 0), 0xFFFFFFFF)
        flags |= _HAS_TIMES
        body += struct.pack(">II", second, second)
    return struct.pack(">I", flags) + body


def on(request_type: int, argument: bytes) -> Request:
    """A request whose only argument is a handle or a path."""
    return Request(request_type, string(argument))


def open_file(path: bytes, flags: int, mode: int | None = None) -> Request:
    attributes = encode_attributes(mode=mode)
    return Request(OPEN, string(path) + struct.pack(">I", flags) + attributes)


def read(handle: bytes, offset: int, length: int) -> Request:
    return Request(READ, string(handle) + struct.pack(">QI", offset, length))


def write(handle: bytes, offset: int, data: bytes) -> Request:
    return Request(WRITE, string(handle) + struct.pack(">Q", offset) + string(data))


def make_directory(path: bytes) -> Request:
    return Request(MKDIR, string(path) + encode_attributes())


def rename_to_free_name(path: bytes, to: bytes) -> Request:
    """A rename that OpenSSH refuses when the name is taken."""
    return Request(RENAME, string(path) + string(to))


def set_attributes(path: bytes, attributes: bytes) -> Request:
    return Request(SETSTAT, string(path) + attributes)


def set_own_attributes(path: bytes, attributes: bytes) -> Request:
    """As `set_attributes`, but of a link itself: what it points to stays as it is (OpenSSH 8.0)."""
    return Request(EXTENDED, string(b"lsetstat@openssh.com") + string(path) + attributes)


def extended(name: str, *arguments: bytes) -> Request:
    """One of OpenSSH's extensions; all their arguments are strings."""
    return Request(EXTENDED, string(name.encode()) + b"".join(map(string, arguments)))


def error_of(body: bytes | memoryview) -> OSError | None:
    """The error that a STATUS packet's body stands for; None: it went well."""
    reader = Reader(body)
    code = reader.number()
    if code == STATUS_OK:
        return None
    if code == STATUS_EOF:
        return OSError(errno.ENODATA, "end of file")
    number = _ERRNO.get(code, errno.EIO)
    # OpenSSH says just "Failure" for a full disk, a name that is taken and many more.
    text = (
        os.strerror(number) if number != errno.EIO else reader.string().decode("utf-8", "replace")
    )
    return OSError(number, text)

"""PRELOGIN and LOGIN7 ([MS-TDS] 2.2.6.5 and 2.2.6.4)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from tests.sqlserver.results import Login
from tests.sqlserver.wire.reading import MalformedError

_VERSION, _ENCRYPTION, _INSTANCE, _THREAD, _MARS, _END = 0, 1, 2, 3, 4, 0xFF
_INTEGRATED = 0x80
_FIXED_BYTES = 36
_FIELDS = ("host", "user", "password", "application", "server", "extension", "library", "language")


class Encryption(IntEnum):
    """What a side wants, and what both agree on."""

    LOGIN_ONLY = 0
    ON = 1
    IMPOSSIBLE = 2
    REQUIRED = 3


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a client says first. `instance`: which one it thinks that it speaks to."""

    encryption: Encryption
    instance: str


def parse_prelogin(body: bytes) -> Greeting:
    options = {}
    at = 0
    while at < len(body) and body[at] != _END:
        token, offset, size = struct.unpack_from(">BHH", body, at)
        options[token] = body[offset : offset + size]
        at += 5
    instance = options.get(_INSTANCE, b"").split(b"\0")[0].decode("ascii", "replace")
    wanted = options.get(_ENCRYPTION, b"\x02")
    return Greeting(Encryption(wanted[0]), instance)


def prelogin_answer(version: tuple[int, int, int], encryption: Encryption) -> bytes:
    major, minor, build = version
    values = {
        _VERSION: struct.pack(">BBHH", major, minor, build, 0),
        _ENCRYPTION: bytes([encryption]),
        _INSTANCE: b"\0",
        _THREAD: b"",
        _MARS: b"\0",
    }
    offset = 5 * len(values) + 1
    heads, bodies = b"", b""
    for token, value in values.items():
        heads += struct.pack(">BHH", token, offset + len(bodies), len(value))
        bodies += value
    return heads + bytes([_END]) + bodies


def agreed(wanted: Encryption, *, has_certificate: bool, forces: bool) -> Encryption:
    """What becomes of the client's wish ([MS-TDS] 2.2.6.5, the table of encryption)."""
    if not has_certificate:
        return Encryption.IMPOSSIBLE
    if forces:
        return Encryption.REQUIRED if wanted is Encryption.IMPOSSIBLE else Encryption.ON
    if wanted is Encryption.IMPOSSIBLE:
        return Encryption.IMPOSSIBLE
    return Encryption.LOGIN_ONLY if wanted is Encryption.LOGIN_ONLY else Encryption.ON


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """`version`: of TDS, as 0x74000004. `packet_bytes`: how large packets may be."""

    login: Login
    version: int
    packet_bytes: int


def parse_login(body: bytes) -> LoginRequest:
    """Read a LOGIN7 message.

    Raises:
        MalformedError: it is none.
    """
    if len(body) < _FIXED_BYTES + 4 * len(_FIELDS):
        raise MalformedError("a LOGIN7 message is longer")
    _, version, packet_bytes = struct.unpack_from("<III", body)
    integrated = bool(body[25] & _INTEGRATED)
    found = {}
    for position, name in enumerate((*_FIELDS, "database")):
        offset, size = struct.unpack_from("<HH", body, _FIXED_BYTES + 4 * position)
        if name != "extension":
            found[name] = body[offset : offset + 2 * size]
    password = bytes(_swapped(byte ^ 0xA5) for byte in found.pop("password"))
    told = {name: value.decode("utf-16-le") for name, value in found.items()}
    return LoginRequest(
        Login(
            user=told["user"],
            password=password.decode("utf-16-le"),
            database=told["database"],
            host=told["host"],
            application=told["application"],
            language=told["language"],
            is_integrated=integrated,
        ),
        version,
        packet_bytes,
    )


def _swapped(byte: int) -> int:
    return (byte >> 4) | (byte & 0x0F) << 4

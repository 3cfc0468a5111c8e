"""ICMP echo packets, built and parsed (RFC 792). Pure.

A request is head, cookie and tail. The cookie is random and only the probed host gets to see it.
The tail is the whole 64-bit sequence number, of which the header has room for the end only.
"""

from __future__ import annotations

from struct import Struct
from typing import TypeAlias

ECHO_REPLY = 0
ECHO_REQUEST = 8

_HEAD = Struct("!BBHHH")
_TAIL = Struct("!Q")

HEAD_BYTES = _HEAD.size
SECRET_BYTES = 8
COOKIE_BYTES = SECRET_BYTES + 2
TAIL_BYTES = _TAIL.size

DATAGRAM = Struct(f"!12x4s4x{HEAD_BYTES}x{COOKIE_BYTES}sQ")
"""`EchoFields` in an IPv4 datagram as raw sockets give it."""

EchoFields: TypeAlias = tuple[bytes, bytes, int]
"""Source address, cookie and sequence number; IP options would move them, and no cookie fits."""


def cookie(secret: bytes) -> bytes:
    """A cookie from 8 random bytes.

    Two more make its Internet checksum zero (RFC 1071: a sum modulo 65535, in which a large number
    counts like the sum of its 16-bit words): so heads and tails are the same for all hosts.
    """
    balance = -int.from_bytes(secret) % 0xFFFF
    return secret + balance.to_bytes(2)


def head(identifier: int, sequence: int) -> bytes:
    """The header of an echo request, for any cookie that `cookie` made."""
    short = sequence & 0xFFFF
    # The sum itself is never zero, so 0 modulo 65535 stands for 65535.
    total = ((ECHO_REQUEST << 8) + identifier + short + sequence) % 0xFFFF or 0xFFFF
    return _HEAD.pack(ECHO_REQUEST, 0, 0xFFFF - total, identifier, short)


def tail(sequence: int) -> bytes:
    """The end of an echo request; `sequence` from 0 to 2**64 - 1."""
    return _TAIL.pack(sequence)

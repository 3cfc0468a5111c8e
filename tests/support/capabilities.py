"""Doing without a right for a while, as a service does that was not granted it."""

from __future__ import annotations

import ctypes
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CAP_NET_ADMIN = 12
CAP_NET_RAW = 13

_VERSION_3 = 0x20080522
_EFFECTIVE_LOW_WORD = 0

_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def without(capability: int) -> Iterator[None]:
    """Rights belong to a thread (capabilities(7)): only this one lacks it."""
    # Version and thread (0: this one); effective, permitted, inheritable, each in two halves.
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    words = (ctypes.c_uint32 * 6)()
    assert _libc.capget(header, words) == 0
    before = words[_EFFECTIVE_LOW_WORD]
    words[_EFFECTIVE_LOW_WORD] = before & ~(1 << capability)
    assert _libc.capset(header, words) == 0
    try:
        yield
    finally:
        words[_EFFECTIVE_LOW_WORD] = before
        assert _libc.capset(header, words) == 0

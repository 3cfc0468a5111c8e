"""Data that this machine alone can read, through the Data Protection API (CryptProtectData).

Machine scope: a service reads what an administrator has stored, and so does any other account that
may open the file; its rights are the lock (`file_rights`). What this adds is that a copy of the
file, on a backup or another machine, is worth nothing.
"""

from __future__ import annotations

import ctypes
from typing import Final

from ipfx_failover.adapters.windows.libraries import failure, free, library

_NO_QUESTION: Final = 0x1  # CRYPTPROTECT_UI_FORBIDDEN
_OF_THE_MACHINE: Final = 0x4  # CRYPTPROTECT_LOCAL_MACHINE
# Other programs' calls without it cannot read ours.
_ENTROPY: Final = b"ipfx-failover secret 1"


class _Blob(ctypes.Structure):
    """DATA_BLOB of <wincrypt.h>."""

    _fields_ = (("size", ctypes.c_uint32), ("data", ctypes.c_void_p))


def protect(plain: bytes) -> bytes:
    """Encrypt.

    Raises:
        OSError: the system refuses.
    """
    return _call("CryptProtectData", plain, _NO_QUESTION | _OF_THE_MACHINE)


def unprotect(protected: bytes) -> bytes:
    """Decrypt.

    Raises:
        OSError: it was encrypted on another machine or by another program, or is damaged.
    """
    return _call("CryptUnprotectData", protected, _NO_QUESTION)


def _call(name: str, given: bytes, flags: int) -> bytes:
    # Both have these parameters: in, description, entropy, reserved, prompt, flags, out.
    given_buffer = ctypes.create_string_buffer(given, len(given))
    entropy_buffer = ctypes.create_string_buffer(_ENTROPY, len(_ENTROPY))
    taken = _Blob(len(given), ctypes.addressof(given_buffer))
    entropy = _Blob(len(_ENTROPY), ctypes.addressof(entropy_buffer))
    result = _Blob()
    function = library("crypt32")[name]
    if not function(
        ctypes.byref(taken), None, ctypes.byref(entropy), None, None, flags, ctypes.byref(result)
    ):
        raise failure()
    try:
        return ctypes.string_at(result.data or 0, result.size)
    finally:
        free(result.data)

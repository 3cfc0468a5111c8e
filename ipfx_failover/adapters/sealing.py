"""What is in a secret file: on Windows the secret encrypted for this machine, elsewhere itself."""

from __future__ import annotations

import binascii
import sys
from typing import Final

_ENCRYPTS: Final = sys.platform == "win32"
_SEAL: Final = b"ipfx-failover DPAPI 1: "


def seal(secret: bytes) -> bytes:
    """The content of the file, one line.

    Raises:
        OSError: the system does not encrypt it.
    """
    if not _ENCRYPTS:
        return secret + b"\n"
    from ipfx_failover.adapters.windows.dpapi import protect

    return _SEAL + binascii.b2a_base64(protect(secret))


def unseal(content: bytes) -> bytes:
    """The secret, from the content of a file that `seal` or a person has written.

    Raises:
        OSError: it is damaged, or was encrypted on another machine.
    """
    if not is_sealed(content):
        return content
    from ipfx_failover.adapters.windows.dpapi import unprotect

    try:
        return unprotect(binascii.a2b_base64(content.removeprefix(_SEAL)))
    except binascii.Error as error:
        raise OSError(f"it is damaged: {error}") from None


def is_sealed(content: bytes) -> bool:
    """Whether it is encrypted."""
    return content.startswith(_SEAL)

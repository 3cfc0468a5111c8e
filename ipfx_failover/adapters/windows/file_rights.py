"""Who may read a file, as its access control list says it in SDDL.

[MS-DTYP] 2.5.1 has the grammar: `D:P(A;;FA;;;SY)` allows SYSTEM everything, and inherits nothing.
"""

from __future__ import annotations

import ctypes
import re
import sys
from typing import TYPE_CHECKING, Final

from ipfx_failover.adapters.windows.libraries import failure, free, library

if TYPE_CHECKING:
    from pathlib import Path

_DACL: Final = 0x4  # DACL_SECURITY_INFORMATION
_REVISION: Final = 1  # SDDL_REVISION_1
# SYSTEM, the administrators, and whoever owns it.
_NARROW: Final = "D:P(A;{0};FA;;;SY)(A;{0};FA;;;BA)(A;{0};FA;;;OW)"
_INHERITED: Final = "OICI"

_ALLOWED: Final = re.compile(r"\(X?A;([A-Z]*);[^;]*;[^;]*;[^;]*;([^;)]+)")
_CROWDS: Final = {
    "WD": "everyone",
    "AU": "every account that has logged in",
    "IU": "whoever sits at it",
    "NU": "whoever comes by the network",
    "BU": "all users",  # codespell:ignore
    "BG": "guests",
    "DU": "all users of the domain",
    "DG": "guests of the domain",
    "AN": "nobody in particular",
}


def narrow(path: Path, *, is_directory: bool = False) -> None:
    """Let SYSTEM, the administrators and its owner at a file, or at what is made in a directory.

    Raises:
        OSError: the system refuses.
    """
    give(path, _NARROW.format(_INHERITED if is_directory else ""))


def give(path: Path, sddl: str) -> None:
    """Replace the access control list of a file.

    Raises:
        OSError: the system refuses.
    """
    descriptor = ctypes.c_void_p()
    if not library("advapi32").ConvertStringSecurityDescriptorToSecurityDescriptorW(
        sddl, _REVISION, ctypes.byref(descriptor), None
    ):
        raise failure()
    try:
        # This one sets the list as it is; its successor mixes what is inherited into it.
        if not library("advapi32").SetFileSecurityW(str(path), _DACL, descriptor):
            raise failure()
    finally:
        free(descriptor.value)


def crowds(descriptor: int) -> list[str]:
    """The groups of no particular people that may do something with an open file, in words.

    Raises:
        OSError: the system does not tell.
    """
    return crowds_in(_sddl(descriptor))


def crowds_in(sddl: str) -> list[str]:
    """Those that a list lets at the file itself; entries that are only inherited do not count."""
    found = (
        _CROWDS[who]
        for flags, who in _ALLOWED.findall(sddl)
        if who in _CROWDS and "IO" not in flags
    )
    return list(dict.fromkeys(found))


def _sddl(descriptor: int) -> str:
    security = _security(_handle(descriptor))
    text = ctypes.c_wchar_p()
    if not library("advapi32").ConvertSecurityDescriptorToStringSecurityDescriptorW(
        security, _REVISION, _DACL, ctypes.byref(text), None
    ):
        raise failure()
    try:
        return text.value or ""
    finally:
        free(ctypes.cast(text, ctypes.c_void_p).value)


def _security(handle: ctypes.c_void_p) -> ctypes.Array[ctypes.c_char]:
    needed = ctypes.c_uint32()
    ask = library("advapi32").GetKernelObjectSecurity
    ask(handle, _DACL, None, 0, ctypes.byref(needed))
    buffer = ctypes.create_string_buffer(needed.value)
    if not ask(handle, _DACL, buffer, needed.value, ctypes.byref(needed)):
        raise failure()
    return buffer


def _handle(descriptor: int) -> ctypes.c_void_p:
    if sys.platform == "win32":
        import msvcrt

        return ctypes.c_void_p(msvcrt.get_osfhandle(descriptor))
    raise OSError("there is no Windows here")

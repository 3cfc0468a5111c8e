"""Which run of this machine it is, by what the system itself forgets when it ends."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

from ipfx_failover.adapters.windows.libraries import library

_LOCAL_MACHINE: Final = 0x80000002  # HKEY_LOCAL_MACHINE
_KEY: Final = r"SOFTWARE\ipfx-failover\ThisBoot"
_VOLATILE: Final = 1  # REG_OPTION_VOLATILE
_READ: Final = 0x20019  # KEY_READ


def boot_id() -> str:
    """When a key of the registry was made that is kept in memory only, and ends with the system.

    The time of the boot would move whenever the clock is set. The first to ask makes the key, which
    takes an administrator.

    Raises:
        PermissionError: nobody has asked in this run, and this account may not make the key.
    """
    if sys.platform == "win32":
        import winreg

        try:
            key = winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _KEY)
        except FileNotFoundError:
            _make()
            key = winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _KEY)
        with key:
            _, _, written = winreg.QueryInfoKey(key)
        return f"{written:x}"
    raise OSError("there is no Windows here")


def _make() -> None:
    key = ctypes.c_void_p()
    advapi = library("advapi32")
    # winreg makes no volatile keys.
    code = advapi.RegCreateKeyExW(
        ctypes.c_void_p(_LOCAL_MACHINE),
        _KEY,
        0,
        None,
        _VOLATILE,
        _READ,
        None,
        ctypes.byref(key),
        None,
    )
    if code and sys.platform == "win32":
        raise ctypes.WinError(code)
    advapi.RegCloseKey(key)

"""What Windows knows of a service: from its service manager, and from its key in the registry."""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING, Any, Final

from ipfx_failover.adapters.windows.libraries import failure, library

if TYPE_CHECKING:
    from collections.abc import Sequence

KEYS: Final = r"SYSTEM\CurrentControlSet\Services"
STOPPED: Final = "stopped"
RUNNING: Final = "running"
"""As psutil has them; while it starts or stops a state ends with `PENDING`."""
PENDING: Final = "_pending"

_CONNECT: Final = 0x1  # SC_MANAGER_CONNECT
_QUERY_STATUS: Final = 0x4  # SERVICE_QUERY_STATUS


class Status(ctypes.Structure):
    """SERVICE_STATUS of <winsvc.h>."""

    _fields_ = tuple(
        (name, ctypes.c_uint32)
        for name in ("kind", "state", "accepted", "error", "own_code", "checkpoint", "wait_hint_ms")
    )


def service(name: str) -> Any:
    """A service as psutil has it.

    Raises:
        psutil.Error: there is none, or it may not be asked.
    """
    if sys.platform == "win32":
        import psutil

        return psutil.win_service_get(name)
    raise OSError("there are no such services here")


def last_status(name: str) -> Status:
    """What a service has told last, with how it ended.

    Raises:
        OSError: there is none, or it may not be asked.
    """
    advapi = library("advapi32")
    advapi.OpenSCManagerW.restype = advapi.OpenServiceW.restype = ctypes.c_void_p
    manager = ctypes.c_void_p(advapi.OpenSCManagerW(None, None, _CONNECT))
    handle = ctypes.c_void_p(advapi.OpenServiceW(manager, name, _QUERY_STATUS))
    try:
        status = Status()
        if not advapi.QueryServiceStatus(handle, ctypes.byref(status)):
            raise failure()
        return status
    finally:
        for each in (handle, manager):
            advapi.CloseServiceHandle(each)


def texts(name: str, value: str) -> list[str]:
    """Texts in a service's key (REG_MULTI_SZ, or one REG_SZ); empty when there are none."""
    if sys.platform == "win32":
        import winreg

        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, rf"{KEYS}\{name}") as key:
                found, _ = winreg.QueryValueEx(key, value)
            return [found] if isinstance(found, str) else list(found)
        except OSError:
            return []
    raise OSError("there is no registry here")


def set_texts(name: str, value: str, entries: Sequence[str]) -> None:
    """Set texts in a service's key.

    Raises:
        OSError: the system refuses.
    """
    if sys.platform == "win32":
        import winreg

        access = winreg.KEY_SET_VALUE
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, rf"{KEYS}\{name}", access=access) as key:
            winreg.SetValueEx(key, value, 0, winreg.REG_MULTI_SZ, list(entries))
    else:
        raise OSError("there is no registry here")

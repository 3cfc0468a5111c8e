"""The system's own libraries, through ctypes."""

from __future__ import annotations

import ctypes
import sys
from typing import Any


def library(name: str) -> Any:
    """A DLL of Windows, whose functions keep their error for `failure`.

    Raises:
        OSError: this is not Windows.
    """
    if sys.platform == "win32":
        return ctypes.WinDLL(name, use_last_error=True)
    raise OSError(f"{name} is a library of Windows")


def failure() -> OSError:
    """Why the last call of this thread failed."""
    if sys.platform == "win32":
        return ctypes.WinError(ctypes.get_last_error())
    raise OSError("there is no Windows here")


def free(address: int | None) -> None:
    """Give back memory that the system has allocated for us (LocalFree)."""
    function = library("kernel32").LocalFree
    function.argtypes = (ctypes.c_void_p,)
    function(address)

"""Somebody's logoff is no reason for a service, or a task, to end.

Windows tells each of their processes of it (CTRL_LOGOFF_EVENT; only these are still there then),
and the C runtime takes it for a Ctrl-Break.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any, Final

_LOGOFF: Final = 5  # CTRL_LOGOFF_EVENT


@cache
def outlive_logoff() -> Any:
    """From now on it is not told on; what Windows calls is returned.

    Behind `signal.signal`: of two handlers the last is asked first.
    """
    if sys.platform == "win32":
        handler = ctypes.WINFUNCTYPE(ctypes.c_int, ctypes.c_uint32)(_is_logoff)
        ctypes.windll.kernel32.SetConsoleCtrlHandler(handler, True)  # noqa: FBT003 - a C function
        return handler
    raise OSError("there are no such events here")


def _is_logoff(event: int) -> int:
    return int(event == _LOGOFF)

"""Ends this process when nobody resets it in time: the counterpart of systemd's watchdog."""

from __future__ import annotations

import ctypes
from typing import Final

from ipfx_failover.adapters.windows.libraries import failure, library

_OURSELVES: Final = -1  # what GetCurrentProcess returns
_ONCE_IN_ITS_THREAD: Final = 0x28  # WT_EXECUTEONLYONCE | WT_EXECUTEINTIMERTHREAD


class DeadMansSwitch:
    """A timer of the system's. No thread of Python's takes part: those may be what hangs.

    It calls TerminateProcess, whose parameters (a process, an exit code) a timer's function has as
    well (what it was given, and whether its time is over: 1). So the exit code is 1, and the
    service manager sees a process that ended without a word, which it starts again.
    """

    def __init__(self) -> None:
        self._kernel = library("kernel32")
        self._timer: ctypes.c_void_p | None = None

    def reset(self, patience_ms: int) -> None:
        """Wait for that long from now on.

        Raises:
            OSError: the system has no timer left.
        """
        if self._timer is not None:
            self._kernel.ChangeTimerQueueTimer(None, self._timer, patience_ms, 0)
            return
        timer = ctypes.c_void_p()
        if not self._kernel.CreateTimerQueueTimer(
            ctypes.byref(timer),
            None,
            self._kernel.TerminateProcess,
            ctypes.c_void_p(_OURSELVES),
            patience_ms,
            0,
            _ONCE_IN_ITS_THREAD,
        ):
            raise failure()
        self._timer = timer

    def disarm(self) -> None:
        if self._timer is not None:
            self._kernel.DeleteTimerQueueTimer(None, self._timer, None)
            self._timer = None

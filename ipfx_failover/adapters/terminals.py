"""Whether a person is at a stream."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO


def is_terminal(stream: TextIO) -> bool:
    """As `isatty`, which on Windows is true of NUL as well: a scheduler's standard input."""
    if not stream.isatty():
        return False
    return _is_console(stream.fileno()) if sys.platform == "win32" else True


def _is_console(descriptor: int) -> bool:
    if sys.platform == "win32":
        import ctypes
        import msvcrt

        handle = ctypes.c_void_p(msvcrt.get_osfhandle(descriptor))
        mode = ctypes.c_uint32()
        return bool(ctypes.windll.kernel32.GetConsoleMode(handle, ctypes.byref(mode)))
    raise OSError("there are no consoles here")

"""How the system asks a process to end."""

from __future__ import annotations

import signal
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def on_end(told: Callable[[str], None]) -> None:
    """Call `told` with the signal's name on Ctrl-C, SIGTERM or Ctrl-Break; in the main thread.

    Only once: what follows is undoing, which a second Ctrl-C must not break.
    """
    seen: list[int] = []

    def handle(number: int, frame: object) -> None:  # noqa: ARG001 - the signature of a handler
        if not seen:
            seen.append(number)
            told(signal.Signals(number).name)

    for name in ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), handle)


def end_at_eof() -> None:
    """End this process, as SIGTERM would, when its standard input ends: its parent is gone."""

    def wait() -> None:
        while sys.stdin.buffer.read(1):
            pass
        main = threading.main_thread().ident
        if hasattr(signal, "pthread_kill") and main is not None:
            signal.pthread_kill(main, signal.SIGTERM)
        else:
            signal.raise_signal(signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()

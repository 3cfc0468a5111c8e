"""Signals are told as in a command, in the process of the test."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ipfx_failover.adapters.signals import on_end
from ipfx_failover.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def signals_told() -> Iterator[None]:
    """The first one in the block raises Interrupted."""
    hook, handlers = sys.unraisablehook, {each: signal.getsignal(each) for each in SIGNALS}
    on_end(_tell)
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for each, handler in handlers.items():
            signal.signal(each, handler)


def _tell(name: str) -> None:
    raise Interrupted(f"interrupted ({name})", "run it again")

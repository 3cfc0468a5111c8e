"""The monitor's threads: none ends unnoticed.

A monitor that no longer pings, and still looks alive, would never fail over. It ends with the
error instead, and what started it (systemd) starts it again.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeAlias

from ipfx_failover.monitor.messages import Message, ThreadDied

if TYPE_CHECKING:
    from collections.abc import Callable
    from queue import SimpleQueue


Launch: TypeAlias = "Callable[[str, Callable[[], None], SimpleQueue[Message]], threading.Thread]"


def watched(name: str, run: Callable[[], None], messages: SimpleQueue[Message]) -> threading.Thread:
    """A thread, not yet started, whose error is told to the deciding thread."""

    def guarded() -> None:
        try:
            run()
        except BaseException as error:  # noqa: BLE001 - it is raised in the deciding thread
            messages.put(ThreadDied(error))

    return threading.Thread(target=guarded, name=name, daemon=True)

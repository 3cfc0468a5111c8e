"""The thread that looks at the state, so that the screen never waits for a disk."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfx_failover.screen.values import Look, Seen

_PAUSE_S = 0.2


class Follower:
    """Tells what is to be seen, from the first look on, whenever it has changed.

    `failed` is told of an error that nobody foresaw; then it has ended.
    """

    def __init__(
        self, look: Look, told: Callable[[Seen], None], failed: Callable[[Exception], None]
    ) -> None:
        self._look = look
        self._told = told
        self._failed = failed
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="follower", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End it, and wait until it has closed what it reads."""
        self._is_over.set()
        self._thread.join()

    def _follow(self) -> None:
        try:
            while True:
                if (seen := self._look.look()) is not None:
                    self._told(seen)
                if self._is_over.wait(_PAUSE_S):
                    return
        except Exception as error:  # noqa: BLE001 - it is raised again in the main thread
            self._failed(error)
        finally:
            self._look.close()

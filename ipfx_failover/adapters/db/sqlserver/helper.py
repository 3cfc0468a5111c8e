"""A thread in which a driver's calls are made, so that who waits for them can be interrupted.

Python carries a signal's handler out in the main thread, between two of its own instructions. A
driver comes back from its C code only when the server has answered, hours later for a backup.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Helper:
    """Makes one call after the other. A call that never returns does not keep the process."""

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = SimpleQueue()
        threading.Thread(target=self._serve, name=name, daemon=True).start()

    def begin(self, call: Callable[[], T]) -> Future[T]:
        """Have it called; the future tells how that ended."""
        future: Future[T] = Future()
        self._calls.put((call, future))
        return future

    def end(self) -> None:
        """No more calls will come."""
        self._calls.put(None)

    def _serve(self) -> None:
        while (wanted := self._calls.get()) is not None:
            call, future = wanted
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
                future.set_exception(error)
            else:
                future.set_result(result)
            del wanted, call, future  # or the last result would live as long as the thread

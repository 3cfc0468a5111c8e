"""Wakes a thread that waits for sockets."""

from __future__ import annotations

import socket
from contextlib import suppress


class Waker:
    """Ends another thread's wait for sockets, when it is one of them."""

    def __init__(self) -> None:
        # A socket pair rather than a pipe: Windows selects on sockets only.
        self._waker, self._woken = socket.socketpair()
        self._waker.settimeout(0.0)
        self._woken.settimeout(0.0)

    def fileno(self) -> int:
        return self._woken.fileno()

    def wake(self) -> None:
        """From any thread."""
        # Full: it is woken already; closed: it has ended. Nobody waits here for another thread.
        with suppress(OSError):
            self._waker.send(b"\0")

    def take(self) -> None:
        """It has been heard: wait again."""
        self._woken.recv(4096)

    def close(self) -> None:
        self._waker.close()
        self._woken.close()

"""What has arrived on a channel and was not read yet, piece by piece as it came."""

from __future__ import annotations

import threading
from collections import deque

from paramiko.buffered_pipe import PipeTimeout


class Arriving:
    """In the place of a channel's `in_buffer` (paramiko's BufferedPipe).

    paramiko's copies each byte twice, and wakes the reader for each packet: on a fast network that
    takes more processor time than to decrypt. It is fed by the transport's thread, and read by one.
    """

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._length_bytes = 0
        self._is_closed = False
        self._changed = threading.Condition()
        self.enough_bytes = 1
        """The reader is woken for so much; set it where more is sure to come."""
        self.gather_s = 0.01
        """It waits no longer than that for more, when something is there."""

    def __len__(self) -> int:
        return self._length_bytes

    def read_ready(self) -> bool:
        return self._length_bytes > 0

    def feed(self, data: bytes) -> None:
        with self._changed:
            self._pieces.append(data)
            self._length_bytes += len(data)
            if self._length_bytes >= self.enough_bytes:
                self._changed.notify_all()

    def read(self, nbytes: int, timeout: float | None = None) -> bytes:
        """The next piece, at most so much of it; empty when it was the last one.

        Raises:
            PipeTimeout: nothing has come within `timeout` seconds.
        """
        with self._changed:
            if not self._pieces and not self._wait(timeout):
                raise PipeTimeout
            if not self._pieces:
                return b""
            piece = self._pieces.popleft()
            if len(piece) > nbytes:
                self._pieces.appendleft(piece[nbytes:])
                piece = piece[:nbytes]
            self._length_bytes -= len(piece)
            return piece

    def _wait(self, timeout_s: float | None) -> bool:
        """Whether there is anything to read, or never will be."""

        def is_there(bytes_: int) -> bool:
            return self._is_closed or self._length_bytes >= bytes_

        if self.enough_bytes > 1:
            self._changed.wait_for(lambda: is_there(self.enough_bytes), self.gather_s)
            self.enough_bytes = 1
        return self._changed.wait_for(lambda: is_there(1), timeout_s)

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

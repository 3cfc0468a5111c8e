"""What the main screen follows and what it starts, in memory."""

from __future__ import annotations

import queue
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipfx_failover.screen.values import Seen


class FakeLook:
    """Shows what it was told to show, in order, the last one again and again; raises an error."""

    def __init__(self, *seen: Seen | Exception) -> None:
        self._waiting: queue.SimpleQueue[Seen | Exception] = queue.SimpleQueue()
        self._last: Seen | None = None
        self._is_silent = False
        self.is_closed = False
        for each in seen:
            self.show(each)

    def fall_silent(self) -> None:
        """As if it hung on a disk that does not answer."""
        self._is_silent = True

    def show(self, seen: Seen | Exception) -> None:
        self._waiting.put(seen)

    def look(self) -> Seen | None:
        if self._is_silent:
            return None
        if self._waiting.empty():
            return self._last
        seen = self._waiting.get()
        if isinstance(seen, Exception):
            raise seen
        self._last = replace(seen, log=None if seen.log is None else ())
        return seen

    def close(self) -> None:
        self.is_closed = True


class FakeChild:
    """A command that runs until the test ends it, or somebody interrupts it."""

    def __init__(
        self,
        arguments: Sequence[str],
        said: Callable[[str], object],
        ended: Callable[[int], object],
    ) -> None:
        self.arguments = list(arguments)
        self._said = said
        self._ended = ended

    def say(self, *lines: str) -> None:
        """Print these lines."""
        for line in lines:
            self._said(line)

    def end(self, *lines: str, code: int = 0) -> None:
        """Print these lines, and end."""
        self.say(*lines)
        self._ended(code)

    def interrupt(self) -> None:
        self.end("error: interrupted", code=130)


class FakeCommands:
    """Remembers what was started."""

    def __init__(self) -> None:
        self.started: list[FakeChild] = []

    def start(
        self,
        arguments: Sequence[str],
        said: Callable[[str], object],
        ended: Callable[[int], object],
    ) -> FakeChild:
        self.started.append(FakeChild(arguments, said, ended))
        return self.started[-1]

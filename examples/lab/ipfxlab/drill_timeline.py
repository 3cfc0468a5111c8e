"""The drill's narration: who did or said what, and when, in the order in which it happened.

Machines tell of their events a little late. So each line is held back for a moment, and printed
by the time of what it tells, not by the time at which we heard of it.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import shutil
import textwrap
import threading
import time
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    News = Callable[[], Iterable[tuple[float, str]]]
    """What one source has told since it was asked last: monotonic seconds, and the words."""

OPERATOR, LAB, MONITOR, CLIENT, MAIL, GUARD = (
    "operator",
    "lab",
    "monitor",
    "client",
    "mail",
    "guard",
)
OUTPUT = ""
"""Who speaks when a command prints: the line belongs to the command above it."""
HEADLINE = "="

_HOLD_BACK_S = 0.5
_LOOK_EVERY_S = 0.05
_WIDTH_OF_WHO = 8
_COLOURS = {OPERATOR: "1", LAB: "35", MONITOR: "36", CLIENT: "32", MAIL: "33", GUARD: "34"}


def wants_colour(stream: TextIO) -> bool:
    """Colour is for terminals whose user has not said no (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


class Timeline:
    """Prints what happens; use it as a context. `tell` and `follow` may be called by any thread."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._colour = wants_colour(stream)
        self._width = shutil.get_terminal_size().columns if stream.isatty() else 0
        self._start_s = time.monotonic()
        self._numbers = itertools.count()
        self._waiting: list[tuple[float, int, str, str]] = []
        self._sources: list[tuple[str, News]] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="timeline", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._thread.join()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start_s

    def tell(self, who: str, text: str, at_s: float | None = None) -> None:
        """Adds a line; `at_s` is on the monotonic clock, now by default."""
        with self._lock:
            self._put(who, text, time.monotonic() if at_s is None else at_s)

    def follow(self, who: str, news: News) -> None:
        """Tells what `news` returns from now on; it is asked again and again."""
        with self._lock:
            self._sources.append((who, news))

    def page(self, lines: Iterable[str]) -> None:
        """Prints everything so far, then these lines, without time."""
        self._hear()
        self._print_until(float("inf"))
        self._print(lines)

    def _put(self, who: str, text: str, at_s: float) -> None:
        heapq.heappush(self._waiting, (at_s, next(self._numbers), who, text))

    def _run(self) -> None:
        while not self._closing.wait(_LOOK_EVERY_S):
            self._hear()
            self._print_until(time.monotonic() - _HOLD_BACK_S)
        self._hear()
        self._print_until(float("inf"))

    def _hear(self) -> None:
        with self._lock:
            for who, news in self._sources:
                for at_s, text in news():
                    self._put(who, text, at_s)

    def _print_until(self, until_s: float) -> None:
        with self._lock:
            due = []
            while self._waiting and self._waiting[0][0] <= until_s:
                at_s, _, who, text = heapq.heappop(self._waiting)
                due += self._formatted(at_s, who, text)
        self._print(due)

    def _formatted(self, at_s: float, who: str, text: str) -> list[str]:
        if who == HEADLINE:
            return ["", self._in_colour(text, "1;4"), ""]
        label = self._in_colour(who.ljust(_WIDTH_OF_WHO), _COLOURS.get(who, ""))
        margin = f"{at_s - self._start_s:6.1f} s  "
        room = self._width - len(margin) - _WIDTH_OF_WHO - 2
        # What a command prints stays as it is: it may be a table.
        wraps = who != OUTPUT and room > 20
        rows = textwrap.wrap(text, room, subsequent_indent="  ") if wraps else [text]
        rows = [self._in_colour(row, "1") for row in rows] if who == OPERATOR else rows
        blank = " " * (len(margin) + _WIDTH_OF_WHO + 2)
        return [f"{margin}{label}  {rows[0]}", *(f"{blank}{row}" for row in rows[1:])]

    def _in_colour(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour and code else text

    def _print(self, lines: Iterable[str]) -> None:
        # Whoever does not read on (`| head`) does not end the drill.
        with contextlib.suppress(OSError):
            for line in lines:
                print(line.rstrip(), file=self._stream, flush=True)

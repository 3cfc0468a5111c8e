"""How far long work has come, on standard error: a bar on a terminal, elsewhere a line at times."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, Self

from ipfx_failover.history.wording import duration, size
from ipfx_failover.progress import Pace, Progress

if TYPE_CHECKING:
    from ipfx_failover.cli.output import Output
    from ipfx_failover.clock import Clock

_FIRST_NS = 2_000_000_000
"""What is over sooner is not shown."""
_LINE_EVERY_NS = 5_000_000_000
_LOOK_EVERY_S = 0.2
_GOOD_BYE_S = 5.0


class Display(Protocol):
    """Where it is shown."""

    def show(self, share: float | None, text: str, at_ns: int) -> None:
        """Show the text, and the share (0 to 1) where it is known."""
        ...

    def hide(self) -> None:
        """Take away what would be in the way of the next line."""
        ...


class Meter:
    """Shows one piece of work after the other. Use it as a context.

    Whoever works only leaves values behind; a thread of the meter's own draws them, so that a slow
    terminal delays nothing. With `--json` nothing is shown. It is a `Report`.
    """

    def __init__(self, output: Output, clock: Clock, display: Display | None = None) -> None:
        self._output = output
        self._clock = clock
        self._display = display or (_bar() if _is_terminal() else Lines(output))
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="meter", daemon=True)
        self._what = ""
        self._since_ns = 0
        self._latest: Progress | None = None
        self._phase = ""
        self._pace = Pace()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._ended.set()
        self._thread.join(_GOOD_BYE_S)

    def __call__(self, progress: Progress, /) -> None:
        self._latest = progress

    def begin(self, what: str) -> None:
        """A piece of work begins; `what` says in words which, as long as it tells no progress."""
        with self._lock:
            self._hide()
            self._what, self._since_ns = what, self._clock.monotonic_ns()
            self._latest, self._phase = None, ""

    def end(self) -> None:
        """The piece of work is over."""
        self.begin("")

    def line(self, text: str) -> None:
        """Print a line on standard error, where no bar is in its way."""
        with self._lock:
            self._hide()
            self._output.progress(text)

    def look(self) -> None:
        """Show how far it has come now."""
        with self._lock:
            now_ns, latest = self._clock.monotonic_ns(), self._latest
            if latest is not None:
                if latest.phase != self._phase:
                    self._phase, self._pace = latest.phase, Pace()
                self._pace.note(latest.done, now_ns)
            passed_ns = now_ns - self._since_ns
            if not self._what or passed_ns < _FIRST_NS or self._output.as_json:
                return
            # What follows the counted part, such as a flush, tells nothing.
            if latest is None or latest.done >= latest.total:
                self._display.show(None, f"{self._what}: {duration(passed_ns // 10**9)}", now_ns)
            else:
                self._display.show(latest.share, _figures(latest, self._pace, now_ns), now_ns)

    # A terminal that has gone away, or cannot show a bar, ends the showing and nothing else.
    def _hide(self) -> None:
        with suppress(Exception):
            self._display.hide()

    def _run(self) -> None:
        with suppress(Exception):
            while not self._ended.wait(_LOOK_EVERY_S):
                self.look()


class Lines:
    """For a pipe or a file: a line every few seconds."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._not_before_ns = 0

    def show(self, share: float | None, text: str, at_ns: int) -> None:
        if at_ns < self._not_before_ns:
            return
        self._not_before_ns = at_ns + _LINE_EVERY_NS
        percent = "" if share is None else f"{share * 100:.0f} %  "
        self._output.progress(f"  {percent}{text}")

    def hide(self) -> None:
        """Lines are in nobody's way."""


def _is_terminal() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def _bar() -> Display:
    from ipfx_failover.cli.bar import LateBar

    return LateBar()


def _figures(progress: Progress, pace: Pace, now_ns: int) -> str:
    """As "transfer: 540 MiB of 1.2 GiB, 60 MiB/s, 11 s left"."""
    rate, left_s = pace.rate(now_ns), pace.left_s(progress.total, now_ns)
    words = []
    if progress.unit == "bytes":
        words.append(f"{size(progress.done)} of {size(progress.total)}")
        words += [f"{size(rate)}/s"] if rate else []
    elif progress.unit in {"files", "rows"}:
        words.append(f"{progress.done} of {progress.total}")
        words += [f"{rate:.0f} {progress.unit}/s"] if rate else []
    words += [f"{duration(round(left_s))} left"] if left_s is not None else []
    return ": ".join(filter(None, (progress.phase, ", ".join(words))))

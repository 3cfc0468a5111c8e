"""Processes inside a host: their output as lines that one can wait for, their true process ID."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
import time
from typing import IO, TYPE_CHECKING, Self, TypeVar

import psutil

from ipfx_failover.errors import Failed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

T = TypeVar("T")

GENEROUS_S = 30.0
OUTPUT_GRACE_S = 2.0
TAIL_LINES = 15
LINE_CHARS = 200


def opened(stream: IO[str] | None) -> IO[str]:
    """The stream of a process that was started with a pipe there."""
    if stream is None:
        raise ValueError("started without a pipe")
    return stream


def end_with_children(wrapper: subprocess.Popen[str]) -> None:
    """Kills `nsenter` and what it runs; a signal to `nsenter` alone would miss the program."""
    try:
        family = psutil.Process(wrapper.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    wrapper.kill()
    wrapper.wait()


class LabProcess:
    """A program that runs inside a host. Standard output and standard error come as one stream."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        name: str,
        env: Mapping[str, str] | None = None,
        with_stdin: bool = False,
    ) -> None:
        self.name = name
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._at_end = False
        self._wrapper = subprocess.Popen(
            argv,
            env=env,
            stdin=subprocess.PIPE if with_stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # Ctrl-C reaches the owner only, which then ends us in order
        )
        self._reader = threading.Thread(target=self._read, name=f"{name} output", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with opened(self._wrapper.stdout) as stream:
            for line in stream:
                with self._changed:
                    self.lines.append(line.rstrip("\r\n"))
                    self._changed.notify_all()
        with self._changed:
            self._at_end = True
            self._changed.notify_all()

    def wait_for(
        self, find: Callable[[], T | None], wanted: str, *, timeout_s: float = GENEROUS_S
    ) -> T:
        """What `find` returns, asked again after each line of output, once it is not None.

        Raises:
            Failed: it did not come in `timeout_s`, or the program ended without it.
        """
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while (found := find()) is None:
                if self._at_end or not self._changed.wait(deadline - time.monotonic()):
                    raise self._missed(wanted)
        return found

    def wait_for_line(
        self, pattern: str, *, since: int = 0, timeout_s: float = GENEROUS_S
    ) -> re.Match[str]:
        """The first line from number `since` on in which `pattern` (a regular expression) occurs.

        Raises:
            Failed: it did not come in `timeout_s`, or the program ended without it.
        """
        search = re.compile(pattern).search
        return self.wait_for(
            lambda: next(filter(None, map(search, self.lines[since:])), None),
            repr(pattern),
            timeout_s=timeout_s,
        )

    def _missed(self, wanted: str) -> Failed:
        how = "ended without" if self._at_end else "did not print in time"
        tail = " | ".join(line[:LINE_CHARS] for line in self.lines[-TAIL_LINES:]) or "(no output)"
        return Failed(f"{self.name} {how} {wanted}; its last lines: {tail}", "read its output")

    def send_line(self, text: str) -> None:
        """Writes a line to its standard input (started with `with_stdin`)."""
        stream = opened(self._wrapper.stdin)
        stream.write(f"{text}\n")
        stream.flush()

    @property
    def pid(self) -> int:
        """The program's process ID as the owner sees it (not `nsenter`'s, which only waits)."""
        deadline = time.monotonic() + GENEROUS_S
        while self._wrapper.poll() is None and time.monotonic() < deadline:
            if children := psutil.Process(self._wrapper.pid).children():
                return children[0].pid
            time.sleep(0.002)
        raise Failed(f"{self.name} does not run", "look at its output")

    @property
    def running(self) -> bool:
        return self._wrapper.poll() is None

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def send_signal(self, number: signal.Signals) -> None:
        """Sends a signal to the program itself; nothing when it has ended."""
        if not self.running:
            return
        try:
            psutil.Process(self.pid).send_signal(number)
        except (Failed, psutil.NoSuchProcess):
            return

    def wait(self, *, timeout_s: float = GENEROUS_S) -> int:
        """Its exit code (negative: ended by that signal), once its output is read to the end.

        Raises:
            Failed: it still runs after `timeout_s`.
        """
        try:
            code = self._wrapper.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise Failed(
                f"{self.name} still runs after {timeout_s:.0f} s", "read its output"
            ) from None
        self._close()
        return code

    def kill(self) -> int:
        """Ends it with SIGKILL, at once."""
        self.send_signal(signal.SIGKILL)
        return self.wait()

    def stop(self, *, timeout_s: float = GENEROUS_S) -> int:
        """Ends it with SIGTERM, with SIGKILL when that did not help in `timeout_s`."""
        self.send_signal(signal.SIGTERM)
        try:
            return self.wait(timeout_s=timeout_s)
        except Failed:
            end_with_children(self._wrapper)
            return self.wait()

    def _close(self) -> None:
        # Something that it left running may hold the pipe: what that says later, we do not await.
        self._reader.join(OUTPUT_GRACE_S)
        if self._wrapper.stdin is not None and not self._wrapper.stdin.closed:
            self._wrapper.stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

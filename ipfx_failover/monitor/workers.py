"""Bulk work in child processes of the same CLI: it can hang, crash or be killed; pings go on.

A child ends when its standard input does, so that none outlives the monitor, however that ended.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from ipfx_failover.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from ipfx_failover.clock import Clock

PARENT_OPTION = "--until-eof"
"""Tells a child to end, cleanly, when its standard input ends."""

_FIRST_DELAY_S = 1.0
_LAST_DELAY_S = 60.0
_HEALTHY_AFTER_S = 60.0
_STOP_S = 10.0
_HUNG_AFTER_S = 60.0
_LONGEST_LOOK_S = 5.0
"""More than this between two looks is not counted: then we did not run ourselves."""
_NEVER_WORKED = frozenset({ExitCode.USAGE, ExitCode.BUG})
_TOLD_AFTER = 3
"""A takeover ends the worker that is in its way; only what keeps failing is told."""


class Worker:
    """One kind of work, restarted with back-off when it ends.

    `config`: the file that a child reads, asked for at each start.

    `keeps_running`: its end is a failure; otherwise it is started by `start` when there is work.
    `failed(worker, reason, delay_s)` is told of repeated failures, `recovered(worker)` when they
    are over.

    `sign` is another value each time that the child has shown that it works; where it stays the
    same for `hung_after_s`, the child hangs, and is killed. That is told at once.

    `environ`: what the child inherits; None: all that we have.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        config: Callable[[], Path] | None = None,
        keeps_running: bool,
        clock: Clock,
        failed: Callable[[str, str, float], None],
        recovered: Callable[[str], None] = lambda _: None,
        sign: Callable[[], object] | None = None,
        hung_after_s: float = _HUNG_AFTER_S,
        environ: Callable[[], Mapping[str, str]] | None = None,
        program: Sequence[str] = (sys.executable, "-m", "ipfx_failover"),
    ) -> None:
        self._arguments = tuple(arguments)
        self._config = config
        self._keeps_running = keeps_running
        self._clock = clock
        self._failed = failed
        self._recovered = recovered
        self._sign = sign
        self._hung_after_s = hung_after_s
        self._environ = environ
        self._program = tuple(program)
        self._child: subprocess.Popen[bytes] | None = None
        self._started_ns = 0
        self._not_before_ns = 0
        self._delay_s = _FIRST_DELAY_S
        self._failures = 0
        self._is_told = False
        self._last_sign: object = None
        self._looked_ns = 0
        self._silent_s = 0.0

    @property
    def is_running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        """Start the child, unless it runs or must wait after a failure."""
        self._reap()
        if self._child is not None or self._clock.monotonic_ns() < self._not_before_ns:
            return
        self._started_ns = self._looked_ns = self._clock.monotonic_ns()
        self._silent_s = 0.0
        config = ("--config", str(self._config())) if self._config else ()
        try:
            self._child = subprocess.Popen(
                [*self._program, *self._arguments, *config, PARENT_OPTION],
                env=self._environ() if self._environ else None,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # A Ctrl-C at the monitor's terminal is for the monitor; it ends its children.
                start_new_session=True,
            )
        except OSError as error:
            self._failed_with(error.strerror or str(error), tell=True)

    def look(self) -> None:
        """Notice that the child has ended; one that keeps running is started again in time."""
        self._reap()
        self._listen()
        if self._keeps_running and self._started_ns:
            self.start()
        if self.is_running and self._has_been_healthy():
            self._tell_recovered()

    def _listen(self) -> None:
        """Kill a child that hangs; that it has ended, the next look sees."""
        if self._child is None or self._sign is None:
            return
        now_ns, sign = self._clock.monotonic_ns(), self._sign()
        passed_s = min((now_ns - self._looked_ns) / 1e9, _LONGEST_LOOK_S)
        self._looked_ns = now_ns
        if sign != self._last_sign and not self._hangs:
            self._last_sign, self._silent_s = sign, 0.0
            return
        self._silent_s += passed_s
        if self._hangs:
            self._child.kill()

    @property
    def _hangs(self) -> bool:
        return self._silent_s >= self._hung_after_s

    def _tell_recovered(self) -> None:
        if self._is_told:
            self._is_told = False
            self._delay_s, self._failures = _FIRST_DELAY_S, 0
            self._recovered(" ".join(self._arguments))

    def _reap(self) -> None:
        if self._child is not None and (code := self._child.poll()) is not None:
            self._close_input()
            self._child = None
            self._ended(code)

    def stop(self) -> None:
        """End the child: its input first, then a signal, then by force. Bounded."""
        if self._child is None:
            return
        self._close_input()
        for end in (self._child.terminate, self._child.kill):
            try:
                self._child.wait(timeout=_STOP_S)
                break
            except subprocess.TimeoutExpired:
                end()
        self._child.wait()
        self._child = None

    def _ended(self, code: int) -> None:
        if code == 0 and not self._keeps_running:
            self._delay_s, self._not_before_ns, self._failures = _FIRST_DELAY_S, 0, 0
            self._tell_recovered()
            return
        if self._has_been_healthy():
            self._delay_s, self._failures = _FIRST_DELAY_S, 0
        if self._hangs:
            self._failed_with(f"killed: no sign of life for {self._hung_after_s:.0f} s", tell=True)
            return
        reason = f"signal {-code}" if code < 0 else f"exit code {code}"
        # How its work failed, it tells itself, but not that it never came to it.
        self._failed_with(reason, tell=self._keeps_running or code < 0 or code in _NEVER_WORKED)

    def _failed_with(self, reason: str, *, tell: bool) -> None:
        self._failures += 1
        self._not_before_ns = self._clock.monotonic_ns() + int(self._delay_s * 1e9)
        if tell and (self._hangs or self._failures >= _TOLD_AFTER):
            self._is_told = True
            self._failed(" ".join(self._arguments), reason, self._delay_s)
        self._delay_s = min(self._delay_s * 2, _LAST_DELAY_S)

    def _has_been_healthy(self) -> bool:
        is_old = self._clock.monotonic_ns() - self._started_ns > _HEALTHY_AFTER_S * 1e9
        return is_old and self._silent_s < self._hung_after_s / 2

    def _close_input(self) -> None:
        if self._child is not None and self._child.stdin is not None:
            self._child.stdin.close()

"""Work that goes on for many servers in one process, a thread each."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ipfx_failover.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipfx_failover.clock import Clock

_LOOK_S = 0.5
_GOOD_BYE_S = 2.0
"""How long they may take to stop between two pieces of work, and to take away what is half."""


class Strand:
    """One thread: `work` goes on until `stop` is set."""

    def __init__(self, name: str, work: Callable[[threading.Event], None]) -> None:
        self.stop = threading.Event()
        self.error: Exception | None = None
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._work = work

    def _run(self) -> None:
        """An error that is not foreseen ends the process, not just this."""
        try:
            self._work(self.stop)
        except Interrupted:
            pass
        except Exception as error:  # noqa: BLE001 - it is raised where the process can end
            self.error = error


def go_on(
    clock: Clock, strands: Sequence[Strand], at_each_look: Callable[[], None] = lambda: None
) -> None:
    """Start them all, and wait until interrupted; the first error of one ends them all.

    One that waits for a dead Primary is not waited for: it may be killed.
    """
    for strand in strands:
        strand.thread.start()
    try:
        while True:
            at_each_look()
            clock.sleep(_LOOK_S)
            for strand in strands:
                if strand.error is not None:
                    raise strand.error
    finally:
        for strand in strands:
            strand.stop.set()
        give_up_ns = clock.monotonic_ns() + round(_GOOD_BYE_S * 1e9)
        for strand in strands:
            strand.thread.join(timeout=max(0.0, (give_up_ns - clock.monotonic_ns()) / 1e9))

"""Work for many in one process, a thread each: going on until it is stopped, or done once."""

from __future__ import annotations

import threading
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, TypeVar

from ipfx_failover.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ipfx_failover.clock import Clock

T = TypeVar("T")

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


def at_once(works: Sequence[Callable[[], T]]) -> Iterator[T]:
    """Have all of them done at the same time; what each returns, in their order.

    Who is interrupted meanwhile waits for none of them.

    Raises: what one of them raises, in its place.
    """
    begun = [_begun(work) for work in works]
    for future in begun:
        # On Windows a wait without a bound is not interrupted.
        while not wait([future], _LOOK_S).done:
            continue
        yield future.result()


def _begun(work: Callable[[], T]) -> Future[T]:
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is wanted
            future.set_exception(error)

    threading.Thread(target=run, name="at once", daemon=True).start()
    return future

"""The contents of files on their way, which can be stopped at any piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.errors import Interrupted
from ipfx_failover.files.ports import Incoming

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


def stop_if_wanted(should_stop: Callable[[], bool]) -> None:
    """Interrupted when the pass is to end; what is under a temporary name is then removed."""
    if should_stop():
        raise Interrupted(
            "the sync was stopped; every file is whole",
            "sync again to go on where it stopped",
        )


def stoppable(incoming: Iterable[Incoming], should_stop: Callable[[], bool]) -> Iterator[Incoming]:
    """The same files; Interrupted before the next file, or the next piece of a large one."""
    for one in incoming:
        stop_if_wanted(should_stop)
        yield Incoming(one.copy, _pieces(one.chunks, should_stop))


def _pieces(chunks: Iterable[bytes], should_stop: Callable[[], bool]) -> Iterator[bytes]:
    for chunk in chunks:
        stop_if_wanted(should_stop)
        yield chunk

"""The contents of files on their way: counted, and stopped at any piece when asked to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.errors import Interrupted
from ipfx_failover.files.ports import Incoming
from ipfx_failover.progress import Unit, counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ipfx_failover.files.values import Copy
    from ipfx_failover.progress import Report

_SMALL_BYTES = 64 << 10
"""Files that are smaller, on average, take as long as there are many, not as they are large."""


class Flow:
    """Lets the files of one pass through."""

    def __init__(
        self, copies: Sequence[Copy], should_stop: Callable[[], bool], report: Report
    ) -> None:
        """`should_stop` is asked at every piece; `report` is told of files, or of bytes."""
        size_bytes = sum(copy.stamp.size_bytes for copy in copies)
        self._unit: Unit = "files" if size_bytes < _SMALL_BYTES * len(copies) else "bytes"
        total = len(copies) if self._unit == "files" else size_bytes
        self._count = counted("files", total, self._unit, report)
        self._should_stop = should_stop

    def stop_if_wanted(self) -> None:
        """Interrupted when the pass is to end; what is under a temporary name is then removed."""
        if self._should_stop():
            raise Interrupted(
                "the sync was stopped; every file is whole",
                "sync again to go on where it stopped",
            )

    def through(self, incoming: Iterable[Incoming]) -> Iterator[Incoming]:
        """The same files; Interrupted before the next one, or the next piece of a large one."""
        for one in incoming:
            self.stop_if_wanted()
            yield Incoming(one.copy, self._pieces(one.chunks))
            if self._unit == "files":
                self._count(1)

    def _pieces(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self.stop_if_wanted()
            yield chunk
            if self._unit == "bytes":
                self._count(len(chunk))

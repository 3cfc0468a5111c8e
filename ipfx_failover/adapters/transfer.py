"""Carries a backup that may be large between the live server and this machine.

A lost connection is made again, and the copy goes on where it stopped. What was sent is hashed
there while it is copied, where the machine can: no second pass over the file is waited for.
Memory stays the same whatever the size. It is read at once, and made again after a crash: nobody
waits for the disk.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from ipfx_failover.errors import Failed, Unreachable
from ipfx_failover.livehost import base_name, parent
from ipfx_failover.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ipfx_failover.clock import Clock
    from ipfx_failover.livehost import LiveHost
    from ipfx_failover.progress import Report
    from ipfx_failover.replication.engine import Backup

_T = TypeVar("_T")
_WAITS_S = (1.0, 5.0, 15.0, 30.0, 60.0)
"""Before each new attempt to go on; one that brings anything begins them afresh."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """The `Carrier` port (ipfx_failover.replication.engine).

    `there`, `here`: the live server and this machine. `beside`: the live server over a connection
    of its own, for the hash.
    """

    there: LiveHost
    beside: LiveHost
    here: LiveHost
    clock: Clock
    report: Report

    def __call__(self, to_side: str, backup: Backup, to: str, like: str, /) -> None:
        if to_side == "standby":
            self._fetch(backup, to, like)
        else:
            self._send(backup, to, like)

    def _fetch(self, backup: Backup, to: str, like: str) -> None:
        self.here.make_directory(parent(to))
        self.here.remove(to)
        arrived = hashlib.sha256()
        with self._meanwhile(partial(self.beside.sha256_there, backup.path)) as sent:
            pieces = self._reported(self._pieces(backup.path), backup)
            self.here.continue_file(to, 0, _hashed(pieces, arrived))
            expected = sent()
        if expected is None:
            expected = self._again(partial(self.there.sha256_there, backup.path))
        _compare(expected, arrived.hexdigest(), backup, self.here, to)
        self.here.adopt_ownership(to, like)

    def _send(self, backup: Backup, to: str, like: str) -> None:
        self.there.make_directory(parent(to))
        self.there.remove(to)
        with self._meanwhile(partial(self.here.sha256, backup.path)) as sent:
            self._again(partial(self._send_rest, backup, to))
            expected = sent()
        arrived = self._again(partial(self.there.sha256_there, to))
        _compare(expected, arrived, backup, self.there, to)
        self.there.adopt_ownership(to, like)

    def _pieces(self, path: str) -> Iterator[bytes]:
        """The content of a file there, over as many connections as it takes."""
        arrived_bytes, patience = 0, _Patience(self.clock)
        while True:
            try:
                for piece in self.there.read_file(path, start_byte=arrived_bytes):
                    arrived_bytes += len(piece)
                    patience.renew()
                    yield piece
            except Unreachable as lost:
                patience.wait_after(lost)
            else:
                return

    def _send_rest(self, backup: Backup, to: str) -> None:
        found = self.there.stat(to)
        start_byte = min(found.size_bytes, backup.size_bytes) if found else 0
        rest = self.here.read_file(backup.path, start_byte=start_byte)
        self.there.continue_file(to, start_byte, self._reported(rest, backup, start_byte))

    def _again(self, attempt: Callable[[], _T]) -> _T:
        """What an attempt brings, of as many as it takes while the connection is lost."""
        patience = _Patience(self.clock)
        while True:
            try:
                return attempt()
            except Unreachable as lost:
                patience.wait_after(lost)

    def _reported(
        self, pieces: Iterable[bytes], backup: Backup, done_bytes: int = 0
    ) -> Iterator[bytes]:
        for piece in pieces:
            done_bytes += len(piece)
            self.report(Progress("transfer", done_bytes, backup.size_bytes, "bytes"))
            yield piece

    @contextmanager
    def _meanwhile(self, work: Callable[[], str | None]) -> Iterator[Callable[[], str | None]]:
        """Have a hash worked out beside the block; what it is, None where the connection went."""
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(work)

            def result() -> str | None:
                with suppress(Unreachable):
                    return future.result()
                return None

            try:
                yield result
            finally:
                self.beside.close()  # who leaves early waits for no hash


class _Patience:
    """Waits longer each time, and gives up at last."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waits = iter(_WAITS_S)

    def renew(self) -> None:
        self._waits = iter(_WAITS_S)

    def wait_after(self, lost: Unreachable) -> None:
        wait_s = next(self._waits, None)
        if wait_s is None:
            raise lost
        self._clock.sleep(wait_s)


def _hashed(pieces: Iterable[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    for piece in pieces:
        digest.update(piece)
        yield piece


def _compare(
    sent: str | None, arrived: str | None, backup: Backup, host: LiveHost, path: str
) -> None:
    """Where a machine cannot hash, the checksums that RESTORE checks are all there is."""
    if sent is not None and arrived is not None and sent != arrived:
        host.remove(path)
        raise Failed(
            f"{base_name(backup.path)} did not arrive on {host.name} as it was sent",
            "look at the network and the disks; then try again",
        )

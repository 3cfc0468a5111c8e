"""Tells work that takes long from work that stands still.

A server may say nothing for a long time: while it writes zeros over a new log, or recovers a
restored catalog behind 100 percent. But its own list of requests shows that something moves.
"""

from __future__ import annotations

from queue import Empty
from typing import TYPE_CHECKING, Final, Self

from ipfx_failover.errors import Failed, FailoverError, Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from queue import SimpleQueue

    from ipfx_failover.adapters.db.sqlserver.said import Said
    from ipfx_failover.clock import Clock
    from ipfx_failover.replication.sqlserver.session import Row, SqlServer, SqlSession

_REQUEST: Final = (
    "SELECT percent_complete, cpu_time, reads, writes "
    "FROM sys.dm_exec_requests WHERE session_id = ?"
)
_LONGEST_PAUSE_S: Final = 10.0
_LOOKS: Final = 5
"""How often it is looked at least before something counts as standing still."""


class Stall:
    """Watches what a session does, from another one; leaving the block closes that."""

    def __init__(self, server: SqlServer, number: int, clock: Clock, limit_s: float) -> None:
        self._server = server
        self._number = number
        self._clock = clock
        self._limit_s = limit_s
        self._session: SqlSession | None = None
        self._seen: list[Row] = []
        self._moved_ns = clock.monotonic_ns()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def messages(
        self, heard: SimpleQueue[Said | None], tell: Callable[[int], None]
    ) -> Iterator[Said]:
        """What is heard, until None comes; in silence it is looked, and percentages are told.

        Raises:
            Failed: nothing has moved for too long.
        """
        while True:
            try:
                message = heard.get(timeout=min(_LONGEST_PAUSE_S, self._limit_s / _LOOKS))
            except Empty:
                if (percent := self._look()) is not None:
                    tell(percent)
                continue
            if message is None:
                return
            self._moved_ns = self._clock.monotonic_ns()
            yield message

    def _look(self) -> int | None:
        """How much is done; None where that is not seen."""
        found = self._asked()
        now_ns = self._clock.monotonic_ns()
        if found and found != self._seen:
            self._moved_ns, self._seen = now_ns, found
            return int(found[0][0]) or None
        if now_ns - self._moved_ns > self._limit_s * 1e9:
            raise Failed(
                f"{self._server.name} has made no progress for {self._limit_s:g} s",
                "see what it waits for (sys.dm_exec_requests there), or raise stall_timeout_s; a "
                "login without VIEW SERVER STATE sees no progress in silence",
            )
        return None

    def _asked(self) -> list[Row]:
        """What the server says of the request; nothing where it cannot be asked."""
        try:
            self._session = self._session or self._server.open()
            return self._session.rows(_REQUEST, self._number)
        except Interrupted:
            raise
        except FailoverError:
            self._close()
            return []

    def _close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()

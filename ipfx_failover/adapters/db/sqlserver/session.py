"""A session with a SQL Server, through pyodbc."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import pyodbc

from ipfx_failover.adapters.db.sqlserver import refusals, said
from ipfx_failover.adapters.db.sqlserver.helper import Helper
from ipfx_failover.errors import Unreachable
from ipfx_failover.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from ipfx_failover.adapters.db.sqlserver.said import Said
    from ipfx_failover.adapters.db.sqlserver.stall import Stall
    from ipfx_failover.errors import FailoverError
    from ipfx_failover.progress import Report
    from ipfx_failover.replication.sqlserver.session import Row

T = TypeVar("T")

GRACE_S: Final = 10.0
_PAGE_BYTES: Final = 4_000_000
_AT_ONCE: Final = 10
"""Rows, before their bytes are counted."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a session does its work.

    `watch`: begins to watch what the session of a number does. `grace_s`: how long a server may
    take to hear that a statement is called off, or a session closed.
    """

    name: str
    statement_timeout_s: float
    watch: Callable[[int], Stall]
    report: Report
    grace_s: float = GRACE_S


class OdbcSession:
    """Implements SqlSession over a connection, whose every use is made by `helper`.

    It may be used by one thread at a time.
    """

    def __init__(self, connection: Any, helper: Helper, manner: Manner) -> None:
        self._connection = connection
        self._helper = helper
        self._manner = manner
        self._is_lost = False
        self._is_closed = False

    def rows(self, sql: str, *values: object) -> list[Row]:
        return self._carry_out(partial(_rows, sql, values))

    def named_rows(self, sql: str) -> list[dict[str, Any]]:
        return self._carry_out(partial(_named_rows, sql))

    def pages(self, sql: str, *values: object, size: int) -> Iterator[list[Row]]:
        cursor = self._cursor()
        limit_s = self._manner.statement_timeout_s
        try:
            with self._under_way(cursor, partial(_execute, cursor.raw, sql, values)) as asked:
                self._result(asked, limit_s)
            is_last = False
            while not is_last:
                page, is_last = self._page(cursor, size)
                if page:
                    yield page
        finally:
            if not self._is_lost:
                self._helper.begin(cursor.close)

    def _page(self, cursor: _Cursor, size: int) -> tuple[list[Row], bool]:
        with self._under_way(cursor, partial(_fetch, size, cursor.raw)) as fetched:
            return self._result(fetched, self._manner.statement_timeout_s)

    def run(self, sql: str, *values: object) -> int:
        return self._carry_out(partial(_run, sql, values))

    def work(self, sql: str, *values: object, phase: str) -> None:
        ((number,),) = self.rows("SELECT @@SPID")
        heard: SimpleQueue[Said | None] = SimpleQueue()
        numbers = set()
        with (
            self._manner.watch(number) as stall,
            self._begun(partial(_work, sql, values, heard.put)) as future,
        ):
            future.add_done_callback(lambda _: heard.put(None))
            for message in stall.messages(heard, partial(self._tell, phase)):
                numbers.add(message.number)
                if (percent := message.percent) is not None:
                    self._tell(phase, percent)
            self._result(future, 0)
        if (last := said.last_number(sql)) is not None and last not in numbers:
            reason = "it has ended without saying that it is done"
            raise refusals.refused(self._manner.name, reason, (0,))

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        # One that never came back from a call is closed as soon as it does.
        closing = self._helper.begin(self._connection.close)
        self._helper.end()
        if not self._is_lost:
            with suppress(pyodbc.Error, TimeoutError):
                closing.result(self._manner.grace_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tell(self, phase: str, percent: int) -> None:
        self._manner.report(Progress(phase, percent, 100, "percent"))

    def _carry_out(self, call: Callable[[Any], T]) -> T:
        with self._begun(call) as future:
            return self._result(future, self._manner.statement_timeout_s)

    @contextmanager
    def _begun(self, call: Callable[[Any], T]) -> Iterator[Future[T]]:
        """A call with a cursor of its own; when the block ends before it, it is called off."""
        cursor = self._cursor()
        with self._under_way(cursor, partial(cursor.carry_out, call)) as future:
            yield future

    def _cursor(self) -> _Cursor:
        if self._is_lost or self._is_closed:
            raise refusals.lost(self._manner.name, "it was given up")
        return _Cursor(self._connection.cursor())

    @contextmanager
    def _under_way(self, cursor: _Cursor, call: Callable[[], T]) -> Iterator[Future[T]]:
        future = self._helper.begin(call)
        try:
            yield future
        finally:
            if not future.done():
                self._call_off(cursor, future)

    def _call_off(self, cursor: _Cursor, future: Future[Any]) -> None:
        # A driver comes back from that when the server has heard it: which it may never.
        helper = Helper(f"{self._manner.name}: call off")
        helper.begin(cursor.cancel)
        helper.end()
        try:
            error = future.exception(self._manner.grace_s)
        except TimeoutError:
            self._is_lost = True
            return
        if isinstance(error, pyodbc.Error):
            self._explained(error)

    def _result(self, future: Future[T], limit_s: float) -> T:
        try:
            return future.result(limit_s)
        except TimeoutError:
            self._is_lost = True
            raise Unreachable(
                f"{self._manner.name} has not carried a statement out within {limit_s:g} s",
                "see what it waits for (sys.dm_exec_requests), or raise statement_timeout_s",
            ) from None
        except pyodbc.Error as error:
            if (known := self._explained(error)) is None:
                raise
            raise known from None

    def _explained(self, error: pyodbc.Error) -> FailoverError | None:
        known = refusals.explained(error, self._manner.name)
        self._is_lost |= isinstance(known, Unreachable)
        return known


class _Cursor:
    """A driver's cursor that two threads share: closed while it is cancelled, it would crash."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self._is_open = True
        self._changing = threading.Lock()

    def carry_out(self, call: Callable[[Any], T]) -> T:
        try:
            return call(self.raw)
        finally:
            self.close()

    def close(self) -> None:
        with self._changing, suppress(pyodbc.Error):
            self._is_open = False
            self.raw.close()

    def cancel(self) -> None:
        with self._changing, suppress(pyodbc.Error):
            if self._is_open:
                self.raw.cancel()


def _execute(cursor: Any, sql: str, values: tuple[object, ...]) -> None:
    # With an empty tuple the driver would prepare the statement, in which #t would not last.
    if values:
        cursor.execute(sql, values)
    else:
        cursor.execute(sql)


def _fetch(size: int, cursor: Any) -> tuple[list[Row], bool]:
    """The next page, and whether it is the last one."""
    while cursor.description is None:
        if not cursor.nextset():
            return [], True
    found: list[Row] = []
    length = 0
    while len(found) < size and length < _PAGE_BYTES:
        some = [tuple(row) for row in cursor.fetchmany(_AT_ONCE)]
        found += some
        length += sum(len(each) for row in some for each in row if isinstance(each, bytes | str))
        if len(some) < _AT_ONCE:
            while cursor.nextset():  # an error may still come
                pass
            return found, True
    return found, False


def _rows(sql: str, values: tuple[object, ...], cursor: Any) -> list[Row]:
    _execute(cursor, sql, values)
    while cursor.description is None:
        if not cursor.nextset():
            return []
    found = [tuple(row) for row in cursor.fetchall()]
    while cursor.nextset():  # an error may still come
        pass
    return found


def _named_rows(sql: str, cursor: Any) -> list[dict[str, Any]]:
    cursor.execute(sql)
    names = [column[0] for column in cursor.description or ()]
    found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    while cursor.nextset():  # an error may still come
        pass
    return found


def _run(sql: str, values: tuple[object, ...], cursor: Any) -> int:
    _execute(cursor, sql, values)
    changed = cursor.rowcount
    while cursor.nextset():
        changed = cursor.rowcount
    return int(changed)


def _work(sql: str, values: tuple[object, ...], tell: Callable[[Said], None], cursor: Any) -> None:
    """To the very end: what is closed before that is called off by the driver (pyodbc #762)."""
    _execute(cursor, sql, values)
    while True:
        for code, text in cursor.messages or ():
            tell(said.Said.of(code, text))
        if not cursor.nextset():
            return

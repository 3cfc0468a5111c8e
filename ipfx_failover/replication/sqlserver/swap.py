"""A restored copy is put in the old one's place, and the old one back when that fails.

Two renames are no transaction: between them the process may be killed, the connection cut, or the
one place in a catalog taken by somebody else. Whatever happens, what is there tells how far it came
(`names.py`), so that everything here may be repeated.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ipfx_failover.errors import Failed, FailoverError, Unreachable
from ipfx_failover.replication.sqlserver import record
from ipfx_failover.replication.sqlserver.session import SqlRefused
from ipfx_failover.replication.sqlserver.telling import told
from ipfx_failover.replication.tsql import preparing, swapping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ipfx_failover.replication.sqlserver.session import Row, SqlServer, SqlSession

_IN_USE: Final = frozenset({924, 952, 1205, 1222, 4060, 5030, 5061, 5064, 5070})
"""The place is taken, a lock is not to be had, or a deadlock had to be ended: it may pass."""
TRIES: Final = 5
PAUSE_S: Final = 0.2


_NONE: Final = ("gone", "", False)


class _Catalogs:
    """What catalogs there are, by names without regard to case, as most servers have them."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._found = {
            str(name).casefold(): (str(state), str(at), bool(is_read_only))
            for name, state, at, is_read_only in rows
        }

    def __contains__(self, catalog: str) -> bool:
        return catalog.casefold() in self._found

    def has_access(self, catalog: str, access: str) -> bool:
        return self._found.get(catalog.casefold(), _NONE)[1] == access

    def is_read_only(self, catalog: str) -> bool:
        return self._found.get(catalog.casefold(), _NONE)[2]

    def look(self, catalog: str) -> str:
        """Its state and access, for people."""
        state, access, is_read_only = self._found.get(catalog.casefold(), _NONE)
        return ", ".join(filter(None, (state, access, "READ_ONLY" if is_read_only else "")))


@dataclass(frozen=True, slots=True)
class Swapper:
    """Swaps catalogs of a server. `sleep`: the clock's."""

    server: SqlServer
    sleep: Callable[[float], None]

    def swap(self, current: str, new: str, previous: str, *, run_id: str | None) -> None:
        """Put `new` in the place of `current`, if there is one, which is called `previous` then.

        `run_id`: of the copy that `new` must be; none: it is no copy of ours (failback).

        Raises:
            SqlRefused: the server does not let us; all is as it was.
            Unreachable: it is lost, perhaps half way: see `swap_back`.
            Failed: what is in the place now is not usable; all is as it was.
        """
        with told(f"replacing {current} on {self.server.name}", self.server.name):
            there = self._catalogs()
            had_current = current in there or previous in there
            try:
                self._exchange_at_last(current, new, previous, had_current=had_current)
                self._check(current, run_id)
            except FailoverError:
                # The lost connection may be one of two; a server that is lost says so again.
                with suppress(Unreachable):
                    self.swap_back(current, new, previous, had_current=had_current)
                raise

    def swap_back(self, current: str, new: str, previous: str, *, had_current: bool) -> None:
        """Undo `swap`, however far it got; whoever wants may use `current` then.

        Raises:
            SqlRefused: somebody holds on to a catalog; what is left to do is done when repeated.
            Unreachable: the server is lost.
        """
        for left in reversed(range(TRIES)):
            try:
                self._put_back(current, new, previous, had_current=had_current)
            except SqlRefused as error:
                if not left or not may_pass(error):
                    raise
                self._make_way(current, new, previous)
                self.sleep(PAUSE_S)
            else:
                return

    def _exchange_at_last(
        self, current: str, new: str, previous: str, *, had_current: bool
    ) -> None:
        was_read_only = self._catalogs().is_read_only(current)
        for left in reversed(range(TRIES)):
            try:
                self._exchange(current, new, previous)
            except SqlRefused as error:
                if not left or not may_pass(error):
                    raise
                self.swap_back(current, new, previous, had_current=had_current)
                if was_read_only and not self._catalogs().is_read_only(current):
                    raise  # somebody may have written to it meanwhile
                self.sleep(PAUSE_S)
            else:
                return

    def _exchange(self, current: str, new: str, previous: str) -> None:
        there = self._catalogs()
        if new not in there:
            if current not in there:
                raise Failed(
                    f"{self.server.name} has neither {current} nor {new}",
                    "replicate again: what was restored is gone",
                )
            self._let_in(current)  # a killed process had come so far
        elif current not in there:
            self._rename(new, current)
        else:
            with (
                self._alone(new) as incoming,
                self._alone(current) as outgoing,
                _writable(outgoing),
            ):
                outgoing.run(swapping.rename(current, previous))
                incoming.run(swapping.rename(new, current))
                incoming.run(swapping.let_all_in(current))

    def _put_back(self, current: str, new: str, previous: str, *, had_current: bool) -> None:
        there = self._catalogs()
        is_exchanged = previous in there if had_current else True
        if is_exchanged and current in there and new not in there:
            self._rename(current, new)
            there = self._catalogs()
        if previous in there and current not in there:
            self._rename(previous, current)
        elif had_current and current in there:
            self._let_in(current)

    def _check(self, current: str, run_id: str | None) -> None:
        """See that what is in the place now is usable, and what was meant."""
        found = self._catalogs().look(current)
        if found != "ONLINE, MULTI_USER":
            raise Failed(
                f"{current} on {self.server.name} is {found} after it was replaced",
                "look into that server's error log; the one before is in its place again",
            )
        if run_id is None:
            return
        with self.server.open(current) as session:
            if not record.is_converted(session, run_id):
                raise Failed(
                    f"{current} on {self.server.name} is not what was restored there",
                    "replicate again; the one before is in its place again",
                )

    def _catalogs(self) -> _Catalogs:
        with self.server.open() as session:
            return _Catalogs(session.rows(swapping.CATALOGS))

    @contextmanager
    def _alone(self, catalog: str) -> Iterator[SqlSession]:
        """A session that is alone in a catalog; others may come in again when it fails."""
        with self.server.open() as session:
            session.run(swapping.NOT_THE_VICTIM)
            session.run(preparing.use(catalog))
            session.run(swapping.alone(catalog))
            try:
                yield session
            except SqlRefused:
                with suppress(FailoverError):
                    ((name, _),) = session.rows(swapping.CATALOG_IN_USE)
                    session.run(swapping.let_all_in(str(name)))
                raise

    def _rename(self, catalog: str, to: str) -> None:
        """Rename a catalog; all may use it then, but only to read if it was so before."""
        with self._alone(catalog) as session:
            with _writable(session) as was_read_only:
                session.run(swapping.rename(catalog, to))
            if was_read_only:
                session.run(swapping.read_only(to))
            session.run(swapping.let_all_in(to))

    def _let_in(self, catalog: str) -> None:
        if self._catalogs().has_access(catalog, "MULTI_USER"):
            return
        with self.server.open() as session:
            session.run(swapping.let_all_in(catalog))

    def _make_way(self, *catalogs: str) -> None:
        """Throw out whoever has taken the one place in a catalog."""
        there = self._catalogs()
        with self.server.open() as session:
            for catalog in catalogs:
                if not there.has_access(catalog, "SINGLE_USER"):
                    continue
                for number, _ in session.rows(swapping.sessions_in(catalog)):
                    with suppress(SqlRefused):  # it has gone by itself
                        session.run(swapping.end_session(int(number)))


@contextmanager
def _writable(session: SqlSession) -> Iterator[bool]:
    """A catalog that could not be renamed while it is read-only; whether it was.

    The session is alone in it. It is read-only again when that fails, before others come in.
    """
    ((name, was_read_only),) = session.rows(swapping.CATALOG_IN_USE)
    if was_read_only:
        session.run(swapping.read_write(str(name)))
    try:
        yield bool(was_read_only)
    except SqlRefused:
        if was_read_only:
            with suppress(FailoverError):
                ((name, _),) = session.rows(swapping.CATALOG_IN_USE)
                session.run(swapping.read_only(str(name)))
        raise


def may_pass(error: SqlRefused) -> bool:
    """Whether somebody is in the way, who may be gone a moment later."""
    return not _IN_USE.isdisjoint(error.numbers)

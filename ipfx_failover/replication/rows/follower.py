"""Follows the rows of one live catalog into one copy of it, a round at a time.

Exactly once: the rows of a round and the version that they lead to are committed together. What a
round does not finish the next one does, whoever makes it.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from ipfx_failover.errors import FailoverError, Unreachable
from ipfx_failover.progress import counted
from ipfx_failover.replication.rows.decisions import (
    FullNeeded,
    NotTracked,
    Unfit,
    has_gap,
    standing,
    start_of,
)
from ipfx_failover.replication.rows.marks import CopyMark, copy_mark, is_there, live_mark
from ipfx_failover.replication.rows.schema import (
    Choice,
    alike,
    read_denials,
    read_fingerprint,
    read_tables,
    without,
)
from ipfx_failover.replication.rows.sequences import Sequences
from ipfx_failover.replication.rows.staging import Staging, replaced
from ipfx_failover.replication.rows.switching import read_tracked, sees_definitions
from ipfx_failover.replication.sqlserver import record
from ipfx_failover.replication.sqlserver.session import SqlRefused
from ipfx_failover.replication.sqlserver.telling import told
from ipfx_failover.replication.sqlserver.watermark import Beginning, Watermark
from ipfx_failover.replication.tsql import rows as texts
from ipfx_failover.replication.tsql import tracking
from ipfx_failover.replication.tsql.taking import FOLLOW_NO_MORE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ipfx_failover.progress import Report
    from ipfx_failover.replication.rows.decisions import Standing
    from ipfx_failover.replication.rows.schema import Tables
    from ipfx_failover.replication.sqlserver.session import Row, SqlServer, SqlSession
    from ipfx_failover.replication.tsql.tables import Table

T = TypeVar("T")

_PAGE_ROWS = 1000
_TRIES = 3
_ENDED = -1
"""In place of where a history begins: no history begins there. Which one it was stays known."""
_NO_CATALOG = frozenset({911, 4060})
_PASSING = frozenset({229, 230, 1205, 3961})
"""A right that was taken away, a table that was defined otherwise while it was read: the next try
sees it so. A deadlock."""


@dataclass(frozen=True, slots=True)
class Ends:
    """Both ends: the live catalog, and the copy. `wanted`: which of the live tables.

    `report`: who watches how many rows have been read; counting them beforehand takes a while.
    """

    server: str
    live: SqlServer
    catalog: str
    standby: SqlServer
    copy: str
    wanted: Callable[[Tables], Choice]
    report: Report | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """What a round has done. `version`: up to where the copy is now.

    `reloaded`: the tables that were copied whole; `left`: why others are not followed; `outdated`:
    which of these were defined otherwise, or dropped, since the copy was made.
    """

    version: int
    rows: int = 0
    reloaded: tuple[str, ...] = ()
    left: dict[str, str] = field(default_factory=dict)
    outdated: tuple[str, ...] = ()


def open_copy(ends: Ends) -> SqlSession:
    """A session in the copy.

    Raises:
        FullNeeded: there is none yet.
        SqlRefused, Unreachable: so says its server.
    """
    try:
        return ends.standby.open(ends.copy)
    except SqlRefused as error:
        if error.number not in _NO_CATALOG or is_there(ends.standby, ends.copy):
            raise
        raise FullNeeded(ends.server, "there is no copy of its database yet") from error


def end_following(ends: Ends) -> None:
    """Before change tracking is switched off: from then on the copy lacks rows, and nobody knows.

    Raises: as `open_copy`, but where there is none.
    """
    try:
        copy = open_copy(ends)
    except FullNeeded:
        return
    with copy:
        if copy_mark(copy) is not None:
            copy.run(FOLLOW_NO_MORE)


class Follower:
    """One thread uses it. Sessions are opened when they are needed, and closed by any error.

    `behind`: how many rows of the last round are not in the copy.
    """

    def __init__(self, ends: Ends) -> None:
        self.behind = 0
        self._ends = ends
        self._live: SqlSession | None = None
        self._copy: SqlSession | None = None
        self._mark: CopyMark | None = None
        self._begun: dict[tuple[str, str], Beginning] = {}
        self._fingerprint: Row | None = None
        self._denials: list[Row] | None = None
        """Rights that are lacking: only while some are, for it takes longer."""
        self._choice = Choice((), {})
        self._staging: Staging | None = None
        self._sequences: Sequences | None = None
        self._unfit: dict[Table, str] = {}
        """Tables that are left until they are defined otherwise, or another copy is followed."""
        self._unfit_in = ""

    def has_news(self) -> bool:
        """Whether the live server has committed changes that the copy has not: one statement.

        It does not see a table that was defined otherwise; a round does.

        Raises: as `round`.
        """
        return self._tried(self._look)

    def round(self) -> Round:
        """Bring the copy to where the live server is now.

        Raises:
            FullNeeded: rows cannot lead there.
            NotTracked: the live server does not keep what is needed.
            Busy: somebody else has changed the copy meanwhile.
            SqlRefused, Unreachable: so says one of the servers.
        """
        while True:
            try:
                return self._tried(self._round)
            except Unfit as error:  # the others go on without this one, from the same version
                self._unfit[error.table] = error.why

    def close(self) -> None:
        """Leave both servers; the next round opens new sessions."""
        for session in (self._live, self._copy):
            if session is not None:
                session.close()
        self._live = self._copy = self._mark = self._staging = self._sequences = None

    def _tried(self, call: Callable[[SqlSession, SqlSession], T]) -> T:
        """Once more where it may well go: a session that was kept may be dead by now."""
        for left in reversed(range(_TRIES)):
            was_kept = self._live is not None
            try:
                return call(*self._sessions())
            except FailoverError as error:
                self.close()
                is_passing = isinstance(error, SqlRefused) and error.number in _PASSING
                if not left or not (is_passing or (was_kept and isinstance(error, Unreachable))):
                    raise
            except BaseException:
                self.close()
                raise
        raise AssertionError

    def _sessions(self) -> tuple[SqlSession, SqlSession]:
        ends = self._ends
        if self._copy is None:
            self._copy = open_copy(ends)
        if self._live is None:
            self._live = ends.live.open(ends.catalog)
        return self._live, self._copy

    def _since(self, copy: SqlSession, live: Watermark) -> tuple[CopyMark, int]:
        if self._mark is None:
            self._mark, self._begun = copy_mark(copy), record.begun(copy)
            if self._mark is not None and self._mark.run_id != self._unfit_in:
                self._unfit_in = self._mark.run_id
                self._unfit.clear()
        if self._mark is not None and has_gap(self._mark.watermark, live):
            copy.run(FOLLOW_NO_MORE)
            self._mark = copy_mark(copy)
        since = start_of(self._ends.server, self._mark, live)
        assert self._mark is not None  # noqa: S101 - start_of refuses
        return self._mark, since

    def _look(self, live: SqlSession, copy: SqlSession) -> bool:
        found = live_mark(live)
        return self._since(copy, found)[1] != found.version

    def _round(self, live: SqlSession, copy: SqlSession) -> Round:
        with _snapshot(live):
            found = live_mark(live)
            mark, since = self._since(copy, found)
            staging = self._see_tables(live, copy)
            stands = self._standing(live, copy, since)
            self._fetch(live, staging, stands, since)
            # The cleanup may have run meanwhile: then rows may be lacking in what was read.
            if self._standing(live, copy, since) != stands:
                raise SqlRefused("a table was emptied while it was read", "try again", (3961,))
        self.behind = rows = staging.rows
        to = found.version or since
        if to != since or stands.reloaded:
            self._apply(staging, mark, to, stands)
        elif copy_mark(copy) != mark:
            raise replaced()
        self.behind = 0
        if self._sequences is None:
            self._sequences = Sequences(copy)
        self._sequences.follow(live)
        reloaded = tuple(table.shown for table in stands.reloaded)
        left = {**self._choice.left, **stands.left}
        return Round(to, rows, reloaded, left, self._choice.outdated)

    def _apply(self, staging: Staging, mark: CopyMark, to: int, stands: Standing) -> None:
        begun = {(each.schema, each.name): begins for each, begins in stands.reloaded.items()}
        followed = {(each.schema, each.name) for each in stands.followed}
        lost = self._begun.keys() - followed - begun.keys()
        remember = [tracking.remember_tracked(*place, begins) for place, begins in begun.items()]
        remember += [tracking.forget_tracked(*place) for place in sorted(lost)]
        staging.apply(mark, to, remember)
        kept = {place: begins for place, begins in self._begun.items() if place in followed}
        self._begun = kept | begun
        moved = Watermark(to, mark.watermark.recovery_fork_guid, mark.watermark.database_guid)
        self._mark = CopyMark(moved, mark.run_id)

    def _see_tables(self, live: SqlSession, copy: SqlSession) -> Staging:
        fingerprint = read_fingerprint(live)
        denials = None if self._denials is None else read_denials(live)
        is_known = (fingerprint, denials) == (self._fingerprint, self._denials)
        if self._staging is None or not is_known:
            if self._staging is not None:
                self._staging.drop()
            tables = read_tables(live)
            is_denied = any(table.is_denied for table in tables.values())
            self._denials = read_denials(live) if is_denied else None
            wanted = self._ends.wanted(tables)
            fit = alike(wanted, read_tables(copy), sees_all=sees_definitions(live))
            self._choice = without(fit, self._unfit)
            self._staging = Staging(self._ends.server, copy, record.conversions(copy))
            self._fingerprint = fingerprint
        return self._staging

    def _standing(self, live: SqlSession, copy: SqlSession, since: int) -> Standing:
        followed, tracked = self._choice.followed, read_tracked(live)
        try:
            return standing(self._ends.server, followed, tracked, since, self._begun)
        except NotTracked:
            # It may be tracked again before any version has passed: then it begins where it began.
            for place in self._begun.keys() - tracked.keys():
                ended = self._begun[place]._replace(version=_ENDED)
                copy.run(tracking.remember_tracked(*place, ended))
            raise

    def _fetch(self, live: SqlSession, staging: Staging, stands: Standing, since: int) -> None:
        followed = stands.followed
        numbers = live.rows(texts.changed_tables(followed), since) if followed else []
        changed = [followed[number] for (number,) in numbers]
        count = self._counter(live, changed, stands.reloaded, since)
        for table in changed:
            pages = self._pages(live, table, count, texts.changes(table), since)
            staging.put(table, pages, is_whole=False)
        for table in stands.reloaded:
            pages = self._pages(live, table, count, texts.all_rows(table))
            staging.put(table, pages, is_whole=True)

    def _counter(
        self, live: SqlSession, changed: Iterable[Table], whole: Iterable[Table], since: int
    ) -> Callable[[int], None]:
        """Is told how many rows have been read."""
        if self._ends.report is None:
            return lambda _: None
        found = [live.rows(texts.count_changes(table), since) for table in changed]
        found += [live.rows(texts.count_rows(table)) for table in whole]
        return counted("read", sum(number for ((number,),) in found), "rows", self._ends.report)

    def _pages(
        self,
        live: SqlSession,
        table: Table,
        count: Callable[[int], None],
        sql: str,
        *values: object,
    ) -> Iterator[list[Row]]:
        with told(f"reading {table.shown} on {self._ends.server}", self._ends.server):
            for page in live.pages(sql, *values, size=_PAGE_ROWS):
                yield page
                count(len(page))


@contextmanager
def _snapshot(session: SqlSession) -> Iterator[None]:
    """All that the block reads is as it was at one moment."""
    session.run(texts.begin_snapshot())
    try:
        yield
    except BaseException:
        with suppress(FailoverError):
            session.run(texts.end_snapshot())
        raise
    session.run(texts.end_snapshot())

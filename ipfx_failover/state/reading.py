"""Reading the state store: rows become the frozen values of `records`."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from ipfx_failover.decide.age import whole_as_of
from ipfx_failover.decide.alerts import Memory
from ipfx_failover.events import Event, EventKind
from ipfx_failover.records import (
    Authority,
    Concern,
    Condition,
    Copy,
    HeldAddress,
    Mode,
    MonitorRecord,
    Observation,
    Phase,
    RowState,
    RunOutcome,
    ServerState,
    StandIn,
)
from ipfx_failover.state.trouble import classified, damaged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

T = TypeVar("T")
Given = ParamSpec("Given")

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Logged:
    """An event with its place in the log."""

    cursor: int
    event: Event


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events, by everything that is given: `since` inclusive, `until` exclusive."""

    since: datetime | None = None
    until: datetime | None = None
    server: str | None = None
    levels: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    def condition(self) -> tuple[str, list[str]]:
        """As SQL, with its values."""
        tests = [
            # Texts are compared: all of them UTC.
            ("at >= ?", [self.since.astimezone(UTC).isoformat()] if self.since else []),
            ("at < ?", [self.until.astimezone(UTC).isoformat()] if self.until else []),
            ("server = ?", [self.server] if self.server else []),
            (_one_of("level", self.levels), [*self.levels]),
            (_one_of("kind", self.kinds), [*self.kinds]),
        ]
        used = [(sql, values) for sql, values in tests if values]
        return " AND ".join(["1", *(sql for sql, _ in used)]), [v for _, vs in used for v in vs]


EVERYTHING = Wanted()


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join('?' * len(values))})"


def _sound(
    read: Callable[Concatenate[Reading, Given], T],
) -> Callable[Concatenate[Reading, Given], T]:
    """A value that makes no sense is damage; SQLite itself looks at its pages only."""

    @wraps(read)
    def checked(self: Reading, /, *args: Given.args, **values: Given.kwargs) -> T:
        try:
            return read(self, *args, **values)
        except (ValueError, TypeError, KeyError) as error:
            raise damaged(self.path, str(error)) from error

    return checked


class Reading:
    """Everything that can be asked of the store.

    Raises:
        InDoubt: the database is damaged.
        StateUnwritableError: it cannot be read now.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.connection = connection
        self.path = path

    def close(self) -> None:
        self.connection.close()

    def data_version(self) -> int:
        """Changes whenever another connection has committed (5 microseconds)."""
        return self._first("PRAGMA data_version")[0]

    def revision(self) -> int:
        """Counts the changes of what decisions depend on: modes, authority, stand-in, copies."""
        return self._first("SELECT number FROM revision")[0]

    def position(self) -> tuple[int, int]:
        """`revision` and `last_cursor`: neither a mode nor an alert changes without one of them."""
        number, cursor = self._first(
            "SELECT number, (SELECT coalesce(max(id), 0) FROM events) FROM revision"
        )
        return number, cursor

    @_sound
    def server(self, name: str) -> ServerState:
        """A server's state; the defaults for one that the store does not know."""
        row = self.row("SELECT * FROM servers WHERE name = ?", name)
        return ServerState(name=name) if row is None else _server(row)

    @_sound
    def servers(self) -> dict[str, ServerState]:
        """All remembered servers, by name."""
        return {row["name"]: _server(row) for row in self.rows("SELECT * FROM servers")}

    @_sound
    def observations(self) -> dict[str, Observation]:
        return {
            row["server"]: Observation(
                server=row["server"],
                liveness=row["liveness"],
                misses=row["misses"],
                last_probe_at=_time(row["last_probe_at"]),
                last_answer_at=_time_or_none(row["last_answer_at"]),
            )
            for row in self.rows("SELECT * FROM observations")
        }

    @_sound
    def stand_in(self) -> StandIn | None:
        row = self.row("SELECT * FROM stand_in")
        if row is None:
            return None
        return StandIn(
            server=row["server"],
            boot_id=row["boot_id"],
            since=_time(row["since"]),
            phase=Phase(row["phase"]),
            address=row["address"],
            adapter=row["adapter"],
            unready=row["unready"],
        )

    def application(self) -> tuple[int, float] | None:
        """Process id and creation time (s since the epoch) of the application that we started."""
        row = self.row("SELECT pid, created_at FROM application")
        return None if row is None else (row["pid"], row["created_at"])

    @_sound
    def held_addresses(self) -> list[HeldAddress]:
        return [
            HeldAddress(
                address=row["address"],
                adapter=row["adapter"],
                boot_id=row["boot_id"],
                server=row["server"],
                since=_time(row["since"]),
            )
            for row in self.rows("SELECT * FROM addresses ORDER BY address")
        ]

    @_sound
    def copy(self, server: str, kind: str) -> Copy | None:
        """The copy of a server's `database` or `files`."""
        row = self.row("SELECT * FROM copies WHERE server = ? AND kind = ?", server, kind)
        return None if row is None else _copy(row)

    def database_as_of(self, server: str, *, follows_all: bool) -> datetime | None:
        """As of when all of the standby's database is; `follows_all`: its rows, by the config."""
        return whole_as_of(
            self.copy(server, "database"),
            self.row_states().get(server.casefold()),
            follows_all=follows_all,
            stale=self.server(server).stale,
        )

    @_sound
    def copies(self) -> dict[tuple[str, str], Copy]:
        """All copies, by server (case folded) and kind."""
        return {
            (row["server"].casefold(), row["kind"]): _copy(row)
            for row in self.rows("SELECT * FROM copies")
        }

    @_sound
    def last_run(self, server: str, work: str) -> tuple[datetime, str | None] | None:
        """When `work` last began for `server`, and how it ended (None: it has not)."""
        row = self.row(
            "SELECT started_at, outcome FROM runs WHERE server = ? AND work = ? "
            "ORDER BY id DESC LIMIT 1",
            server,
            work,
        )
        return None if row is None else (_time(row["started_at"]), row["outcome"])

    @_sound
    def last_done(self, server: str, *works: str) -> str | None:
        """Which of these works was last done for `server`; None: none was."""
        row = self.row(
            "SELECT work FROM runs WHERE server = ? AND outcome IN (?, ?) "
            "AND work IN (SELECT value FROM json_each(?)) ORDER BY id DESC LIMIT 1",
            server,
            RunOutcome.DONE,
            RunOutcome.EXCEPTIONS,
            json.dumps(works),
        )
        return None if row is None else str(row["work"])

    @_sound
    def monitor(self) -> MonitorRecord | None:
        row = self.row("SELECT * FROM monitor")
        if row is None:
            return None
        return MonitorRecord(
            pid=row["pid"],
            host=row["host"],
            boot_id=row["boot_id"],
            started_at=_time(row["started_at"]),
            heartbeat_at=_time(row["heartbeat_at"]),
        )

    @_sound
    def row_states(self) -> dict[str, RowState]:
        """How far rows were followed, by server (case folded)."""
        return {
            row["server"].casefold(): RowState(
                server=row["server"],
                as_of=_time_or_none(row["as_of"]),
                behind=row["behind"],
                trouble=row["trouble"],
                advice=row["advice"],
                left=tuple(json.loads(row["tables_left"])),
            )
            for row in self.rows("SELECT * FROM followed")
        }

    @_sound
    def conditions(self) -> list[Condition]:
        """What the monitor that runs, or ran last, was kept from; the latest last."""
        return [
            Condition(
                concern=Concern(row["concern"]),
                server=row["server"] or None,
                text=row["text"],
                advice=row["advice"],
                since=_time(row["since"]),
            )
            for row in self.rows("SELECT * FROM conditions ORDER BY since")
        ]

    @_sound
    def events_after(self, cursor: int, wanted: Wanted = EVERYTHING) -> list[Logged]:
        """The first events behind `cursor` that are wanted, oldest first; 1000 at most."""
        condition, values = wanted.condition()
        rows = self.rows(
            f"SELECT * FROM events WHERE id > ? AND {condition} ORDER BY id LIMIT {_PAGE}",  # noqa: S608 - our own words
            cursor,
            *values,
        )
        return [Logged(row["id"], _event(row)) for row in rows]

    def all_events(self, wanted: Wanted, *, behind: int = 0) -> Iterator[Logged]:
        """The events behind a cursor that are wanted, oldest first, read page by page."""
        while page := self.events_after(behind, wanted):
            yield from page
            behind = page[-1].cursor

    def cursor_before_last(self, number: int, wanted: Wanted = EVERYTHING) -> int:
        """Behind it are the last so many events that are wanted."""
        condition, values = wanted.condition()
        row = self.row(
            f"SELECT id FROM events WHERE {condition} ORDER BY id DESC LIMIT 1 OFFSET ?",  # noqa: S608 - our own words
            *values,
            number,
        )
        return int(row["id"]) if row else 0

    @_sound
    def event(self, cursor: int) -> Event | None:
        row = self.row("SELECT * FROM events WHERE id = ?", cursor)
        return None if row is None else _event(row)

    def last_cursor(self) -> int:
        return self._first("SELECT coalesce(max(id), 0) FROM events")[0]

    @_sound
    def alert_memory(self, server: str, topic: str) -> Memory | None:
        row = self.row("SELECT * FROM alert_memory WHERE server = ? AND topic = ?", server, topic)
        return None if row is None else _memory(row)

    @_sound
    def open_alerts(self) -> list[tuple[str, str, int, Memory]]:
        """Every topic that was mailed and is not over: server, topic, event cursor, memory."""
        return [
            (row["server"], row["topic"], row["event"], _memory(row))
            for row in self.rows("SELECT * FROM alert_memory WHERE closed_at IS NULL")
        ]

    def mails_waiting(self) -> int:
        """How many mails are still to be sent."""
        return self._first("SELECT count(*) FROM waiting WHERE channel = 'mail'")[0]

    def _first(self, sql: str) -> tuple[int, ...]:
        """The row that a query of numbers always has; some are asked several times a second."""
        try:
            row: tuple[int, ...] | None = self.connection.execute(sql).fetchone()
        except sqlite3.DatabaseError as error:
            if trouble := classified(self.path, error):
                raise trouble from error
            raise
        if row is None:
            raise damaged(self.path, "a table has lost its row")
        return row

    def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """All rows of a query, by column name."""
        try:
            cursor = self.connection.execute(sql, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        except sqlite3.DatabaseError as error:
            if trouble := classified(self.path, error):
                raise trouble from error
            raise

    def row(self, sql: str, *values: object) -> dict[str, Any] | None:
        """The first row of a query."""
        return next(iter(self.rows(sql, *values)), None)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _time_or_none(text: str | None) -> datetime | None:
    return None if text is None else _time(text)


def _server(row: dict[str, Any]) -> ServerState:
    return ServerState(
        name=row["name"],
        mode=Mode(row["mode"]),
        authority=Authority(row["authority"]),
        failback_pending=bool(row["failback_pending"]),
        stale=bool(row["stale"]),
        answered_boot_id=row["answered_boot_id"],
        last_failover_at=_time_or_none(row["last_failover_at"]),
        attempts=row["attempts"],
    )


def _copy(row: dict[str, Any]) -> Copy:
    return Copy(
        server=row["server"],
        kind=row["kind"],
        as_of=_time(row["as_of"]),
        finished_at=_time(row["finished_at"]),
        size_bytes=row["size_bytes"],
        version=row["version"],
    )


def _event(row: dict[str, Any]) -> Event:
    return Event(EventKind(row["kind"]), _time(row["at"]), row["server"], json.loads(row["data"]))


def _memory(row: dict[str, Any]) -> Memory:
    return Memory(
        since=_time(row["since"]),
        mailed_at=_time(row["mailed_at"]),
        reminders=row["reminders"],
        repeats=row["repeats"],
        closed_at=_time_or_none(row["closed_at"]),
        spells=row["spells"],
    )

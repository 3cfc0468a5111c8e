"""The log in the state store: what happened, and what people were told of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ipfx_failover.decide.alerts import Memory
from ipfx_failover.events import SPECS, Event, EventKind
from ipfx_failover.state.rows import Rows, sound, time, time_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

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


class Log(Rows):
    """What can be asked of events and alerts."""

    @sound
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

    @sound
    def event(self, cursor: int) -> Event | None:
        row = self.row("SELECT * FROM events WHERE id = ?", cursor)
        return None if row is None else _event(row)

    def last_cursor(self) -> int:
        return self.numbers("SELECT coalesce(max(id), 0) FROM events")[0]

    def is_told(self, server: str, kind: EventKind) -> bool:
        """Whether such a trouble was told, by whatever process, and is not over."""
        memory = self.alert_memory(server, SPECS[kind].topic or "")
        return memory is not None and memory.closed_at is None

    @sound
    def alert_memory(self, server: str, topic: str) -> Memory | None:
        row = self.row("SELECT * FROM alert_memory WHERE server = ? AND topic = ?", server, topic)
        return None if row is None else _memory(row)

    @sound
    def open_alerts(self) -> list[tuple[str, str, int, Memory]]:
        """Every topic that was mailed and is not over: server, topic, event cursor, memory."""
        return [
            (row["server"], row["topic"], row["event"], _memory(row))
            for row in self.rows("SELECT * FROM alert_memory WHERE closed_at IS NULL")
        ]

    def mails_waiting(self) -> int:
        """How many mails are still to be sent."""
        return self.numbers("SELECT count(*) FROM waiting WHERE channel = 'mail'")[0]


def _event(row: dict[str, Any]) -> Event:
    return Event(EventKind(row["kind"]), time(row["at"]), row["server"], json.loads(row["data"]))


def _memory(row: dict[str, Any]) -> Memory:
    return Memory(
        since=time(row["since"]),
        mailed_at=time(row["mailed_at"]),
        reminders=row["reminders"],
        repeats=row["repeats"],
        closed_at=time_or_none(row["closed_at"]),
        spells=row["spells"],
    )

"""Transactions: what they changed, whom they keep waiting, what they see of others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine.durability import committed
from tests.sqlserver.engine.moments import datetime_now
from tests.sqlserver.engine.tables import Change, Row, Table, undo
from tests.sqlserver.results import Message
from tests.sqlserver.sql.lexer import SqlError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.sqlserver.engine.catalog import Catalog
    from tests.sqlserver.engine.server import SimulatedServer
    from tests.sqlserver.engine.session import EngineSession

_PRIORITIES = {"LOW": -5, "NORMAL": 0, "HIGH": 5}


@dataclass(slots=True)
class Snapshot:
    """A catalog as it was committed when the transaction first looked at it."""

    version: int
    rows: dict[int, dict[int, Row]]
    """By the table's object id."""
    indexes: dict[tuple[int, tuple[int, ...]], dict[Any, Row]] = field(default_factory=dict)

    def index(self, table: Table, columns: tuple[int, ...]) -> dict[Any, Row]:
        """A table's rows by their mark in some columns."""
        key = (table.object_id, columns)
        if key not in self.indexes:
            rows = self.rows[table.object_id].values()
            self.indexes[key] = {table.key_of(row, columns): row for row in rows}
        return self.indexes[key]


@dataclass(slots=True)
class Transaction:
    """`depth`: how many BEGINs there were. `snapshots`: by catalog, when it asked for them.

    `locked`: the tables that it has changed. `is_doomed`: it can only be rolled back.
    """

    depth: int = 0
    changes: list[tuple[Catalog, Change]] = field(default_factory=list)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    locked: set[int] = field(default_factory=set)
    is_doomed: bool = False

    def record(self, catalog: Catalog, change: Change) -> None:
        self.changes.append((catalog, change))
        self.locked.add(id(change.table))

    def roll_back(self, since: int = 0) -> None:
        """Take changes back, all or those behind a mark."""
        undo(change for _, change in self.changes[since:])
        del self.changes[since:]

    def commit(self) -> None:
        """Make changes final; tracked ones get a version."""
        for catalog in {id(catalog): catalog for catalog, _ in self.changes}.values():
            ours = [change for each, change in self.changes if each is catalog]
            tracked = [change for change in ours if change.table.tracking is not None]
            is_new = _track(catalog, tracked)
            if catalog.storage is not None:
                catalog.storage.append(committed(catalog, ours, is_new_version=is_new))
        self.changes.clear()


def _track(catalog: Catalog, changes: list[Change]) -> bool:
    """Whether there was something to track, and so there is another version."""
    truncated = {id(each.table): each.table for each in changes if each.is_truncation}
    recorded = [change for change in net(changes) if not change.is_truncation]
    if not truncated and not recorded:
        return False
    catalog.version += 1
    catalog.commits[catalog.version] = datetime_now()
    for table in truncated.values():
        assert table.tracking is not None
        table.tracking.truncate(catalog.version)
    for change in recorded:
        assert change.table.tracking is not None
        change.table.tracking.record(catalog.version, change)
    return True


def net(changes: Iterable[Change]) -> list[Change]:
    """One change a row: what it was before, and what it is."""
    found: dict[tuple[int, int], Change] = {}
    for change in changes:
        key = (id(change.table), change.number)
        first = found.get(key)
        before = first.before if first is not None else change.before
        found[key] = Change(change.table, change.number, before, change.after, change.is_truncation)
    return [each for each in found.values() if not (each.before is None and each.after is None)]


def wait_for(server: SimulatedServer, session: EngineSession, table: Table) -> None:
    """Wait until nobody else has changed a table without committing.

    Raises:
        SqlError: both wait for each other (1205), or for longer than LOCK_TIMEOUT (1222).
    """
    limit_ms = int(session.options.get("LOCK_TIMEOUT", "-1"))

    def can_go_on() -> bool:
        session.check_alive()
        session.waits_for = _holder(server, session, table)
        if session.waits_for is not None:
            _break_deadlock(server, session)
        return session.waits_for is None

    try:
        if not server.changed.wait_for(can_go_on, None if limit_ms < 0 else limit_ms / 1000):
            raise SqlError(Message(1222, 16, "Lock request time out period exceeded."))
    finally:
        session.waits_for, session.is_victim = None, False


def _holder(server: SimulatedServer, session: EngineSession, table: Table) -> EngineSession | None:
    for other in server.sessions.values():
        if other is not session and id(table) in other.transaction.locked:
            return other
    return None


def _break_deadlock(server: SimulatedServer, session: EngineSession) -> None:
    """Whoever has the lowest DEADLOCK_PRIORITY gives way; among equals the one who comes last."""
    cycle = _cycle(session)
    if cycle and not any(each.is_victim for each in cycle):
        min(cycle, key=_priority).is_victim = True
        server.changed.notify_all()
    if session.is_victim:
        text = (
            f"Transaction (Process ID {session.number}) was deadlocked on lock resources "
            "with another process and has been chosen as the deadlock victim."
        )
        raise SqlError(Message(1205, 13, text))


def _cycle(session: EngineSession) -> list[EngineSession]:
    """Who waits for whom, back to the session; empty when it does not lead there."""
    found, seen = [session], session.waits_for
    while seen is not None and seen is not session and seen not in found:
        found.append(seen)
        seen = seen.waits_for
    return found if seen is session else []


def _priority(session: EngineSession) -> int:
    told = session.options.get("DEADLOCK_PRIORITY", "NORMAL")
    return _PRIORITIES[told] if told in _PRIORITIES else int(told)


def snapshot_of(catalog: Catalog, sessions: Iterable[EngineSession]) -> Snapshot:
    """A catalog as far as it is committed by these sessions."""
    rows = {table.object_id: dict(table.rows) for table in catalog.tables.values()}
    for session in sessions:
        for owner, change in reversed(session.transaction.changes):
            if owner is catalog and change.table.object_id in rows:
                there = rows[change.table.object_id]
                there.pop(change.number, None)
                if change.before is not None:
                    there[change.number] = change.before
    return Snapshot(catalog.version, rows)

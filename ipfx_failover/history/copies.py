"""The replications and file syncs of the past, out of the log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ipfx_failover.events import EventKind, one_line
from ipfx_failover.records import RunOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ipfx_failover.events import Event, Value

REPLICATIONS = (EventKind.REPLICATED, EventKind.REPLICATION_FAILED)
FILE_SYNCS = (EventKind.FILES_SYNCED, EventKind.FILE_SYNC_FAILED)
"""The events that they are told by."""


@dataclass(frozen=True, slots=True)
class Replication:
    """One run; `detail` says why it failed."""

    server: str
    ended_at: datetime
    direction: str
    outcome: str
    duration_s: float | None
    size_bytes: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class FileSyncs:
    """A server's passes in one direction, added up; those that changed nothing are not logged."""

    server: str
    direction: str
    passes: int = 0
    failed: int = 0
    copied: int = 0
    deleted: int = 0
    size_bytes: int = 0
    duration_s: float = 0.0


def replications(events: Iterable[Event]) -> list[Replication]:
    """The replications that these events tell of, in their order."""
    return [_replication(event) for event in events if event.kind in REPLICATIONS]


def _replication(event: Event) -> Replication:
    failed = event.kind is EventKind.REPLICATION_FAILED
    data = event.data
    size_bytes = data.get("size_bytes")
    return Replication(
        server=event.server or "",
        ended_at=event.at,
        direction=str(data.get("direction") or ""),
        outcome=str(data.get("outcome") or (RunOutcome.FAILED if failed else RunOutcome.DONE)),
        duration_s=_number(data.get("duration_s")),
        size_bytes=None if size_bytes is None else int(_number(size_bytes) or 0),
        detail=one_line(str(data.get("reason") or "")),
    )


def file_syncs(events: Iterable[Event]) -> list[FileSyncs]:
    """The passes that these events tell of, summed up by server and direction."""
    sums: dict[tuple[str, str], FileSyncs] = {}
    for event in events:
        if event.kind not in FILE_SYNCS or event.server is None:
            continue
        direction = str(event.data.get("direction") or "from-live")
        key = (event.server.casefold(), direction)
        sums[key] = _added(sums.get(key) or FileSyncs(event.server, direction), event)
    return [sums[key] for key in sorted(sums)]


def _added(total: FileSyncs, event: Event) -> FileSyncs:
    if event.kind is EventKind.FILE_SYNC_FAILED:
        return replace(total, failed=total.failed + 1)

    def also(name: str) -> float:
        return _number(event.data.get(name)) or 0

    return replace(
        total,
        passes=total.passes + 1,
        copied=total.copied + int(also("copied")),
        deleted=total.deleted + int(also("deleted")),
        size_bytes=total.size_bytes + int(also("size_bytes")),
        duration_s=total.duration_s + also("duration_s"),
    )


def _number(value: Value | None) -> float | None:
    return value if isinstance(value, int | float) else None

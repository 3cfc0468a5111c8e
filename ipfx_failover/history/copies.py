"""The replications and file syncs of the past, out of the log."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.events import EventKind, one_line
from ipfx_failover.records import RunOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ipfx_failover.events import Event, Value

_FAILURES = (EventKind.REPLICATION_FAILED, EventKind.FAILBACK_FAILED)
REPLICATIONS = (EventKind.REPLICATED, *_FAILURES)
FILE_SYNCS = (EventKind.FILES_SYNCED, EventKind.FILE_SYNC_FAILED)
"""The events that they are told by."""


@dataclass(frozen=True, slots=True)
class Replication:
    """One run; `detail` says why it failed, or what it warned of."""

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
    passes: int
    failed: int
    copied: int
    deleted: int
    size_bytes: int
    duration_s: float


def replications(events: Iterable[Event]) -> list[Replication]:
    """The replications that these events tell of, in their order."""
    return [_replication(event) for event in events if event.kind in REPLICATIONS]


def _replication(event: Event) -> Replication:
    failed = event.kind in _FAILURES
    data = event.data
    size_bytes = data.get("size_bytes")
    return Replication(
        server=event.server or "",
        ended_at=event.at,
        direction=str(data.get("direction") or ""),
        outcome=str(data.get("outcome") or (RunOutcome.FAILED if failed else RunOutcome.DONE)),
        duration_s=_number(data.get("duration_s")),
        size_bytes=None if size_bytes is None else int(_number(size_bytes) or 0),
        detail=one_line(str(data.get("reason") or data.get("warnings") or "")),
    )


def file_syncs(events: Iterable[Event]) -> list[FileSyncs]:
    """The passes that these events tell of, summed up by server and direction."""
    names: dict[tuple[str, str], str] = {}
    sums: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for event in events:
        if event.kind not in FILE_SYNCS or event.server is None:
            continue
        key = (event.server.casefold(), str(event.data.get("direction") or "from-live"))
        names.setdefault(key, event.server)
        total = sums[key]
        if event.kind is EventKind.FILE_SYNC_FAILED:
            total["failed"] += 1
            continue
        total["passes"] += 1
        for name in ("copied", "deleted", "size_bytes"):
            total[name] += int(_number(event.data.get(name)) or 0)
        total["duration_ms"] += round(1000 * (_number(event.data.get("duration_s")) or 0))
    return [_syncs(names[key], key[1], sums[key]) for key in sorted(sums)]


def _syncs(server: str, direction: str, total: Counter[str]) -> FileSyncs:
    return FileSyncs(
        server=server,
        direction=direction,
        passes=total["passes"],
        failed=total["failed"],
        copied=total["copied"],
        deleted=total["deleted"],
        size_bytes=total["size_bytes"],
        duration_s=total["duration_ms"] / 1000,
    )


def _number(value: Value | None) -> float | None:
    return value if isinstance(value, int | float) else None

"""What `status` shows, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ServerReport:
    """One line of the table. Times are ISO 8601, UTC; None: never, or does not apply."""

    name: str
    address: str
    port: int
    status: str
    mode: str
    liveness: str
    misses: int
    activity: str
    authority: str
    stale: bool
    last_probe_at: str | None
    last_answer_at: str | None
    last_failover_at: str | None
    database_as_of: str | None
    files_as_of: str | None
    next_replication_at: str | None
    obstacle: str | None
    """Why the running monitor does not judge it, or does not take it over; and the way out."""
    notes: tuple[str, ...]
    rows_as_of: str | None = None
    """When a hot standby last had every row of the live server."""
    rows_lag_s: float | None = None
    rows_behind: int | None = None
    """How many rows it is known to lack."""
    copy_as_of: str | None = None
    """As of when its whole database is: the last full replication, or its rows if all follow."""


@dataclass(frozen=True, slots=True)
class MonitorReport:
    running: bool
    pid: int | None
    host: str | None
    heartbeat_at: str | None


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The whole of `status`; `as_of` is when it was drawn.

    `stand_in_unready`: what the copy that stands in lacks, as it could not be done; "": nothing.
    `warnings`: nobody is watched. `advice`: what weakens the watch, and is to be mended.
    `hooks_waiting`: how many messages wait for each hook that any wait for.
    """

    as_of: str
    monitor: MonitorReport
    standing_in_for: str | None
    stand_in_phase: str | None
    mails_waiting: int
    warnings: tuple[str, ...]
    advice: tuple[str, ...]
    servers: tuple[ServerReport, ...]
    hooks_waiting: Mapping[str, int] = field(default_factory=dict)
    stand_in_unready: str = ""

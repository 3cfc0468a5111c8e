"""The values that the state store hands out. Frozen; times are aware UTC."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class Mode(StrEnum):
    """What the operator wants (manual, "Status icons")."""

    MONITORING = "monitoring"
    SUSPENDED = "suspended"
    STOPPED = "stopped"


class Authority(StrEnum):
    """Which side holds the data that must not be lost."""

    LIVE = "live"
    STANDBY = "standby"


class Phase(StrEnum):
    """How far a stand-in is."""

    TAKING_OVER = "taking over"
    STANDING_IN = "standing in"
    INTERRUPTED = "interrupted"
    STANDING_DOWN = "standing down"


class RunOutcome(StrEnum):
    """How a replication or a sync ended: the `outcome` of its event."""

    DONE = "done"
    EXCEPTIONS = "exceptions"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ServerState:
    """What is remembered of a server; the defaults hold for one that is new.

    `answered_boot_id`: the boot of this machine in which it last answered. `stale`: the copy
    missed changes while stopped. `attempts`: failed takeovers in a row.
    """

    name: str
    mode: Mode = Mode.MONITORING
    authority: Authority = Authority.LIVE
    failback_pending: bool = False
    stale: bool = False
    answered_boot_id: str | None = None
    last_failover_at: datetime | None = None
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Observation:
    """What the monitor last saw of a server; `liveness` is a decide.liveness.Liveness value."""

    server: str
    liveness: str
    misses: int
    last_probe_at: datetime
    last_answer_at: datetime | None


@dataclass(frozen=True, slots=True)
class StandIn:
    """The one role that the Failover Server performs.

    `unready`: what could not be done yet to make the copy ready for the application, in words.
    """

    server: str
    boot_id: str
    since: datetime
    phase: Phase
    address: str | None
    adapter: str | None
    unready: str = ""


@dataclass(frozen=True, slots=True)
class HeldAddress:
    """An address that we took; volatile, so it is ours only in the boot that took it."""

    address: str
    adapter: str
    boot_id: str
    server: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class Copy:
    """The last verified copy of a server's database or files."""

    server: str
    kind: str
    as_of: datetime
    finished_at: datetime
    size_bytes: int
    version: str


@dataclass(frozen=True, slots=True)
class RowState:
    """How far the rows of a hot standby have come.

    `as_of`: when the copy last had all that the live server had; None: never. `behind`: how many
    rows it lacks, None when that is not known. `trouble`: why it does not go on, or not with all
    tables, and the way out. `left`: the tables that are not followed, each with the reason.
    """

    server: str
    as_of: datetime | None
    behind: int | None
    trouble: str
    advice: str
    left: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MonitorRecord:
    """The monitor that runs, or ran last."""

    pid: int
    host: str
    boot_id: str
    started_at: datetime
    heartbeat_at: datetime


class Concern(StrEnum):
    """What a condition is about."""

    ISOLATED = "isolated"
    NO_REFERENCE = "no reference"
    NOT_PINGED = "not pinged"
    NOT_TAKEN = "not taken"
    CONFIG = "config"
    FILES = "files"
    COPY = "copy"


@dataclass(frozen=True, slots=True)
class Condition:
    """Why the running monitor does not do what is expected of it, as long as that is so.

    `server`: None where it holds for all. `advice`: the way out.
    """

    concern: Concern
    server: str | None
    text: str
    advice: str
    since: datetime


@dataclass(frozen=True, slots=True)
class PingTotals:
    """The pings of one server in `period_s` seconds, added up.

    `watched_ms`: of how much of that time we know how the server was. `down_ms`: of it, how long
    it had failed, from the first miss on. `served_ms`: of that, how long we stood in for it.
    """

    server: str
    begins_at: datetime
    period_s: int
    sent: int
    lost: int
    rtt_min_us: int | None
    rtt_sum_us: int
    rtt_max_us: int | None
    watched_ms: int
    down_ms: int
    served_ms: int

"""What happened, as values: one table gives each kind its level, its text and its mail.

Log, status, mail and screen all read these; nothing else reports.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

Value = str | int | float | bool


class Level(StrEnum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class EventKind(StrEnum):
    MONITOR_STARTED = "monitor_started"
    MONITOR_STOPPED = "monitor_stopped"
    SERVER_ANSWERING = "server_answering"
    SERVER_SUSPECT = "server_suspect"
    WARNING_COUNT_REACHED = "warning_count_reached"
    SERVER_FAILED = "server_failed"
    PROBE_REFUSED = "probe_refused"
    SERVER_RESET = "server_reset"
    FAILED_WHILE_STANDING_IN = "failed_while_standing_in"
    TAKEOVER_REFUSED = "takeover_refused"
    TAKEOVER_STARTED = "takeover_started"
    FENCE_FAILED = "fence_failed"
    COPY_NOT_READY = "copy_not_ready"
    COPY_READY = "copy_ready"
    ADDRESS_TAKEN = "address_taken"
    ADDRESS_RELEASED = "address_released"
    ADDRESS_CONFLICT = "address_conflict"
    ADDRESS_RESTORED = "address_restored"
    STAND_IN_STARTED = "stand_in_started"
    STAND_IN_INTERRUPTED = "stand_in_interrupted"
    TAKEOVER_FAILED = "takeover_failed"
    STAND_IN_TROUBLE = "stand_in_trouble"
    APPLICATION_DIED = "application_died"
    APPLICATION_RESTARTED = "application_restarted"
    PRIMARY_RETURNED = "primary_returned"
    STAND_IN_STOPPED = "stand_in_stopped"
    AUTO_STOPPED = "auto_stopped"
    STANDBY_DISCARDED = "standby_discarded"
    FAILBACK_COMPLETED = "failback_completed"
    ISOLATED = "isolated"
    ISOLATION_ENDED = "isolation_ended"
    REPLICATION_STARTED = "replication_started"
    REPLICATED = "replicated"
    REPLICATION_WARNED = "replication_warned"
    REPLICATION_FAILED = "replication_failed"
    REPLICATION_ROLLED_BACK = "replication_rolled_back"
    REPLICATION_PREEMPTED = "replication_preempted"
    FAILBACK_FAILED = "failback_failed"
    FAILBACK_ROLLED_BACK = "failback_rolled_back"
    FILES_SYNCED = "files_synced"
    FILE_SYNC_FAILED = "file_sync_failed"
    FILE_SYNC_RECOVERED = "file_sync_recovered"
    COPY_LOST = "copy_lost"
    COPY_FOUND = "copy_found"
    ROWS_FAILED = "rows_failed"
    ROWS_RECOVERED = "rows_recovered"
    TABLES_RELOADED = "tables_reloaded"
    TABLES_LEFT = "tables_left"
    TABLES_FOLLOWED = "tables_followed"
    SUSPENDED = "suspended"
    STOPPED = "stopped"
    RESUMED = "resumed"
    WORKER_FAILED = "worker_failed"
    WORKER_RECOVERED = "worker_recovered"
    MAIL_FAILING = "mail_failing"
    MAIL_RECOVERED = "mail_recovered"
    MAIL_DROPPED = "mail_dropped"
    HOOK_FAILING = "hook_failing"
    HOOK_RECOVERED = "hook_recovered"
    HOOK_DROPPED = "hook_dropped"
    HOOK_SAID = "hook_said"
    METRICS_FAILING = "metrics_failing"
    METRICS_SERVED = "metrics_served"
    CONFIG_CHANGED = "config_changed"
    CONFIG_BROKEN = "config_broken"
    STATE_UNWRITABLE = "state_unwritable"
    STATE_WRITABLE = "state_writable"
    STATE_DAMAGED = "state_damaged"
    STATE_RESET = "state_reset"


@dataclass(frozen=True, slots=True)
class Spec:
    """How one kind is told.

    `subject` makes it a mail. Mails of one `topic` are sent once, then as reminders with back-off,
    until an event that `closes` the topic. Without a topic it is told each time (within reason:
    see decide.alerts).
    """

    level: Level
    text: str
    subject: str | None = None
    topic: str | None = None
    closes: tuple[str, ...] = ()
    next_step: str = ""


_I, _W, _E = Level.INFO, Level.WARNING, Level.ERROR
_K = EventKind

_OF_PINGS = ("suspect", "probe", "offline", "refused", "takeover")
"""Topics that are over when the server answers, or is not pinged any more."""

SPECS: Mapping[EventKind, Spec] = {
    # What ended with the monitor before this one is not open any more; else it is told afresh.
    _K.MONITOR_STARTED: Spec(
        _I,
        "Monitor started as process {pid}; servers in its config: {servers}",
        closes=("isolated", "worker", "config"),
    ),
    _K.MONITOR_STOPPED: Spec(_I, "Monitor stopped{detail}"),
    # After a restart or isolation a failed server answers without having been seen to fail.
    _K.SERVER_ANSWERING: Spec(_I, "Answers pings", closes=_OF_PINGS),
    _K.SERVER_SUSPECT: Spec(_W, "SUSPECT: no answer to a ping{follows}"),
    _K.WARNING_COUNT_REACHED: Spec(
        _W,
        "{misses} pings in a row failed; failover after {needed}",
        "{server} does not answer: failover is near",
        topic="suspect",
        next_step="Look at {server} now, or suspend it if it is down on purpose: "
        "ipfx-failover suspend {server}",
    ),
    _K.SERVER_FAILED: Spec(_E, "FAILURE: {misses} pings in a row failed{detail}"),
    _K.PROBE_REFUSED: Spec(
        _E,
        "Cannot be pinged from here: {reason}; it is not judged",
        "{server} cannot be pinged from the Failover Server",
        topic="probe",
        next_step="Look at the Failover Server's routes and firewall.",
    ),
    _K.SERVER_RESET: Spec(
        _W,
        "A failed server answers again{detail}",
        "{server} has been reset: it answers again",
        closes=_OF_PINGS,
        next_step="{advice}",
    ),
    _K.FAILED_WHILE_STANDING_IN: Spec(
        _E,
        "FAILURE while standing in for {standing_in}: not taken over",
        "{server} has failed too, and is offline",
        topic="offline",
        next_step="The Failover Server already stands in for {standing_in}. Repair {server}.",
    ),
    _K.TAKEOVER_REFUSED: Spec(
        _E,
        "Not taken over: {reason}",
        "{server} has failed, and was NOT taken over",
        topic="refused",
        next_step="{advice}",
    ),
    _K.TAKEOVER_STARTED: Spec(_W, "Taking over ({by})"),
    _K.FENCE_FAILED: Spec(_W, "The fence command failed: {reason}; the takeover goes on"),
    _K.COPY_NOT_READY: Spec(
        _E,
        "The copy of the database is not quite ready: {reason}; the takeover goes on",
        "The copy that stands in for {server} is not quite ready",
        topic="copy",
        next_step="It is tried again by a running monitor; status says how it stands. The "
        "application may work all the same.",
    ),
    _K.COPY_READY: Spec(
        _W, "The copy of the database is ready for the application now", closes=("copy",)
    ),
    _K.ADDRESS_TAKEN: Spec(_W, "Address {address} taken on {adapter} and announced"),
    _K.ADDRESS_RELEASED: Spec(
        _I, "Address {address} released from {adapter}", closes=("conflict",)
    ),
    _K.ADDRESS_CONFLICT: Spec(
        _E,
        "{mac} uses {address}, which we hold; answered",
        "{mac} uses the address {address} that we hold",
        topic="conflict",
        next_step="Disconnect that machine, or give the role back: "
        "ipfx-failover stop-failover {server}",
    ),
    _K.ADDRESS_RESTORED: Spec(
        _W, "Address {address} was gone from {adapter}: taken again", closes=("trouble",)
    ),
    _K.STAND_IN_STARTED: Spec(
        _E,
        "The Failover Server stands in{detail}",
        "{server} has failed: the Failover Server has taken over",
        topic="failed",
        closes=("suspect", "offline", "refused", "takeover", "interrupted", "trouble", "copy"),
        next_step="Repair {server}; then give the role back: ipfx-failover stop-failover {server}, "
        "restart {server}, ipfx-failover replicate-to-live {server}",
    ),
    _K.STAND_IN_INTERRUPTED: Spec(
        _E,
        "The stand-in was interrupted: {reason}",
        "The stand-in for {server} was interrupted",
        topic="interrupted",
        next_step="The standby keeps data that {server} has not. Go on with "
        "ipfx-failover failover-now {server}, or give back: ipfx-failover stop-failover {server}",
    ),
    _K.TAKEOVER_FAILED: Spec(
        _E,
        "Takeover failed and was undone: {reason}",
        "Taking over {server} failed",
        topic="takeover",
        closes=("copy", "trouble"),
        next_step="{advice}",
    ),
    _K.STAND_IN_TROUBLE: Spec(
        _E,
        "The Failover Server cannot finish {job}: {reason}",
        "The Failover Server needs a human: it cannot finish {job}",
        topic="trouble",
        next_step="{advice}",
    ),
    _K.APPLICATION_DIED: Spec(
        _E,
        "The application has ended while standing in; restarting it{detail}",
        "The application that stands in for {server} has ended",
        topic="application",
        next_step="It is restarted by itself. Read the application's own log.",
    ),
    _K.APPLICATION_RESTARTED: Spec(_W, "The application answers again", closes=("application",)),
    _K.PRIMARY_RETURNED: Spec(
        _W,
        "The Primary is back on the network ({how})",
        "{server} has been reset: it is back on the network",
        topic="returned",
        next_step="Give the role back when it suits: ipfx-failover stop-failover {server}",
    ),
    _K.STAND_IN_STOPPED: Spec(
        _W,
        "Stopped standing in; failback pending",
        closes=("failed", "copy", "conflict", "application", "interrupted", "returned", "trouble"),
    ),
    _K.AUTO_STOPPED: Spec(
        _W,
        "Failover stopped automatically: the server is back; what was recorded meanwhile is kept "
        "in {kept}",
        "{server} is back: failover was stopped automatically",
        closes=("failed", "suspect", "copy", "application", "interrupted", "returned", "trouble"),
        next_step="Call data and voicemail left during failover are not on {server}; "
        "a copy is kept in {kept}.",
    ),
    _K.STANDBY_DISCARDED: Spec(_W, "The standby's newer data were set aside in {kept}"),
    _K.FAILBACK_COMPLETED: Spec(
        _I,
        "Replicated to live: the Primary has everything that the stand-in recorded{detail}",
        closes=("failed", "conflict", "application", "interrupted", "returned"),
    ),
    _K.ISOLATED: Spec(
        _E,
        "Our own network is down: {reason}; no server is judged",
        "The Failover Server is cut off from the network",
        topic="isolated",
        next_step="Look at the Failover Server's own cable, switch port and gateway.",
    ),
    _K.ISOLATION_ENDED: Spec(_I, "Our own network is back; counting afresh", closes=("isolated",)),
    _K.REPLICATION_STARTED: Spec(_I, "Replicating {direction}"),
    _K.REPLICATED: Spec(
        _I,
        "Replicated {direction}: {size_bytes:,} bytes in {duration_s:.1f} s{detail}",
        closes=("replication", "rollback", "failback", "failback rollback", "copy"),
    ),
    _K.REPLICATION_WARNED: Spec(_W, "Replicated {direction}, but: {warnings}"),
    _K.REPLICATION_FAILED: Spec(
        _E,
        "Replication {direction} failed: {reason}",
        "{daily}Replication of {server} failed",
        topic="replication",
        next_step="{advice}",
    ),
    _K.REPLICATION_ROLLED_BACK: Spec(
        _W,
        "Replication {direction} was rolled back: {kept}",
        "{daily}Replication of {server} was rolled back",
        topic="rollback",
        next_step="Nothing is lost. {advice}",
    ),
    _K.REPLICATION_PREEMPTED: Spec(_W, "{work} was ended: the takeover comes first"),
    # Of topics of their own: the replications before it may have failed with the Primary.
    _K.FAILBACK_FAILED: Spec(
        _E,
        "Replication to-live failed: {reason}",
        "Failback of {server} failed",
        topic="failback",
        next_step="{advice}",
    ),
    _K.FAILBACK_ROLLED_BACK: Spec(
        _W,
        "Replication to-live was rolled back: {kept}",
        "Failback of {server} was rolled back",
        topic="failback rollback",
        next_step="Nothing is lost. {advice}",
    ),
    _K.FILES_SYNCED: Spec(
        _I, "Files synced {direction}: {copied} copied, {deleted} deleted, {size_bytes:,} bytes"
    ),
    _K.FILE_SYNC_FAILED: Spec(
        _E,
        "File sync failed: {reason}",
        "File sync of {server} fails",
        topic="files",
        next_step="{advice}",
    ),
    _K.FILE_SYNC_RECOVERED: Spec(_I, "File sync works again", closes=("files",)),
    _K.COPY_LOST: Spec(
        _E,
        "The copy could not be taken over: {reason}",
        "The copy of {server} could not be taken over",
        topic="copy",
        next_step="{advice}",
    ),
    _K.COPY_FOUND: Spec(_I, "The copy could be taken over again", closes=("copy",)),
    _K.ROWS_FAILED: Spec(
        _E,
        "Rows are not followed: {reason}",
        "The standby of {server} falls behind: its rows are not followed",
        topic="rows",
        next_step="{advice}",
    ),
    _K.ROWS_RECOVERED: Spec(_I, "Rows are followed again", closes=("rows",)),
    _K.TABLES_RELOADED: Spec(
        _W,
        "Copied whole, since no history told what became of its rows: {tables}",
        "A table of {server} was copied whole",
        next_step="Nothing has to be done. TRUNCATE TABLE leaves no history, nor has a table that "
        "was not tracked before, or not all the time.",
    ),
    _K.TABLES_LEFT: Spec(
        _W,
        "Rows that are not followed: {tables}",
        "Some tables of {server} are not followed",
        topic="tables",
        next_step="They are as of the last replication from live. One without change tracking is "
        "followed after: ipfx-failover hot enable {server}; one that was changed after: "
        "ipfx-failover replicate-from-live {server}",
    ),
    _K.TABLES_FOLLOWED: Spec(_I, "The rows of all tables are followed", closes=("tables",)),
    _K.SUSPENDED: Spec(_W, "Suspended: no pings, no file sync", closes=(*_OF_PINGS, "files")),
    _K.STOPPED: Spec(
        _W,
        "Stopped: no pings, no sync",
        closes=(*_OF_PINGS, "files", "copy", "rows", "replication", "rollback"),
    ),
    _K.RESUMED: Spec(_I, "Resumed{detail}"),
    _K.WORKER_FAILED: Spec(
        _E,
        "{worker} ended ({reason}); it is started again in {delay_s:.0f} s",
        "{worker} fails on the Failover Server",
        topic="worker",
        next_step="Run it by hand to see why: ipfx-failover {worker}",
    ),
    _K.WORKER_RECOVERED: Spec(_I, "{worker} works again", closes=("worker",)),
    _K.MAIL_FAILING: Spec(_W, "Mail cannot be sent: {reason}; it is kept and tried again"),
    _K.MAIL_RECOVERED: Spec(_I, "Mail is sent again"),
    _K.MAIL_DROPPED: Spec(_W, "Not sent by mail: {subject} ({reason})"),
    _K.HOOK_FAILING: Spec(_W, "{hook} fails: {reason}; it is kept and tried again"),
    _K.HOOK_RECOVERED: Spec(_I, "{hook} works again"),
    _K.HOOK_DROPPED: Spec(_W, "Not told by {hook}: {subject} ({reason})"),
    _K.HOOK_SAID: Spec(_I, "{hook} said: {output}"),
    _K.METRICS_FAILING: Spec(_W, "Metrics cannot be served: {reason}; tried again all the time"),
    _K.METRICS_SERVED: Spec(_I, "Metrics are served again"),
    _K.CONFIG_CHANGED: Spec(_I, "The config was taken up: {changes}{detail}", closes=("config",)),
    _K.CONFIG_BROKEN: Spec(
        _E,
        "The config on disk is broken: {reason}; the one of {since} is in use",
        "The config of the Failover Server is broken: the last good one is in use",
        topic="config",
        next_step="Correct it, and look at it with: ipfx-failover config check",
    ),
    _K.STATE_UNWRITABLE: Spec(
        _E,
        "The state store cannot be written: {reason}",
        "The Failover Server cannot write its state",
        topic="state",
        next_step="Make room on the disk of the state directory. Pings and takeover go on.",
    ),
    _K.STATE_WRITABLE: Spec(_I, "The state store can be written again", closes=("state",)),
    # It goes past the store, which keeps no topic of it.
    _K.STATE_DAMAGED: Spec(
        _E,
        "{reason}; pings go on, nobody is taken over",
        "The Failover Server's state is damaged: it takes nobody over",
        next_step="Look whether it stands in for a server (its address, its application). Then end "
        "the monitor, make a new store with ipfx-failover state reset, and start it again.",
    ),
    _K.STATE_RESET: Spec(_W, "A new state store was made; the damaged one is {kept}"),
}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: `at` is aware UTC; `data` fills the texts of its `Spec`."""

    kind: EventKind
    at: datetime
    server: str | None = None
    data: Mapping[str, Value] = field(default_factory=dict)

    @property
    def spec(self) -> Spec:
        return SPECS[self.kind]

    @property
    def text(self) -> str:
        """The line for log and screen, without the server's name."""
        return self.fill(self.spec.text)

    def fill(self, template: str) -> str:
        """Put the event's data into a template; a missing value shows as nothing."""
        return template.format_map(_Filled(self.data, self.server or ""))


def one_line(text: str) -> str:
    """The text without what a terminal, a log or a mail would act upon, or could not encode."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class _Filled(dict[str, Value]):
    def __init__(self, data: Mapping[str, Value], server: str) -> None:
        # File names and other machines' answers are in there: no line breaks, no escapes.
        super().__init__({k: one_line(v) if isinstance(v, str) else v for k, v in data.items()})
        self.setdefault("server", server)

    def __missing__(self, key: str) -> _Nothing:
        return _Nothing()


class _Nothing:
    """Shows as nothing whatever the format, where "" would refuse `.1f`."""

    def __format__(self, format_spec: str) -> str:
        return ""

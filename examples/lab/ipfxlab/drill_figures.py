"""What the drill measured: counted from the client's record, and as one JSON object.

Every figure comes from the client (what it was told is safe, who answered, when, and what the
server at the address knew afterwards), from its pings, from the mail server, or from a stop
watch. Only the detection window is what the config says, for comparison.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ipfxlab.phone import Verification

    Call = Mapping[str, Any]
    """A call of the client's record: phone_client.Acknowledged."""

PHASES = ("before", "during", "after")


@dataclass(frozen=True)
class Phase:
    """A stretch of calls that one host answered. Each is a row, some left a voicemail too."""

    host: str
    rows: int
    voicemail: int


@dataclass(frozen=True)
class Loss:
    """What the client was told is safe, and is not there.

    `rows_to_window`: what the copy did not have at the takeover: it was made earlier (warm), or had
    not followed yet (hot). `voicemail_late`: what the stand-in had to do without, and is there in
    the end. `voicemail_without_row`: messages that are there, but whose call is lost.
    """

    rows_to_window: int = 0
    rows_at_failback: int = 0
    voicemail: int = 0
    voicemail_late: int = 0
    voicemail_without_row: int = 0


@dataclass(frozen=True)
class Astray:
    """Who answered the client's calls from a takeover on."""

    stand_in: int
    primary: int
    nobody: int


@dataclass
class WithoutGuard:
    """The second variant: the Primary comes back with its address while we hold it."""

    outage_s: float = 0.0
    announcements: int = 0
    conflict_mails: int = 0
    calls_answered_by_stand_in: int = 0
    calls_answered_by_primary: int = 0
    calls_unanswered: int = 0

    def count(self, calls: Astray) -> None:
        self.calls_answered_by_stand_in = calls.stand_in
        self.calls_answered_by_primary = calls.primary
        self.calls_unanswered = calls.nobody


@dataclass
class Hot:
    """Rows in real time.

    `row_copied_s`: from a call's row in the live catalog to the one in the copy.
    `rows_lost_amid_calls`: at the takeover without a guard, whose cable is pulled while calls are
    made. `paths`: in the stand-in's database, of files; `paths_elsewhere`: of the Primary's files.
    """

    row_copied_s: float = 0.0
    rows_lost_amid_calls: int = 0
    paths: int = 0
    paths_elsewhere: int = 0

    def as_json(self, loss: Loss) -> dict[str, Any]:
        """What `--json` has besides."""
        return {
            "simulated": True,
            "rows_lost_to_hot_window": loss.rows_to_window,
            "rows_lost_amid_calls": self.rows_lost_amid_calls,
            "row_copied_s": round(self.row_copied_s, 3),
            "paths": self.paths,
            "paths_elsewhere": self.paths_elsewhere,
        }


@dataclass
class Figures:
    """What the acts fill in.

    `takeover_overhead_ms` and `application_ready_ms`: from the decision on, until the client's
    pings are answered, and until the application is ready. `copy_age_s`: of the database, when the
    Primary acknowledged its last call. `hot`: none where the database is copied as a whole only.
    """

    detection_window_s: float
    engine: str = "sqlite"
    hot: Hot | None = None
    outage_s: float = 0.0
    takeover_overhead_ms: float = 0.0
    application_ready_ms: float = 0.0
    failback_outage_s: float = 0.0
    copy_age_s: float = 0.0
    phases: list[Phase] = field(default_factory=list)
    loss: Loss = field(default_factory=Loss)
    rows_in_safety_backup: int = 0
    status_after: str = ""
    mails: list[str] = field(default_factory=list)
    command_s: dict[str, float] = field(default_factory=dict)
    without_guard: WithoutGuard = field(default_factory=WithoutGuard)
    duration_s: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            "ok": True,
            "engine": self.engine,
            "detection_window_s": self.detection_window_s,
            "outage_s": round(self.outage_s, 3),
            "takeover_overhead_ms": round(self.takeover_overhead_ms, 1),
            "application_ready_ms": round(self.application_ready_ms, 1),
            "rows_lost_to_warm_window": 0 if self.hot else self.loss.rows_to_window,
            **(self.hot.as_json(self.loss) if self.hot else {}),
            "rows_lost_at_failback": self.loss.rows_at_failback,
            "rows_in_safety_backup": self.rows_in_safety_backup,
            "voicemail_lost": self.loss.voicemail,
            "voicemail_late": self.loss.voicemail_late,
            "voicemail_without_row": self.loss.voicemail_without_row,
            "copy_age_s": round(self.copy_age_s, 3),
            "failback_outage_s": round(self.failback_outage_s, 3),
            "mails": self.mails,
            "status_after": self.status_after,
            **{name: asdict(phase) for name, phase in zip(PHASES, self.phases, strict=True)},
            "without_guard": {
                **asdict(self.without_guard),
                "outage_s": round(self.without_guard.outage_s, 3),
            },
            "command_s": {name: round(spent, 2) for name, spent in self.command_s.items()},
            "duration_s": round(self.duration_s, 1),
        }


def phases_of(calls: Sequence[Call]) -> list[Phase]:
    """The client's acknowledged calls, cut wherever another host begins to answer."""
    cut = [(str(host), list(some)) for host, some in groupby(calls, lambda call: call["host"])]
    return [
        Phase(host, len(some), sum(bool(call["voicemail"]) for call in some)) for host, some in cut
    ]


def losses(standing_in: Verification, after: Verification, calls: Sequence[Call]) -> Loss:
    """What is missing when all is over, by when it was lost.

    `standing_in`: what the stand-in knew; what it did not was newer than its copy. `after`: what
    the Primary knows in the end; what is missing only there, the failback has lost.
    """
    too_new, missing = set(standing_in.calls_missing), set(after.calls_missing)
    with_voicemail = {call["key"] for call in calls if call["voicemail"]}
    return Loss(
        rows_to_window=len(missing & too_new),
        rows_at_failback=len(missing - too_new),
        voicemail=len(after.voicemail_missing),
        voicemail_late=len(set(standing_in.voicemail_missing) - set(after.voicemail_missing)),
        voicemail_without_row=len(missing & with_voicemail),
    )


def astray(record: Mapping[str, Any], since_s: float, stand_in: str) -> Astray:
    """Who answered from the stand-in's first answer after `since_s` on; keys are in order."""
    calls = [call for call in record["calls"] if call["monotonic_s"] >= since_s]
    first = next(number for number, call in enumerate(calls) if call["host"] == stand_in)
    hosts = [call["host"] for call in calls[first:]]
    return Astray(
        stand_in=hosts.count(stand_in),
        primary=len(hosts) - hosts.count(stand_in),
        nobody=sum(key > calls[first]["key"] for key in record["unanswered"]),
    )

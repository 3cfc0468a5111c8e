"""What `status` shows, as one value; `--json`, the table and the snapshot are drawn from it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ipfx_failover.decide.age import whole_as_of
from ipfx_failover.decide.liveness import Liveness
from ipfx_failover.decide.schedule import next_planned
from ipfx_failover.decide.status import Status, status
from ipfx_failover.history.wording import some
from ipfx_failover.records import Authority, Concern, Mode, Phase, ServerState
from ipfx_failover.state import locks, outbox
from ipfx_failover.state.journal import broken_off, open_journals

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from ipfx_failover.clock import Clock, LocalTime
    from ipfx_failover.config.outline import Outline, Watched
    from ipfx_failover.records import (
        Condition,
        Copy,
        MonitorRecord,
        Observation,
        RowState,
        StandIn,
    )
    from ipfx_failover.state.reading import Reading

_FRESH_ROUNDS = 5
_ROWS_FRESH = timedelta(seconds=10)
"""Beyond the interval of its looks: a failed one is made again that soon."""
_ROWS_LATE = timedelta(seconds=60)
"""So long a round may last, or a copy be replaced by the nightly one."""
_FRESH_AT_LEAST = timedelta(seconds=10)


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


def draw(
    outline: Outline,
    store: Reading,
    held: locks.Locks,
    clock: Clock,
    local: LocalTime,
    noted: StandIn | None = None,
) -> StatusReport:
    """The status now. Nothing old is shown as if it were new: without a monitor nobody is OK.

    `noted`: the stand-in by the machine's note, for a store that could not be told of it.
    """
    now = clock.now()
    record = store.monitor()
    abandoned = {each.resource: each.advice for each in broken_off(store, held.is_held)}
    busy = held.held() | (set(open_journals(store)) - abandoned.keys())
    runs = locks.MONITOR in busy
    answers = runs and record is not None and _is_fresh(record, outline, now)
    known = store.stand_in()
    stand_in = known or noted
    states = {name.casefold(): state for name, state in store.servers().items()}
    if stand_in is not None and known is None:
        name = stand_in.server.casefold()
        state = states.get(name, ServerState(name=stand_in.server))
        states[name] = replace(state, authority=Authority.STANDBY)
    observations = {name.casefold(): seen for name, seen in store.observations().items()}
    # What kept a monitor that does not run any more says nothing of now.
    conditions = store.conditions() if answers else []
    drawing = _Drawing(
        store.copies(),
        store.row_states(),
        busy,
        now,
        local,
        stand_in,
        conditions,
        abandoned,
        monitored=answers,
    )
    return StatusReport(
        as_of=now.isoformat(),
        monitor=MonitorReport(
            running=runs,
            pid=record.pid if record and runs else None,
            host=record.host if record else None,
            heartbeat_at=record.heartbeat_at.isoformat() if record else None,
        ),
        standing_in_for=stand_in.server if stand_in else None,
        stand_in_phase=stand_in.phase if stand_in else None,
        mails_waiting=store.mails_waiting(),
        warnings=tuple(_warnings(record, conditions, runs=runs, answers=answers)),
        advice=(
            *_of_untold_role(outline, known, noted),
            *_of_lost_role(outline, stand_in),
            *_of_config(outline, conditions),
            *(_words(each) for each in conditions if _weakens_all(each)),
        ),
        servers=tuple(
            drawing.server(
                watched,
                states.get(watched.name.casefold(), ServerState(name=watched.name)),
                observations.get(watched.name.casefold()),
            )
            for watched in outline.servers
        ),
        hooks_waiting={k: n for k, n in outbox.waiting(store).items() if k != outbox.MAIL},
        stand_in_unready=stand_in.unready if stand_in else "",
    )


@dataclass(frozen=True, slots=True)
class _Drawing:
    copies: Mapping[tuple[str, str], Copy]
    row_states: Mapping[str, RowState]
    busy: Collection[str]
    now: datetime
    local: LocalTime
    stand_in: StandIn | None
    conditions: Sequence[Condition]
    broken_off: Mapping[str, str]
    """What is to be done about work that no living process goes on with, by its resource."""
    monitored: bool

    def server(
        self, watched: Watched, state: ServerState, seen: Observation | None
    ) -> ServerReport:
        name = watched.name
        known = Liveness(seen.liveness) if seen and self.monitored else Liveness.UNKNOWN
        if known is Liveness.OK and self._of(name, {Concern.NOT_PINGED}):
            known = Liveness.UNKNOWN  # that was before
        replicating = locks.database(name) in self.busy
        database = self.copies.get((name.casefold(), "database"))
        files = self.copies.get((name.casefold(), "files"))
        rows = self.row_states.get(name.casefold()) if _is_followed(watched, state) else None
        shown = status(state.mode, known, replicating=replicating)
        return ServerReport(
            name=name,
            address=watched.address,
            port=watched.port,
            status=shown,
            mode=state.mode,
            liveness=known,
            misses=seen.misses if seen and self.monitored else 0,
            activity=self._activity(state, replicating=replicating),
            authority=state.authority,
            stale=state.stale,
            last_probe_at=_iso(seen.last_probe_at if seen else None),
            last_answer_at=_iso(seen.last_answer_at if seen else None),
            last_failover_at=_iso(state.last_failover_at),
            database_as_of=_iso(database.as_of if database else None),
            files_as_of=_iso(files.as_of if files else None),
            next_replication_at=self._next(watched, state),
            obstacle=next((_words(each) for each in self._of(name, _OBSTACLES)), None),
            notes=tuple(self._notes(watched, state)),
            rows_as_of=_iso(rows.as_of if rows else None),
            rows_lag_s=self._lag_s(rows),
            rows_behind=rows.behind if rows and not self._are_old(rows, watched) else None,
            copy_as_of=_iso(
                whole_as_of(
                    database,
                    self.row_states.get(name.casefold()),
                    follows_all=watched.follows_all,
                    stale=state.stale,
                )
            ),
        )

    def _are_old(self, rows: RowState, watched: Watched, *, at_work: bool = False) -> bool:
        """Whether nothing is known of the rows now. Without a monitor, commands alone follow."""
        allowed = _ROWS_FRESH if self.monitored and not at_work else _ROWS_LATE
        interval = timedelta(milliseconds=watched.row_interval_ms)
        return rows.as_of is not None and self.now - rows.as_of > allowed + interval

    def _lag_s(self, rows: RowState | None) -> float | None:
        if rows is None or rows.as_of is None:
            return None
        return round(max(0.0, (self.now - rows.as_of).total_seconds()), 1)

    def _of(self, name: str, concerns: Collection[Concern]) -> list[Condition]:
        return [
            each
            for each in self.conditions
            if each.concern in concerns and (each.server or "").casefold() == name.casefold()
        ]

    def _is_stand_in_for(self, name: str) -> bool:
        return self.stand_in is not None and self.stand_in.server.casefold() == name.casefold()

    def _of_role(self, name: str) -> Iterator[str]:
        """What is to be done about the role that is performed, if it is this server's."""
        if self.stand_in is None or not self._is_stand_in_for(name):
            return
        if self.stand_in.phase is Phase.STANDING_IN:
            since = in_local_time(self.stand_in.since)
            yield f"stood in for since {since}: repair it, then ipfx-failover stop-failover {name}"
            if self.stand_in.unready:
                yield _of_unready_copy(self.stand_in.unready, monitored=self.monitored)
        elif self.stand_in.phase is Phase.INTERRUPTED:
            yield (
                "interrupted: a human is to decide: "
                f"ipfx-failover failover-now {name}, or ipfx-failover stop-failover {name}"
            )

    def _of_work(self, name: str) -> Iterator[str]:
        """What is to be done first: between its two renames, not even a copy is in its place."""
        if advice := self.broken_off.get(locks.database(name)):
            yield advice

    def _activity(self, state: ServerState, *, replicating: bool) -> str:
        if self.stand_in is not None and self._is_stand_in_for(state.name):
            interrupted = self.stand_in.phase is Phase.INTERRUPTED
            return "interrupted stand-in" if interrupted else str(self.stand_in.phase)
        if replicating:
            return "replicating"
        if locks.database(state.name) in self.broken_off:
            return "broken off"
        return "failback pending" if state.failback_pending else "idle"

    def _next(self, watched: Watched, state: ServerState) -> str | None:
        if watched.replicate_daily is None or state.authority is Authority.STANDBY:
            return None
        planned = next_planned(
            watched.replicate_daily, self.local.today(), self.now, self.local.instant
        )
        return planned.isoformat()

    def _notes(self, watched: Watched, state: ServerState) -> list[str]:
        name = watched.name
        notes = [*self._of_role(name), *self._of_work(name)]
        if state.failback_pending:
            notes.append(
                f"failback pending: restart {name}, then ipfx-failover replicate-to-live {name}"
            )
        elif state.authority is Authority.STANDBY and not self._is_stand_in_for(name):
            notes.append(
                "the standby is ahead: nothing is copied from live until "
                f"ipfx-failover replicate-to-live {name}"
            )
        if state.attempts:
            notes.append(
                f"{_takeovers(state.attempts)} failed, the next waits longer: "
                f"ipfx-failover failover-now {name} --plan"
            )
        if state.stale and state.authority is Authority.LIVE:
            notes.append(self._of_stale(watched))
        if watched.has_database and (name.casefold(), "database") not in self.copies:
            notes.append(
                f"never replicated, and not taken over: ipfx-failover replicate-from-live {name}"
            )
        if watched.has_files and (name.casefold(), "files") not in self.copies:
            notes.append(f"no files yet, and not taken over: ipfx-failover sync-files {name}")
        notes += [_words(each) for each in self._of(name, {Concern.NO_REFERENCE})]
        if _is_followed(watched, state):
            notes += self._of_rows(watched)
        return notes

    def _of_stale(self, watched: Watched) -> str:
        """With what stands in the way of a hot copy, which is to be seen to first."""
        rows = self.row_states.get(watched.name.casefold())
        if watched.is_hot and rows and rows.trouble:
            return f"the copy is out of date ({rows.trouble}): {rows.advice}"
        return f"the copy is out of date: ipfx-failover replicate-from-live {watched.name}"

    def _of_rows(self, watched: Watched) -> Iterator[str]:
        """What keeps the rows of a hot standby from being followed."""
        name = watched.name
        rows = self.row_states.get(name.casefold())
        if rows is None:
            if (name.casefold(), "database") in self.copies:
                yield f"its rows were never followed: ipfx-failover hot show {name}"
        elif rows.trouble:
            yield f"{rows.trouble}: {rows.advice}"
        elif rows.as_of and self._are_old(rows, watched, at_work=locks.rows(name) in self.busy):
            since = in_local_time(rows.as_of)
            yield f"its rows are not followed since {since}: ipfx-failover sync-rows {name}"
        elif rows.left:
            tables = some([table.partition(": ")[0] for table in rows.left])
            are = "is" if len(rows.left) == 1 else "are"
            copy = self.copies.get((name.casefold(), "database"))
            of = f", but as of {in_local_time(copy.as_of)}" if copy and copy.as_of else ""
            yield f"{tables} {are} not followed{of}: ipfx-failover hot show {name}"


def _of_unready_copy(what: str, *, monitored: bool) -> str:
    """What a stand-in's database still lacks, and who sees to it."""
    advice = "it is tried again" if monitored else "it is tried again as soon as a monitor runs"
    return f"the copy that stands in is NOT quite ready ({what}): {advice}"


def _is_followed(watched: Watched, state: ServerState) -> bool:
    """Whether its rows count now: not in a stand-in's database, which is ahead.

    Nor in a stale one: of a server that was stopped only a full replication restores
    synchronisation (manual, "Status icons").
    """
    is_live = state.authority is Authority.LIVE and not state.stale
    return watched.is_hot and is_live and state.mode is not Mode.STOPPED


def _of_untold_role(
    outline: Outline, known: StandIn | None, noted: StandIn | None
) -> Iterator[str]:
    """What is to be done when the store could not be told of the role that is performed."""
    if known is None and noted is not None:
        yield (
            f"the state store does not know yet of the stand-in for {noted.server}: "
            f"if that stays so, make room on the disk of {outline.state_dir}"
        )


def _of_lost_role(outline: Outline, stand_in: StandIn | None) -> Iterator[str]:
    """What is to be done about a role whose server somebody has taken out of the config."""
    known = {watched.name.casefold() for watched in outline.servers}
    if stand_in is None or outline.problem is not None:
        return
    if stand_in.server.casefold() not in known:
        name = stand_in.server
        yield (
            f"the config does not name {name}, which is stood in for: put [servers.{name}] back, "
            f"then ipfx-failover stop-failover {name}"
        )


def _of_config(outline: Outline, conditions: Iterable[Condition]) -> Iterator[str]:
    """That it is broken, unless the monitor has told of it: that one is in use."""
    is_told = any(each.concern is Concern.CONFIG for each in conditions)
    if outline.warning is not None and not is_told:
        yield outline.warning


def _takeovers(number: int) -> str:
    return "a takeover" if number == 1 else f"{number} takeovers"


def _is_fresh(record: MonitorRecord, outline: Outline, now: datetime) -> bool:
    rounds = timedelta(milliseconds=_FRESH_ROUNDS * outline.ping_interval_ms)
    # A heartbeat from the future was written before the clock was set back.
    return abs(now - record.heartbeat_at) < max(rounds, _FRESH_AT_LEAST)


def _weakens_all(condition: Condition) -> bool:
    return condition.server is None and condition.concern is not Concern.ISOLATED


def _words(condition: Condition) -> str:
    advice = f": {condition.advice}" if condition.advice else ""
    return f"{_MEANS.get(condition.concern, '')}{condition.text}{advice}"


_MEANS = {
    Concern.NOT_PINGED: "cannot be pinged, and is not judged: ",
    Concern.NOT_TAKEN: "not taken over: ",
}


def _warnings(
    record: MonitorRecord | None, conditions: Iterable[Condition], *, runs: bool, answers: bool
) -> list[str]:
    if answers:
        return [
            f"cut off from the network since {in_local_time(each.since)} ({each.text}): "
            "no server is judged, and none is taken over"
            for each in conditions
            if each.concern is Concern.ISOLATED
        ]
    if record is None:
        return ["no monitor has run yet: nobody watches the servers"]
    last = in_local_time(record.heartbeat_at)
    if runs:
        return [f"the monitor (process {record.pid}) has not judged a round since {last}"]
    return [f"no monitor is running: nobody watches the servers; the last probe was at {last}"]


def in_local_time(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


_OBSTACLES = frozenset({Concern.NOT_PINGED, Concern.NOT_TAKEN})


def is_bad(report: StatusReport) -> tuple[int, str]:
    """For monitoring systems: 0 ok, 1 warning, 2 critical, 3 unknown; and the line to show."""
    if critical := [*_critical(report), *report.warnings]:
        return 2, f"CRITICAL: {'; '.join(critical)}"
    suspect = [
        _with_obstacle(s, "is suspect") for s in report.servers if s.status == Status.SUSPECT
    ]
    noted = [f"{s.name}: {note}" for s in report.servers for note in s.notes]
    if suspect or noted or report.advice:
        return 1, f"WARNING: {'; '.join([*suspect, *noted, *report.advice])}"
    if unknown := [s.name for s in report.servers if s.status == Status.UNKNOWN]:
        return 3, f"UNKNOWN: nothing known yet of {', '.join(unknown)}"
    paused = [s for s in report.servers if s.mode != Mode.MONITORING]
    number = len(report.servers) - len(paused)
    words = [f"{number} server{'s' if number != 1 else ''} watched"]
    words += [f"{server.name} is {server.mode}" for server in paused]
    return 0, f"OK: {'; '.join(words)}"


def _critical(report: StatusReport) -> Iterator[str]:
    if report.standing_in_for:
        unready = report.stand_in_unready
        on_what = f" on a copy that is not quite ready ({unready})" if unready else ""
        yield f"standing in for {report.standing_in_for}{on_what}"
    for server in report.servers:
        if server.status == Status.FAILURE:
            yield _with_obstacle(server, "has failed")
        elif server.status == Status.UNKNOWN and server.obstacle:
            yield f"{server.name} {server.obstacle}"


def _with_obstacle(server: ServerReport, what: str) -> str:
    return f"{server.name} {what}" + (f" ({server.obstacle})" if server.obstacle else "")

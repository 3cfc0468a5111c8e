"""The line of one server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.decide.age import whole_as_of
from ipfx_failover.decide.liveness import Liveness
from ipfx_failover.decide.schedule import next_planned
from ipfx_failover.decide.status import status
from ipfx_failover.records import Authority, Concern, Phase
from ipfx_failover.report.known import is_followed
from ipfx_failover.report.notes import notes
from ipfx_failover.report.values import ServerReport
from ipfx_failover.report.wording import in_words
from ipfx_failover.state import locks

if TYPE_CHECKING:
    from datetime import datetime

    from ipfx_failover.config.outline import Watched
    from ipfx_failover.records import Observation, RowState, ServerState
    from ipfx_failover.report.known import Known

_OBSTACLES = frozenset({Concern.NOT_PINGED, Concern.NOT_TAKEN})


def server_report(
    known: Known, watched: Watched, state: ServerState, seen: Observation | None
) -> ServerReport:
    """`seen`: what the monitor that ran last has noted of its pings."""
    name = watched.name
    liveness = _liveness(known, name, seen)
    replicating = locks.database(name) in known.busy
    database, files, rows = known.database(name), known.files(name), known.rows(name)
    whole = whole_as_of(database, rows, follows_all=watched.follows_all, stale=state.stale)
    if not is_followed(watched, state):
        rows = None
    obstacles = known.conditions_of(name, _OBSTACLES)
    return ServerReport(
        name=name,
        address=watched.address,
        port=watched.port,
        status=status(state.mode, liveness, replicating=replicating),
        mode=state.mode,
        liveness=liveness,
        misses=seen.misses if seen and known.monitored else 0,
        activity=_activity(known, state, replicating=replicating),
        authority=state.authority,
        stale=state.stale,
        last_probe_at=_iso(seen.last_probe_at if seen else None),
        last_answer_at=_iso(seen.last_answer_at if seen else None),
        last_failover_at=_iso(state.last_failover_at),
        database_as_of=_iso(database.as_of if database else None),
        files_as_of=_iso(files.as_of if files else None),
        next_replication_at=_iso(_next_replication_at(known, watched, state)),
        obstacle=in_words(obstacles[0]) if obstacles else None,
        notes=tuple(notes(known, watched, state)),
        rows_as_of=_iso(rows.as_of if rows else None),
        rows_lag_s=_lag_s(known, rows),
        rows_behind=rows.behind if rows and not known.are_old(rows, watched) else None,
        copy_as_of=_iso(whole),
    )


def _liveness(known: Known, name: str, seen: Observation | None) -> Liveness:
    liveness = Liveness(seen.liveness) if seen and known.monitored else Liveness.UNKNOWN
    if liveness is Liveness.OK and known.conditions_of(name, {Concern.NOT_PINGED}):
        return Liveness.UNKNOWN  # that was before
    return liveness


def _activity(known: Known, state: ServerState, *, replicating: bool) -> str:
    if known.stand_in is not None and known.is_stand_in_for(state.name):
        interrupted = known.stand_in.phase is Phase.INTERRUPTED
        return "interrupted stand-in" if interrupted else str(known.stand_in.phase)
    if replicating:
        return "replicating"
    if locks.database(state.name) in known.broken_off:
        return "broken off"
    return "failback pending" if state.failback_pending else "idle"


def _next_replication_at(known: Known, watched: Watched, state: ServerState) -> datetime | None:
    if watched.replicate_daily is None or state.authority is Authority.STANDBY:
        return None
    local = known.local
    return next_planned(watched.replicate_daily, local.today(), known.now, local.instant)


def _lag_s(known: Known, rows: RowState | None) -> float | None:
    if rows is None or rows.as_of is None:
        return None
    return round(max(0.0, (known.now - rows.as_of).total_seconds()), 1)


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()

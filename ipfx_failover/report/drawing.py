"""The report, drawn from the state store, the locks and an outline of the config."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from ipfx_failover.records import Authority, ServerState
from ipfx_failover.report.known import Known
from ipfx_failover.report.overall import advice, warnings
from ipfx_failover.report.server import server_report
from ipfx_failover.report.values import MonitorReport, StatusReport
from ipfx_failover.state import locks, outbox
from ipfx_failover.state.journal import broken_off, open_journals

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from ipfx_failover.clock import Clock, LocalTime
    from ipfx_failover.config.outline import Outline
    from ipfx_failover.records import MonitorRecord, StandIn
    from ipfx_failover.report.values import ServerReport
    from ipfx_failover.state.reading import Reading

_FRESH_ROUNDS = 5
_FRESH_AT_LEAST = timedelta(seconds=10)


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
    now, record, told = clock.now(), store.monitor(), store.stand_in()
    abandoned = {each.resource: each.advice for each in broken_off(store, held.is_held)}
    busy = held.held() | (set(open_journals(store)) - abandoned.keys())
    runs = locks.MONITOR in busy
    answers = runs and record is not None and _is_fresh(record, outline, now)
    stand_in, is_untold = told or noted, told is None
    known = Known(
        now=now,
        local=local,
        copies=store.copies(),
        row_states=store.row_states(),
        busy=busy,
        stand_in=stand_in,
        # What kept a monitor that does not run any more says nothing of now.
        conditions=store.conditions() if answers else [],
        broken_off=abandoned,
        monitored=answers,
    )
    return StatusReport(
        as_of=now.isoformat(),
        monitor=_monitor(record, runs=runs),
        standing_in_for=stand_in.server if stand_in else None,
        stand_in_phase=stand_in.phase if stand_in else None,
        mails_waiting=store.mails_waiting(),
        warnings=tuple(warnings(record, known.conditions, runs=runs, answers=answers)),
        advice=tuple(advice(outline, stand_in, known.conditions, is_untold=is_untold)),
        servers=tuple(_servers(outline, store, known, is_untold=is_untold)),
        hooks_waiting={k: n for k, n in outbox.waiting(store).items() if k != outbox.MAIL},
        stand_in_unready=stand_in.unready if stand_in else "",
    )


def _is_fresh(record: MonitorRecord, outline: Outline, now: datetime) -> bool:
    rounds = timedelta(milliseconds=_FRESH_ROUNDS * outline.ping_interval_ms)
    # A heartbeat from the future was written before the clock was set back.
    return abs(now - record.heartbeat_at) < max(rounds, _FRESH_AT_LEAST)


def _monitor(record: MonitorRecord | None, *, runs: bool) -> MonitorReport:
    return MonitorReport(
        running=runs,
        pid=record.pid if record and runs else None,
        host=record.host if record else None,
        heartbeat_at=record.heartbeat_at.isoformat() if record else None,
    )


def _servers(
    outline: Outline, store: Reading, known: Known, *, is_untold: bool
) -> Iterator[ServerReport]:
    states = {name.casefold(): state for name, state in store.servers().items()}
    observations = {name.casefold(): seen for name, seen in store.observations().items()}
    for watched in outline.servers:
        name = watched.name.casefold()
        state = states.get(name, ServerState(name=watched.name))
        if is_untold and known.is_stand_in_for(name):
            state = replace(state, authority=Authority.STANDBY)
        yield server_report(known, watched, state, observations.get(name))

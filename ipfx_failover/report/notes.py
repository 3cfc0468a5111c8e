"""What is to be known and done about one server, a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.history.wording import some
from ipfx_failover.records import Authority, Concern, Phase
from ipfx_failover.report.known import is_followed
from ipfx_failover.report.wording import in_local_time, in_words
from ipfx_failover.state import locks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfx_failover.config.outline import Watched
    from ipfx_failover.records import RowState, ServerState
    from ipfx_failover.report.known import Known


def notes(known: Known, watched: Watched, state: ServerState) -> Iterator[str]:
    """What is most urgent comes first."""
    name = watched.name
    yield from _of_role(known, name)
    # Between the two renames of a swap not even a copy is in its place.
    if advice := known.broken_off.get(locks.database(name)):
        yield advice
    yield from _of_failback(known, state, name)
    if state.attempts:
        yield (
            f"{_takeovers(state.attempts)} failed, the next waits longer: "
            f"ipfx-failover failover-now {name} --plan"
        )
    yield from _of_copies(known, watched, state)
    yield from map(in_words, known.conditions_of(name, {Concern.COPY, Concern.NO_REFERENCE}))
    if is_followed(watched, state):
        yield from _of_rows(known, watched)


def _of_role(known: Known, name: str) -> Iterator[str]:
    """What is to be done about the role that is performed, if it is this server's."""
    stand_in = known.stand_in
    if stand_in is None or not known.is_stand_in_for(name):
        return
    if stand_in.phase is Phase.STANDING_IN:
        since = in_local_time(stand_in.since)
        yield f"stood in for since {since}: repair it, then ipfx-failover stop-failover {name}"
        if stand_in.unready:
            yield _of_unready_copy(stand_in.unready, monitored=known.monitored)
    elif stand_in.phase is Phase.INTERRUPTED:
        yield (
            "interrupted: a human is to decide: "
            f"ipfx-failover failover-now {name}, or ipfx-failover stop-failover {name}"
        )


def _of_unready_copy(what: str, *, monitored: bool) -> str:
    """What a stand-in's database still lacks, and who sees to it."""
    advice = "it is tried again" if monitored else "it is tried again as soon as a monitor runs"
    return f"the copy that stands in is NOT quite ready ({what}): {advice}"


def _of_failback(known: Known, state: ServerState, name: str) -> Iterator[str]:
    if state.failback_pending:
        yield f"failback pending: restart {name}, then ipfx-failover replicate-to-live {name}"
    elif state.authority is Authority.STANDBY and not known.is_stand_in_for(name):
        yield (
            "the standby is ahead: nothing is copied from live until "
            f"ipfx-failover replicate-to-live {name}"
        )


def _takeovers(number: int) -> str:
    return "a takeover" if number == 1 else f"{number} takeovers"


def _of_copies(known: Known, watched: Watched, state: ServerState) -> Iterator[str]:
    name = watched.name
    if state.stale and state.authority is Authority.LIVE:
        yield _of_stale(watched, known.rows(name))
    if watched.has_database and known.database(name) is None:
        yield f"never replicated, and not taken over: ipfx-failover replicate-from-live {name}"
    if watched.has_files and known.files(name) is None:
        yield f"no files yet, and not taken over: ipfx-failover sync-files {name}"


def _of_stale(watched: Watched, rows: RowState | None) -> str:
    """With what stands in the way of a hot copy, which is to be seen to first."""
    if watched.is_hot and rows and rows.trouble:
        return f"the copy is out of date ({rows.trouble}): {rows.advice}"
    return f"the copy is out of date: ipfx-failover replicate-from-live {watched.name}"


def _of_rows(known: Known, watched: Watched) -> Iterator[str]:
    """What keeps the rows of a hot standby from being followed."""
    name = watched.name
    rows = known.rows(name)
    if rows is None:
        if known.database(name) is not None:
            yield f"its rows were never followed: ipfx-failover hot show {name}"
    elif rows.trouble:
        yield f"{rows.trouble}: {rows.advice}"
    elif rows.as_of and known.are_old(rows, watched, at_work=locks.rows(name) in known.busy):
        since = in_local_time(rows.as_of)
        yield f"its rows are not followed since {since}: ipfx-failover sync-rows {name}"
    elif rows.left:
        tables = some(list(rows.left))
        are = "is" if len(rows.left) == 1 else "are"
        copy = known.database(name)
        of = f", but as of {in_local_time(copy.as_of)}" if copy and copy.as_of else ""
        yield f"{tables} {are} not followed{of}: ipfx-failover hot show {name}"

"""Replications and file syncs out of the log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from ipfx_failover.events import Event, EventKind, Value
from ipfx_failover.history.copies import FileSyncs, Replication, file_syncs, replications

Data = Mapping[str, Value]
K = EventKind
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def test_a_replication_has_its_duration_size_and_outcome() -> None:
    data: Data = {"direction": "from-live", "duration_s": 1.5, "size_bytes": 700, "outcome": "done"}

    assert [Replication("DEMO", NOON, "from-live", "done", 1.5, 700, "")] == replications(
        [Event(K.REPLICATED, NOON, "DEMO", data)]
    )


def test_one_that_failed_says_why_in_one_line() -> None:
    data: Data = {"direction": "to-live", "reason": "no\nroute"}

    assert [Replication("DEMO", NOON, "to-live", "failed", None, None, r"no\nroute")] == (
        replications([Event(K.REPLICATION_FAILED, NOON, "DEMO", data), Event(K.RESUMED, NOON)])
    )


def test_one_that_warned_says_of_what() -> None:
    data: Data = {"direction": "from-live", "outcome": "done", "warnings": "no login x; no owner"}

    assert [Replication("DEMO", NOON, "from-live", "done", None, None, "no login x; no owner")] == (
        replications([Event(K.REPLICATED, NOON, "DEMO", data)])
    )


def test_file_syncs_are_summed_up_by_server_and_direction() -> None:
    run: Data = {"copied": 3, "deleted": 1, "size_bytes": 100, "duration_s": 0.5}
    from_live: Data = {**run, "direction": "from-live"}
    events = [
        Event(K.FILES_SYNCED, NOON, "DEMO", from_live),
        Event(K.FILES_SYNCED, NOON, "demo", from_live),
        Event(K.FILES_SYNCED, NOON, "DEMO", {**run, "direction": "to-live"}),
        Event(K.FILE_SYNC_FAILED, NOON, "DEMO", {"direction": "from-live", "reason": "away"}),
    ]

    assert [
        FileSyncs("DEMO", "from-live", 2, 1, 6, 2, 200, 1.0),
        FileSyncs("DEMO", "to-live", 1, 0, 3, 1, 100, 0.5),
    ] == file_syncs(events)

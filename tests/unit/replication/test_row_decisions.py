"""Whether rows can be followed from a copy on, or more is needed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ipfx_failover.replication.rows.decisions import (
    FullNeeded,
    LiveRestored,
    NotTracked,
    Standing,
    Tracked,
    standing,
    start_of,
)
from ipfx_failover.replication.rows.marks import CopyMark
from ipfx_failover.replication.sqlserver.watermark import Beginning, Watermark
from ipfx_failover.replication.tsql.tables import Table

LIVE = Watermark(50, "fork", "database")
COPY = CopyMark(Watermark(41, "fork", "database"), "run")
FIRST = Beginning(0, "7 then")
CALLS, OTHER = (Table("dbo", name, (), ("id",)) for name in ("calls", "other"))


def test_rows_go_on_from_the_copy_s_version() -> None:
    assert 41 == start_of("DEMO", COPY, LIVE)


@pytest.mark.parametrize(
    ("copy", "live"),
    [
        (None, LIVE),
        (CopyMark(replace(COPY.watermark, version=None), "run"), LIVE),
        (COPY, replace(LIVE, recovery_fork_guid="another")),
        (COPY, replace(LIVE, database_guid="another")),
        (COPY, replace(LIVE, version=40)),
    ],
    ids=["no copy", "not tracked then", "another fork", "another database", "from the past"],
)
def test_what_is_no_copy_of_this_live_catalog_is_made_anew(
    copy: CopyMark | None, live: Watermark
) -> None:
    with pytest.raises(FullNeeded, match=r"^DEMO: ") as needed:
        start_of("DEMO", copy, live)

    is_of_another_life = "another" in {live.recovery_fork_guid, live.database_guid}
    assert is_of_another_life == isinstance(needed.value, LiveRestored)


@pytest.mark.parametrize(
    ("is_taken", "why"), [(True, "was in use"), (False, "tracking was off, then or since")]
)
def test_why_no_rows_lead_on_from_a_copy_is_told(why: str, *, is_taken: bool) -> None:
    copy = CopyMark(replace(COPY.watermark, version=None), "run", is_taken)

    with pytest.raises(FullNeeded, match=why):
        start_of("DEMO", copy, LIVE)


def test_without_tracking_there_is_nothing_to_follow() -> None:
    with pytest.raises(NotTracked) as refused:
        start_of("DEMO", COPY, replace(LIVE, version=None))

    assert "switch it on: ipfx-failover hot enable DEMO" == refused.value.hint


def test_a_table_whose_history_begins_later_is_copied_whole() -> None:
    later = Beginning(42, "7 then")
    tracked = {("dbo", "calls"): Tracked(later, 42), ("dbo", "other"): Tracked(FIRST, 41)}
    begun = {("dbo", "calls"): later, ("dbo", "other"): FIRST}

    assert Standing((OTHER,), {CALLS: later}, {}) == standing(
        "DEMO", [CALLS, OTHER], tracked, 41, begun
    )


@pytest.mark.parametrize(
    "known", [None, Beginning(12, "7 now"), Beginning(41, "7 then"), Beginning(41, "8 now")]
)
def test_a_table_with_another_history_than_the_copy_knows_is_copied_whole(
    known: Beginning | None,
) -> None:
    now = Beginning(41, "7 now")
    begun = {("dbo", "calls"): known} if known else {}

    assert Standing((), {CALLS: now}, {}) == standing(
        "DEMO", [CALLS], {("dbo", "calls"): Tracked(now, 41)}, 41, begun
    )


@pytest.mark.parametrize(("here", "there"), [("7 now", ""), ("", "7 now"), ("", "")])
def test_where_the_server_does_not_show_who_keeps_a_history_its_beginning_tells_it(
    here: str, there: str
) -> None:
    tracked = {("dbo", "calls"): Tracked(Beginning(41, there), 41)}
    begun = {("dbo", "calls"): Beginning(41, here)}

    assert Standing((CALLS,), {}, {}) == standing("DEMO", [CALLS], tracked, 41, begun)


def test_a_history_that_was_cleaned_up_needs_a_whole_copy() -> None:
    with pytest.raises(FullNeeded, match="the history of calls does not go back far enough"):
        standing(
            "DEMO",
            [CALLS],
            {("dbo", "calls"): Tracked(FIRST, 42)},
            41,
            {("dbo", "calls"): FIRST},
        )


def test_a_followed_table_that_is_not_tracked_any_more_is_told() -> None:
    begun = {("dbo", "calls"): FIRST, ("dbo", "other"): FIRST}

    with pytest.raises(NotTracked, match="off for the table calls"):
        standing("DEMO", [CALLS, OTHER], {("dbo", "other"): Tracked(FIRST, 0)}, 41, begun)


def test_a_table_that_was_never_followed_and_is_not_tracked_is_left() -> None:
    tracked, begun = {("dbo", "other"): Tracked(FIRST, 0)}, {("dbo", "other"): FIRST}
    left = {"calls": "change tracking is off (hot enable DEMO)"}

    assert Standing((OTHER,), {}, left) == standing("DEMO", [CALLS, OTHER], tracked, 41, begun)


def test_that_no_table_is_tracked_is_told() -> None:
    with pytest.raises(NotTracked, match="off for all its tables"):
        standing("DEMO", [CALLS, OTHER], {}, 41, {})


def test_the_name_of_a_table_does_nothing_to_a_terminal() -> None:
    assert r"a\x1b[2Jb" == Table("dbo", "a\x1b[2Jb", (), ("id",)).shown

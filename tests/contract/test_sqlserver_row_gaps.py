"""What was changed while nobody kept its history is not taken for followed (simulated)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfx_failover.replication.rows.catching_up import catch_up
from ipfx_failover.replication.rows.decisions import FullNeeded, NotTracked
from ipfx_failover.replication.rows.follower import Follower, end_following
from ipfx_failover.replication.rows.switching import (
    carry_out,
    read_setup,
    to_disable,
    to_enable,
)
from tests.sqlserver import drivers
from tests.support.hot_copies import HotCopy, Machines, machines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CALLS = "CREATE TABLE calls (id int NOT NULL PRIMARY KEY, text nvarchar(100), other nvarchar(100))"


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Machines]:
    yield from machines(drivers.microsoft(), tmp_path)


@pytest.fixture
def calls(at: Machines) -> Iterator[HotCopy]:
    with HotCopy(at, [CALLS]) as made:
        made.on_live.run("INSERT INTO calls (id) VALUES (1)")
        made.follower.round()
        yield made


def _switch(hot: HotCopy, *, on: bool) -> None:
    with hot.ends.live.open(hot.catalog) as session:
        plan = to_enable if on else to_disable
        statements = plan(hot.catalog, read_setup(session, hot.ends))
        carry_out(session, "DEMOSERVER", statements)


def _commit_three(hot: HotCopy) -> None:
    """So that versions are beyond the copy's again."""
    for number in "345":
        hot.on_live.run(f"INSERT INTO calls (id) VALUES ({number})")  # noqa: S608


def _seen_by_a_round(hot: HotCopy) -> None:
    with pytest.raises(NotTracked):
        hot.follower.round()


def _told_by_the_command(hot: HotCopy) -> None:
    hot.follower.close()
    end_following(hot.ends)


@pytest.mark.parametrize("known", [_seen_by_a_round, _told_by_the_command])
def test_a_copy_follows_no_more_when_tracking_was_off_however_far_versions_have_come(
    calls: HotCopy, known: Callable[[HotCopy], None]
) -> None:
    _switch(calls, on=False)
    known(calls)
    calls.on_live.run("INSERT INTO calls (id) VALUES (2)")
    _switch(calls, on=True)
    _commit_three(calls)

    with pytest.raises(FullNeeded, match="tracking was off"):
        calls.follower.round()


def test_versions_that_begin_anew_are_remembered_when_they_were_seen(calls: HotCopy) -> None:
    _switch(calls, on=False)
    calls.on_live.run("INSERT INTO calls (id) VALUES (2)")
    _switch(calls, on=True)
    with pytest.raises(FullNeeded, match="tracking was off"):
        calls.follower.has_news()
    _commit_three(calls)

    with pytest.raises(FullNeeded, match="tracking was off"):
        calls.follower.round()


def test_a_table_whose_tracking_was_off_is_copied_whole_once(calls: HotCopy) -> None:
    calls.on_live.run("ALTER TABLE calls DISABLE CHANGE_TRACKING")
    calls.on_live.run("INSERT INTO calls (id) VALUES (2)")
    calls.on_live.run("ALTER TABLE calls ENABLE CHANGE_TRACKING")
    done = calls.follower.round()
    live, copy = calls.contents("calls")
    other = Follower(calls.ends)
    again = other.round()
    other.close()

    assert (("calls",), live, ()) == (done.reloaded, copy, again.reloaded)


def _off_and_on(hot: HotCopy) -> None:
    hot.on_live.run("ALTER TABLE calls DISABLE CHANGE_TRACKING")
    hot.on_live.run("INSERT INTO calls (id) VALUES (2)")
    hot.on_live.run("ALTER TABLE calls ENABLE CHANGE_TRACKING")


def _all_off_and_on(hot: HotCopy) -> None:
    _switch(hot, on=False)
    hot.on_live.run("INSERT INTO calls (id) VALUES (2)")
    _switch(hot, on=True)


@pytest.mark.parametrize("gap", [_off_and_on, _all_off_and_on])
def test_a_gap_between_two_looks_is_seen_though_versions_stand_where_they_stood(
    at: Machines, gap: Callable[[HotCopy], None]
) -> None:
    with HotCopy(at, [CALLS]) as hot:
        hot.follower.round()
        gap(hot)
        done = hot.follower.round()
        live, copy = hot.contents("calls")

        assert (0, ("calls",), live) == (done.version, done.reloaded, copy)


def test_a_gap_before_the_new_copy_is_in_its_place_is_seen(at: Machines) -> None:
    with HotCopy(at, [CALLS]) as hot:
        hot.make_copy(f"{hot.copy}_new")
        _off_and_on(hot)
        trouble = catch_up(hot.ends, f"{hot.copy}_new", {})
        with hot.ends.standby.open(f"{hot.copy}_new") as session:
            copied = session.rows("SELECT id FROM calls")

        assert (None, [(2,)]) == (trouble, copied)


def test_a_table_that_was_seen_untracked_is_copied_whole_though_no_version_has_passed(
    at: Machines,
) -> None:
    with HotCopy(at, [CALLS, "CREATE TABLE other (id int NOT NULL PRIMARY KEY)"]) as hot:
        # As for a login that may not see who keeps a history.
        hot.on_copy.run("UPDATE ipfx_failover.tracked SET keeper = N''")
        hot.follower.round()
        hot.on_live.run("ALTER TABLE calls DISABLE CHANGE_TRACKING")
        hot.on_live.run("INSERT INTO calls (id) VALUES (2)")
        for _ in range(2):
            with pytest.raises(NotTracked, match="off for the table calls"):
                hot.follower.round()
        hot.on_live.run("ALTER TABLE calls ENABLE CHANGE_TRACKING")
        done = hot.follower.round()
        live, copy = hot.contents("calls")

        assert (("calls",), live) == (done.reloaded, copy)


def _new_table_on_both(hot: HotCopy) -> None:
    """As after the nightly copy: the vendor's new table is in it, and not tracked."""
    for side in (hot.on_live, hot.on_copy):
        side.run("CREATE TABLE late (id int NOT NULL PRIMARY KEY)")
    hot.on_live.run("INSERT INTO late VALUES (1)")


def test_a_new_table_that_is_not_tracked_is_left_and_the_others_go_on(calls: HotCopy) -> None:
    _new_table_on_both(calls)
    calls.on_live.run("INSERT INTO calls (id) VALUES (2)")
    done = calls.follower.round()
    live, copy = calls.contents("calls")

    assert {"late": "change tracking is off (hot enable DEMOSERVER)"} == done.left
    assert live == copy


def test_a_new_table_that_is_tracked_later_is_copied_whole(calls: HotCopy) -> None:
    _new_table_on_both(calls)
    calls.on_live.run("INSERT INTO calls (id) VALUES (2)")
    calls.follower.round()
    calls.on_live.run("INSERT INTO late VALUES (2)")
    _switch(calls, on=True)
    done = calls.follower.round()
    live, copy = calls.contents("late")

    assert (("late",), {}, live) == (done.reloaded, done.left, copy)


def test_a_table_that_was_left_for_a_while_is_copied_whole(at: Machines) -> None:
    with HotCopy(at, [CALLS, "CREATE TABLE other (id int NOT NULL PRIMARY KEY)"]) as hot:
        hot.on_live.run("ALTER TABLE calls ADD more int NULL")
        hot.on_live.run("INSERT INTO calls (id) VALUES (1)")
        assert hot.follower.round().left
        hot.on_live.run("ALTER TABLE calls DROP COLUMN more")
        done = hot.follower.round()
        live, copy = hot.contents("calls")

        assert (("calls",), live) == (done.reloaded, copy)


def test_conversions_of_one_column_are_one_wherever_they_stand_in_the_config(at: Machines) -> None:
    paths = [
        {"table": "calls", "column": "text", "from": "C:\\VM\\", "to": "D:\\VM\\"},
        {"table": "calls", "column": "other", "from": "C:\\VM\\", "to": "D:\\VM\\"},
        {"table": "calls", "column": "text", "from": "D:\\VM\\", "to": "E:\\VM\\"},
    ]
    with HotCopy(at, [CALLS], path_conversions=paths) as hot:
        hot.on_live.run("INSERT INTO calls (id, text) VALUES (1, N'C:\\VM\\1.wav')")
        hot.follower.round()

        assert [("D:\\VM\\1.wav",)] == hot.on_copy.run("SELECT text FROM calls")

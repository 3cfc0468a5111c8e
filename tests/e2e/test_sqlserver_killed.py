"""kill -9 at every step of replicating simulated SQL Servers: the next run begins afresh."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.replication import steps
from ipfx_failover.replication.sqlserver import steps as own
from tests.support.killed import Moment
from tests.support.killed_replication import BEFORE_DONE, FROM_LIVE, HOT, TO_LIVE, since_the_swap
from tests.support.sqlserver_pair import CATALOG, COPY, Pair

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with Pair(tmp_path) as made:
        made.replicated()
        yield made


def is_replicated(pair: Pair, *calls: str) -> None:
    assert list(calls) == pair.copied_calls
    assert [] == pair.strays() == pair.unfinished
    assert not pair.is_ahead


@pytest.mark.parametrize("moment", BEFORE_DONE)
def test_a_replication_that_is_killed_one_step_later_each_time_leaves_the_copy_as_it_was(
    pair: Pair, moment: Moment
) -> None:
    before = pair.content(pair.standby, COPY)
    pair.run_live("INSERT INTO calls (text) VALUES (N'two')")
    for position in range(FROM_LIVE.index(steps.SWAP)):
        pair.killed_at("from live", position, moment, FROM_LIVE)

        assert before == pair.content(pair.standby, COPY)

    pair.replicated()
    is_replicated(pair, "one", "two")


@since_the_swap(FROM_LIVE)
def test_a_replication_that_is_killed_at_the_swap_or_behind_it_is_followed_by_a_fresh_one(
    pair: Pair, position: int, moment: Moment
) -> None:
    pair.run_live("INSERT INTO calls (text) VALUES (N'two')")
    pair.killed_at("from live", position, moment, FROM_LIVE)

    assert pair.copied_calls in (["one"], ["one", "two"])

    pair.run_live("INSERT INTO calls (text) VALUES (N'three')")
    pair.replicated()
    is_replicated(pair, "one", "two", "three")


def backups(pair: Pair) -> int:
    return sum(each.startswith("BACKUP") for each in pair.live.said)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_while_a_killed_replication_is_undone_is_told_behind_that_and_begins_nothing(
    pair: Pair, number: signal.Signals
) -> None:
    before = pair.content(pair.standby, COPY)
    pair.killed_at("from live", FROM_LIVE.index(steps.VERIFY), Moment.BEGUN, FROM_LIVE)
    made = backups(pair)
    work = ("replicate-from-live", "DEMOSERVER")
    ended = pair.signalled_at(number, pair.standby, "DROP DATABASE", 1, *work, carried_out=True)

    assert 130 == ended.code, ended
    assert "nothing is left half done" in ended.err
    assert (before, made) == (pair.content(pair.standby, COPY), backups(pair))
    assert [COPY] == pair.catalogs(pair.standby)
    assert [] == pair.unfinished


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("kind", [own.RESTORE, steps.SWAP])
def test_a_takeover_finds_a_whole_copy_and_asks_the_primary_nothing(
    pair: Pair, kind: str, moment: Moment
) -> None:
    pair.run_live("INSERT INTO calls (text) VALUES (N'two')")
    pair.killed_at("from live", FROM_LIVE.index(kind), moment, FROM_LIVE)
    asked = len(pair.live.said)
    pair.recovered_at_a_takeover()

    assert asked == len(pair.live.said)
    assert pair.copied_calls in (["one"], ["one", "two"])
    assert [COPY] == pair.catalogs(pair.standby)
    assert [] == pair.unfinished


def test_a_takeover_leaves_a_restore_that_our_server_holds_on_to_to_the_next_run(
    pair: Pair,
) -> None:
    pair.killed_at("from live", FROM_LIVE.index(own.RESTORE), Moment.DONE, FROM_LIVE)
    in_use = [{"number": 3702, "text": "it is in use"}]
    pair.fault(pair.standby, statement="DROP DATABASE", times=0, errors=in_use)
    pair.recovered_at_a_takeover()
    pair.no_faults()

    assert [] == pair.unfinished
    assert ["one"] == pair.copied_calls
    assert 1 == sum(said.startswith("DROP DATABASE") for said in pair.standby.said)

    pair.replicated()

    assert [] == pair.strays()


def test_what_a_run_killed_between_its_renames_has_put_aside_is_kept_when_it_is_discarded(
    pair: Pair,
) -> None:
    work = ("replicate-from-live", "DEMOSERVER")
    pair.run_live("INSERT INTO calls (text) VALUES (N'two')")
    pair.signalled_at(signal.SIGKILL, pair.standby, "MODIFY NAME", 2, *work)

    assert COPY not in pair.catalogs(pair.standby)

    ended = pair.run(*work, "--discard-standby", "--yes")
    kept = list((pair.directory / "state" / "kept").rglob("*.bak"))

    assert (0, 1) == (ended.code, len(kept)), ended
    assert "without its database" not in ended.err
    assert ["one", "two"] == pair.copied_calls
    assert [] == pair.strays()
    assert [] == pair.unfinished


@pytest.fixture
def hot(pair: Pair) -> Pair:
    """The copy has followed a row."""
    pair.go_hot()
    pair.replicated()
    pair.run_live("INSERT INTO calls (text) VALUES (N'two')")
    assert 0 == pair.run("sync-rows", "DEMOSERVER").code
    return pair


def is_followed(pair: Pair, *calls: str) -> None:
    """Whatever is written next comes, too."""
    pair.run_live("INSERT INTO calls (text) VALUES (N'last')")

    assert 0 == pair.run("sync-rows", "DEMOSERVER").code
    assert [*calls, "last"] == pair.copied_calls


@pytest.mark.parametrize("moment", BEFORE_DONE)
def test_a_hot_copy_goes_on_from_where_it_was_at_whatever_step_its_replacement_is_killed(
    hot: Pair, moment: Moment
) -> None:
    before = hot.content(hot.standby, COPY)
    for position in range(HOT.index(steps.SWAP)):
        hot.killed_at("from live", position, moment, HOT)

        assert before == hot.content(hot.standby, COPY)

    hot.recovered_at_a_takeover()

    assert [COPY] == hot.catalogs(hot.standby)
    assert before == hot.content(hot.standby, COPY)
    is_followed(hot, "one", "two")


@since_the_swap(HOT)
def test_a_hot_replication_that_is_killed_at_the_swap_or_behind_it_takes_no_row_back(
    hot: Pair, position: int, moment: Moment
) -> None:
    hot.killed_at("from live", position, moment, HOT)

    assert ["one", "two"] == hot.copied_calls

    hot.replicated()
    is_followed(hot, "one", "two")


def is_given_back(pair: Pair) -> None:
    safety = [path for path in (pair.vm_dir / "DB").iterdir() if ".before-" in path.name]

    assert ["one", "two"] == pair.live_calls
    assert 1 == len(safety)
    assert "READ_ONLY" not in pair.live.catalog(CATALOG).options
    assert [] == pair.strays() == pair.unfinished
    assert not pair.is_ahead


@pytest.mark.parametrize("moment", BEFORE_DONE)
def test_a_failback_that_is_killed_one_step_later_each_time_changes_nothing(
    pair: Pair, moment: Moment
) -> None:
    pair.has_stood_in("two")
    live, copy = pair.content(pair.live, CATALOG), pair.content(pair.standby, COPY)
    for position in range(TO_LIVE.index(steps.SWAP)):
        pair.killed_at("to live", position, moment, TO_LIVE)

        assert (["one"], copy) == (pair.live_calls, pair.content(pair.standby, COPY))
        assert pair.is_ahead

    pair.fault(pair.live, statement="CHECKDB", errors=[{"number": 8928, "text": "a page"}])
    ended = pair.run("replicate-to-live", "DEMOSERVER", "--yes")
    pair.no_faults()

    assert (1, live) == (ended.code, pair.content(pair.live, CATALOG)), ended

    pair.given_back()
    is_given_back(pair)


@pytest.mark.parametrize("moment", BEFORE_DONE)
def test_a_live_catalog_is_tracked_as_it_was_at_whatever_step_its_replacement_is_killed(
    hot: Pair, moment: Moment
) -> None:
    retention, before = hot.live.catalog(CATALOG).retention, hot.content(hot.live, CATALOG)
    hot.has_stood_in("three")
    for position in range(TO_LIVE.index(steps.SWAP)):
        hot.killed_at("to live", position, moment, TO_LIVE)

    hot.fault(hot.live, statement="CHECKDB", errors=[{"number": 8928, "text": "a page"}])
    ended = hot.run("replicate-to-live", "DEMOSERVER", "--yes")
    hot.no_faults()

    assert (1, before) == (ended.code, hot.content(hot.live, CATALOG)), ended

    hot.given_back()
    now = hot.live.catalog(CATALOG)

    assert (True, retention) == (now.is_tracking, now.retention)

    hot.replicated()
    is_followed(hot, "one", "two", "three")


@since_the_swap(TO_LIVE)
def test_a_failback_that_is_killed_at_the_swap_or_behind_it_is_finished(
    pair: Pair, position: int, moment: Moment
) -> None:
    pair.has_stood_in("two")
    pair.killed_at("to live", position, moment, TO_LIVE)

    assert pair.live_calls in (["one"], ["one", "two"])
    assert ["one", "two"] == pair.copied_calls

    pair.given_back()
    is_given_back(pair)


def test_what_was_written_behind_a_killed_swap_is_not_taken_back(pair: Pair) -> None:
    pair.has_stood_in("two")
    pair.killed_at("to live", TO_LIVE.index(steps.SWAP), Moment.ACTED, TO_LIVE)
    pair.run_live("INSERT INTO calls (text) VALUES (N'since')")
    pair.given_back()

    assert ["one", "two", "since"] == pair.live_calls


@pytest.mark.parametrize("work", ["replicate-from-live", "replicate-to-live"])
def test_between_the_two_renames_a_killed_run_is_told_by_status_and_by_the_plan(
    pair: Pair, work: str
) -> None:
    if to_live := work == "replicate-to-live":
        pair.has_stood_in("two")
    server, catalog = (pair.live, CATALOG) if to_live else (pair.standby, COPY)
    ended = pair.signalled_at(signal.SIGKILL, server, "MODIFY NAME", 2, work, "DEMOSERVER", "--yes")
    status = pair.run("status", "--json")
    plan = pair.run("failover-now", "DEMOSERVER", "--plan", "--force")

    assert (-signal.SIGKILL, None) == (ended.code, pair.content(server, catalog))
    (shown,) = json.loads(status.out)["servers"]
    told = f"{work} was broken off half way: finish or undo it: ipfx-failover {work} DEMOSERVER"
    assert ("broken off", told) == (shown["activity"], shown["notes"][0])
    assert f"warning: {told}" in plan.out

    again = pair.run(work, "DEMOSERVER", "--yes")

    assert 0 == again.code, again
    assert "broken off" not in pair.run("status").out

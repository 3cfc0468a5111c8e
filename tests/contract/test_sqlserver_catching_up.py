"""A new copy comes to where the current one is, or is not put in its place (simulated)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as of_hypothesis
from hypothesis import strategies as st

from ipfx_failover.errors import Failed, FailoverError
from ipfx_failover.replication.rows.catching_up import catch_up, end_if_over, is_behind
from ipfx_failover.replication.rows.decisions import NotTracked, Outstripped
from ipfx_failover.replication.rows.schema import wanted_tables
from ipfx_failover.replication.rows.switching import (
    carry_out,
    read_setup,
    to_disable,
    to_enable,
)
from tests.sqlserver import drivers
from tests.sqlserver.engine.client import Client, FailedError
from tests.support.hot_copies import HotCopy, Machines, machines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CALLS = "CREATE TABLE calls (id int NOT NULL IDENTITY PRIMARY KEY, text nvarchar(100))"
OTHERS = "CREATE TABLE others (id int NOT NULL PRIMARY KEY)"
INSERT = "INSERT INTO calls (text) VALUES (N'a')"
MOST_TRIES = 3


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    yield from machines(drivers.microsoft(), tmp_path_factory.mktemp("servers"))


@pytest.fixture
def hot(at: Machines) -> Iterator[HotCopy]:
    with HotCopy(at, [CALLS]) as made:
        yield made


def beside(hot: HotCopy) -> str:
    return f"{hot.copy}_new"


def ids(hot: HotCopy, catalog: str) -> set[int]:
    with Client(hot.at.standby, catalog) as client:
        return {int(number) for (number,) in client.run("SELECT id FROM calls")}


def switch(hot: HotCopy, *, on: bool) -> None:
    plan = to_enable if on else to_disable
    with hot.ends.live.open(hot.catalog) as session:
        carry_out(session, "DEMO", plan(hot.catalog, read_setup(session, hot.ends)))


def switched_off_and_on(hot: HotCopy) -> None:
    """As a DBA does it: versions begin anew."""
    switch(hot, on=False)
    switch(hot, on=True)


def test_what_the_current_copy_has_comes_into_the_new_one(hot: HotCopy) -> None:
    hot.make_copy(beside(hot))
    hot.on_live.run(f"{INSERT}; {INSERT}")
    hot.follower.round()

    assert catch_up(hot.ends, beside(hot), {}) is None
    assert {1, 2} == ids(hot, beside(hot))


OPERATIONS: dict[str, Callable[[HotCopy], object]] = {
    "insert": lambda hot: hot.on_live.run(INSERT),
    "follow": lambda hot: hot.follower.round(),
    "off": lambda hot: switch(hot, on=False),
    "on": lambda hot: switch(hot, on=True),
    "off and on": switched_off_and_on,
    "table off": lambda hot: hot.on_live.run("ALTER TABLE calls DISABLE CHANGE_TRACKING"),
    "table on": lambda hot: hot.on_live.run("ALTER TABLE calls ENABLE CHANGE_TRACKING"),
    "alter": lambda hot: hot.on_live.run("ALTER TABLE calls ADD other int NULL"),
    "no snapshots": lambda hot: hot.on_live.run(
        f"ALTER DATABASE [{hot.catalog}] SET ALLOW_SNAPSHOT_ISOLATION OFF"
    ),
}
SWITCHES = ["alter", "off", "on", "off and on", "table off", "table on"]
_BEFORE = st.lists(st.sampled_from(sorted(OPERATIONS)), max_size=8)
_MEANWHILE = st.lists(st.sampled_from(["insert", "follow", *SWITCHES]), max_size=5)
_AT_LAST = st.lists(st.sampled_from(["insert", *SWITCHES, "no snapshots"]), max_size=3)


@of_hypothesis(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(before=_BEFORE, meanwhile=_MEANWHILE, at_last=_AT_LAST, behind=_MEANWHILE)
def test_whatever_happened_on_the_live_server_it_ends_and_takes_nothing_back(
    at: Machines, before: list[str], meanwhile: list[str], at_last: list[str], behind: list[str]
) -> None:
    with HotCopy(at, [CALLS, OTHERS]) as hot:
        _do(hot, before)
        then = end_if_over(hot.ends)
        hot.make_copy(beside(hot))
        _do(hot, [*meanwhile, *at_last])
        said = len(at.live.said)
        is_given_up = True
        with suppress(Failed):
            catch_up(hot.ends, beside(hot), then)
            is_given_up = False
        rounds = sum("SNAPSHOT; BEGIN" in each for each in list(at.live.said)[said:])

        assert MOST_TRIES >= rounds
        assert is_given_up or ids(hot, hot.copy) <= ids(hot, beside(hot))

        if is_given_up:
            return
        _do(hot, behind)
        with suppress(Failed):
            if is_behind(hot.ends, beside(hot)):
                catch_up(hot.ends, beside(hot), then)

            assert ids(hot, hot.copy) <= ids(hot, beside(hot))


def _do(hot: HotCopy, names: list[str]) -> None:
    for each in names:
        with suppress(FailoverError, FailedError):
            OPERATIONS[each](hot)


def test_rows_that_cannot_be_followed_stop_no_new_copy_that_has_all_that_the_current_one_has(
    hot: HotCopy,
) -> None:
    hot.on_live.run(INSERT)
    hot.follower.round()
    hot.on_live.run(INSERT)
    hot.on_live.run("ALTER TABLE calls DISABLE CHANGE_TRACKING")
    hot.make_copy(beside(hot))

    assert isinstance(catch_up(hot.ends, beside(hot), {}), NotTracked)


def test_rows_that_only_the_current_copy_has_are_not_given_up(hot: HotCopy) -> None:
    hot.make_copy(beside(hot))
    hot.on_live.run(INSERT)
    hot.follower.round()
    hot.on_live.run("ALTER TABLE calls DISABLE CHANGE_TRACKING")

    with pytest.raises(NotTracked):
        catch_up(hot.ends, beside(hot), {})


def test_rows_that_the_current_copy_has_got_before_its_history_ended_are_not_given_up(
    hot: HotCopy,
) -> None:
    hot.on_live.run(f"{INSERT}; {INSERT}")
    end_if_over(hot.ends)
    hot.make_copy(beside(hot))
    hot.on_live.run(INSERT)
    hot.follower.round()
    switched_off_and_on(hot)
    with suppress(Failed):
        hot.follower.round()

    assert is_behind(hot.ends, beside(hot))
    with pytest.raises(Outstripped):
        catch_up(hot.ends, beside(hot), {})
    assert is_behind(hot.ends, beside(hot))


def test_a_copy_of_a_catalog_that_was_not_tracked_takes_no_place_of_one_that_went_on(
    hot: HotCopy,
) -> None:
    end_if_over(hot.ends)
    switch(hot, on=False)
    hot.make_copy(beside(hot))
    hot.on_live.run(INSERT)
    switch(hot, on=True)
    hot.follower.round()

    assert {1} == ids(hot, hot.copy)
    assert is_behind(hot.ends, beside(hot))
    with pytest.raises(Outstripped, match="change tracking was off"):
        catch_up(hot.ends, beside(hot), {})

    end_if_over(hot.ends)
    again = f"{hot.copy}_again"
    hot.make_copy(again)

    assert catch_up(hot.ends, again, {}) is None
    assert not is_behind(hot.ends, again)


def test_a_table_that_is_tracked_since_the_new_copy_is_not_taken_back(hot: HotCopy) -> None:
    hot.on_live.run("ALTER TABLE calls DISABLE CHANGE_TRACKING")
    hot.make_copy(beside(hot))
    hot.on_live.run(INSERT)
    hot.on_live.run("ALTER TABLE calls ENABLE CHANGE_TRACKING")
    hot.follower.round()

    assert is_behind(hot.ends, beside(hot))
    assert catch_up(hot.ends, beside(hot), {}) is None
    assert {1} == ids(hot, beside(hot))


@pytest.mark.parametrize("is_seen", [False, True], ids=["unseen", "seen"])
@pytest.mark.parametrize(
    ("before", "since"),
    [
        (["table off", "follow"], ["insert", "table on", "follow", "table off"]),
        ([], ["insert", "follow", "alter"]),
    ],
    ids=["tracked for a while", "altered"],
)
def test_a_table_that_is_not_followed_any_more_is_not_taken_back(
    at: Machines, before: list[str], since: list[str], *, is_seen: bool
) -> None:
    with HotCopy(at, [CALLS, OTHERS]) as hot:
        _do(hot, before)
        then = end_if_over(hot.ends)
        hot.make_copy(beside(hot))
        _do(hot, since)
        if is_seen:
            _do(hot, ["follow"])

        assert {1} == ids(hot, hot.copy)
        with pytest.raises(Outstripped, match=r"not followed any more: dbo\.calls"):
            catch_up(hot.ends, beside(hot), then)

        then = end_if_over(hot.ends)
        again = f"{hot.copy}_again"
        hot.make_copy(again)

        assert catch_up(hot.ends, again, then) is None


def test_a_table_that_each_copy_has_in_another_shape_stops_no_new_copy(at: Machines) -> None:
    for_reports = ["ALTER TABLE calls ADD report int NULL"]
    with HotCopy(at, [CALLS, OTHERS], after_restore=for_reports) as hot:
        hot.on_live.run("INSERT INTO others VALUES (0)")
        _do(hot, ["follow"])
        then = end_if_over(hot.ends)
        hot.make_copy(beside(hot))
        hot.on_live.run("INSERT INTO others VALUES (1)")
        _do(hot, ["insert", "follow"])

        assert catch_up(hot.ends, beside(hot), then) is None
        assert not is_behind(hot.ends, beside(hot))


def test_a_table_of_the_config_that_is_not_there_stops_no_other(hot: HotCopy) -> None:
    wanted = partial(
        wanted_tables, real_time="configuration", named=("calls", "call"), catalog="CT"
    )
    ends = replace(hot.ends, wanted=wanted)
    with hot.ends.live.open(hot.catalog) as session:
        choice = read_setup(session, ends).choice

    assert ["calls"] == [table.name for table in choice.followed]
    assert choice.left["call"].startswith("CT has no table call; is it dbo.calls?")


def test_a_history_that_is_over_says_nothing_against_a_new_copy(hot: HotCopy) -> None:
    _do(hot, ["insert", "insert", "follow", "off and on", "no snapshots"])
    end_if_over(hot.ends)
    hot.make_copy(beside(hot))

    assert catch_up(hot.ends, beside(hot), {}) is None

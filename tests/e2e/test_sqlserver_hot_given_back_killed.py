"""kill -9 of a failback of a hot copy, behind which its rows are followed again (simulated)."""

from __future__ import annotations

import signal
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.replication import steps
from ipfx_failover.replication.sqlserver.role import take_role
from ipfx_failover.wiring.site import open_site
from ipfx_failover.wiring.sqlserver import standby_server
from tests.support.killed import Moment
from tests.support.killed_replication import TO_LIVE, since_the_swap
from tests.support.sqlserver_pair import CATALOG, COPY, Pair

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEMO = "DEMOSERVER"
REFUSED = 3
RETENTION = "CHANGE_RETENTION = 3 DAYS"
ROLLED_BACK = ["Failback of DEMOSERVER failed", "Failback of DEMOSERVER was rolled back"]
RECORDED = ["one", "two", "three"]


@pytest.fixture
def hot(tmp_path: Path) -> Iterator[Pair]:
    """A copy that has followed a row, has come into use, and has one more."""
    with Pair(tmp_path) as pair:
        pair.configure_server(real_time="all")
        pair.run_live(f"ALTER DATABASE {CATALOG} SET CHANGE_TRACKING = ON ({RETENTION})")
        assert 0 == pair.run("hot", "enable", DEMO, "--yes").code
        pair.replicated()
        pair.run_live("INSERT INTO calls (text) VALUES (N'two')")
        assert 0 == pair.run("sync-rows", DEMO).code
        take_role(standby_server(open_site(pair.config_path)), COPY)
        pair.has_stood_in("three")
        yield pair


def is_swapped(pair: Pair) -> bool:
    """Looked at without a session: there may be no place for one."""
    live = pair.content(pair.live, CATALOG)
    return live is not None and "three" in str(live["dbo.calls"])


def finished(pair: Pair, *calls: str) -> None:
    """Run it again: it ends well, and all is as README says, up to the next whole copy."""
    copy = pair.content(pair.standby, COPY)
    told = [] if is_swapped(pair) else ROLLED_BACK
    ended = pair.run("replicate-to-live", DEMO, "--yes")
    live = pair.live.catalog(CATALOG)

    assert 0 == ended.code, ended
    assert list(calls) == pair.live_calls
    assert (True, True) == (live.is_tracking, RETENTION in live.retention)
    assert live.tables["dbo.calls"].tracking is not None
    assert "READ_ONLY" not in live.options
    assert copy == pair.content(pair.standby, COPY)
    assert [] == pair.strays() == pair.unfinished
    assert not pair.is_ahead
    assert 1 == len(pair.events("failback_completed"))
    assert told == sorted(pair.subjects())
    with closing(pair.store()) as store:
        assert store.server(DEMO).stale  # so that the monitor makes a whole copy


def is_followed_again(pair: Pair, *calls: str) -> None:
    """From a whole copy on whatever is written comes, too."""
    refused = pair.run("sync-rows", DEMO)

    assert (REFUSED, True) == (refused.code, "not followed since the failback" in refused.err)

    ended = pair.run("replicate-from-live", DEMO, "--yes")

    assert 0 == ended.code, ended
    assert list(calls) == pair.copied_calls

    pair.run_live("INSERT INTO calls (text) VALUES (N'last')")

    assert 0 == pair.run("sync-rows", DEMO).code
    assert [*calls, "last"] == pair.copied_calls == pair.live_calls
    assert [] == pair.strays() == pair.unfinished
    assert [COPY] == pair.catalogs(pair.standby)


@since_the_swap(TO_LIVE)
def test_a_hot_failback_that_is_killed_at_the_swap_or_behind_it_is_finished(
    hot: Pair, position: int, moment: Moment
) -> None:
    hot.killed_at("to live", position, moment, TO_LIVE)

    assert hot.live_calls in (["one", "two"], RECORDED)
    assert RECORDED == hot.copied_calls

    finished(hot, *RECORDED)
    is_followed_again(hot, *RECORDED)


SAID = {
    "the copy is tracked": ("SET CHANGE_TRACKING = ON", 1),
    "its table is": ("ENABLE CHANGE_TRACKING", 1),
    "the first rename": ("MODIFY NAME", 1),
    "the second one": ("MODIFY NAME", 2),
    "others are let in": ("SET MULTI_USER", 1),
    "the old one is dropped": ("DROP DATABASE", 1),
}


@pytest.mark.parametrize("is_carried_out", [False, True], ids=["before", "behind"])
@pytest.mark.parametrize(("statement", "nth"), SAID.values(), ids=SAID.keys())
def test_a_hot_failback_that_is_killed_between_two_statements_is_finished(
    hot: Pair, statement: str, nth: int, *, is_carried_out: bool
) -> None:
    work = ("replicate-to-live", DEMO, "--yes")
    kill = signal.SIGKILL
    ended = hot.signalled_at(kill, hot.live, statement, nth, *work, carried_out=is_carried_out)

    assert -kill == ended.code, ended
    assert RECORDED == hot.copied_calls

    finished(hot, *RECORDED)
    is_followed_again(hot, *RECORDED)


def test_what_is_written_behind_a_killed_swap_is_kept_and_comes_with_the_next_whole_copy(
    hot: Pair,
) -> None:
    hot.killed_at("to live", TO_LIVE.index(steps.SWAP), Moment.ACTED, TO_LIVE)
    hot.run_live("INSERT INTO calls (text) VALUES (N'since')")
    finished(hot, *RECORDED, "since")
    is_followed_again(hot, *RECORDED, "since")

"""Rows in real time, by the command line, between two simulated SQL Servers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.errors import ExitCode
from ipfx_failover.monitor.workers import Worker
from ipfx_failover.replication import steps
from ipfx_failover.state.journal import Step, StepState
from ipfx_failover.wiring.rows import sign_of_life
from ipfx_failover.wiring.site import open_site
from tests.sqlserver import drivers
from tests.support.processes import eventually
from tests.support.sqlserver_pair import ROOT, Pair

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ipfx_failover.workflow.ports import Observer

HUNG_AFTER_S = 5.0
LEAVES_ITS_PID = """
import os, sys
with open(sys.argv[1], "w") as file:
    file.write(str(os.getpid()))
os.execv(sys.executable, [sys.executable, "-m", "ipfx_failover", *sys.argv[2:]])
"""


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with Pair(tmp_path) as made:
        made.configure_server(real_time="all")
        yield made


@pytest.fixture
def hot(pair: Pair) -> Pair:
    """A copy has been made, and its rows can be followed."""
    assert pair.run("hot", "enable", "DEMOSERVER", "--yes").code == 0
    pair.replicated()
    return pair


def worker(pair: Pair) -> subprocess.Popen[bytes]:
    """What the monitor keeps running."""
    command = [sys.executable, "-m", "ipfx_failover", "sync-rows", "--all", "--watch"]
    return subprocess.Popen(
        [*command, "--config", str(pair.config_path), "--until-eof"],
        env={**os.environ, "TEST_SQL_PASSWORD": drivers.PASSWORD},
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )


def test_hot_enable_says_what_it_would_change_and_changes_nothing_unasked(pair: Pair) -> None:
    asked = pair.run("hot", "enable", "DEMOSERVER")
    planned = pair.run("hot", "enable", "DEMOSERVER", "--plan", "--json")

    assert (3, 0) == (asked.code, planned.code)
    assert 3 == len(json.loads(planned.out)["statements"])
    assert not pair.live.catalogs["ctserver"].is_tracking


def test_hot_enable_says_how_long_a_history_is_kept_that_others_have_switched_on(
    pair: Pair,
) -> None:
    pair.run_live(
        "ALTER DATABASE CTSERVER SET CHANGE_TRACKING = ON "
        "(CHANGE_RETENTION = 2 HOURS, AUTO_CLEANUP = ON)"
    )
    planned = pair.run("hot", "enable", "DEMOSERVER", "--plan")

    assert "kept 2 hours: so long this machine may be away" in planned.out


def test_hot_disable_leaves_a_live_server_without_tracking(hot: Pair) -> None:
    assert hot.run("hot", "disable", "DEMOSERVER", "--yes").code == 0
    ended = hot.run("sync-rows", "DEMOSERVER")

    assert not hot.live.catalogs["ctserver"].is_tracking
    assert (1, True) == (ended.code, "hot enable DEMOSERVER" in ended.err)
    assert ["The standby of DEMOSERVER falls behind: its rows are not followed"] == hot.subjects()


def test_hot_disable_does_not_wait_for_our_own_server(hot: Pair) -> None:
    hot.configure({"failover_server": {"data_source": "127.0.0.1,9"}})
    ended = hot.run("hot", "disable", "DEMOSERVER", "--yes")

    assert not hot.live.catalogs["ctserver"].is_tracking
    assert (6, True) == (ended.code, "DEMOSERVER: change tracking is off; the copy" in ended.err)
    assert "ipfx-failover replicate-from-live DEMOSERVER" in ended.err


def test_hot_enable_says_what_goes_unseen_without_the_right_to_see_definitions(pair: Pair) -> None:
    few = frozenset({"alter", "connect"})
    pair.live.add_login("sa", drivers.PASSWORD, sid=b"\x01", rights=few)
    planned = pair.run("hot", "enable", "DEMOSERVER", "--plan", "--json")
    shown = pair.run("hot", "enable", "DEMOSERVER", "--plan")

    assert not json.loads(planned.out)["sees_definitions"]
    assert "Warning: the login lacks the right VIEW DEFINITION" in shown.out


def test_hot_prints_statements_that_can_be_copied_at_80_columns(pair: Pair) -> None:
    enabling = pair.run("hot", "enable", "DEMOSERVER", "--plan")
    assert pair.run("hot", "enable", "DEMOSERVER", "--yes").code == 0
    disabling = pair.run("hot", "disable", "DEMOSERVER", "--plan")

    assert [
        "On DEMOSERVER, in CTSERVER:",
        "  ALTER DATABASE [CTSERVER] SET ALLOW_SNAPSHOT_ISOLATION ON;",
        "  ALTER DATABASE [CTSERVER]",
        "    SET CHANGE_TRACKING = ON",
        "    (CHANGE_RETENTION = 7 DAYS, AUTO_CLEANUP = ON);",
        "  ALTER TABLE [dbo].[calls]",
        "    ENABLE CHANGE_TRACKING",
        "    WITH (TRACK_COLUMNS_UPDATED = OFF);",
    ] == enabling.out.splitlines()
    assert [
        "On DEMOSERVER, in CTSERVER:",
        "  ALTER TABLE [dbo].[calls] DISABLE CHANGE_TRACKING;",
        "  ALTER DATABASE [CTSERVER] SET CHANGE_TRACKING = OFF;",
        "Left on, for others may use it. Once nobody does:",
        "  ALTER DATABASE [CTSERVER] SET ALLOW_SNAPSHOT_ISOLATION OFF;",
    ] == disabling.out.splitlines()


def test_sync_rows_brings_the_copy_to_where_the_live_server_is(hot: Pair) -> None:
    hot.run_live("INSERT INTO calls (text) VALUES (N'two')", "UPDATE calls SET text = N'uno'")
    before = hot.run("hot", "show", "DEMOSERVER", "--json")
    ended = hot.run("sync-rows", "DEMOSERVER", "--json")

    assert hot.live_calls == hot.copied_calls
    assert 2 == json.loads(before.out)["rows_behind"]
    assert 2 == json.loads(ended.out)["results"][0]["rows"]


def shown(hot: Pair) -> tuple[int, bool, str]:
    """What `hot show` ends with, whether it is ok, and what it says is wrong."""
    ended = hot.run("hot", "show", "DEMOSERVER", "--json")
    document = json.loads(ended.out)
    return ended.code, document["ok"], (document["trouble"] or {}).get("message", "")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("ALTER TABLE calls DISABLE CHANGE_TRACKING", "off for the table calls"),
        ("ALTER DATABASE CTSERVER SET ALLOW_SNAPSHOT_ISOLATION OFF", "allows no snapshots"),
    ],
)
def test_hot_show_says_that_rows_cannot_be_followed_and_why(
    hot: Pair, statement: str, words: str
) -> None:
    before = shown(hot)
    hot.run_live(statement)
    code, is_ok, trouble = shown(hot)

    assert (0, True, "") == before
    assert (6, False, True) == (code, is_ok, words in trouble)


def test_what_may_hinder_a_failback_or_cost_a_whole_copy_is_warned_of(pair: Pair) -> None:
    pair.configure_server(real_time="all")
    pair.run_live(
        "CREATE TABLE logs (what nvarchar(9), call_id int CONSTRAINT fk_l REFERENCES calls (id))",
        "ALTER DATABASE CTSERVER SET CHANGE_TRACKING = ON (CHANGE_RETENTION = 1 MINUTES)",
    )
    enabled = " ".join(pair.run("hot", "enable", "DEMOSERVER", "--plan").out.split())
    seen = " ".join(pair.run("hot", "show", "DEMOSERVER").out.split())

    words = "Warning: fk_l: dbo.logs refers to dbo.calls, and only calls is followed"
    assert (True, True) == (words in enabled, words in seen)
    assert "kept 1 minute:" in enabled
    assert "the whole database is copied again" in enabled


def test_a_table_in_which_a_path_gets_too_long_is_told_by_every_command(hot: Pair) -> None:
    hot.run_live(
        "CREATE TABLE other (id int NOT NULL PRIMARY KEY)",
        "ALTER TABLE other ENABLE CHANGE_TRACKING",
    )
    hot.replicated()
    hot.run_live(
        "INSERT INTO calls (voicemail) VALUES (N'C:\\VM\\' + REPLICATE(N'a', 94))",
        "INSERT INTO other VALUES (1)",
    )
    why = "calls: a converted path is too long for its column voicemail"

    assert f"not followed: {why}" in hot.run("sync-rows", "DEMOSERVER").out
    assert f"Not followed: {why}" in hot.run("hot", "show", "DEMOSERVER").out
    assert "DEMOSERVER: calls is not followed, but as of" in hot.run("status").out


def test_hot_show_of_a_server_that_is_stood_in_for_says_what_comes_first(hot: Pair) -> None:
    hot.run("sync-files", "DEMOSERVER")
    hot.run("failover-now", "DEMOSERVER", "--yes")
    code, _, trouble = shown(hot)
    ended = hot.run("sync-rows", "DEMOSERVER")
    hot.run("stop-failover", "DEMOSERVER", "--yes")

    assert (6, True) == (code, trouble.endswith("and stands in"))
    assert "hint: when DEMOSERVER is repaired: ipfx-failover stop-failover" in ended.err


def test_hot_show_says_which_side_cannot_be_reached(hot: Pair) -> None:
    hot.configure({"failover_server": {"data_source": "127.0.0.1,1"}})
    code, is_ok, trouble = shown(hot)

    assert (4, False) == (code, is_ok)
    assert trouble.startswith("the Failover Server (127.0.0.1,1): ")


def test_a_new_table_of_the_live_server_does_not_stop_the_others(hot: Pair) -> None:
    hot.run_live("CREATE TABLE late (id int NOT NULL PRIMARY KEY)")
    hot.replicated()
    hot.run_live("INSERT INTO calls (text) VALUES (N'two')")
    ended = hot.run("sync-rows", "DEMOSERVER")
    again = hot.run("sync-rows", "DEMOSERVER")

    assert (0, 0) == (ended.code, again.code)
    assert "  not followed: late: change tracking is off (hot enable DEMOSERVER)" in ended.out
    assert hot.live_calls == hot.copied_calls
    assert ["Some tables of DEMOSERVER are not followed"] == hot.subjects()


@pytest.mark.parametrize(
    "change",
    ["ALTER TABLE calls ADD more int NULL", "DROP TABLE calls"],
    ids=["altered", "dropped"],
)
def test_a_table_that_is_altered_or_dropped_makes_a_full_replication_due(
    hot: Pair, change: str
) -> None:
    hot.run_live("CREATE TABLE other (id int NOT NULL PRIMARY KEY)")
    hot.run("hot", "enable", "DEMOSERVER", "--yes")
    hot.replicated()
    hot.run_live(change)
    ended = hot.run("sync-rows", "DEMOSERVER")
    said = hot.run("status").out
    (server,) = json.loads(hot.run("status", "--json").out)["servers"]

    assert (6, True) == (ended.code, "not followed any more: calls" in ended.err)
    assert (6, False) == shown(hot)[:2]
    assert (True, server["database_as_of"]) == (server["stale"], server["copy_as_of"])
    assert "the copy is out of date" in said
    assert "0 rows behind" not in said


@pytest.mark.parametrize(
    ("gap", "hint", "is_stale"),
    [
        ("EXEC sim_forget 'CTSERVER'", "make a whole copy: ", True),
        ("EXEC sim_fork 'CTSERVER'", "the copy may have newer rows: look, then ", False),
    ],
)
def test_a_copy_that_rows_cannot_lead_on_is_due_unless_it_may_be_the_newer_one(
    hot: Pair, gap: str, hint: str, *, is_stale: bool
) -> None:
    hot.run("sync-rows", "DEMOSERVER")
    hot.run_live("INSERT INTO calls (text) VALUES (N'two')", gap)
    ended = hot.run("sync-rows", "DEMOSERVER")
    (server,) = json.loads(hot.run("status", "--json").out)["servers"]

    assert (1, True) == (ended.code, f"hint: {hint}" in ended.err)
    assert is_stale != ("--discard-standby" in ended.err)
    assert is_stale == server["stale"]


def test_status_tells_how_far_the_rows_are_behind(hot: Pair) -> None:
    hot.run("sync-rows", "DEMOSERVER")

    assert "DEMOSERVER: hot, " in hot.run("status").out
    assert 0 == json.loads(hot.run("status", "--json").out)["servers"][0]["rows_behind"]


def test_rows_are_not_followed_while_the_standby_is_ahead(hot: Pair) -> None:
    hot.has_stood_in()
    hot.run_live("INSERT INTO calls (text) VALUES (N'two')")

    assert 3 == hot.run("sync-rows", "DEMOSERVER").code
    assert ["one"] == hot.copied_calls


def test_a_table_that_is_not_there_is_told_with_a_near_one(hot: Pair) -> None:
    hot.configure_server(real_time="configuration", database={"configuration_tables": ["call"]})
    ended = hot.run("sync-rows", "DEMOSERVER")

    assert 0 == ended.code
    assert "is it dbo.calls?" in ended.out


def test_a_warm_server_has_no_rows_to_follow(pair: Pair) -> None:
    pair.configure_server(real_time="off")

    assert 2 == pair.run("sync-rows", "DEMOSERVER").code


def test_the_worker_applies_changes_as_they_come_and_ends_with_its_parent(hot: Pair) -> None:
    with worker(hot) as following:
        hot.run_live("INSERT INTO calls (text) VALUES (N'two')")
        eventually(lambda: hot.copied_calls == hot.live_calls, "the row is in the copy")
        assert following.stdin is not None
        following.stdin.close()
        following.wait()

    assert ExitCode.INTERRUPTED == following.returncode


def test_a_worker_that_is_killed_in_a_round_loses_and_doubles_nothing(hot: Pair) -> None:
    touched = hot.directory / "in the middle"
    hot.fault(hot.standby, statement="DELETE b", touch=str(touched), stall_s=30.0)
    hot.run_live("INSERT INTO calls (text) VALUES (N'two')", "UPDATE calls SET text = N'uno'")
    with worker(hot) as following:
        eventually(touched.exists, "a round is under way")
        following.send_signal(signal.SIGKILL)
    hot.no_faults()

    assert 0 == hot.run("sync-rows", "DEMOSERVER").code
    assert hot.live_calls == hot.copied_calls


def test_a_worker_that_hangs_is_killed_and_the_next_one_goes_on(hot: Pair) -> None:
    pid_file, reasons = hot.directory / "pid", set()
    watched = Worker(
        ["sync-rows", "--all", "--watch"],
        config=lambda: hot.config_path,
        keeps_running=True,
        clock=SystemClock(),
        failed=lambda _worker, reason, _delay_s: reasons.add(reason),
        sign=sign_of_life(open_site(hot.config_path)).seen,
        hung_after_s=HUNG_AFTER_S,
        program=(sys.executable, "-c", LEAVES_ITS_PID, str(pid_file)),
    )

    def is_followed() -> bool:
        watched.look()
        return hot.copied_calls == hot.live_calls

    watched.start()
    try:
        hot.run_live("INSERT INTO calls (text) VALUES (N'two')")
        eventually(is_followed, "the row is in the copy")
        os.kill(int(pid_file.read_text()), signal.SIGSTOP)
        hot.run_live("INSERT INTO calls (text) VALUES (N'three')")
        eventually(is_followed, "the row that was committed meanwhile is in the copy")
    finally:
        watched.stop()

    assert {"killed: no sign of life for 5 s"} == reasons


def test_a_nightly_copy_never_moves_a_hot_standby_backwards(hot: Pair) -> None:
    hot.run("sync-rows", "DEMOSERVER")
    seen: list[list[str]] = []

    def go_on() -> None:
        hot.run_live("INSERT INTO calls (text) VALUES (N'after the backup')")
        assert hot.run("sync-rows", "DEMOSERVER").code == 0
        seen.append(hot.copied_calls)

    hot.before_statement(hot.standby, "CHECKDB", go_on)
    hot.replicated()

    assert [["one", "after the backup"]] == seen
    assert ["one", "after the backup"] == hot.copied_calls


def at_the_swap(work: Callable[[], object]) -> Observer:
    """Do something when all is ready to be swapped."""

    def observe(step: Step, state: StepState, text: str) -> None:  # noqa: ARG001 - the port
        if (step.kind, state) == (steps.SWAP, StepState.DOING):
            work()

    return observe


def test_what_the_old_copy_gets_until_the_swap_the_new_one_gets_too(hot: Pair) -> None:
    def go_on() -> None:
        hot.run_live("INSERT INTO calls (text) VALUES (N'late')")
        assert hot.run("sync-rows", "DEMOSERVER").code == 0

    hot.replicated(observer=at_the_swap(go_on))

    assert ["one", "late"] == hot.copied_calls


def test_a_copy_whose_history_ends_behind_the_backup_is_kept_and_made_anew_at_once(
    hot: Pair,
) -> None:
    hot.run("sync-rows", "DEMOSERVER")
    hot.run_live("INSERT INTO calls (text) VALUES (N'two')")
    ended: list[int] = []

    def go_on() -> None:
        hot.run_live("INSERT INTO calls (text) VALUES (N'late')")
        ended.append(hot.run("sync-rows", "DEMOSERVER").code)
        for switch in ("disable", "enable"):
            hot.run("hot", switch, "DEMOSERVER", "--yes")
        ended.append(hot.run("sync-rows", "DEMOSERVER").code)

    hot.before_statement(hot.standby, "CHECKDB", go_on)
    refused = hot.run("replicate-from-live", "DEMOSERVER")
    kept = hot.copied_calls
    (server,) = json.loads(hot.run("status", "--json").out)["servers"]
    again = hot.run("replicate-from-live", "DEMOSERVER")

    assert [0, 1] == ended
    assert (1, True) == (refused.code, "rows that the new one cannot be brought to" in refused.err)
    assert ["one", "two", "late"] == kept
    assert server["stale"]
    assert (0, ["one", "two", "late"]) == (again.code, hot.copied_calls)


def test_the_swap_asks_the_primary_nothing_when_the_new_copy_has_all_that_the_old_one_has(
    hot: Pair,
) -> None:
    asked: list[int] = []
    hot.run_live("INSERT INTO calls (text) VALUES (N'two')")
    hot.replicated(observer=at_the_swap(lambda: asked.append(len(hot.live.said))))

    assert ["one", "two"] == hot.copied_calls
    assert asked == [len(hot.live.said)]


def test_a_monitor_follows_the_rows_of_hot_servers(hot: Pair) -> None:
    hot.run_live("INSERT INTO calls (text) VALUES (N'two')")
    with hot.monitored():
        eventually(lambda: hot.copied_calls == hot.live_calls, "the row is in the copy")

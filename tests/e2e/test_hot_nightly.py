"""What stands against following rows does not stand against a whole copy (simulated)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.sqlserver_pair import Pair

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FROM_LIVE = ("replicate-from-live", "DEMOSERVER")
OFF_AND_ON = (
    "ALTER TABLE calls DISABLE CHANGE_TRACKING",
    "ALTER DATABASE CTSERVER SET CHANGE_TRACKING = OFF",
    "ALTER DATABASE CTSERVER SET CHANGE_TRACKING = ON (CHANGE_RETENTION = 7 DAYS)",
    "ALTER TABLE calls ENABLE CHANGE_TRACKING",
)
NO_SNAPSHOTS = "ALTER DATABASE CTSERVER SET ALLOW_SNAPSHOT_ISOLATION OFF"


@pytest.fixture
def hot(tmp_path: Path) -> Iterator[Pair]:
    """A copy has been made, and some rows were followed."""
    with Pair(tmp_path) as made:
        made.go_hot()
        made.replicated()
        for text in ("two", "three"):
            made.run_live(f"INSERT INTO calls (text) VALUES (N'{text}')")  # noqa: S608
        assert made.run("sync-rows", "DEMOSERVER").code == 0
        yield made


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (["ALTER TABLE calls DISABLE CHANGE_TRACKING"], "change tracking is off for all its"),
        ([NO_SNAPSHOTS], "(3952)"),
    ],
)
def test_a_copy_is_made_as_a_warm_one_while_rows_cannot_be_followed(
    hot: Pair, trouble: list[str], said: str
) -> None:
    hot.run_live("INSERT INTO calls (text) VALUES (N'four')", *trouble)
    ended = hot.run(*FROM_LIVE)

    assert 0 == ended.code, ended
    assert "warning: DEMOSERVER: its rows cannot be followed: " in ended.err
    assert said in ended.err
    assert hot.live_calls == hot.copied_calls
    assert [] == hot.strays()
    assert 1 == len(hot.events("replication_warned"))


@pytest.mark.parametrize("and_then", [[], [NO_SNAPSHOTS]])
def test_a_copy_is_made_where_versions_have_begun_anew(hot: Pair, and_then: list[str]) -> None:
    hot.run_live(*OFF_AND_ON, "INSERT INTO calls (text) VALUES (N'four')", *and_then)
    ended = hot.run(*FROM_LIVE)

    assert 0 == ended.code, ended
    assert hot.live_calls == hot.copied_calls


def test_a_table_of_the_config_that_is_gone_stops_nothing_and_is_told(hot: Pair) -> None:
    tables = ["calls", "gone"]
    hot.configure_server(real_time="configuration", database={"configuration_tables": tables})
    hot.run_live("INSERT INTO calls (text) VALUES (N'four')")
    synced, copied = hot.run("sync-rows", "DEMOSERVER"), hot.run(*FROM_LIVE)
    shown = hot.run("hot", "show", "DEMOSERVER")
    tested = json.loads(hot.run("server", "test", "DEMOSERVER", "--json").out)
    disabled = hot.run("hot", "disable", "DEMOSERVER", "--yes")

    assert [0, 0, 0] == [each.code for each in (synced, copied, shown)]
    assert "gone: CTSERVER has no table gone" in synced.out
    assert "Not followed: gone: CTSERVER has no table gone" in shown.out
    assert 0 == disabled.code
    assert not hot.live.catalogs["ctserver"].is_tracking
    (check,) = [each for each in tested["checks"] if each["name"] == "Followed tables"]
    assert ("warning", True) == (check["level"], "gone" in check["message"])

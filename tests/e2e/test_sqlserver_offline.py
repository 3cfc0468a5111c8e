"""A catalog that somebody has taken offline, by the command line (simulated)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.sqlserver.engine.client import Client
from tests.support.sqlserver_pair import CATALOG, COPY, Pair

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def hot(tmp_path: Path) -> Iterator[Pair]:
    with Pair(tmp_path) as made:
        made.go_hot()
        made.replicated()
        yield made


@pytest.fixture
def live(hot: Pair) -> Iterator[Pair]:
    with Client(hot.live) as client:
        client.run(f"ALTER DATABASE {CATALOG} SET OFFLINE WITH ROLLBACK IMMEDIATE")
        yield hot


@pytest.fixture
def copy(hot: Pair) -> Iterator[Pair]:
    with Client(hot.standby) as client:
        client.run(f"ALTER DATABASE {COPY} SET OFFLINE WITH ROLLBACK IMMEDIATE")
        yield hot


def checked(pair: Pair) -> dict[str, str]:
    found = json.loads(pair.run("server", "test", "DEMOSERVER", "--json").out)["checks"]
    return next(each for each in found if each["name"] == "Catalog")


def test_a_live_catalog_that_is_offline_is_told_with_what_to_do(live: Pair) -> None:
    ended = live.run("replicate-from-live", "DEMOSERVER")
    rows = live.run("sync-rows", "DEMOSERVER")
    found = checked(live)

    assert (1, True) == (ended.code, "CTSERVER on DEMOSERVER is OFFLINE" in ended.err)
    assert "bring it online on DEMOSERVER, then try again" in ended.err
    assert ("failed", "CTSERVER on DEMOSERVER is OFFLINE") == (found["level"], found["message"])
    assert (1, True) == (rows.code, "see whether it is there and ONLINE" in rows.err)
    assert ["one"] == live.calls(live.standby, COPY)


def test_rows_go_on_once_the_live_catalog_is_online_again(hot: Pair) -> None:
    with Client(hot.live) as client:
        client.run(f"ALTER DATABASE {CATALOG} SET OFFLINE WITH ROLLBACK IMMEDIATE")
        hot.run("sync-rows", "DEMOSERVER")
        client.run(f"ALTER DATABASE {CATALOG} SET ONLINE")
    hot.run_live("INSERT INTO calls (text) VALUES (N'two')")

    assert 0 == hot.run("sync-rows", "DEMOSERVER").code
    assert ["one", "two"] == hot.calls(hot.standby, COPY)


def test_a_copy_that_is_offline_is_told_and_not_replaced(copy: Pair) -> None:
    ended = copy.run("replicate-from-live", "DEMOSERVER")
    rows = copy.run("sync-rows", "DEMOSERVER")
    found = checked(copy)

    assert (1, True) == (ended.code, f"{COPY} on the Failover Server is OFFLINE" in ended.err)
    assert "bring it online, or drop it: a new copy is made then" in ended.err
    assert f"{COPY} on the Failover Server is OFFLINE" == found["message"]
    assert (1, True) == (rows.code, "see whether it is there and ONLINE" in rows.err)
    assert [] == copy.strays()


def test_a_copy_that_was_offline_and_is_dropped_is_made_anew(copy: Pair) -> None:
    with Client(copy.standby) as client:
        client.run(f"DROP DATABASE {COPY}")

    assert 0 == copy.run("replicate-from-live", "DEMOSERVER").code
    assert ["one"] == copy.calls(copy.standby, COPY)

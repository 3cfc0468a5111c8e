"""What replicate-from-live does not replace, unless it is told to (simulated SQL Servers)."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.sqlserver.engine.client import Client
from tests.support.sqlserver_pair import COPY, Pair

if TYPE_CHECKING:
    from pathlib import Path

REFUSED = 3
FROM_LIVE = ("replicate-from-live", "DEMOSERVER")


def kept_backups(pair: Pair) -> list[Path]:
    return list((pair.directory / "state" / "kept").rglob("*.bak"))


@pytest.fixture
def restored(pair: Pair) -> Pair:
    """The live catalog was restored; its copy has a row that it lacks."""
    pair.run_live("INSERT INTO calls (text) VALUES (N'newest')")
    pair.replicated()
    pair.run_live("DELETE FROM calls WHERE text = N'newest'", "EXEC sim_fork 'CTSERVER'")
    return pair


def test_a_copy_of_a_live_catalog_that_was_restored_since_is_not_replaced(restored: Pair) -> None:
    before = restored.content(restored.standby, COPY)
    ended = [restored.run(*FROM_LIVE) for _ in range(2)]

    assert [REFUSED, REFUSED] == [each.code for each in ended]
    assert "the copy may have newer rows" in ended[0].err
    assert "--discard-standby" in ended[0].err
    assert before == restored.content(restored.standby, COPY)
    assert 1 == sum(each.startswith("BACKUP") for each in restored.live.said)
    assert 1 == restored.subjects().count("Replication of DEMOSERVER failed")
    assert 2 == len(restored.events("replication_failed"))


def test_such_a_copy_is_replaced_when_it_is_discarded_and_a_verified_backup_of_it_kept(
    restored: Pair,
) -> None:
    ended = restored.run(*FROM_LIVE, "--discard-standby", "--yes")
    (kept,) = kept_backups(restored)

    assert 0 == ended.code, ended
    assert ["one"] == restored.copied_calls
    assert [each for each in restored.standby.said if "VERIFYONLY" in each and kept.name in each]
    assert 0 == restored.run(*FROM_LIVE).code
    with Client(restored.standby, "master") as client:
        client.run(f"RESTORE DATABASE back FROM DISK = N'{kept}'")

    assert ["one", "newest"] == restored.calls(restored.standby, "back")


def test_nothing_is_said_any_more_of_the_rows_of_a_copy_that_was_replaced(pair: Pair) -> None:
    pair.go_hot()
    pair.replicated()
    pair.run_live("EXEC sim_fork 'CTSERVER'")
    pair.run("sync-rows", "DEMOSERVER")
    asked = pair.run("status").out
    pair.run(*FROM_LIVE, "--discard-standby", "--yes")

    assert "may\n  have newer rows" in asked
    assert "newer rows" not in pair.run("status").out


def test_a_live_catalog_that_was_given_back_is_replicated_again(pair: Pair) -> None:
    pair.replicated()
    pair.has_stood_in("two")
    pair.given_back()

    assert 0 == pair.run(*FROM_LIVE).code
    assert ["one", "two"] == pair.copied_calls


def test_a_catalog_of_the_same_name_that_is_no_copy_is_not_replaced(pair: Pair) -> None:
    with Client(pair.standby, "master") as client:
        client.run(f"CREATE DATABASE {COPY}")
    pair.run_standby("CREATE TABLE precious (id int NOT NULL PRIMARY KEY)")
    before = pair.content(pair.standby, COPY)
    ended = pair.run(*FROM_LIVE, "--discard-standby", "--yes")

    assert REFUSED == ended.code
    assert "is no copy that was made by ipfx-failover" in ended.err
    assert "rename or drop it there" in ended.err
    assert before == pair.content(pair.standby, COPY)


def test_an_empty_catalog_that_only_says_where_copies_lie_is_replaced(pair: Pair) -> None:
    with Client(pair.standby, "master") as client:
        client.run(f"CREATE DATABASE {COPY}")

    assert 0 == pair.run(*FROM_LIVE).code
    assert ["one"] == pair.copied_calls


def stood_in(pair: Pair) -> None:
    """A stand-in has recorded a call, and is over."""
    assert 0 == pair.run(*FROM_LIVE).code
    assert 0 == pair.run("sync-files", "DEMOSERVER").code
    assert 0 == pair.run("failover-now", "DEMOSERVER", "--yes").code
    pair.run_standby("INSERT INTO calls (text) VALUES (N'while standing in')")
    assert 0 == pair.run("stop-failover", "DEMOSERVER", "--yes").code


def test_what_a_stand_in_recorded_is_not_replaced_though_the_state_store_is_lost(
    pair: Pair,
) -> None:
    stood_in(pair)
    shutil.rmtree(pair.directory / "state")
    ended = pair.run(*FROM_LIVE)

    assert REFUSED == ended.code
    assert "has stood in, of which the state store knows nothing" in ended.err
    assert ["one", "while standing in"] == pair.copied_calls

    discarded = pair.run(*FROM_LIVE, "--discard-standby", "--yes")

    assert (0, 1) == (discarded.code, len(kept_backups(pair)))
    assert ["one"] == pair.copied_calls


def test_what_a_stand_in_recorded_may_be_given_back_or_discarded_as_ever(pair: Pair) -> None:
    stood_in(pair)

    assert 0 == pair.run("replicate-to-live", "DEMOSERVER", "--yes").code
    assert 0 == pair.run(*FROM_LIVE).code
    assert ["one", "while standing in"] == pair.copied_calls

    stood_in(pair)
    pair.fault(pair.live, statement="^BACKUP", errors=({"number": 3013, "text": "no"},))

    assert 1 == pair.run(*FROM_LIVE, "--discard-standby", "--yes").code
    pair.no_faults()
    assert 0 == pair.run(*FROM_LIVE).code

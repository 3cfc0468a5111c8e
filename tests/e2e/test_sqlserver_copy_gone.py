"""What a stand-in recorded, when its catalog is not there any more (simulated SQL Servers)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.sqlserver.engine.client import Client
from tests.support.sqlserver_pair import COPY

if TYPE_CHECKING:
    from tests.support.sqlserver_pair import Ended, Pair

FAILED = 1
DISCARD = ("replicate-from-live", "DEMOSERVER", "--discard-standby", "--yes")
GONE = f"there is no catalog {COPY} on the Failover Server"


@pytest.fixture
def pair(pair: Pair) -> Pair:
    """With a copy that has stood in."""
    pair.replicated()
    pair.has_stood_in("two")
    return pair


def drop(pair: Pair) -> None:
    with Client(pair.standby, "master") as client:
        client.run(f"DROP DATABASE {COPY}")


def detach(pair: Pair) -> dict[str, bytes]:
    """The catalog is gone, and its files stay; what is in them, by their names."""
    files = [Path(each.path) for each in pair.standby.catalogs[COPY.casefold()].files]
    content = {path: path.read_bytes() for path in files}
    drop(pair)
    for path, data in content.items():
        path.write_bytes(data)
    return {path.name: data for path, data in content.items()}


def said(ended: Ended) -> str:
    return " ".join((ended.out + ended.err).split())


def kept(pair: Pair) -> dict[str, bytes]:
    found = (pair.directory / "state" / "kept").glob("*/*.?df")
    return {path.name: path.read_bytes() for path in found}


def test_a_failback_says_that_the_copy_is_gone_and_what_can_be_done(pair: Pair) -> None:
    drop(pair)
    ended = pair.run("replicate-to-live", "DEMOSERVER", "--yes")

    assert FAILED == ended.code, ended
    assert f"error: {GONE} any more" in said(ended)
    assert "attach or restore it there by that name" in said(ended)
    assert "replicate-from-live DEMOSERVER --discard-standby" in said(ended)
    assert "correct catalog" not in said(ended)
    assert ["one"] == pair.live_calls


def test_a_database_that_was_dropped_is_not_said_to_be_kept(pair: Pair) -> None:
    drop(pair)
    ended = pair.run(*DISCARD)
    (discarded,) = pair.events("standby_discarded")

    assert 0 == ended.code, ended
    assert f"(without its database: {GONE})" in said(ended)
    assert f"(without its database: {GONE})" in discarded.text
    assert ["one"] == pair.copied_calls


def test_the_files_of_a_copy_that_was_detached_are_kept(pair: Pair) -> None:
    files = detach(pair)
    ended = pair.run(*DISCARD)

    assert 0 == ended.code, ended
    assert files == kept(pair)
    assert f"(its database as files to be attached: {GONE})" in said(ended)
    assert ["one"] == pair.copied_calls
    assert [] == pair.strays()


def test_a_copy_that_is_offline_is_not_given_up_and_nothing_is_said_to_be_kept(pair: Pair) -> None:
    pair.standby.catalogs[COPY.casefold()].state = "OFFLINE"
    ended = pair.run(*DISCARD)

    assert FAILED == ended.code, ended
    assert f"{COPY} on the Failover Server is OFFLINE: what it has cannot be kept" in said(ended)
    assert f"ALTER DATABASE [{COPY}] SET ONLINE" in said(ended)
    assert [] == list((pair.directory / "state" / "kept").iterdir())
    assert pair.is_ahead

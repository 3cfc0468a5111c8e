"""Standing in on a simulated SQL Server's copy, and giving back what was recorded on it."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.events import EventKind
from tests.sqlserver.engine.client import Client
from tests.support.sqlserver_pair import CATALOG, COPY, Pair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sqlserver.engine.server import SimulatedServer
    from tests.support.sqlserver_pair import Ended

DEMO = "DEMOSERVER"
APPLICATION = Path(__file__).parents[1] / "support" / "answering.py"
SWITCHES = (
    "SELECT name, is_disabled FROM sys.triggers UNION ALL "
    "SELECT name, is_disabled FROM sys.foreign_keys UNION ALL "
    "SELECT name, is_disabled FROM sys.check_constraints"
)


@pytest.fixture
def own_run() -> Iterator[list[str]]:
    """What leads into a namespace with a /run of its own: a machine has one stand-in at a time."""
    hold = "mount -t tmpfs tmpfs /run && echo ready && exec cat"
    with subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", hold],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert "ready\n" == holder.stdout.readline()
        yield ["nsenter", "--mount", "--target", str(holder.pid), "--"]
        holder.stdin.close()


@pytest.fixture
def pair(tmp_path: Path, own_run: list[str]) -> Iterator[Pair]:
    """A copy that was made, of calls with tags, a trigger and a constraint."""
    application = tmp_path / "application"
    application.mkdir()
    (application / "behaviour").write_text("good")
    with Pair(tmp_path) as made:
        made.inside = own_run
        start = [sys.executable, str(APPLICATION), str(application)]
        made.configure({"failover_server": {"application": {"start": start}}})
        made.run_live(
            "CREATE TABLE tags (id int IDENTITY PRIMARY KEY, call int NOT NULL "
            "CONSTRAINT fk_call FOREIGN KEY REFERENCES calls (id), "
            "weight int CONSTRAINT ck_weight CHECK (weight > 0))",
            "CREATE TRIGGER tr_calls ON calls AFTER DELETE AS RETURN",
            "INSERT INTO tags (call, weight) VALUES (1, 1)",
        )
        made.replicated()
        say_that_files_are_there(made)
        yield made
        if is_standing_in(made):
            made.run("stop-failover", DEMO, "--yes")


def say_that_files_are_there(pair: Pair) -> None:
    """Without them nobody stands in; none are needed here."""
    with closing(pair.store()) as store, store.transaction() as tx:
        copy = tx.copy(DEMO, "database")
        assert copy is not None
        tx.set_copy(replace(copy, kind="files"))


def is_standing_in(pair: Pair) -> bool:
    with closing(pair.store()) as store:
        return store.stand_in() is not None


def stand_in(pair: Pair) -> Ended:
    return pair.run("failover-now", DEMO, "--yes")


def switches(server: SimulatedServer, catalog: str) -> dict[str, int]:
    with Client(server, catalog) as client:
        return dict(client.run(SWITCHES))


OFF = {"tr_calls": 1, "fk_call": 1, "ck_weight": 1}
ON = dict.fromkeys(OFF, 0)


def test_the_application_stands_in_on_a_copy_that_guards_its_rows_as_the_live_one_does(
    pair: Pair,
) -> None:
    assert OFF == switches(pair.standby, COPY)
    assert 0 == stand_in(pair).code

    told = json.loads((pair.directory / "application" / "environment.json").read_text())
    assert COPY == told["IPFX_CATALOG"]
    assert ON == switches(pair.standby, COPY)
    assert [] == pair.events(EventKind.COPY_NOT_READY)


def test_what_was_recorded_is_given_back_with_numbers_that_the_live_server_never_gave(
    pair: Pair,
) -> None:
    pair.run_live("INSERT INTO calls (text) VALUES (N'never replicated')")
    stand_in(pair)
    pair.run_standby(
        r"INSERT INTO calls (text, voicemail) VALUES (N'here', N'C:\VM\DEMOSERVER\VM\h.wav')",
        "INSERT INTO tags (call, weight) SELECT id, 7 FROM calls WHERE text = N'here'",
    )
    assert 0 == pair.run("stop-failover", DEMO, "--yes").code
    ended = pair.run("replicate-to-live", DEMO, "--yes")

    assert 0 == ended.code, ended.err
    assert ["one", "here"] == pair.live_calls
    assert "C:\\VM\\h.wav" in pair.paths(pair.live, CATALOG)
    assert ON == switches(pair.live, CATALOG)
    with Client(pair.live, CATALOG) as client:
        assert 100_002 == client.value("SELECT MAX(id) FROM calls")
    assert not pair.is_ahead
    assert [] == pair.strays()


def next_number(server: SimulatedServer, catalog: str) -> int:
    with Client(server, catalog) as client:
        return int(client.value("SELECT NEXT VALUE FOR ticket"))


def test_no_number_of_a_sequence_is_given_out_twice_there_and_back(pair: Pair) -> None:
    pair.run_live("CREATE SEQUENCE ticket AS int START WITH 1 CACHE 10")
    before = next_number(pair.live, CATALOG)
    assert 0 == pair.run("replicate-from-live", DEMO).code
    unseen = [next_number(pair.live, CATALOG) for _ in range(50)]
    assert 0 == stand_in(pair).code
    here = next_number(pair.standby, COPY)
    pair.run_standby("INSERT INTO calls (text) VALUES (N'here')")
    pair.run("stop-failover", DEMO, "--yes")
    ended = pair.run("replicate-to-live", DEMO, "--yes")

    assert 0 == ended.code, ended.err
    # The backup has the end of what was in memory.
    assert (1, 51, 10 + 100_000) == (before, unseen[-1], here)
    assert here < next_number(pair.live, CATALOG)


def test_rows_that_break_a_constraint_stop_the_failback_and_are_told(pair: Pair) -> None:
    stand_in(pair)
    pair.run_standby(
        "ALTER TABLE tags NOCHECK CONSTRAINT ALL",
        "INSERT INTO tags (call, weight) VALUES (77, 1), (1, -1)",
    )
    pair.run("stop-failover", DEMO, "--yes")
    before = pair.content(pair.live, CATALOG)
    ended = pair.run("replicate-to-live", DEMO, "--yes")

    assert 1 == ended.code
    said = " ".join(ended.err.split())
    assert "dbo.tags, fk_call: 1 row" in said
    assert "dbo.tags, ck_weight: 1 row" in said
    assert before == pair.content(pair.live, CATALOG)
    assert [] == pair.strays()


def test_an_application_that_does_not_start_leaves_a_copy_that_goes_on_as_one(pair: Pair) -> None:
    (pair.directory / "application" / "behaviour").write_text("failing")
    ended = stand_in(pair)

    assert 1 == ended.code
    assert OFF == switches(pair.standby, COPY)
    assert not pair.is_ahead


def test_a_swap_that_was_killed_half_way_is_seen_to_before_anything_stands_in(pair: Pair) -> None:
    pair.run_live("INSERT INTO calls (text) VALUES (N'two')")
    # Nobody gets that name, neither the new one nor the old one again.
    pair.fault(pair.standby, statement=rf"MODIFY NAME = \[{COPY}\]", cut=True, times=0)
    assert 5 == pair.run("replicate-from-live", DEMO).code
    assert COPY not in pair.catalogs(pair.standby)
    pair.no_faults()

    assert 0 == stand_in(pair).code
    assert ["one"] == pair.copied_calls
    assert ON == switches(pair.standby, COPY)


def test_without_its_copy_a_server_is_not_stood_in_for_and_nothing_is_changed(pair: Pair) -> None:
    with Client(pair.standby, "master") as client:
        client.run(f"DROP DATABASE {COPY}")
    foreseen = pair.run("failover-now", DEMO, "--plan")
    refused = stand_in(pair)
    status = pair.run("status")

    reason = f"{DEMO} cannot be stood in for: there is no catalog {COPY} on the Failover Server"
    assert f"It would be refused: {reason}" in foreseen.out
    assert 3 == refused.code
    assert f"error: {reason}" in refused.err
    assert f"ipfx-failover replicate-from-live {DEMO}" in refused.err
    assert "standing in" not in status.out
    assert not pair.is_ahead
    assert [] == pair.events(EventKind.TAKEOVER_STARTED)

    pair.replicated()

    assert 0 == stand_in(pair).code


def test_a_sql_server_of_our_own_that_does_not_answer_is_told_of_and_stops_nothing(
    pair: Pair,
) -> None:
    pair.configure({"failover_server": {"data_source": "127.0.0.1,1"}})
    ended = stand_in(pair)

    assert 6 == ended.code, ended.err
    assert f"The Failover Server stands in for {DEMO}" in ended.out
    (told,) = pair.events(EventKind.COPY_NOT_READY)
    assert "127.0.0.1" in str(told.data["reason"])


def test_what_somebody_held_at_the_takeover_is_told_of_as_not_done(pair: Pair) -> None:
    with Client(pair.standby, COPY) as holder:
        holder.run("BEGIN TRANSACTION; UPDATE tags SET weight = 2")
        ended = stand_in(pair)
        shown = pair.run("status")
        found = switches(pair.standby, COPY)
        holder.run("ROLLBACK")

    assert 6 == ended.code
    assert "NOT all of it" in ended.err
    said = " ".join(shown.out.split())
    assert "CHECK CONSTRAINT [fk_call]: the Failover Server: Lock request" in said
    assert "(1222)): it is tried again as soon as a monitor runs" in said
    assert {"tr_calls": 0, "fk_call": 1, "ck_weight": 1} == found

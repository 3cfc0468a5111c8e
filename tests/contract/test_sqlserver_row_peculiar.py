"""Tables whose rows cannot be followed are left with the reason; the others go on (simulated)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.replication.rows.schema import read_fingerprint, read_tables
from tests.sqlserver import drivers
from tests.sqlserver.drivers import PASSWORD
from tests.sqlserver.engine.client import Client
from tests.sqlserver.engine.server import SimulatedServer
from tests.sqlserver.profiles import PROFILES
from tests.sqlserver.wire.connection import WireProfile
from tests.sqlserver.wire.listener import Listener
from tests.support.hot_copies import HotCopy, Machines, machines
from tests.support.odbc import odbc_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CALLS = "CREATE TABLE calls (id int NOT NULL PRIMARY KEY, text nvarchar(100))"
ODD = "CREATE TABLE odd (id int NOT NULL PRIMARY KEY, text nvarchar(100), stream varbinary(max))"


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    yield from machines(drivers.microsoft(), tmp_path_factory.mktemp("servers"))


@pytest.mark.parametrize(
    ("trait", "why"),
    [
        ("'', 'FILETABLE'", "it is a FileTable"),
        ("'', 'MEMORY_OPTIMIZED'", "it is memory-optimized"),
        ("'', 'EXTERNAL'", "it is an external table"),
        ("'', 'NODE'", "it is a graph table"),
        ("'', 'EDGE'", "it is a graph table"),
        ("'', 'LEDGER'", "it is a ledger table"),
        ("'', 'POLICY'", "a security policy may hide rows of it"),
        ("'stream', 'FILESTREAM'", "its column stream is FILESTREAM"),
        ("'text', 'ENCRYPTED'", "its column text is encrypted (Always Encrypted)"),
    ],
)
def test_a_table_that_cannot_be_followed_stops_no_other(at: Machines, trait: str, why: str) -> None:
    with HotCopy(at, [CALLS, ODD, f"EXEC sim_trait 'odd', {trait}"]) as hot:
        hot.on_live.run("INSERT INTO calls VALUES (1, N'a'); INSERT INTO odd (id) VALUES (1)")
        done = hot.follower.round()
        tracked = hot.on_live.run(
            "SELECT t.name FROM sys.change_tracking_tables c "
            "JOIN sys.tables t ON t.object_id = c.object_id"
        )

        assert {"odd": why} == done.left
        assert [("calls",)] == tracked
        assert [(1, "a")] == hot.on_copy.run("SELECT * FROM calls")


def test_a_value_of_any_type_is_left_to_the_nightly_copy(at: Machines) -> None:
    odd = "CREATE TABLE odd (id int NOT NULL PRIMARY KEY, value sql_variant)"
    with HotCopy(at, [CALLS, odd]) as hot:
        hot.on_live.run("INSERT INTO calls VALUES (1, N'a'); INSERT INTO odd VALUES (1, 2.5)")

        assert {"odd": "column value is sql_variant"} == hot.follower.round().left
        assert [(1, "a")] == hot.on_copy.run("SELECT * FROM calls")


def test_a_security_policy_that_comes_later_deletes_no_row_in_the_copy(at: Machines) -> None:
    with HotCopy(at, [CALLS, ODD]) as hot:
        hot.on_live.run("INSERT INTO odd (id) VALUES (1)")
        hot.follower.round()
        hot.on_live.run("EXEC sim_trait 'odd', '', 'POLICY'; INSERT INTO odd (id) VALUES (2)")
        done = hot.follower.round()

        assert {"odd": "a security policy may hide rows of it"} == done.left
        assert [(1,)] == hot.on_copy.run("SELECT id FROM odd")


def test_a_set_of_sparse_columns_is_followed_by_its_columns(at: Machines) -> None:
    odd = "CREATE TABLE odd (id int PRIMARY KEY, a int NULL, b int NULL, [set] xml NULL)"
    with HotCopy(at, [odd, "EXEC sim_trait 'odd', 'set', 'COLUMN_SET'"]) as hot:
        hot.on_live.run("INSERT INTO odd (id, a, b) VALUES (1, 2, NULL)")
        said = len(at.live.said)
        done = hot.follower.round()

        assert {} == done.left
        assert [(1, 2, None)] == hot.on_copy.run("SELECT id, a, b FROM odd")
        assert not any("b.[set]" in each for each in list(at.live.said)[said:])


DENIALS = [
    ("SELECT", "this login may not read it (GRANT SELECT ON [dbo].[odd])"),
    (
        "SELECT (text)",
        "this login may not read its column text (GRANT SELECT ON [dbo].[odd])",
    ),
    (
        "VIEW CHANGE TRACKING",
        "this login may not see its changes (GRANT VIEW CHANGE TRACKING ON [dbo].[odd])",
    ),
]


@contextmanager
def few_rights(at: Machines) -> Iterator[None]:
    """Our login on the live server is no sysadmin."""
    at.live.add_login("sa", PASSWORD, sid=b"\x01", rights=frozenset())
    yield
    at.live.add_login("sa", PASSWORD, sid=b"\x01")


@pytest.mark.parametrize(("what", "why"), DENIALS)
def test_a_table_that_may_not_be_read_stops_no_other(at: Machines, what: str, why: str) -> None:
    at.live.add_login("dba", PASSWORD, sid=b"\x02")
    with (
        HotCopy(at, [CALLS, ODD]) as hot,
        Client(at.live, hot.catalog, user="dba") as dba,
        few_rights(at),
    ):
        dba.run("INSERT INTO odd (id, text) VALUES (1, N'one')")
        assert {} == hot.follower.round().left

        dba.run(f"DENY {what} ON odd TO public")
        dba.run("INSERT INTO odd (id, text) VALUES (2, N'two'); INSERT INTO calls VALUES (1, N'a')")
        assert {"odd": why} == hot.follower.round().left
        assert [(1, "a")] == hot.on_copy.run("SELECT * FROM calls")
        assert [(1,)] == hot.on_copy.run("SELECT id FROM odd")

        dba.run(f"GRANT {what} ON odd TO public")
        done = hot.follower.round()
        assert ({}, ("odd",)) == (done.left, done.reloaded)
        assert [(1, "one"), (2, "two")] == hot.on_copy.run("SELECT id, text FROM odd")


def test_a_table_that_the_login_does_not_see_is_not_said_to_be_gone(at: Machines) -> None:
    at.live.add_login("dba", PASSWORD, sid=b"\x02")
    with (
        HotCopy(at, [CALLS, ODD]) as hot,
        Client(at.live, hot.catalog, user="dba") as dba,
        few_rights(at),
    ):
        dba.run("DENY VIEW DEFINITION ON odd TO public; INSERT INTO calls VALUES (1, N'a')")
        done = hot.follower.round()

        why = (
            "it is in the copy only: dropped on the live server, or hidden from the login there "
            "(GRANT VIEW DEFINITION)"
        )
        assert ({"odd": why}, ()) == (done.left, done.outdated)
        assert [(1, "a")] == hot.on_copy.run("SELECT * FROM calls")


@pytest.mark.parametrize("rights", [frozenset({"connect"}), frozenset({"connect", "unmask"})])
def test_masked_values_are_not_taken_for_the_real_ones(
    tmp_path: Path, rights: frozenset[str]
) -> None:
    server = SimulatedServer(tmp_path)
    server.create("CT", {})
    with Client(server, "CT") as client:
        client.run(f"{ODD}; EXEC sim_trait 'odd', 'text', 'MASKED'")
    server.add_login("sa", PASSWORD, sid=b"\x01", rights=rights)
    with Listener(server, WireProfile(server.profile.version)) as listening:
        there = odbc_server(drivers.microsoft(), listening.port, encrypt=False)
        with there.open("CT") as session:
            (table,) = read_tables(session).values()

    masked = "its column text is masked for this login, which lacks the right UNMASK"
    assert (None if "unmask" in rights else masked) == table.obstacle


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_no_version_is_asked_for_what_it_does_not_know(tmp_path: Path, profile: str) -> None:
    server = SimulatedServer(tmp_path, PROFILES[profile].server)
    server.create("CT", {})
    with Client(server, "CT") as client:
        client.run(f"{ODD}; EXEC sim_trait 'odd', 'stream', 'FILESTREAM'")
    wire = WireProfile(server.profile.version)
    with Listener(server, wire) as listening:
        there = odbc_server(drivers.microsoft(), listening.port, encrypt=False)
        with there.open("CT") as session:
            (table,) = read_tables(session).values()
            read_fingerprint(session)

    assert "its column stream is FILESTREAM" == table.obstacle

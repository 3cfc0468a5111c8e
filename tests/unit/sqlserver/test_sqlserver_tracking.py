"""Change tracking of the simulated server, with its traps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.sqlserver.engine.client import Client
    from tests.sqlserver.engine.server import SimulatedServer

CHANGES = "SELECT c.k, c.SYS_CHANGE_OPERATION FROM CHANGETABLE(CHANGES t, {}) c ORDER BY c.k"
VERSION = "SELECT CHANGE_TRACKING_CURRENT_VERSION()"
LOWEST = "SELECT CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID('t'))"


@pytest.fixture(autouse=True)
def tables(client: Client) -> None:
    client.run("CREATE TABLE t (k int CONSTRAINT pk PRIMARY KEY, a int); INSERT t VALUES (1, 1)")
    client.run("CREATE TABLE bare (k int)")
    client.run("ALTER DATABASE S SET CHANGE_TRACKING = ON (CHANGE_RETENTION = 2 DAYS)")
    client.run("ALTER TABLE t ENABLE CHANGE_TRACKING")


def changes(client: Client, since: int) -> list[tuple[object, ...]]:
    return client.run(CHANGES.format(since))


def test_versions_are_given_at_commit(client: Client, other: Client) -> None:
    client.run("BEGIN TRAN; INSERT t VALUES (2, 2)")

    assert other.value(VERSION) == 0

    client.run("INSERT t VALUES (3, 3); COMMIT")

    assert other.value(VERSION) == 1

    client.run("UPDATE bare SET k = 1")

    assert other.value(VERSION) == 1


def test_changes_are_told_by_what_is_left_of_them(client: Client) -> None:
    client.run("INSERT t VALUES (2, 2); UPDATE t SET a = 5 WHERE k = 2; UPDATE t SET a = 6")

    assert changes(client, 0) == [(1, "U"), (2, "I")]
    assert changes(client, 2) == [(1, "U"), (2, "U")]

    client.run("DELETE t")

    assert changes(client, 0) == [(1, "D"), (2, "D")]

    client.run("INSERT t VALUES (1, 1)")

    assert changes(client, 0) == [(1, "U"), (2, "D")]
    assert changes(client, client.value(VERSION)) == []


def test_a_changed_key_is_two_changes(client: Client) -> None:
    client.run("UPDATE t SET k = 9")

    assert changes(client, 0) == [(1, "D"), (9, "I")]


def test_what_is_rolled_back_was_never_there(client: Client) -> None:
    client.run("BEGIN TRAN; DELETE t; TRUNCATE TABLE t; ROLLBACK")

    assert client.value(VERSION) == 0
    assert changes(client, 0) == []


def test_below_the_lowest_version_rows_are_silently_missing(
    client: Client, server: SimulatedServer
) -> None:
    client.run("INSERT t VALUES (2, 2); INSERT t VALUES (3, 3)")
    table = server.catalog("S").tables["dbo.t"]

    assert table.tracking is not None

    table.tracking.forget_before(1)

    assert client.value(LOWEST) == 1
    assert changes(client, 0) == [(3, "I")]


def test_truncate_is_not_tracked_and_raises_the_lowest_version(client: Client) -> None:
    client.run("INSERT t VALUES (2, 2); TRUNCATE TABLE t; INSERT t VALUES (3, 3)")

    assert client.value(LOWEST) == 2
    assert changes(client, 0) == [(3, "I")]


def test_a_snapshot_has_the_version_of_its_rows(client: Client, other: Client) -> None:
    client.run("ALTER DATABASE S SET ALLOW_SNAPSHOT_ISOLATION ON")
    other.run("SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRAN")

    assert other.value(VERSION) == 0

    client.run("INSERT t VALUES (2, 2)")

    assert other.value(VERSION) == 0
    assert changes(other, 0) == []
    assert client.value(VERSION) == 1


@pytest.mark.parametrize(
    ("sql", "number"),
    [
        ("ALTER TABLE bare ENABLE CHANGE_TRACKING", 4997),
        ("ALTER TABLE t ENABLE CHANGE_TRACKING", 4996),
        ("ALTER TABLE bare DISABLE CHANGE_TRACKING", 4998),
        ("ALTER TABLE t DROP CONSTRAINT pk", 3735),
        ("ALTER DATABASE S SET CHANGE_TRACKING = OFF", 22115),
        ("ALTER DATABASE S SET CHANGE_TRACKING = ON", 5088),
        ("SELECT * FROM CHANGETABLE(CHANGES bare, 0) c", 22105),
    ],
)
def test_tracking_is_refused_with_its_number(client: Client, sql: str, number: int) -> None:
    assert client.fails(sql)[0] == number


def test_tracking_ends_with_its_tables_first(client: Client) -> None:
    client.run("ALTER TABLE t DISABLE CHANGE_TRACKING")
    client.run("ALTER DATABASE S SET CHANGE_TRACKING = OFF")

    assert client.value(VERSION) is None
    assert client.value(LOWEST) is None
    assert client.run("SELECT * FROM sys.change_tracking_databases") == []
    assert client.fails("ALTER TABLE t ENABLE CHANGE_TRACKING") == [1718]


def test_each_time_it_is_switched_on_a_table_gets_another_internal_table(client: Client) -> None:
    asked = (
        "SELECT i.object_id FROM sys.internal_tables i JOIN sys.tables t "
        "ON t.object_id = i.parent_id WHERE i.internal_type = 209 AND t.name = 't'"
    )
    before = client.value(asked)
    client.run("ALTER TABLE t DISABLE CHANGE_TRACKING")
    meanwhile = client.run(asked)
    client.run("ALTER TABLE t ENABLE CHANGE_TRACKING")

    assert [] == meanwhile
    assert before != client.value(asked)

"""Transactions of the simulated server: what fails, who waits, what is seen, who is told."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.sqlserver.engine.client import Client, FailedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sqlserver.engine.server import SimulatedServer


@pytest.fixture(autouse=True)
def tables(client: Client) -> None:
    client.run("CREATE TABLE t (k int PRIMARY KEY, a int); INSERT t VALUES (1, 1), (2, 2)")
    client.run("CREATE TABLE u (k int PRIMARY KEY, a int); INSERT u VALUES (1, 1)")


class Aside:
    """Something that a second thread does; `result` waits for it."""

    def __init__(self, do: Callable[[], object]) -> None:
        self._found: list[object] = []
        self._thread = threading.Thread(target=lambda: self._found.append(self._told(do)))
        self._thread.start()

    @staticmethod
    def _told(do: Callable[[], object]) -> object:
        try:
            return do()
        except FailedError as error:
            return error.numbers

    def result(self) -> object:
        self._thread.join(30)
        assert self._found, "it still waits"
        return self._found[0]


def until_it_waits(server: SimulatedServer, client: Client) -> None:
    with server.changed:
        assert server.changed.wait_for(lambda: client.session.waits_for is not None, 30)


def test_a_transaction_is_undone_as_a_whole(client: Client) -> None:
    client.run("BEGIN TRAN; INSERT t VALUES (3, 3); UPDATE t SET a = 9; DELETE t WHERE k = 1")
    client.run("TRUNCATE TABLE u")
    client.run("ROLLBACK")

    assert client.run("SELECT * FROM t ORDER BY k") == [(1, 1), (2, 2)]
    assert client.run("SELECT * FROM u") == [(1, 1)]
    assert client.value("SELECT @@TRANCOUNT") == 0


def test_without_a_transaction_there_is_nothing_to_end(client: Client) -> None:
    assert client.fails("COMMIT") == [3902]
    assert client.fails("ROLLBACK") == [3903]


def test_an_inner_commit_ends_nothing(client: Client) -> None:
    client.run("BEGIN TRAN; BEGIN TRAN; INSERT t VALUES (3, 3); COMMIT")

    assert client.value("SELECT @@TRANCOUNT") == 1

    client.run("ROLLBACK")

    assert client.value("SELECT COUNT(*) FROM t") == 2


def test_an_error_undoes_its_statement_and_the_transaction_goes_on(client: Client) -> None:
    sql = "BEGIN TRAN; INSERT t VALUES (3, 3); INSERT t VALUES (4, 4), (1, 1); COMMIT"

    assert client.fails(sql) == [2627]
    assert client.value("SELECT COUNT(*) FROM t") == 3


def test_with_xact_abort_an_error_undoes_the_transaction_and_ends_the_batch(client: Client) -> None:
    sql = "SET XACT_ABORT ON; BEGIN TRAN; INSERT t VALUES (3, 3); INSERT t VALUES (1, 1); PRINT 'x'"

    assert client.fails(sql) == [2627]
    assert [each for each in client.messages if each.text == "x"] == []
    assert client.run("SELECT @@TRANCOUNT, COUNT(*) FROM t") == [(0, 2)]


def test_a_failed_conversion_always_undoes_the_transaction(client: Client) -> None:
    assert client.fails("BEGIN TRAN; INSERT t VALUES (3, 3); INSERT t VALUES ('x', 1)") == [245]
    assert client.fails("COMMIT") == [3902]


def test_what_is_caught_is_not_told(client: Client) -> None:
    found = client.run(
        "BEGIN TRY INSERT t VALUES (3, 3); IF 1 = 1 INSERT t VALUES (1, 1); END TRY "
        "BEGIN CATCH SELECT ERROR_NUMBER(), ERROR_SEVERITY() END CATCH"
    )

    assert found == [(2627, 14)]
    assert client.value("SELECT COUNT(*) FROM t") == 3


def test_under_xact_abort_a_caught_error_dooms_the_transaction(client: Client) -> None:
    sql = (
        "SET XACT_ABORT ON; BEGIN TRAN; BEGIN TRY INSERT t VALUES (1, 1) END TRY "
        "BEGIN CATCH SELECT XACT_STATE() END CATCH"
    )

    assert client.fails(sql) == [3998]
    assert client.value("SELECT @@TRANCOUNT") == 0
    assert client.fails(sql + " COMMIT") == [3930]


def test_what_was_caught_can_be_thrown_on(client: Client) -> None:
    assert client.fails("BEGIN TRY SELECT 1 / 0 END TRY BEGIN CATCH THROW END CATCH") == [8134]
    assert client.fails("RAISERROR ('x', 16, 1)") == [50000]
    assert client.fails("THROW 50100, 'x', 1") == [50100]


def test_who_reads_waits_for_who_writes(
    client: Client, other: Client, server: SimulatedServer
) -> None:
    client.run("BEGIN TRAN; UPDATE t SET a = 5 WHERE k = 1")
    reading = Aside(lambda: other.run("SELECT a FROM t WHERE k = 1"))
    until_it_waits(server, other)
    client.run("COMMIT")

    assert reading.result() == [(5,)]


def test_who_will_not_wait_is_told(client: Client, other: Client) -> None:
    client.run("BEGIN TRAN; UPDATE t SET a = 5 WHERE k = 1")
    other.run("SET LOCK_TIMEOUT 0")

    assert other.fails("SELECT a FROM t") == [1222]

    other.run("SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED")

    assert other.run("SELECT a FROM t WHERE k = 1") == [(5,)]


def test_with_read_committed_snapshot_nobody_waits_to_read(client: Client, other: Client) -> None:
    client.run("ALTER DATABASE S SET READ_COMMITTED_SNAPSHOT ON")
    client.run("BEGIN TRAN; UPDATE t SET a = 5 WHERE k = 1")

    assert other.run("SELECT a FROM t WHERE k = 1") == [(1,)]


def test_one_who_waits_can_be_called_off(
    client: Client, other: Client, server: SimulatedServer
) -> None:
    client.run("BEGIN TRAN; UPDATE t SET a = 5")
    reading = Aside(lambda: other.run("SELECT a FROM t"))
    until_it_waits(server, other)
    other.session.cancel()

    assert reading.result() == [3617]


@pytest.mark.parametrize(("priority", "victim"), [("HIGH", "other"), ("LOW", "client")])
def test_of_two_who_wait_for_each_other_the_less_important_gives_way(
    client: Client, other: Client, server: SimulatedServer, priority: str, victim: str
) -> None:
    client.run(f"SET DEADLOCK_PRIORITY {priority}")
    client.run("BEGIN TRAN; UPDATE t SET a = 5")
    other.run("BEGIN TRAN; UPDATE u SET a = 6")
    waiting = Aside(lambda: client.run("UPDATE u SET a = 5"))
    until_it_waits(server, client)
    last = Aside(lambda: other.run("UPDATE t SET a = 6"))
    results = {"client": waiting.result(), "other": last.result()}

    assert results.pop(victim) == [1205]
    assert list(results.values()) == [[]]
    assert (client if victim == "client" else other).value("SELECT @@TRANCOUNT") == 0


def test_a_snapshot_is_as_old_as_its_first_look(client: Client, other: Client) -> None:
    other.run("SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRAN")

    assert other.fails("SELECT * FROM t") == [3952]

    client.run("ALTER DATABASE S SET ALLOW_SNAPSHOT_ISOLATION ON")
    client.run("BEGIN TRAN; UPDATE t SET a = 5 WHERE k = 1")
    other.run("IF @@TRANCOUNT = 0 BEGIN TRAN")

    assert other.run("SELECT a FROM t WHERE k = 1") == [(1,)]

    client.run("COMMIT; INSERT t VALUES (3, 3)")

    assert other.run("SELECT a FROM t ORDER BY k") == [(1,), (2,)]

    other.run("COMMIT; BEGIN TRAN")

    assert other.run("SELECT a FROM t ORDER BY k") == [(5,), (2,), (3,)]


def test_a_trigger_sees_what_was_there_and_is(client: Client) -> None:
    client.run("CREATE TABLE log (k int, old int, new int)")
    client.run(
        "CREATE TRIGGER tr ON t AFTER INSERT, UPDATE, DELETE AS "
        "INSERT log SELECT ISNULL(i.k, d.k), d.a, i.a FROM inserted i "
        "FULL JOIN deleted d ON d.k = i.k"
    )
    client.run("UPDATE t SET a = 7 WHERE k = 1; DELETE t WHERE k = 2; INSERT t VALUES (3, 3)")

    assert client.run("SELECT * FROM log") == [(1, 1, 7), (2, 2, None), (3, None, 3)]

    client.run("ALTER TABLE t DISABLE TRIGGER ALL; INSERT t VALUES (4, 4)")

    assert client.value("SELECT COUNT(*) FROM log") == 3


def test_what_fails_in_a_trigger_undoes_all(client: Client) -> None:
    client.run("CREATE TRIGGER tr ON t AFTER INSERT AS UPDATE u SET a = 8; INSERT u VALUES (1, 1)")

    assert client.fails("BEGIN TRAN; UPDATE u SET a = 2; INSERT t VALUES (3, 3)") == [2627, 3616]
    assert client.run("SELECT @@TRANCOUNT, a FROM u") == [(0, 1)]
    assert client.value("SELECT COUNT(*) FROM t") == 2


def test_a_trigger_may_roll_back(client: Client) -> None:
    client.run("CREATE TRIGGER tr ON t AFTER INSERT AS IF EXISTS (SELECT 1 FROM inserted) ROLLBACK")

    assert client.fails("INSERT t VALUES (3, 3)") == [3609]
    assert client.value("SELECT COUNT(*) FROM t") == 2


def test_a_trigger_of_the_catalog_hears_of_tables(client: Client) -> None:
    client.run("CREATE TRIGGER d ON DATABASE FOR DDL_TABLE_EVENTS AS INSERT u VALUES (9, 9)")
    client.run("CREATE TABLE x (a int)")

    assert client.value("SELECT COUNT(*) FROM u") == 2

    client.run("DISABLE TRIGGER ALL ON DATABASE; DROP TABLE x")

    assert client.value("SELECT COUNT(*) FROM u") == 2


def test_a_session_that_ends_takes_its_transaction_with_it(
    client: Client, server: SimulatedServer
) -> None:
    with Client(server, "S") as third:
        third.run("BEGIN TRAN; DELETE t")

    assert client.value("SELECT COUNT(*) FROM t") == 2

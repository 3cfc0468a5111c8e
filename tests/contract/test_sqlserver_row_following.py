"""Rows in real time, through both ODBC drivers, between two simulated SQL Servers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as of_hypothesis
from hypothesis import strategies as st

from ipfx_failover.errors import Busy, Unreachable
from ipfx_failover.progress import Progress
from ipfx_failover.replication.rows.decisions import FullNeeded, NotTracked
from ipfx_failover.replication.rows.follower import Follower
from ipfx_failover.replication.sqlserver.session import SqlRefused
from tests.sqlserver.engine.client import Client
from tests.sqlserver.engine.faults import Fault, Faults
from tests.support.hot_copies import HotCopy, Machines, machines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.sqlserver.drivers import Driver
    from tests.sqlserver.engine.session import EngineSession

CALLS = ["CREATE TABLE calls (id int NOT NULL PRIMARY KEY, text nvarchar(100))"]
FAMILY = [
    "CREATE TABLE parent (id int NOT NULL PRIMARY KEY, code nvarchar(10) NOT NULL UNIQUE)",
    "CREATE TABLE [chi]]ld's] ([k'1] int NOT NULL, [k 2] nvarchar(5) NOT NULL, "
    "parent int NULL REFERENCES parent (id), CONSTRAINT pk PRIMARY KEY ([k'1], [k 2]))",
    "CREATE TABLE numbered (id int IDENTITY(5, 5) NOT NULL PRIMARY KEY, at datetime NULL, "
    "twice AS (id * 2), stamp rowversion)",
    "CREATE TABLE loose (text nvarchar(10))",
]
TYPES = """a bit, b tinyint, c bigint, d float, e real, f decimal(38, 10), g money, h smallmoney,
i date, j datetime, k smalldatetime, l datetime2(7), m time(7), n datetimeoffset(7), o char(5),
p varchar(200), q nvarchar(20), r varchar(max), s nvarchar(max), t binary(4), u varbinary(10),
v varbinary(max), w uniqueidentifier, x xml, y text, z ntext, aa image, bb nchar(3),
cc varchar(9) COLLATE Latin1_General_BIN"""
VALUES = r"""1, 255, -9223372036854775808, 0.1e0, 1.1e0, 1234567890123456789012345678.0123456789,
-922337203685477.5808, 214748.3647, '0001-01-01', '2020-02-03T04:05:06.997', '2079-06-06T23:59:00',
'9999-12-31T23:59:59.9999999', '23:59:59.9999999', '2020-01-01 00:00:00.1234567 +05:30', 'ab ',
'it''s {fn NOW()} ? -- /* %', N'é€𝄞', REPLICATE('x', 9000), N'', 0x01, 0x, 0x00FF00,
'6F9619FF-8B86-D011-B42D-00C04FC964FF', N'<a> b </a>', 'text', N'ntext', 0x0102, N'z', 'Aa'"""


@pytest.fixture
def at(driver: Driver, tmp_path: Path) -> Iterator[Machines]:
    yield from machines(driver, tmp_path)


@pytest.fixture
def calls(at: Machines) -> Iterator[HotCopy]:
    with HotCopy(at, CALLS) as made:
        yield made


def test_values_of_every_type_arrive_as_they_are(at: Machines) -> None:
    with HotCopy(at, [f"CREATE TABLE t (id int IDENTITY NOT NULL PRIMARY KEY, {TYPES})"]) as hot:
        hot.on_live.run(f"INSERT INTO t VALUES ({VALUES})")  # noqa: S608
        hot.on_live.run("INSERT INTO t (a) VALUES (NULL)")
        assert hot.follower.round().rows == 2
        live, copy = hot.contents("t")

        assert live == copy


PLACE = [
    "CREATE TABLE place (node hierarchyid NOT NULL PRIMARY KEY, at geography, shape geometry)",
    "INSERT INTO place (node) VALUES (CONVERT(hierarchyid, 0x)), (CONVERT(hierarchyid, 0x58)), "
    "(CONVERT(hierarchyid, 0x5AC0))",
]


def test_trees_and_places_arrive_as_they_are(at: Machines) -> None:
    with HotCopy(at, PLACE) as hot:
        hot.on_live.run(
            "UPDATE place SET at = CONVERT(geography, "
            "0xE6100000010C8FC2F5285C7F47401B0DE02D90605EC0), shape = CONVERT(geometry, "
            "0x00000000010C000000000000F03F0000000000000040) "
            "WHERE node < CONVERT(hierarchyid, 0x5A)"
        )
        hot.on_live.run("INSERT INTO place (node) VALUES (CONVERT(hierarchyid, 0x68))")
        assert hot.follower.round().rows == 3
        live, copy = hot.contents("place")
        assert live == copy

        hot.on_live.run("DELETE FROM place WHERE node = CONVERT(hierarchyid, 0x5AC0)")
        hot.on_live.run("UPDATE place SET at = NULL WHERE node = CONVERT(hierarchyid, 0x58)")
        done = hot.follower.round()
        live, copy = hot.contents("place")

        assert ({}, 3) == (done.left, len(copy))
        assert live == copy


def test_nothing_is_news_until_something_is_committed(calls: HotCopy) -> None:
    assert not calls.follower.has_news()

    calls.on_live.run("INSERT INTO calls VALUES (1, N'one')")

    assert calls.follower.has_news()


def test_what_was_committed_between_backup_and_restore_is_not_lost(at: Machines) -> None:
    with HotCopy(at, CALLS) as hot:
        hot.make_copy("DEMO_NEW", "INSERT INTO calls VALUES (7, N'meanwhile')")
        hot.on_live.run("INSERT INTO calls VALUES (8, N'later')")
        follower = Follower(replace(hot.ends, copy="DEMO_NEW"))
        follower.round()
        follower.close()
        with Client(at.standby, "DEMO_NEW") as copy:
            assert [(7,), (8,)] == copy.run("SELECT id FROM calls ORDER BY id")


def test_who_watches_is_told_how_many_rows_have_been_read_of_how_many(at: Machines) -> None:
    with HotCopy(at, CALLS) as hot:
        told: list[Progress] = []
        watched = Follower(replace(hot.ends, report=told.append))
        rows = ", ".join(f"({number}, N'text')" for number in range(900))
        hot.on_live.run(f"INSERT INTO calls VALUES {rows}")  # noqa: S608
        hot.on_live.run("DELETE FROM calls WHERE id = 0; UPDATE calls SET text = N'' WHERE id = 1")
        watched.round()
        hot.on_live.run("INSERT INTO calls VALUES (1000, N'text'); TRUNCATE TABLE calls")
        hot.on_live.run("INSERT INTO calls VALUES (1, N'text'), (2, N'text')")
        watched.round()
        watched.close()
        live, copy = hot.contents("calls")

    assert live == copy
    assert [Progress("read", 900, 900, "rows"), Progress("read", 2, 2, "rows")] == told


def test_a_unique_value_may_move_from_one_row_to_another(at: Machines) -> None:
    with HotCopy(at, FAMILY) as hot:
        hot.on_live.run("INSERT INTO parent VALUES (1, N'a'), (2, N'b')")
        hot.follower.round()
        hot.on_live.run(
            "UPDATE parent SET code = N'x' WHERE id = 1; "
            "UPDATE parent SET code = N'a' WHERE id = 2; UPDATE parent SET code = N'b' WHERE id = 1"
        )
        hot.follower.round()
        live, copy = hot.contents("parent")

        assert live == copy


def test_what_the_server_itself_writes_is_left_to_it(at: Machines) -> None:
    with HotCopy(at, FAMILY) as hot:
        hot.on_live.run("INSERT INTO numbered (at) VALUES ('2026-01-01T00:00:00.003'), (NULL)")
        hot.on_live.run("UPDATE numbered SET at = NULL WHERE id = 5")
        done = hot.follower.round()
        live, copy = hot.contents("numbered", "id, at, twice")

        assert (2, live) == (done.rows, copy)
        assert "numbered" not in done.left


def test_paths_are_converted_once(at: Machines) -> None:
    given = {
        "path_conversions": [
            {"table": "calls", "column": "text", "from": "C:\\VM\\", "to": "C:\\VM\\DEMO\\VM\\"}
        ]
    }
    with HotCopy(at, CALLS, **given) as hot:
        hot.on_live.run(r"INSERT INTO calls VALUES (1, N'c:\vm\1.wav'), (2, NULL), (3, N'D:\x')")
        hot.follower.round()
        hot.on_live.run(r"UPDATE calls SET text = N'C:\VM\2.wav' WHERE id = 2")
        hot.follower.round()
        texts = [text for (text,) in hot.on_copy.run("SELECT text FROM calls ORDER BY id")]

        assert [r"c:\vm\DEMO\VM\1.wav", r"C:\VM\DEMO\VM\2.wav", r"D:\x"] == texts


def test_a_table_that_was_truncated_is_copied_whole(calls: HotCopy) -> None:
    calls.on_live.run("INSERT INTO calls VALUES (1, N'one'), (2, N'two')")
    calls.follower.round()
    calls.on_live.run("TRUNCATE TABLE calls; INSERT INTO calls VALUES (3, N'three')")
    done = calls.follower.round()
    live, copy = calls.contents("calls")

    assert ("calls",) == done.reloaded
    assert live == copy


def test_a_history_that_is_gone_needs_a_whole_copy(calls: HotCopy) -> None:
    calls.on_live.run("INSERT INTO calls VALUES (1, N'one'); INSERT INTO calls VALUES (2, N'two')")
    _forget(calls, 1)

    with pytest.raises(FullNeeded, match="does not go back far enough"):
        calls.follower.round()


def test_a_history_that_goes_while_it_is_read_applies_nothing(calls: HotCopy) -> None:
    calls.on_live.run("INSERT INTO calls VALUES (1, N'one'); INSERT INTO calls VALUES (2, N'two')")
    calls.at.live.on_statement = lambda _, sql: (
        _forget(calls, 1) if "CHANGETABLE" in sql and "LEFT JOIN" in sql else None
    )

    with pytest.raises(FullNeeded):
        calls.follower.round()
    assert calls.on_copy.run("SELECT id FROM calls") == []


def test_a_copy_that_is_there_and_not_open_to_us_is_not_said_to_be_missing(calls: HotCopy) -> None:
    calls.follower.close()
    with Client(calls.at.standby, calls.copy) as alone:
        alone.run(f"ALTER DATABASE {calls.copy} SET SINGLE_USER WITH ROLLBACK IMMEDIATE")
        with pytest.raises(SqlRefused) as refused:
            calls.follower.round()

    assert 4060 == refused.value.number


def test_a_table_in_which_a_path_gets_too_long_is_left_and_the_others_go_on(at: Machines) -> None:
    path = {"table": "files", "column": "path", "from": "C:\\VM\\", "to": "C:\\VM\\DEMO\\VM\\"}
    table = "CREATE TABLE files (id int NOT NULL PRIMARY KEY, path nvarchar(12))"
    with HotCopy(at, [*CALLS, table], path_conversions=[path]) as hot:
        hot.on_live.run("INSERT INTO files VALUES (1, N'C:\\VM\\1.wav')")
        hot.on_live.run("INSERT INTO calls VALUES (1, N'one')")
        done = hot.follower.round()
        live, copy = hot.contents("calls")

        assert {"files": "a converted path is too long for its column path"} == done.left
        assert (1, live) == (done.rows, copy)


def test_a_server_that_names_the_value_that_is_too_long_is_understood_too(at: Machines) -> None:
    """From SQL Server 2019 on, by another number."""
    path = {"table": "calls", "column": "text", "from": "C:\\VM\\", "to": "C:\\VM\\DEMO\\VM\\"}
    with HotCopy(at, CALLS, path_conversions=[path]) as hot:
        hot.on_live.run("INSERT INTO calls VALUES (1, N'C:\\VM\\1.wav')")
        too_long = {"number": 2628, "text": "String or binary data would be truncated in table"}
        Faults([Fault(statement="UPDATE #rows", errors=[too_long])]).attach(at.standby)

        assert {"calls": "a converted path is too long for its column text"} == (
            hot.follower.round().left
        )


def test_a_table_in_which_a_path_was_too_long_is_copied_whole_when_it_fits(at: Machines) -> None:
    path = {"table": "files", "column": "path", "from": "C:\\VM\\", "to": "C:\\VM\\DEMO\\VM\\"}
    table = "CREATE TABLE files (id int NOT NULL PRIMARY KEY, path nvarchar(12))"
    with HotCopy(at, [table], path_conversions=[path]) as hot:
        hot.on_live.run("INSERT INTO files VALUES (1, N'C:\\VM\\1.wav'), (2, N'D:\\x')")
        hot.follower.round()
        hot.on_live.run("DELETE FROM files WHERE id = 1")
        other = Follower(hot.ends)
        done = other.round()
        other.close()
        live, copy = hot.contents("files")

        assert (("files",), live) == (done.reloaded, copy)


def test_a_table_that_was_left_is_tried_again_in_another_copy(at: Machines) -> None:
    path = {"table": "files", "column": "path", "from": "C:\\VM\\", "to": "C:\\VM\\DEMO\\VM\\"}
    table = "CREATE TABLE files (id int NOT NULL PRIMARY KEY, path nvarchar(12))"
    with HotCopy(at, [table], path_conversions=[path]) as hot:
        hot.on_live.run("INSERT INTO files VALUES (1, N'C:\\VM\\1.wav')")
        assert hot.follower.round().left
        hot.on_live.run("DELETE FROM files")
        hot.on_copy.run("UPDATE ipfx_failover.watermark SET run_id = N'another'")
        with pytest.raises(Busy):
            hot.follower.round()

        assert {} == hot.follower.round().left


def test_a_live_catalog_that_was_itself_restored_needs_a_whole_copy(calls: HotCopy) -> None:
    Faults([Fault(statement="SELECT CHANGE_TRACKING", fork=calls.catalog)]).attach(calls.at.live)

    with pytest.raises(FullNeeded, match="itself restored"):
        calls.follower.has_news()


def test_tracking_that_was_switched_off_is_told_with_the_way_out(calls: HotCopy) -> None:
    calls.on_live.run("ALTER TABLE calls DISABLE CHANGE_TRACKING")

    with pytest.raises(NotTracked, match="the table calls"):
        calls.follower.round()


def _drop_the_copy(hot: HotCopy) -> None:
    with Client(hot.at.standby, "master") as client:
        client.run(f"ALTER DATABASE {hot.copy} SET SINGLE_USER WITH ROLLBACK IMMEDIATE")
        client.run(f"DROP DATABASE {hot.copy}")


def test_a_copy_that_is_gone_is_missed_though_the_live_server_has_no_news(calls: HotCopy) -> None:
    calls.follower.round()
    _drop_the_copy(calls)

    with pytest.raises(FullNeeded, match="there is no copy of its database yet"):
        calls.follower.round()


def test_a_copy_that_was_replaced_is_seen_though_the_live_server_has_no_news(
    calls: HotCopy,
) -> None:
    calls.follower.round()
    calls.on_copy.run("UPDATE ipfx_failover.watermark SET run_id = N'another'")
    with pytest.raises(Busy):
        calls.follower.round()

    assert not calls.follower.round().rows


def test_a_table_that_is_dropped_on_the_live_server_is_told(at: Machines) -> None:
    with HotCopy(at, [*CALLS, "CREATE TABLE gone (id int NOT NULL PRIMARY KEY)"]) as hot:
        hot.follower.round()
        hot.on_live.run("DROP TABLE gone")
        done = hot.follower.round()

        assert {"gone": "it is in the copy only: dropped on the live server"} == done.left
        assert ("gone",) == done.outdated


def test_a_new_table_is_left_and_the_others_go_on(calls: HotCopy) -> None:
    calls.on_live.run("CREATE TABLE [new] (id int NOT NULL PRIMARY KEY)")
    calls.on_live.run("INSERT INTO calls VALUES (1, N'one')")
    done = calls.follower.round()

    assert (1, {"new": "it is new, and not in the copy"}) == (done.rows, done.left)


def test_a_table_of_another_shape_is_left_and_the_others_go_on(at: Machines) -> None:
    with HotCopy(at, [*CALLS, *FAMILY]) as hot:
        hot.on_live.run("ALTER TABLE parent ADD more int NULL")
        hot.on_live.run("INSERT INTO calls VALUES (1, N'one')")
        done = hot.follower.round()

        assert "its column more is another one in the copy" == done.left["parent"]
        assert (1, ("parent",)) == (done.rows, done.outdated)


def test_a_change_of_shape_is_seen_though_the_clock_of_the_live_server_was_set_back(
    at: Machines,
) -> None:
    with HotCopy(at, [*CALLS, *FAMILY]) as hot:
        hot.follower.round()
        hot.on_live.run("ALTER TABLE numbered ADD more int NULL")
        hot.at.live.catalogs[hot.catalog.casefold()].tables["dbo.numbered"].modified -= 10**6
        done = hot.follower.round()

        assert ["loose", "numbered"] == sorted(done.left)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("statement", ["CHANGETABLE", "UPDATE .ipfx", "DELETE b", "^COMMIT"])
def test_a_connection_that_is_cut_at_any_statement_loses_and_doubles_nothing(
    at: Machines, statement: str, moment: str
) -> None:
    with HotCopy(at, CALLS) as hot:
        hot.on_live.run("INSERT INTO calls VALUES (1, N'one')")
        hot.follower.round()
        hot.on_live.run("UPDATE calls SET text = N'uno'; INSERT INTO calls VALUES (2, N'two')")
        for server in (at.live, at.standby):
            Faults([Fault(statement=statement, at=moment, cut=True)]).attach(server)
        for _ in range(3):
            try:
                hot.follower.round()
            except Unreachable:
                continue
        live, copy = hot.contents("calls")

        assert live == copy


def test_a_copy_that_was_replaced_meanwhile_is_not_written_to(calls: HotCopy) -> None:
    calls.follower.round()
    calls.on_copy.run("UPDATE ipfx_failover.watermark SET run_id = N'another'")
    calls.on_live.run("INSERT INTO calls VALUES (1, N'one')")

    with pytest.raises(Busy):
        calls.follower.round()
    assert calls.on_copy.run("SELECT id FROM calls") == []


def test_a_deadlock_is_tried_again(calls: HotCopy) -> None:
    calls.on_live.run("INSERT INTO calls VALUES (1, N'one')")
    deadlock = {"number": 1205, "severity": 13, "text": "chosen as the victim"}
    Faults([Fault(statement="INTO .dbo.*calls", errors=[deadlock])]).attach(calls.at.standby)

    assert calls.follower.round().rows == 1


def test_a_table_that_is_altered_while_it_is_read_is_read_again(calls: HotCopy) -> None:
    calls.on_live.run("INSERT INTO calls VALUES (1, N'one')")
    altered = {"number": 3961, "text": "the object has been modified since this snapshot began"}
    Faults([Fault(statement="LEFT JOIN .dbo.*calls", errors=[altered])]).attach(calls.at.live)

    assert calls.follower.round().rows == 1


def test_a_table_that_is_emptied_while_it_is_read_is_copied_whole(calls: HotCopy) -> None:
    calls.on_live.run("INSERT INTO calls VALUES (1, N'one'), (2, N'two')")

    def empty(_: EngineSession, sql: str) -> None:
        if "LEFT JOIN [dbo].[calls]" in sql:
            calls.at.live.on_statement = lambda *_: None
            calls.on_live.run("TRUNCATE TABLE calls; INSERT INTO calls VALUES (3, N'three')")

    calls.at.live.on_statement = empty
    done = calls.follower.round()

    assert ("calls",) == done.reloaded
    assert [(3,)] == calls.on_copy.run("SELECT id FROM calls")


def test_rows_are_applied_where_any_error_ends_the_transaction(calls: HotCopy) -> None:
    calls.on_live.run("INSERT INTO calls VALUES (1, N'one')")
    said: list[str | None] = []

    def note(session: EngineSession, sql: str) -> None:
        if "INSERT INTO [dbo].[calls]" in sql:
            said.append(session.options.get("XACT_ABORT"))

    calls.at.standby.on_statement = note
    calls.follower.round()

    assert {"ON"} == set(said)


def test_a_table_that_cannot_be_read_is_named(calls: HotCopy) -> None:
    calls.on_live.run("INSERT INTO calls VALUES (1, N'one')")
    damaged = {"number": 824, "severity": 24, "text": "SQL Server detected an incorrect checksum"}
    Faults([Fault(statement="LEFT JOIN .dbo.*calls", errors=[damaged])]).attach(calls.at.live)

    with pytest.raises(SqlRefused) as refused:
        calls.follower.round()
    assert "reading calls on DEMOSERVER: SQL Server detected an incorrect checksum (824)" == (
        refused.value.message
    )


def test_snapshots_that_are_not_allowed_are_told(calls: HotCopy) -> None:
    calls.on_live.run(f"ALTER DATABASE [{calls.catalog}] SET ALLOW_SNAPSHOT_ISOLATION OFF")
    calls.on_live.run("INSERT INTO calls VALUES (1, N'one')")

    with pytest.raises(SqlRefused) as refused:
        calls.follower.round()
    assert 3952 == refused.value.number


OPERATIONS = [
    "INSERT INTO parent VALUES ({0}, N'c{1}')",
    "UPDATE parent SET code = N'c{1}' WHERE id = {0}",
    "UPDATE parent SET id = {1} WHERE id = {0}",
    "DELETE FROM parent WHERE id = {0}",
    "INSERT INTO [chi]]ld's] VALUES ({0}, N'k{1}', {1})",
    "UPDATE [chi]]ld's] SET parent = {1} WHERE [k'1] = {0}",
    "UPDATE [chi]]ld's] SET [k 2] = N'K{1}' WHERE [k'1] = {0}",
    "DELETE FROM [chi]]ld's] WHERE [k'1] = {0}",
    "INSERT INTO numbered (at) VALUES ('2026-01-0{0}T00:00:00.003')",
    "DELETE FROM numbered WHERE id = {0} * 5",
    "TRUNCATE TABLE numbered",
    "BEGIN TRANSACTION; INSERT INTO parent VALUES ({0}, N't{1}'); ROLLBACK TRANSACTION",
]
histories = st.lists(
    st.tuples(st.sampled_from([*OPERATIONS, "round"]), st.integers(1, 4), st.integers(1, 4)),
    max_size=30,
)


@of_hypothesis(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(history=histories)
def test_after_any_history_the_copy_has_what_the_live_server_has(
    at: Machines, history: list[tuple[str, int, int]]
) -> None:
    with HotCopy(at, FAMILY) as hot:
        for operation, one, other in [*history, ("round", 0, 0)]:
            if operation == "round":
                hot.follower.round()
                continue
            _tried(hot.on_live, operation.format(one, other))

        for table, columns in (
            ("parent", "*"),
            ("[chi]]ld's]", "*"),
            ("numbered", "id, at, twice"),
        ):
            live, copy = hot.contents(table, columns)
            assert live == copy


def _tried(client: Client, sql: str) -> None:
    """Some operations are refused: a key is there, a parent is not."""
    for _ in client.answers(sql):
        pass


def _forget(hot: HotCopy, version: int) -> None:
    tracking = hot.at.live.catalogs[hot.catalog.casefold()].tables["dbo.calls"].tracking
    assert tracking is not None
    tracking.forget_before(version)

"""The statements that follow rows, as they are sent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ipfx_failover.replication.sqlserver.conversion import Conversion
from ipfx_failover.replication.sqlserver.watermark import Beginning, Watermark
from ipfx_failover.replication.tsql import peculiar, rows, tables, tracking
from ipfx_failover.replication.tsql.tables import Column, Table
from tests.support.golden import check_golden

COLLATION = "Latin1_General_CI_AS"
MARK = Watermark(41, "6F9619FF-8B86-D011-B42D-00C04FC964FF", "0E984725-C51C-4BF4-9960-E1C80E27ABA0")


def column(name: str, kind: str, length: int = 0, **given: object) -> Column:
    is_text = kind in {"char", "varchar", "nchar", "nvarchar", "text", "ntext"}
    known = {"precision": 0, "scale": 0, "is_identity": False, "is_computed": False, **given}
    return Column(name, kind, length, collation=COLLATION if is_text else None, **known)  # type: ignore[arg-type]


CALLS = Table(
    "odd ]] one".replace("]]", "]"),
    "call's",
    (
        column("id", "int", 4, is_identity=True),
        column("at", "datetime", 8),
        column("text", "varchar", 100),
        column("path", "nvarchar", -1),
        column("more", "xml", -1),
        column("place", "hierarchyid", 892),
        column("cost", "money", 8),
        column("sum", "int", 4, is_computed=True),
        column("stamp", "timestamp", 8),
    ),
    ("id", "at"),
)
OTHER = Table("dbo", "other", (column("id", "uniqueidentifier", 16),), ("id",))


def test_the_live_server_is_asked_so() -> None:
    check_golden(
        "following-live",
        [
            tracking.live_mark(),
            tables.fingerprint(),
            tables.tables(),
            peculiar.peculiarities(10),
            peculiar.peculiarities(16),
            rows.begin_snapshot(),
            tracking.tracked_tables(),
            rows.changed_tables([CALLS, OTHER]).replace("?", "@version"),
            rows.changes(CALLS).replace("?", "@version"),
            rows.all_rows(OTHER),
            rows.end_snapshot(),
        ],
    )


def test_rows_are_applied_so() -> None:
    row = (0, 5, "2026-11-22T01:02:03.997", b"i\0t\0'\0s\0", None, None, b"\x58", "1.2345")
    gone = (1, 6, "2026-11-22T01:02:03.997", None, None, None, None, None)
    path = Conversion(CALLS.schema, CALLS.name, "path", "C:\\VM\\", "C:\\VM\\DEMO\\VM\\")
    check_golden(
        "applying-rows",
        [
            tracking.read_watermark(),
            rows.create_stage(0, CALLS),
            rows.fill_stage(0, CALLS, [row, gone]),
            rows.convert_staged(0, [path]),
            tracking.move_watermark(MARK, "20261122T010000000", 44),
            rows.remove_staged(0, CALLS),
            rows.remove_all(OTHER),
            rows.insert_staged(0, CALLS),
            rows.empty_stage(0),
            rows.drop_stages([0, 1]),
        ],
    )


def test_how_far_it_has_come_is_kept_in_the_copy_so() -> None:
    place = CALLS.schema, CALLS.name
    check_golden(
        "watermark",
        [
            tracking.create_schema(),
            tracking.create_watermark(),
            tracking.write_watermark(MARK, "20261122T010000000"),
            tracking.write_watermark(replace(MARK, version=None), "20261122T010000000"),
            tracking.has_watermark(),
            tracking.create_tracked(),
            tracking.remember_tracked(*place, Beginning(41, "1237579447 2026-11-22T01:00:00")),
            tracking.forget_tracked(*place),
            tracking.has_tracked(),
            tracking.read_tracked(),
            tracking.drop_watermark(),
            tracking.drop_tracked(),
            tracking.drop_schema(),
        ],
    )


def test_tracking_is_switched_so() -> None:
    check_golden(
        "hot",
        [
            tracking.tracking_state(),
            tracking.retention(),
            tracking.allow_snapshots("CT]SERVER"),
            tracking.enable_tracking("CT]SERVER"),
            tracking.track_table(CALLS.schema, CALLS.name),
            tracking.TRACKED_COLUMNS,
            tracking.enable_tracking("CT]SERVER", "36 HOURS", is_cleaned_up=False),
            tracking.track_table(CALLS.schema, CALLS.name, columns=True),
            rows.count_changes(CALLS).replace("?", "@version"),
            tracking.untrack_table(CALLS.schema, CALLS.name),
            tracking.disable_tracking("CT]SERVER"),
            tracking.forbid_snapshots("CT]SERVER"),
        ],
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "NULL"),
        (b"i\0t\0'\0s\0", "N'it''s'"),
        (b"\x3d\xd8", "CONVERT(nvarchar(max), 0x3dd8)"),  # half of a pair
        (b"a\0\0\0", "CONVERT(nvarchar(max), 0x61000000)"),
        (b"", "N''"),
    ],
)
def test_a_text_goes_as_it_is(value: object, written: str) -> None:
    assert written == column("text", "nvarchar", 20).literal(value)


def test_a_float_keeps_all_its_digits() -> None:
    assert 0.1 == float(column("x", "float").literal(0.1))
    assert 1 / 3 == float(column("x", "float").literal(1 / 3))


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (Table("dbo", "t", (column("id", "int"),), ()), "it has no primary key"),
        (Table("dbo", "t", (column("v", "sql_variant"), column("id", "int")), ("id",)),
         "column v is sql_variant"),
        (Table("dbo", "t",
               (column("id", "int"), column("from", "datetime2", 8, is_generated=True)), ("id",)),
         "the server itself writes its column from (a temporal table)"),
        (Table("dbo", "t", tuple(column(f"c{at}", "int") for at in range(1024)), ("c0",)),
         "it has more than 1023 columns"),
        (Table("dbo", "edge", (), (), "it is a graph table"), "it is a graph table"),
        (OTHER, None),
    ],
)  # fmt: skip
def test_what_cannot_be_followed_says_why(table: Table, why: str | None) -> None:
    assert why == table.obstacle

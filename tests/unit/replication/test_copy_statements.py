"""The statements for a copy, from its restore to its way back (golden files)."""

from __future__ import annotations

from dataclasses import replace

from ipfx_failover.replication.sqlserver.conversion import Conversion
from ipfx_failover.replication.sqlserver.options import CatalogOptions
from ipfx_failover.replication.sqlserver.switches import Switch, SwitchKind
from ipfx_failover.replication.tsql import (
    converting,
    options,
    preparing,
    swapping,
    taking,
    users,
)
from tests.support.golden import check_golden

COPY = "DEMO_CT]'S__new_20261122T010000"
CURRENT = "DEMO_CT]'S"
ODD = ("odd ]one", "pet's")
SWITCHES = [
    Switch(SwitchKind.DATABASE_TRIGGER, "", "", "no ]tables"),
    Switch(SwitchKind.TRIGGER, *ODD, "tr'1"),
    Switch(SwitchKind.TRIGGER, *ODD, "tr 2"),
    Switch(SwitchKind.TRIGGER, "dbo", "t", "tr"),
    Switch(SwitchKind.FOREIGN_KEY, *ODD, "fk]1"),
    Switch(SwitchKind.FOREIGN_KEY, *ODD, "fk 2", is_trusted=False),
    Switch(SwitchKind.CHECK, "dbo", "t", "ck"),
]
PATHS = [
    Conversion(*ODD, "wav]", "C:\\VM\\", "C:\\VM\\DEMO\\VM\\"),
    Conversion(*ODD, "wav]", "C:\\VM\\o'k\\", "E:\\"),
]
LIVE = CatalogOptions(
    recovery="FULL",
    page_verify="CHECKSUM",
    is_auto_close=True,
    is_auto_shrink=True,
    is_statistics_async=True,
    is_trustworthy=True,
    is_db_chaining=True,
    is_read_committed_snapshot=True,
    is_snapshot_isolation=True,
    is_broker=True,
    compatibility=100,
    owner="own]er",
)


def test_preparing() -> None:
    check_golden(
        "preparing",
        [
            preparing.use(COPY),
            preparing.switched_on(),
            preparing.switch_off_database_triggers(),
            *preparing.drop_record(),
            converting.drop_record(),
            *preparing.create_record(),
            converting.create_record(),
            *preparing.remember(SWITCHES, "20261122T010000"),
            preparing.has_record(),
            preparing.read_run(),
            preparing.standby_options(COPY),
            preparing.remembered(),
            *preparing.switch_off(SWITCHES),
            users.users(),
            users.logins(),
            users.link("us]er", "log'in"),
            users.administrator(),
            users.give_to(COPY, "sa"),
        ],
    )


def test_converting() -> None:
    check_golden(
        "converting",
        [
            converting.columns(),
            converting.how_many_too_long(PATHS, 40),
            converting.how_many_begin(PATHS),
            converting.convert(PATHS),
            converting.remember(PATHS[1]),
            converting.has_record(),
            converting.remembered(),
            converting.convert([each.back() for each in PATHS]),
            converting.forget(),
        ],
    )


def test_swapping() -> None:
    check_golden(
        "swapping",
        [
            swapping.CATALOGS,
            swapping.NOT_THE_VICTIM,
            swapping.alone(CURRENT),
            swapping.read_only(CURRENT),
            swapping.read_write(CURRENT),
            swapping.rename(CURRENT, f"{CURRENT}__old_1"),
            swapping.rename(COPY, CURRENT),
            swapping.let_all_in(CURRENT),
            swapping.CATALOG_IN_USE,
            swapping.sessions_in(CURRENT),
            swapping.end_session(52),
        ],
    )


def test_taking() -> None:
    check_golden(
        "taking",
        [
            taking.WAIT_BRIEFLY,
            taking.ACCESS,
            taking.IDENTITIES,
            taking.reseed(*ODD, 100_525),
            taking.HAS_SEQUENCES,
            taking.SEQUENCES,
            taking.KEEPS_NUMBERS_LEFT,
            taking.NUMBERS_STILL_LEFT,
            taking.FORGET_NUMBERS_LEFT,
            taking.leave_number(*ODD),
            taking.TAKE,
            taking.FOLLOW_NO_MORE,
            taking.FORGET_HOW_FAR,
            ";\n".join(preparing.switch_on_unchecked(SWITCHES)),
            taking.FOLLOW_AGAIN,
            taking.GIVE_BACK,
        ],
    )


def test_sequences_go_on_where_there_are_any() -> None:
    # Not in the golden file: SQL Server 2008, by which those are judged, has none.
    assert "ALTER SEQUENCE [dbo].[se]]q] RESTART WITH -7" == taking.restart("dbo", "se]q", -7)


def test_making_live_again() -> None:
    key, check = SWITCHES[4], SWITCHES[6]
    standby = replace(
        LIVE,
        recovery="SIMPLE",
        page_verify="NONE",
        is_auto_close=False,
        is_auto_shrink=False,
        is_statistics_async=False,
        is_trustworthy=False,
        is_db_chaining=False,
        is_read_committed_snapshot=False,
        is_snapshot_isolation=False,
        compatibility=150,
    )
    check_golden(
        "making-live-again",
        [
            options.read(COPY),
            preparing.switch_on_checked(key),
            preparing.columns_of_foreign_key(key),
            preparing.rows_without_parent(key, [("a'", "dbo", "t", "k]"), ("b", "dbo", "t", "l")]),
            preparing.definition_of_check(check),
            preparing.rows_against_check(check, "([age]<(100))"),
            *options.change(COPY, standby, LIVE),
        ],
    )


def test_what_cannot_be_set_beside_the_live_catalog_is_not() -> None:
    other = replace(LIVE, owner="", is_broker=False)

    assert [] == options.change(COPY, other, LIVE)

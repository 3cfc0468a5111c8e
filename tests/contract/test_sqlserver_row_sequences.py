"""Sequences of a copy are brought along, through both ODBC drivers (simulated)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfx_failover.replication.rows.sequences import Sequences
from ipfx_failover.replication.sqlserver.role import take_role
from tests.support.hot_copies import HotCopy, machines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.sqlserver.drivers import Driver

TABLES = [
    "CREATE TABLE calls (id int NOT NULL PRIMARY KEY)",
    "CREATE SEQUENCE [call's] START WITH 1 NO CACHE",
    "CREATE SEQUENCE down AS int START WITH -1 INCREMENT BY -5 NO CACHE",
]
AT = "SELECT CAST(current_value AS bigint) FROM sys.sequences ORDER BY name"


@pytest.fixture
def hot(driver: Driver, tmp_path: Path) -> Iterator[HotCopy]:
    for at in machines(driver, tmp_path):
        with HotCopy(at, TABLES) as made:
            yield made


def test_one_that_has_come_further_than_a_takeover_goes_gives_no_number_twice(hot: HotCopy) -> None:
    hot.on_live.run("ALTER SEQUENCE [call's] RESTART WITH 5000000; INSERT calls VALUES (1)")
    hot.on_live.run("ALTER SEQUENCE down RESTART WITH -2000001")
    hot.follower.round()
    given_out = hot.on_live.value("SELECT NEXT VALUE FOR [call's]")

    assert [(5_000_000,), (-2_000_001,)] == hot.on_copy.run(AT)
    assert [] == take_role(hot.ends.standby, hot.copy)
    assert given_out < hot.on_copy.value("SELECT NEXT VALUE FOR [call's]")


def test_few_numbers_write_nothing_in_the_copy(hot: HotCopy) -> None:
    hot.follower.round()
    hot.on_live.run("ALTER SEQUENCE [call's] RESTART WITH 900; INSERT calls VALUES (1)")
    said = len(hot.at.standby.said)
    hot.follower.round()

    assert [(1,), (-1,)] == hot.on_copy.run(AT)
    assert not any("ALTER SEQUENCE" in each for each in list(hot.at.standby.said)[said:])

    hot.on_live.run("ALTER SEQUENCE [call's] RESTART WITH 1100")
    hot.follower.round()
    hot.follower.round()

    assert [(1100,), (-1,)] == hot.on_copy.run(AT)


def test_a_copy_in_use_is_not_taken_back(hot: HotCopy) -> None:
    hot.on_live.run("ALTER SEQUENCE [call's] RESTART WITH 5000")
    with hot.ends.live.open(hot.catalog) as live, hot.ends.standby.open(hot.copy) as copy:
        sequences = Sequences(copy)
        take_role(hot.ends.standby, hot.copy)
        before = hot.on_copy.run(AT)
        sequences.follow(live)

    assert before == hot.on_copy.run(AT)


def test_one_that_is_not_alike_in_the_copy_stops_no_row(hot: HotCopy) -> None:
    hot.on_live.run("DROP SEQUENCE down; CREATE SEQUENCE down AS int START WITH 7")
    hot.on_live.run("DROP SEQUENCE [call's]; CREATE SEQUENCE [call's] START WITH 9000")
    hot.on_live.run("CREATE SEQUENCE new START WITH 9000; INSERT calls VALUES (1)")
    hot.on_copy.run("DROP SEQUENCE [call's]; CREATE SEQUENCE [call's] START WITH 1 MAXVALUE 99")

    assert 1 == hot.follower.round().rows
    assert [(1,), (-1,)] == hot.on_copy.run(AT)

"""A copy comes into use, or is not used after all, through both ODBC drivers (simulated)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfx_failover.errors import Unreachable
from ipfx_failover.replication.sqlserver.prepare import prepare
from ipfx_failover.replication.sqlserver.role import (
    give_role_back,
    obstacle,
    obstacles,
    take_role,
)
from tests.sqlserver.results import Message
from tests.sqlserver.sql.lexer import SqlError
from tests.support.sql_copies import COPY, RUN, copies, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.sqlserver.drivers import Driver
    from tests.sqlserver.engine.session import EngineSession
    from tests.support.sql_copies import Copies

SWITCHES = (
    "SELECT name, is_disabled, 0 FROM sys.triggers UNION ALL "
    "SELECT name, is_disabled, is_not_trusted FROM sys.foreign_keys UNION ALL "
    "SELECT name, is_disabled, is_not_trusted FROM sys.check_constraints"
)
VERSION = "SELECT version FROM ipfx_failover.watermark"


@pytest.fixture
def site(driver: Driver, tmp_path: Path) -> Iterator[Copies]:
    for site in copies(driver, tmp_path):
        with site.to_standby.open() as session:
            prepare(session, COPY, settings=settings(), mark=site.mark, run_id=RUN)
        yield site


def test_what_the_live_server_has_on_is_on_and_nothing_else(site: Copies) -> None:
    assert [] == take_role(site.to_standby, COPY)

    found = {name: tuple(flags) for name, *flags in site.on_standby().run(SWITCHES)}
    assert {
        "tr on": (0, 0),
        "tr off": (1, 0),
        "no tables": (0, 0),
        "fk ] owner": (0, 1),
        "fk other": (1, 1),
        "fk third": (0, 1),
        "ck age": (0, 1),
        "ck weight": (0, 1),
    } == found


def test_numbers_go_on_beyond_those_of_the_live_server(site: Copies) -> None:
    take_role(site.to_standby, COPY)
    client = site.on_standby()
    client.run("INSERT [person] ([age]) VALUES (5)")
    client.run("INSERT [odd ]] one].[pet's] ([owner]) VALUES (10)")

    assert 25 + 5 * 100_000 + 5 == client.value("SELECT MAX([id]) FROM [person]")
    # A tenth of the 32,766 numbers that a smallint has left below -2.
    assert -2 - 3276 - 1 == client.value("SELECT MIN([id]) FROM [odd ]] one].[pet's]")


def test_sequences_go_on_beyond_those_of_the_live_server(site: Copies) -> None:
    live, copy = site.on_live(), site.on_standby()
    for _ in range(1000):  # what the live server has given out since it was backed up
        live.run("DECLARE @n bigint; SET @n = NEXT VALUE FOR [odd ]] one].[call's]")
    given_out = live.value("SELECT NEXT VALUE FOR [odd ]] one].[call's]")

    assert [] == take_role(site.to_standby, COPY)
    # The backup has the end of what was in memory: 20.
    assert 20 + 100_000 == copy.value("SELECT NEXT VALUE FOR [odd ]] one].[call's]")
    assert 20 + 100_000 > given_out
    # A tenth of the 16,383 numbers that there are below -1.
    assert -1 - 1638 * 2 == copy.value("SELECT NEXT VALUE FOR [down]")
    wide = copy.value("SELECT CONVERT(nvarchar(40), NEXT VALUE FOR [wide])")
    assert str(20_000_000_000_000_000_000 + 100_000) == wide
    assert -(2**31) + 100_000 == copy.value("SELECT NEXT VALUE FOR [new]")
    assert [11728] == copy.fails("SELECT NEXT VALUE FOR [full]")


def test_sequences_stay_when_the_role_is_taken_again(site: Copies) -> None:
    take_role(site.to_standby, COPY)
    copy = site.on_standby()
    before = copy.value("SELECT NEXT VALUE FOR [odd ]] one].[call's]")
    take_role(site.to_standby, COPY)

    assert before + 1 == copy.value("SELECT NEXT VALUE FOR [odd ]] one].[call's]")


def test_a_sequence_that_is_refused_is_told_and_tried_again(site: Copies) -> None:
    def refuse(_: EngineSession, sql: str) -> None:
        if "ALTER SEQUENCE [dbo].[down]" in sql:
            raise SqlError(Message(1222, 16, "Lock request time out period exceeded."))

    unhindered, copy = site.standby.on_statement, site.on_standby()
    site.standby.on_statement = refuse
    (told,) = take_role(site.to_standby, COPY)
    site.standby.on_statement = unhindered
    before = copy.value("SELECT NEXT VALUE FOR [odd ]] one].[call's]")

    assert "ALTER SEQUENCE [dbo].[down] RESTART WITH" in told
    assert [] == take_role(site.to_standby, COPY)
    assert -1 - 1638 * 2 == copy.value("SELECT NEXT VALUE FOR [down]")
    assert before + 1 == copy.value("SELECT NEXT VALUE FOR [odd ]] one].[call's]")


def test_the_role_may_be_taken_again_and_numbers_stay(site: Copies) -> None:
    take_role(site.to_standby, COPY)
    before = site.on_standby().value("SELECT IDENT_CURRENT('person')")
    take_role(site.to_standby, COPY)

    assert before == site.on_standby().value("SELECT IDENT_CURRENT('person')")


def test_everybody_may_use_the_copy(site: Copies) -> None:
    take_role(site.to_standby, COPY)
    access = "SELECT user_access_desc FROM sys.databases WHERE database_id = DB_ID()"

    assert "MULTI_USER" == site.on_standby().value(access)


def test_what_was_in_use_follows_no_more(site: Copies) -> None:
    take_role(site.to_standby, COPY)

    assert site.on_standby().value(VERSION) is None


def test_what_was_not_used_goes_on_as_a_copy(site: Copies) -> None:
    before = sorted(site.on_standby().run(SWITCHES))
    take_role(site.to_standby, COPY)
    give_role_back(site.to_standby, COPY)
    give_role_back(site.to_standby, COPY)

    assert before == sorted(site.on_standby().run(SWITCHES))
    assert site.mark.version == site.on_standby().value(VERSION)


def test_what_is_refused_is_told_and_keeps_nothing_else(site: Copies) -> None:
    def refuse(_: EngineSession, sql: str) -> None:
        if "[ck age]" in sql:
            raise SqlError(Message(4917, 16, "Constraint 'ck age' does not exist."))

    site.standby.on_statement = refuse
    (told,) = take_role(site.to_standby, COPY)
    found = {name: tuple(flags) for name, *flags in site.on_standby().run(SWITCHES)}

    assert "4917" in told
    assert (0, 0) == found["tr on"]
    assert (0, 1) == found["fk ] owner"]


def test_who_holds_a_table_is_not_waited_for(site: Copies) -> None:
    site.on_standby().run("BEGIN TRAN; UPDATE [person] SET [age] = 1")
    told = take_role(site.to_standby, COPY)
    found = {name: tuple(flags) for name, *flags in site.on_standby().run(SWITCHES)}

    assert told
    assert all("1222" in each for each in told)
    assert (1, 1) == found["ck age"]
    assert (0, 1) == found["fk ] owner"]


def test_a_copy_can_come_into_use_that_is_there_and_online(site: Copies) -> None:
    assert obstacle(site.to_standby, COPY) is None


def test_a_copy_that_is_gone_cannot_come_into_use(site: Copies) -> None:
    found = obstacle(site.to_standby, "GONE")

    assert f"there is no catalog GONE on {site.to_standby.name}" == found


@pytest.mark.parametrize("state", ["RESTORING", "SUSPECT", "OFFLINE"])
def test_a_copy_that_is_not_online_cannot_come_into_use(site: Copies, state: str) -> None:
    site.standby.catalogs[COPY.casefold()].state = state
    found = obstacle(site.to_standby, COPY)

    assert found is not None
    assert found.endswith(f"is {state}")


def test_a_copy_that_is_being_recovered_may_come_into_use_soon(site: Copies) -> None:
    site.standby.catalogs[COPY.casefold()].state = "RECOVERING"

    with pytest.raises(Unreachable, match="is being recovered"):
        obstacle(site.to_standby, COPY)


def test_several_copies_are_looked_at_at_once_and_none_is_waited_for(site: Copies) -> None:
    site.standby.catalogs[COPY.casefold()].state = "RECOVERING"
    found = obstacles(site.to_standby, ["GONE", COPY, "master"])

    at = site.to_standby.name
    assert {
        "GONE": f"there is no catalog GONE on {at}",
        COPY: f"its catalog {COPY} on {at} is RECOVERING",
        "master": None,
    } == found


def test_what_was_refused_is_done_when_it_is_tried_again_and_nothing_else(site: Copies) -> None:
    def refuse(_: EngineSession, sql: str) -> None:
        if "[ck age]" in sql or ("CHECKIDENT" in sql and "person" in sql):
            raise SqlError(Message(1222, 16, "Lock request time out period exceeded."))

    numbers = "SELECT IDENT_CURRENT('person'), IDENT_CURRENT('[odd ]] one].[pet''s]')"
    client, unhindered = site.on_standby(), site.standby.on_statement
    site.standby.on_statement = refuse
    assert 2 == len(take_role(site.to_standby, COPY))
    assert 2 == len(take_role(site.to_standby, COPY))
    ((left, done),) = client.run(numbers)
    site.standby.on_statement = unhindered
    assert [] == take_role(site.to_standby, COPY)
    assert [] == take_role(site.to_standby, COPY)
    found = {name: tuple(flags) for name, *flags in client.run(SWITCHES)}

    assert (0, 1) == found["ck age"]
    assert [(left + 5 * 100_000, done)] == client.run(numbers)


def test_a_catalog_that_is_none_of_ours_is_left_as_it_is(site: Copies) -> None:
    site.standby.create("own", {})
    (told,) = take_role(site.to_standby, "own")

    assert "was not restored by ipfx-failover" in told

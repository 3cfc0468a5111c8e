"""A copy of the standby's catalog becomes a live one, through both ODBC drivers (simulated)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ipfx_failover.errors import Failed
from ipfx_failover.replication.sqlserver.failback import prepare_for_live, read_replaced
from ipfx_failover.replication.sqlserver.prepare import prepare
from ipfx_failover.replication.sqlserver.role import take_role
from tests.sqlserver.engine.client import Client
from tests.support.sql_copies import COPY, LIVE, RUN, conversion, copies, move, quoted, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.sqlserver.drivers import Driver
    from tests.support.sql_copies import Copies

BESIDE = f"{LIVE}__new_{RUN}"
PATHS = settings(
    path_conversions=[
        conversion("person", "profile"),
        conversion("person", "exact"),
        conversion("person", "wide", to="E:\\"),
    ]
)
TABLES = [
    "SELECT * FROM [person] ORDER BY [id]",
    "SELECT * FROM [odd ]] one].[pet's] ORDER BY [id]",
    "SELECT * FROM [log]",
]
SWITCHES = (
    "SELECT name, is_disabled, 0 FROM sys.triggers UNION ALL "
    "SELECT name, is_disabled, is_not_trusted FROM sys.foreign_keys UNION ALL "
    "SELECT name, is_disabled, is_not_trusted FROM sys.check_constraints"
)

UNTRACK = (
    "ALTER TABLE [person] DISABLE CHANGE_TRACKING; "
    "ALTER TABLE [odd ]] one].[pet's] DISABLE CHANGE_TRACKING; "
    f"ALTER DATABASE {quoted(LIVE)} SET CHANGE_TRACKING = OFF"
)


@pytest.fixture
def site(driver: Driver, tmp_path: Path) -> Iterator[Copies]:
    """The live catalog's owner is a login; the copy was prepared."""
    for site in copies(driver, tmp_path):
        site.live.add_login("owner]", "x", sid=b"\x11")
        with Client(site.live, "master") as client:
            client.run(f"ALTER AUTHORIZATION ON DATABASE::{quoted(LIVE)} TO [owner]]]")
            client.run(f"ALTER DATABASE {quoted(LIVE)} SET PAGE_VERIFY NONE")
        with site.to_standby.open() as session:
            prepare(session, COPY, settings=PATHS, mark=site.mark, run_id=RUN)
        yield site


def given_back(site: Copies) -> list[str]:
    move(site.standby, COPY, site.live, BESIDE, site.directory)
    with site.to_live.open() as session:
        return prepare_for_live(session, BESIDE, live=read_replaced(session, LIVE))


def content(site: Copies, catalog: str) -> list[Any]:
    with Client(site.live, catalog) as client:
        return [client.run(sql) for sql in TABLES]


def test_what_comes_back_is_what_was_sent(site: Copies) -> None:
    given_back(site)

    assert content(site, LIVE) == content(site, BESIDE)


def test_triggers_and_constraints_are_as_they_were(site: Copies) -> None:
    take_role(site.to_standby, COPY)
    given_back(site)
    live, back = (sorted(site.on_live(each).run(SWITCHES)) for each in (LIVE, BESIDE))

    assert live == back


def test_nothing_of_ours_is_left(site: Copies) -> None:
    given_back(site)

    assert site.on_live(BESIDE).value("SELECT SCHEMA_ID(N'ipfx_failover')") is None


def test_options_are_those_of_the_live_catalog(site: Copies) -> None:
    told = given_back(site)
    with site.to_live.open() as session:
        live, back = (read_replaced(session, each).options for each in (LIVE, BESIDE))

    assert live == back
    assert ("FULL", "NONE", "owner]") == (back.recovery, back.page_verify, back.owner)
    assert any("log chain is broken" in each for each in told)


def test_change_tracking_is_on_as_it_was_and_begins_anew(site: Copies) -> None:
    site.on_live().run(
        f"DISABLE TRIGGER ALL ON DATABASE; {UNTRACK}; ALTER DATABASE {quoted(LIVE)} SET "
        "CHANGE_TRACKING = ON (CHANGE_RETENTION = 36 HOURS, AUTO_CLEANUP = OFF); "
        "CREATE TABLE late (k int PRIMARY KEY); ALTER TABLE late ENABLE CHANGE_TRACKING; "
        "ALTER TABLE [person] ENABLE CHANGE_TRACKING WITH (TRACK_COLUMNS_UPDATED = ON); "
        "ENABLE TRIGGER ALL ON DATABASE"
    )
    told = given_back(site)
    with site.to_live.open() as session:
        live, back = (read_replaced(session, each).tracking for each in (LIVE, BESIDE))
    assert live is not None
    kept = tuple(each for each in live.tables if each[1] != "late")

    assert replace(live, tables=kept) == back
    assert ("36 HOURS", False) == (live.retention, live.is_cleaned_up)
    assert (("dbo", "person", True),) == kept
    assert 2 == len(live.tables)
    assert any("change tracking begins anew" in each for each in told)
    assert any("change tracking is off for dbo.late" in each for each in told)


def test_change_tracking_that_was_off_stays_off(site: Copies) -> None:
    site.on_live().run(UNTRACK)
    told = given_back(site)
    with site.to_live.open() as session:
        assert read_replaced(session, BESIDE).tracking is None
    assert not any("tracking" in each for each in told)


def test_on_a_new_machine_it_is_told_that_change_tracking_was_on(site: Copies) -> None:
    move(site.standby, COPY, site.live, BESIDE, site.directory)
    with site.to_live.open() as session:
        told = prepare_for_live(session, BESIDE, live=None)

    assert any("change tracking was on, and is off" in each for each in told)


def test_users_find_the_logins_of_the_live_server_again(site: Copies) -> None:
    for server, sid in ((site.live, b"\x21" * 16), (site.standby, b"\x22" * 16)):
        server.add_login("joe", "x", sid=sid)
    site.on_standby().run("CREATE USER joe FOR LOGIN joe; CREATE USER gone WITHOUT LOGIN")
    given_back(site)
    found = site.on_live(BESIDE).value("SELECT sid FROM sys.database_principals WHERE name = 'joe'")

    assert b"\x21" * 16 == found


def test_what_the_application_has_recorded_comes_along_with_its_path_as_live(
    site: Copies,
) -> None:
    take_role(site.to_standby, COPY)
    site.on_standby().run(
        r"INSERT [person] ([age], [profile], [wide]) VALUES (9, N'C:\VM\DEMO\VM\9', N'E:\9')"
    )
    given_back(site)

    assert [("C:\\VM\\9", "C:\\VM\\9")] == site.on_live(BESIDE).run(
        "SELECT [profile], [wide] FROM [person] WHERE [age] = 9"
    )


def test_rows_that_break_a_constraint_are_counted_and_stop_it(site: Copies) -> None:
    site.on_standby().run("INSERT [odd ]] one].[pet's] ([owner]) VALUES (77), (78), (10), (NULL)")
    site.on_standby().run("UPDATE [person] SET [age] = 200 WHERE [id] = 15")

    with pytest.raises(Failed) as caught:
        given_back(site)

    assert "odd ] one.pet's, fk ] owner: 2 rows" in caught.value.message
    assert "dbo.person, ck age: 1 row" in caught.value.message
    assert "ck weight" not in caught.value.message


def test_a_catalog_that_is_no_copy_is_refused(site: Copies) -> None:
    move(site.live, LIVE, site.live, BESIDE, site.directory)
    with site.to_live.open() as session, pytest.raises(Failed, match="is no copy"):
        prepare_for_live(session, BESIDE, live=read_replaced(session, LIVE))

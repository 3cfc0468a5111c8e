"""What is done to a restored copy, through both ODBC drivers (simulated)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ipfx_failover.errors import Failed
from ipfx_failover.replication.sqlserver.prepare import prepare
from ipfx_failover.replication.sqlserver.session import SqlRefused
from ipfx_failover.replication.sqlserver.watermark import Watermark
from tests.sqlserver.results import Message
from tests.sqlserver.sql.lexer import SqlError
from tests.support.sql_copies import COPY, RUN, conversion, copies, quoted, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ipfx_failover.config.models import DatabaseSettings
    from tests.sqlserver.drivers import Driver
    from tests.sqlserver.engine.session import EngineSession
    from tests.support.sql_copies import Copies

PATHS = settings(
    path_conversions=[
        conversion("person", "profile"),
        conversion("dbo.Person", "exact"),
        conversion("[dbo].[person]", "[wide]"),
    ],
    after_restore=["INSERT [log] VALUES (N'restored')"],
)
ON = "SELECT name FROM {} WHERE is_disabled = 0 ORDER BY name"
STILL_ON = [ON.format(view) for view in ("sys.triggers", "sys.foreign_keys")] + [
    ON.format("sys.check_constraints")
]


@pytest.fixture
def site(driver: Driver, tmp_path: Path) -> Iterator[Copies]:
    yield from copies(driver, tmp_path)


def prepared(
    site: Copies, by: DatabaseSettings = PATHS, mark: Watermark | None = None, run_id: str = RUN
) -> list[str]:
    with site.to_standby.open() as session:
        return prepare(session, COPY, settings=by, mark=mark or site.mark, run_id=run_id)


def paths(site: Copies) -> list[Any]:
    return site.on_standby().run("SELECT [profile], [exact], [wide] FROM [person] ORDER BY [id]")


def test_paths_are_converted_as_the_columns_collation_compares(site: Copies) -> None:
    prepared(site)

    assert [
        ("C:\\VM\\DEMO\\VM\\1", "C:\\VM\\DEMO\\VM\\a", "C:\\VM\\DEMO\\VM\\w"),
        ("c:\\vm\\DEMO\\VM\\2", "c:\\vm\\b", None),
        (None, None, "D:\\x"),
        ("C:\\VMX\\y", "C:\\VM", "C:\\VM\\DEMO\\VM\\"),
    ] == paths(site)


def test_nothing_is_converted_twice(site: Copies) -> None:
    prepared(site)
    once = paths(site)
    prepared(site)

    assert once == paths(site)


def test_nothing_is_converted_twice_when_what_says_so_is_not_written(site: Copies) -> None:
    def refuse(_: EngineSession, sql: str) -> None:
        if "INSERT INTO [ipfx_failover].[watermark]" in sql:
            site.standby.on_statement = lambda *_: None
            raise SqlError(Message(9002, 17, "The transaction log is full."))

    site.standby.on_statement = refuse
    with pytest.raises(SqlRefused):
        prepared(site)
    prepared(site)

    assert "C:\\VM\\DEMO\\VM\\1" == paths(site)[0][0]


def test_everything_that_would_act_on_rows_is_off(site: Copies) -> None:
    prepared(site)
    client = site.on_standby()

    assert [[], [], []] == [client.run(sql) for sql in STILL_ON]
    assert [] == client.run("SELECT * FROM sys.change_tracking_tables")
    assert client.value("SELECT CHANGE_TRACKING_CURRENT_VERSION()") is None
    assert [("on",), ("restored",)] == client.run("SELECT * FROM [log]")
    found = client.run(
        "SELECT is_auto_close_on, recovery_model_desc, is_auto_update_stats_async_on "
        "FROM sys.databases WHERE database_id = DB_ID()"
    )
    assert [(0, "SIMPLE", 0)] == found


def test_the_copy_knows_how_far_it_has_come(site: Copies) -> None:
    prepared(site)
    ((version, run_id),) = site.on_standby().run(
        "SELECT version, run_id FROM ipfx_failover.watermark"
    )

    assert (site.mark.version, RUN) == (version, run_id)


def test_a_copy_older_than_its_mark_is_refused(site: Copies) -> None:
    later = Watermark((site.mark.version or 0) + 1, "f", "g")

    with pytest.raises(Failed, match="had come to"):
        prepared(site, mark=later)


def test_the_copy_is_the_administrators_whoever_has_restored_it(site: Copies) -> None:
    site.standby.add_login("somebody", "x", sid=b"\x31")
    client = site.on_standby()
    client.run(f"ALTER AUTHORIZATION ON DATABASE::{quoted(COPY)} TO somebody")
    prepared(site)

    assert b"\1" == client.value("SELECT owner_sid FROM sys.databases WHERE database_id = DB_ID()")


def test_users_find_the_logins_of_their_names_and_others_are_told(site: Copies) -> None:
    told = prepared(site)
    client = site.on_standby()

    assert "the user nobody here has no login" in " ".join(told)
    assert b"\7" == client.value("SELECT sid FROM sys.database_principals WHERE name = 'app'")
    assert b"\1" == client.value("SELECT owner_sid FROM sys.databases WHERE database_id = DB_ID()")


@pytest.mark.parametrize(
    ("by", "said", "hint"),
    [
        (conversion("persons", "profile"), "has no table persons", "dbo.person?"),
        (conversion("pet", "profile"), "has no table pet", "odd ] one.pet's?"),
        (conversion("person", "profil"), "has no column profil", "profile?"),
        (conversion("person", "age"), "holds no paths: it is tinyint", "path_conversions"),
        (
            conversion("person", "profile", to="C:\\" + "long\\" * 8),
            "in dbo.person.profile 2 get longer than its 40 characters",
            "make the column longer",
        ),
    ],
)
def test_what_cannot_be_converted_is_said_before_anything_is(
    site: Copies, by: dict[str, str], said: str, hint: str
) -> None:
    with pytest.raises(Failed) as caught:
        prepared(site, settings(path_conversions=[by]))

    assert said in caught.value.message
    assert hint in caught.value.hint
    assert [] == site.on_standby().run("SELECT * FROM ipfx_failover.watermark")


def test_the_longest_beginning_counts(site: Copies) -> None:
    longer = conversion("person", "wide", **{"from": "C:\\VM\\w", "to": "E:\\v"})
    prepared(site, settings(path_conversions=[conversion("person", "wide"), longer]))
    found = [row[2] for row in paths(site)]

    assert ["E:\\v", None, "D:\\x", "C:\\VM\\DEMO\\VM\\"] == found


def test_values_that_begin_as_converted_ones_are_told(site: Copies) -> None:
    told = prepared(site, settings(path_conversions=[conversion("person", "wide", to="D:\\")]))

    assert "in dbo.person.wide 1 begin with D:\\ already" in told[0]


def test_a_restored_copy_of_another_run_is_no_prepared_one(site: Copies) -> None:
    prepared(site)
    prepared(
        site,
        settings(),
        Watermark(None, site.mark.database_guid, site.mark.database_guid),
        "20261123T010000",
    )

    assert "20261123T010000" == site.on_standby().value("SELECT run_id FROM ipfx_failover.copy")


def test_a_statement_of_after_restore_that_leaves_the_catalog_does_not_take_the_rest_along(
    site: Copies,
) -> None:
    prepared(site, settings(after_restore=["USE master", "INSERT [log] VALUES (N'here')"]))

    assert ("here",) in site.on_standby().run("SELECT * FROM [log]")


def test_a_statement_of_after_restore_whose_transaction_stays_open_is_told(site: Copies) -> None:
    with pytest.raises(Failed, match="statement 1 of after_restore leaves a transaction open"):
        prepared(site, settings(after_restore=["BEGIN TRANSACTION"]))

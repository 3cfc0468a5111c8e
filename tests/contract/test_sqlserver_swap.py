"""A copy is put in the old one's place, through both ODBC drivers (simulated)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ipfx_failover.errors import Failed, FailoverError, Unreachable
from ipfx_failover.replication.sqlserver.prepare import prepare
from ipfx_failover.replication.sqlserver.session import SqlRefused
from ipfx_failover.replication.sqlserver.swap import Swapper
from tests.sqlserver.engine.client import Client
from tests.sqlserver.results import Message
from tests.sqlserver.sql.lexer import SqlError
from tests.support.sql_copies import COPY, LIVE, RUN, copies, quoted, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.sqlserver.drivers import Driver
    from tests.sqlserver.engine.session import EngineSession
    from tests.support.sql_copies import Copies

CURRENT = f"DEMO_{LIVE}"
OLD = f"{CURRENT}__old_{RUN}"
CONTENT = "SELECT * FROM [marker]"
ACCESS = "SELECT name, user_access_desc FROM sys.databases WHERE database_id > 4 ORDER BY name"


@pytest.fixture
def first(driver: Driver, tmp_path: Path) -> Iterator[Copies]:
    """A prepared copy, and none that it replaces."""
    for site in copies(driver, tmp_path):
        with site.to_standby.open() as session:
            prepare(session, COPY, settings=settings(), mark=site.mark, run_id=RUN)
        yield site


@pytest.fixture
def site(first: Copies) -> Copies:
    """A prepared copy, and last night's in its place."""
    first.standby.create(CURRENT, {})
    with Client(first.standby, CURRENT) as client:
        client.run("CREATE TABLE [marker] ([text] nvarchar(20) NULL)")
        client.run("INSERT [marker] VALUES (N'last night')")
    return first


def swapper(site: Copies) -> Swapper:
    return Swapper(site.to_standby, lambda _: None)


def swap(site: Copies, run_id: str = RUN) -> None:
    swapper(site).swap(CURRENT, COPY, OLD, run_id=run_id)


def catalogs(site: Copies) -> dict[str, str]:
    with Client(site.standby, "master") as client:
        return dict(client.run(ACCESS))


def is_as_before(site: Copies) -> None:
    there = catalogs(site)

    assert {CURRENT, COPY} == there.keys()
    assert "MULTI_USER" == there[CURRENT]
    with Client(site.standby, CURRENT) as client:
        assert [("last night",)] == client.run(CONTENT)


def is_swapped(site: Copies) -> None:
    there = catalogs(site)

    assert {CURRENT, OLD} == there.keys()
    assert "MULTI_USER" == there[CURRENT]
    with Client(site.standby, CURRENT) as client:
        assert 4 == client.value("SELECT COUNT(*) FROM [person]")


def test_the_copy_takes_the_place_and_the_old_one_stays_beside(site: Copies) -> None:
    swap(site)

    is_swapped(site)


def test_a_name_may_be_written_in_another_case(site: Copies) -> None:
    swapper(site).swap(CURRENT.lower(), COPY, OLD, run_id=RUN)

    assert {CURRENT.lower(), OLD} == catalogs(site).keys()


def test_the_first_copy_takes_an_empty_place(first: Copies) -> None:
    swap(first)

    assert {CURRENT: "MULTI_USER"} == catalogs(first)


def test_a_swap_may_be_repeated(site: Copies) -> None:
    swap(site)
    swap(site)

    is_swapped(site)


def test_whoever_is_in_the_old_one_is_thrown_out(site: Copies) -> None:
    client = site.on_standby(CURRENT)
    client.run("BEGIN TRAN; DELETE [marker]")
    swap(site)

    assert [596] == client.fails(CONTENT)
    is_swapped(site)


def test_of_a_deadlock_somebody_else_is_the_victim(site: Copies) -> None:
    priorities: list[str | None] = []

    def note(session: EngineSession, sql: str) -> None:
        if "MODIFY NAME" in sql:
            priorities.append(session.options.get("DEADLOCK_PRIORITY"))

    site.standby.on_statement = note
    swap(site)

    assert ["HIGH", "HIGH"] == priorities


def test_a_swap_is_undone(site: Copies) -> None:
    swap(site)
    swapper(site).swap_back(CURRENT, COPY, OLD, had_current=True)

    is_as_before(site)


def test_undoing_may_be_repeated_and_undoes_nothing_else(site: Copies) -> None:
    for _ in range(2):
        swapper(site).swap_back(CURRENT, COPY, OLD, had_current=True)

    is_as_before(site)


def test_the_first_swap_is_undone(first: Copies) -> None:
    swap(first)
    swapper(first).swap_back(CURRENT, COPY, OLD, had_current=False)

    assert {COPY} == catalogs(first).keys()


def refused(number: int, at: str, times: int) -> Any:
    """The first `times` statements that have `at` in them are refused."""
    left = [times]

    def refuse(_: EngineSession, sql: str) -> None:
        if at in sql and left[0]:
            left[0] -= 1
            failed = Message(5069, 16, "ALTER DATABASE statement failed.")
            raise SqlError(Message(number, 16, f"Fault {number}."), failed)

    return refuse


PLACES = {
    "throwing out": f"{quoted(CURRENT)} SET SINGLE_USER",
    "first rename": f"MODIFY NAME = {quoted(OLD)}",
    "second rename": f"MODIFY NAME = {quoted(CURRENT)}",
    "letting in": f"{quoted(CURRENT)} SET MULTI_USER",
}
NUMBERS = [5061, 5064, 924, 1205]
FAULTS = [(place, 5030) for place in PLACES] + [("first rename", each) for each in NUMBERS]


@pytest.mark.parametrize(("place", "number"), FAULTS)
def test_what_passes_is_tried_again(site: Copies, place: str, number: int) -> None:
    site.standby.on_statement = refused(number, PLACES[place], 1)
    swap(site)

    is_swapped(site)


@pytest.mark.parametrize(
    ("place", "number"), [each for each in FAULTS if each[0] in {"throwing out", "first rename"}]
)
def test_what_does_not_pass_leaves_all_as_it_was(site: Copies, place: str, number: int) -> None:
    site.standby.on_statement = refused(number, PLACES[place], 100)
    with pytest.raises(SqlRefused, match="replacing DEMO_CT"):
        swap(site)
    site.standby.on_statement = lambda *_: None

    is_as_before(site)


def test_a_second_rename_that_stays_refused_leaves_all_as_it_was(site: Copies) -> None:
    at = f"ALTER DATABASE {quoted(COPY)} MODIFY NAME"
    site.standby.on_statement = refused(5030, at, 100)
    with pytest.raises(SqlRefused, match="replacing DEMO_CT"):
        swap(site)

    is_as_before(site)


@pytest.fixture
def read_only(site: Copies) -> Copies:
    """Nobody may write to last night's."""
    with Client(site.standby, "master") as client:
        client.run(f"ALTER DATABASE {quoted(CURRENT)} SET READ_ONLY WITH NO_WAIT")
    return site


def test_what_was_read_only_is_so_again_when_it_is_not_replaced(read_only: Copies) -> None:
    at = f"ALTER DATABASE {quoted(COPY)} MODIFY NAME"
    read_only.standby.on_statement = refused(5030, at, 100)
    with pytest.raises(SqlRefused, match="replacing DEMO_CT"):
        swap(read_only)

    is_as_before(read_only)
    assert "READ_ONLY" in read_only.standby.catalog(CURRENT).options


def test_what_anybody_may_have_written_to_meanwhile_is_not_replaced(read_only: Copies) -> None:
    passing = refused(5030, f"ALTER DATABASE {quoted(COPY)} MODIFY NAME", 1)
    lasting = refused(5061, "SET READ_ONLY", 100)

    def refuse(session: EngineSession, sql: str) -> None:
        passing(session, sql)
        lasting(session, sql)

    read_only.standby.on_statement = refuse
    with pytest.raises(SqlRefused, match="replacing DEMO_CT"):
        swap(read_only)

    is_as_before(read_only)


@pytest.mark.parametrize("number", [1801, 5011])
def test_what_cannot_pass_is_not_tried_again(site: Copies, number: int) -> None:
    site.standby.on_statement = refused(number, PLACES["first rename"], 1)
    with pytest.raises(SqlRefused, match="replacing DEMO_CT"):
        swap(site)

    is_as_before(site)


def test_the_place_that_somebody_has_stolen_is_taken_back(site: Copies) -> None:
    def steal(session: EngineSession, sql: str) -> None:
        if PLACES["first rename"] not in sql:
            return
        site.standby.on_statement = lambda *_: None
        session.database = "master"
        site.on_standby(CURRENT)

    site.standby.on_statement = steal
    swap(site)

    is_swapped(site)


@pytest.mark.parametrize("place", PLACES)
def test_a_connection_that_is_cut_leaves_all_as_it_was(site: Copies, place: str) -> None:
    def cut(session: EngineSession, sql: str) -> None:
        if PLACES[place] in sql:
            site.standby.on_statement = lambda *_: None
            session.is_killed = True
            session.close()
            raise SqlError(Message(596, 21, "The session is in the kill state."))

    site.standby.on_statement = cut
    with pytest.raises(Unreachable):
        swap(site)

    is_as_before(site)


@pytest.mark.parametrize("place", PLACES)
def test_what_a_killed_process_has_left_is_undone(site: Copies, place: str) -> None:
    """Nothing of it comes to the server any more, from one statement on."""
    is_dead: list[str] = []

    def die(_: EngineSession, sql: str) -> None:
        if is_dead or PLACES[place] in sql:
            is_dead.append(sql)
            raise SqlError(Message(50000, 16, "Dead."))

    site.standby.on_statement = die
    with pytest.raises(FailoverError):
        swap(site)
    site.standby.on_statement = lambda *_: None
    swapper(site).swap_back(CURRENT, COPY, OLD, had_current=True)

    is_as_before(site)


def test_what_takes_the_place_must_be_the_copy_of_this_run(site: Copies) -> None:
    with pytest.raises(Failed, match="is not what was restored"):
        swap(site, "another")

    is_as_before(site)

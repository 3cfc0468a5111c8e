"""What is looked at before a catalog is backed up, where the simulated server has no such thing."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from ipfx_failover.errors import Failed, Refused
from ipfx_failover.replication.sqlserver.preflight import Preflight, data_directory
from ipfx_failover.replication.sqlserver.side import SqlServerSide
from ipfx_failover.replication.tsql import server as asking
from tests.fakes.clock import FakeClock
from tests.fakes.livehost import FakeLiveHost
from tests.fakes.sql_server import ScriptedServer

GIB = 1 << 30
VERSION = ("16.0.1.0", "Standard Edition", 2)
OLD = ("10.50.1.0", "Standard Edition", 2)


def side(name: str, *, is_copy: bool) -> SqlServerSide:
    server = ScriptedServer(
        name,
        {
            asking.SERVER: [VERSION],
            asking.CATALOGS: [("CT", "ONLINE")],
            asking.CATALOG: [("ONLINE", 0, 0)],
            asking.FILES: [(0, "D:\\CT.mdf", 4 * GIB), (1, "E:\\CT.ldf", GIB)],
            asking.USED_BYTES: [(3 * GIB,)],
            asking.EDITION_FEATURES: [],
            asking.MAY_BACK_UP: [(1,)],
            asking.MAY_RESTORE: [(1,)],
        },
    )
    return SqlServerSide(
        server, FakeLiveHost(), FakeClock(), is_copy=is_copy, before_swap=lambda _: nullcontext()
    )


@pytest.fixture
def live() -> SqlServerSide:
    return side("DEMO", is_copy=False)


@pytest.fixture
def standby() -> SqlServerSide:
    return side("the Failover Server", is_copy=True)


def answers(of: SqlServerSide) -> dict[str, list[tuple[object, ...]]]:
    assert isinstance(of.server, ScriptedServer)
    return of.server.answers


def room(of: SqlServerSide, free_bytes: int) -> None:
    assert isinstance(of.host, FakeLiveHost)
    of.host.free = free_bytes


def test_an_encrypted_catalog_needs_its_certificate_here(
    live: SqlServerSide, standby: SqlServerSide
) -> None:
    answers(live)[asking.CATALOG] = [("ONLINE", 0, 1)]
    answers(live)[asking.ENCRYPTOR] = [(b"thumb",)]
    answers(standby)[asking.CERTIFICATE] = [(0,)]
    with pytest.raises(Refused, match=r"a certificate that the Failover Server lacks \(33111\)"):
        Preflight(live, standby).see_that_it_fits("CT", "S")

    answers(standby)[asking.CERTIFICATE] = [(1,)]
    Preflight(live, standby).see_that_it_fits("CT", "S")


def test_a_login_that_may_not_restore_is_told_so(
    live: SqlServerSide, standby: SqlServerSide
) -> None:
    answers(standby)[asking.MAY_RESTORE] = [(0,)]
    with pytest.raises(Refused, match="the login of the Failover Server may not restore"):
        Preflight(live, standby).see_that_it_fits("CT", "S")


def test_a_copy_that_is_not_online_is_told_before_it_is_replaced(
    live: SqlServerSide, standby: SqlServerSide
) -> None:
    answers(standby)[asking.CATALOGS] = [("S", "SUSPECT")]
    with pytest.raises(Failed, match="S on the Failover Server is SUSPECT"):
        Preflight(live, standby).see_that_it_fits("CT", "S")


@pytest.mark.parametrize(
    ("free_there", "free_here", "said"),
    [
        (1.0, 6.2, "DEMO has 1 GiB free where 1.1 GiB are needed"),
        (1.2, 6.0, "the Failover Server has 6 GiB free where 6.1 GiB are needed"),
    ],
)
def test_there_must_be_room_for_the_backup_on_both_sides_and_for_the_files(
    live: SqlServerSide, standby: SqlServerSide, free_there: float, free_here: float, said: str
) -> None:
    room(live, int(free_there * GIB))
    room(standby, int(free_here * GIB))
    with pytest.raises(Failed, match=said):
        see_room_here(live, standby)

    room(live, int(1.2 * GIB))
    room(standby, int(6.2 * GIB))
    see_room_here(live, standby)


def see_room_here(live: SqlServerSide, standby: SqlServerSide) -> None:
    places = ("/VM/DB/a.bak", "/copies/DB/a.bak", "/copies/DB")
    Preflight(live, standby).see_room("CT", *places)


def see_room_there(live: SqlServerSide, standby: SqlServerSide) -> None:
    places = ("/copies/DB/a.bak", "/VM/DB/a.bak", "D:\\DATA")
    Preflight(standby, live).see_room("CT", *places)


def test_going_back_the_live_server_says_itself_how_much_room_its_data_has(
    live: SqlServerSide, standby: SqlServerSide
) -> None:
    answers(live)[asking.FREE_BYTES] = [(5 * GIB - 1,)]
    with pytest.raises(Failed, match="DEMO has 5 GiB free where 5 GiB are needed"):
        see_room_there(live, standby)

    for free_bytes in (5 * GIB, None):
        answers(live)[asking.FREE_BYTES] = [(free_bytes,)]
        see_room_there(live, standby)


def test_a_server_that_does_not_know_how_much_room_there_is_is_believed(
    live: SqlServerSide, standby: SqlServerSide
) -> None:
    for each in (live, standby):
        answers(each)[asking.SERVER] = [OLD]
    see_room_there(live, standby)


def test_new_catalogs_lie_where_the_server_puts_them_or_where_it_is_told(
    live: SqlServerSide,
) -> None:
    assert "D:\\" == data_directory(live, "CT")

    answers(live)[asking.FILES] = []
    answers(live)[asking.DATA_DIRECTORY] = [("E:\\DATA\\",)]

    assert "E:\\DATA" == data_directory(live, "CT")

    answers(live)[asking.DATA_DIRECTORY] = [(None,)]
    with pytest.raises(Failed, match="does not say where new catalogs lie"):
        data_directory(live, "CT")

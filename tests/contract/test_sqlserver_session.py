"""Sessions with a SQL Server through both ODBC drivers (simulated)."""

from __future__ import annotations

import socket
import ssl
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from ipfx_failover.errors import Failed, FailoverError, Interrupted, Refused, Unreachable
from ipfx_failover.replication.sqlserver.session import SqlRefused
from tests.sqlserver.engine.server import SimulatedServer
from tests.sqlserver.results import Message
from tests.sqlserver.sql.lexer import SqlError
from tests.sqlserver.wire.connection import WireProfile
from tests.sqlserver.wire.listener import Listener
from tests.support.certificates import self_signed
from tests.support.odbc import odbc_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ipfx_failover.adapters.db.sqlserver.server import OdbcServer
    from ipfx_failover.progress import Progress
    from tests.sqlserver.drivers import Driver
    from tests.sqlserver.engine.session import EngineSession

_GENEROUS_S = 30.0


@dataclass
class Site:
    """A simulated server, and the product's way to it."""

    simulated: SimulatedServer
    driver: Driver
    port: int
    told: list[Progress] = field(default_factory=list)

    def server(self, **settings: Any) -> OdbcServer:
        return odbc_server(self.driver, self.port, report=self.told.append, **settings)


@pytest.fixture
def site(driver: Driver, tmp_path: Path) -> Iterator[Site]:
    tls = self_signed(tmp_path).server_context()
    tls.maximum_version = ssl.TLSVersion.TLSv1_2  # FreeTDS hangs with 1.3
    simulated = SimulatedServer(tmp_path / "server")
    with Listener(simulated, WireProfile(simulated.profile.version, tls=tls)) as listening:
        yield Site(simulated, driver, listening.port)


def test_rows_come_as_tuples_of_what_the_one_result_has(site: Site) -> None:
    with site.server().open() as session:
        session.run("CREATE TABLE [t] ([k] int NOT NULL PRIMARY KEY, [a] nvarchar(20) NULL)")
        session.run("INSERT [t] VALUES (?, ?), (?, NULL)", 1, "Zoë", 2)
        found = session.rows("SELECT [k], [a] FROM [t] ORDER BY [k]")

    assert [(1, "Zoë"), (2, None)] == found


def test_rows_stand_behind_what_only_counts(site: Site) -> None:
    with site.server().open() as session:
        session.run("CREATE TABLE [t] ([k] int NOT NULL PRIMARY KEY)")
        found = session.rows("INSERT [t] VALUES (1); SELECT COUNT(*) FROM [t]")

    assert [(1,)] == found


def test_run_tells_how_many_rows_the_last_statement_changed(site: Site) -> None:
    with site.server().open() as session:
        session.run("CREATE TABLE [t] ([k] int NOT NULL PRIMARY KEY)")
        changed = session.run("INSERT [t] VALUES (1), (2), (3); DELETE [t] WHERE [k] > 1")

    assert 2 == changed


def test_an_error_of_a_later_statement_of_a_batch_is_heard(site: Site) -> None:
    with site.server().open() as session, pytest.raises(SqlRefused) as caught:
        session.run("CREATE TABLE [t] ([k] int NOT NULL PRIMARY KEY); SELECT 1; SELECT * FROM [u]")

    assert 208 == caught.value.number


def test_a_session_goes_on_behind_a_refusal(site: Site) -> None:
    with site.server().open() as session:
        with pytest.raises(SqlRefused):
            session.run("DROP DATABASE [nowhere]")
        found = session.rows("SELECT 1")

    assert [(1,)] == found


def test_a_long_text_comes_whole_whatever_the_drivers_own_limit(site: Site) -> None:
    with site.server().open() as session:
        session.run("CREATE TABLE [t] ([a] nvarchar(max) NULL, [b] varchar(max) NULL)")
        session.run("INSERT [t] VALUES (?, ?)", "ä" * 100_000, "é" * 100_000)
        found = session.rows("SELECT [a], [b] FROM [t]")

    assert [("ä" * 100_000, "é" * 100_000)] == found


def test_a_session_is_in_the_catalog_that_it_was_opened_in(site: Site) -> None:
    site.simulated.create("CTSERVER", {})
    with site.server().open("CTSERVER") as session:
        found = session.rows("SELECT DB_NAME(), APP_NAME()")

    assert [("CTSERVER", "ipfx-failover")] == found


def test_a_session_may_write_where_views_and_computed_columns_are_indexed(site: Site) -> None:
    """Whatever a driver's own settings are: without these it is refused (1934)."""
    on = (
        "ANSI_NULLS ANSI_PADDING ANSI_WARNINGS ARITHABORT CONCAT_NULL_YIELDS_NULL QUOTED_IDENTIFIER"
    )
    with site.server().open():
        (set_to,) = [each.options for each in site.simulated.sessions.values()]
        found = {option: set_to.get(option) for option in [*on.split(), "NUMERIC_ROUNDABORT"]}

    assert {**dict.fromkeys(on.split(), "ON"), "NUMERIC_ROUNDABORT": "OFF"} == found


def test_a_closed_session_has_left_the_server(site: Site) -> None:
    with site.server().open():
        pass
    with site.simulated.changed:
        gone = site.simulated.changed.wait_for(lambda: not site.simulated.sessions, _GENEROUS_S)

    assert gone


def test_progress_of_a_backup_is_told_to_its_end(site: Site, tmp_path: Path) -> None:
    with site.server().open() as session:
        session.work(backup(tmp_path), phase="backup")

    assert [("backup", 50, 100), ("backup", 100, 100)] == [
        (each.phase, each.done, each.total) for each in site.told if each.done in {50, 100}
    ]
    assert (tmp_path / "a.bak").exists()


def test_a_backup_that_ends_without_a_word_is_none(site: Site, tmp_path: Path) -> None:
    site.simulated.muted = {3014}
    with site.server().open() as session, pytest.raises(SqlRefused, match="without saying that"):
        session.work(backup(tmp_path), phase="backup")


def test_a_backup_that_fails_half_way_says_why(site: Site, tmp_path: Path) -> None:
    def fail(session: EngineSession, percent: float) -> None:
        del session
        if percent >= 70:
            full = Message(3202, 16, 'Write on "a.bak" failed: 112(There is not enough space.)')
            raise SqlError(full, Message(3013, 16, "BACKUP DATABASE is terminating abnormally."))

    site.simulated.on_progress = fail
    with site.server().open() as session, pytest.raises(SqlRefused) as caught:
        session.work(backup(tmp_path), phase="backup")

    assert 3202 == caught.value.number
    assert 'DEMOSERVER: Write on "a.bak" failed: 112(There is not enough space.) (3202)' == (
        caught.value.message
    )
    assert "free some space there, and try again" == caught.value.hint


def test_a_backup_that_stands_still_is_ended(site: Site, tmp_path: Path) -> None:
    stuck = Stuck()
    site.simulated.on_progress = stuck
    with site.server(stall_timeout_s=10).open() as session, pytest.raises(Failed) as caught:
        session.work(backup(tmp_path), phase="backup")

    assert "DEMOSERVER has made no progress for 10 s" == caught.value.message


def test_an_interrupted_backup_is_called_off_at_once(site: Site, tmp_path: Path) -> None:
    stuck = Stuck()
    site.simulated.on_progress = stuck

    def interrupt(progress: Progress) -> None:
        if progress.done >= 40:
            assert stuck.reached.wait(_GENEROUS_S)
            raise Interrupted("interrupted by SIGINT", "run it again")

    server = odbc_server(site.driver, site.port, report=interrupt)
    with server.open() as session, pytest.raises(Interrupted):
        session.work(backup(tmp_path), phase="backup")

    assert stuck.ended.is_set()


def test_a_statement_that_takes_too_long_is_given_up(site: Site) -> None:
    with site.server(statement_timeout_s=1).open() as session:
        with pytest.raises(Unreachable) as caught:
            session.run("WAITFOR DELAY '00:01:00'")
        with pytest.raises(Unreachable):
            session.rows("SELECT 1")

    assert "DEMOSERVER has not carried a statement out within 1 s" == caught.value.message


def test_a_killed_session_is_a_lost_one(site: Site) -> None:
    with site.server().open() as session:
        for each in site.simulated.sessions.values():
            each.is_killed = True
        with pytest.raises(Unreachable) as caught:
            session.rows("SELECT 1")

    assert caught.value.message.startswith("DEMOSERVER: the connection is lost")


def test_a_wrong_password_is_told_without_it(site: Site) -> None:
    with pytest.raises(SqlRefused) as caught:
        site.server(password="wr}o;ng").open()  # noqa: S106 - of a server that is none

    assert 18456 == caught.value.number
    whose = f"DEMOSERVER (127.0.0.1,{site.port}): "
    assert f"{whose}login failed for sa: Login failed for user 'sa' (18456)" == caught.value.message
    assert "; see [servers.DEMOSERVER.database]" in caught.value.hint


def test_a_password_may_have_any_characters(site: Site) -> None:
    odd = "{a;b}c{d=e'f\"g h}}ä€"
    site.simulated.add_login("sa", odd, sid=b"\x01")
    with site.server(password=odd).open() as session:
        found = session.rows("SELECT 1")

    assert [(1,)] == found


def test_a_password_that_free_tds_cannot_be_told_is_refused(site: Site) -> None:
    odd = "a};b"
    site.simulated.add_login("sa", odd, sid=b"\x01")
    if site.driver.name == "FreeTDS":
        with pytest.raises(Refused, match="FreeTDS takes no password"):
            site.server(password=odd).open()
    else:
        site.server(password=odd).open().close()


def test_a_windows_login_without_a_kerberos_ticket_says_what_is_lacking(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the drivers themselves say: no LOGIN7 is sent."""
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path}/none")
    with pytest.raises(FailoverError) as caught:
        site.server(login="windows").open()

    error = caught.value
    assert "has a Kerberos ticket (kinit; klist shows it), or use a login of SQL Server" in (
        error.hint
    )
    if site.driver.name == "Microsoft":
        assert isinstance(error, Failed)
        assert "no login as this Windows account: No credentials were supplied" in error.message
    else:
        assert isinstance(error, Unreachable)


def test_a_catalog_that_is_not_there_is_named(site: Site) -> None:
    with pytest.raises(SqlRefused) as caught:
        site.server().open("nowhere")

    assert 4060 == caught.value.number
    assert "nowhere" in caught.value.message


def test_what_our_own_server_does_not_open_is_not_said_to_be_wrong_in_the_config(
    site: Site,
) -> None:
    with pytest.raises(SqlRefused) as caught:
        site.server(name="the Failover Server", table="failover_server").open("DEMO_CTSERVER")

    assert (
        "see whether it is there and ONLINE, and let the login use it; see [failover_server]"
        == caught.value.hint
    )


def test_a_certificate_that_nobody_vouches_for_is_refused(site: Site) -> None:
    with pytest.raises(FailoverError) as caught:
        site.server(trust_server_certificate=False).open()

    assert isinstance(caught.value, Refused if site.driver.name == "FreeTDS" else Failed)
    assert "certificate" in caught.value.message
    assert "trust_server_certificate" in caught.value.hint


def test_a_port_where_nobody_listens_is_told_at_once(driver: Driver) -> None:
    with pytest.raises(Unreachable) as caught:
        odbc_server(driver, 1).open()

    assert "DEMOSERVER (127.0.0.1,1): port 1 of 127.0.0.1 refuses the connection" == (
        caught.value.message
    )
    assert caught.value.hint.endswith("correct data_source; see [servers.DEMOSERVER.database]")


def test_a_server_that_takes_a_connection_and_says_nothing_is_given_up(driver: Driver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(Unreachable) as caught:
            odbc_server(driver, port, connect_timeout_s=1).open()

    assert caught.value.message.startswith(f"DEMOSERVER (127.0.0.1,{port}): no connection: ")


def test_whose_server_cannot_be_reached_is_said_first(driver: Driver) -> None:
    ours = odbc_server(driver, 1, name="the Failover Server", table="failover_server")
    with pytest.raises(Unreachable) as caught:
        ours.open()

    assert caught.value.message.startswith("the Failover Server (127.0.0.1,1): ")
    assert caught.value.hint.endswith("; see [failover_server]")


def backup(directory: Path) -> str:
    return (
        f"BACKUP DATABASE [master] TO DISK = N'{directory}/a.bak' "
        "WITH COPY_ONLY, FORMAT, INIT, CHECKSUM, STATS = 10"
    )


class Stuck:
    """A backup that goes on no more behind 55 percent; it hears when it is called off."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.ended = threading.Event()

    def __call__(self, session: EngineSession, percent: float) -> None:
        if percent < 55:
            return
        self.reached.set()
        while not session.is_cancelled:
            self.ended.wait(0.01)
        self.ended.set()


def test_a_page_is_bounded_in_bytes_too(site: Site) -> None:
    big = "CONVERT(varbinary(max), REPLICATE(CONVERT(varchar(max), 'x'), 500000))"
    with site.server().open() as session:
        session.run("CREATE TABLE [t] ([a] varbinary(max) NULL)")
        for _ in range(25):
            session.run(f"INSERT [t] VALUES ({big})")  # noqa: S608
        pages = [len(page) for page in session.pages("SELECT [a] FROM [t]", size=1000)]

    assert (25, True) == (sum(pages), max(pages) <= 10)

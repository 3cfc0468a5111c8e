"""`server test` and `server auto-populate` with SQL Servers (simulated)."""

from __future__ import annotations

import json
import os
import ssl
from typing import TYPE_CHECKING, Any

import pytest
import tomlkit

from ipfx_failover.wiring.site import open_site
from tests.sqlserver import drivers
from tests.sqlserver.browser import Browser, Instance
from tests.sqlserver.engine.client import Client
from tests.sqlserver.engine.server import ServerProfile
from tests.sqlserver.wire.connection import WireProfile
from tests.sqlserver.wire.listener import Listener
from tests.support.certificates import self_signed
from tests.support.sqlserver_pair import Pair

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.sqlserver_pair import Ended


def checks(pair: Pair) -> dict[str, dict[str, Any]]:
    ended = pair.run("server", "test", "DEMOSERVER", "--json")
    return {check["name"]: check for check in json.loads(ended.out)["checks"]}


def test_everything_about_both_servers_is_tried(pair: Pair) -> None:
    found = checks(pair)
    bad = {name for name, check in found.items() if check["level"] != "ok"}

    assert {"Application"} == bad - {"Ping"}  # there is no such machine
    assert (
        "Successful (SQL Server 2022, 16.0.4085.0, Developer Edition (64-bit))"
        == (found["Database Connection"]["message"])
    )
    assert [
        "Ping",
        "Application",
        "Database Connection",
        "Clock",
        "Standby Connection",
        "Versions",
        "Catalog",
        "Way back",
        "Backup there",
        "Backup here",
        "Space",
        "VM Directory Read",
        "VM Directory Write",
    ] == list(found)


def test_nothing_is_left_behind(pair: Pair) -> None:
    checks(pair)

    assert [] == pair.strays()


def test_another_version_is_refused_by_the_test_already(tmp_path: Path) -> None:
    old = ServerProfile((11, 0, 7001), "Express Edition (64-bit)", level="SP4")
    with Pair(tmp_path, standby=old) as pair:
        found = checks(pair)

    assert "failed" == found["Versions"]["level"]
    assert "DEMOSERVER has SQL Server 2022" in found["Versions"]["message"]
    assert "Catalog" not in found


def test_a_login_with_few_rights_is_told_what_it_lacks(pair: Pair) -> None:
    pair.live.add_login(
        "sa", drivers.PASSWORD, sid=b"\x01", rights=frozenset({"backup", "connect"})
    )
    found = checks(pair)

    assert "warning" == found["Way back"]["level"]
    assert "sysadmin" in found["Way back"]["hint"]


FOLLOWED = [
    ("all", "CREATE TABLE loose (id int)", "ok", "1 of 2; not loose: it has no primary key"),
    (
        "all",
        "CREATE TABLE odd (id int PRIMARY KEY); EXEC sim_trait 'odd', '', 'NODE'",
        "ok",
        "1 of 2; not odd: it is a graph table",
    ),
    (
        "all",
        "CREATE TABLE loose (call int CONSTRAINT of_call REFERENCES calls (id))",
        "warning",
        "of_call: dbo.loose refers to dbo.calls, and only calls is followed: a takeover may leave "
        "rows without those they refer to, which replicate-to-live refuses to give back",
    ),
    (
        "configuration",
        "CREATE TABLE loose (id int)",
        "warning",
        "not loose: it has no primary key",
    ),
]


@pytest.mark.parametrize(("real_time", "define", "level", "message"), FOLLOWED)
def test_which_tables_are_followed_is_told(
    pair: Pair, real_time: str, define: str, level: str, message: str
) -> None:
    tables = ["calls", "loose"] if real_time == "configuration" else []
    pair.configure_server(real_time=real_time, database={"configuration_tables": tables})
    pair.run_live(define)
    found = checks(pair)["Followed tables"]

    assert (level, message) == (found["level"], found["message"])


def test_a_table_that_the_login_may_not_read_is_a_warning_with_the_grant(pair: Pair) -> None:
    pair.configure_server(real_time="all")
    pair.run_live("CREATE TABLE odd (id int PRIMARY KEY)", "DENY SELECT ON odd TO public")
    few = frozenset({"backup", "connect"})
    pair.live.add_login("sa", drivers.PASSWORD, sid=b"\x01", rights=few)
    found = checks(pair)["Followed tables"]

    assert "warning" == found["level"]
    assert (
        "1 of 2; not odd: this login may not read it (GRANT SELECT ON [dbo].[odd])"
        == (found["message"])
    )
    assert found["hint"].startswith("give the login these rights on DEMOSERVER")


def test_hot_without_the_right_to_see_definitions_is_a_warning(pair: Pair) -> None:
    pair.configure_server(real_time="all")
    pair.run_live(
        "ALTER DATABASE CTSERVER SET ALLOW_SNAPSHOT_ISOLATION ON",
        "ALTER DATABASE CTSERVER SET CHANGE_TRACKING = ON (CHANGE_RETENTION = 7 DAYS)",
    )
    few = frozenset({"backup", "connect"})
    pair.live.add_login("sa", drivers.PASSWORD, sid=b"\x01", rights=few)
    found = checks(pair)["Change tracking"]

    assert "the login lacks the right VIEW DEFINITION" in found["message"]
    assert "in CTSERVER: GRANT VIEW DEFINITION to its user" == found["hint"]


def test_a_wrong_password_says_so_once_and_never_shows_it(pair: Pair) -> None:
    secret = pair.directory / "wrong"
    secret.write_text("hunter2")
    secret.chmod(0o600)
    pair.configure_server(database={"password": {"file": str(secret)}})
    logins: list[object] = []
    pair.live.on_login = logins.append
    ended = pair.run("server", "test", "DEMOSERVER")

    assert "login failed for sa" in ended.out
    assert "Space: not tried: see Database Connection" in " ".join(ended.out.split())
    assert 1 == len(logins)
    assert "hunter2" not in ended.out + ended.err
    assert 1 == ended.code


def test_hot_without_change_tracking_is_a_warning(pair: Pair) -> None:
    pair.configure_server(real_time="all")
    before = checks(pair)["Change tracking"]
    with Client(pair.live, "CTSERVER") as client:
        client.run("ALTER DATABASE CTSERVER SET ALLOW_SNAPSHOT_ISOLATION ON")
        client.run("ALTER DATABASE CTSERVER SET CHANGE_TRACKING = ON (CHANGE_RETENTION = 7 DAYS)")
    after = checks(pair)["Change tracking"]

    assert ("warning", "ok") == (before["level"], after["level"])
    assert "ipfx-failover hot enable DEMOSERVER" == before["hint"]


@pytest.mark.parametrize(
    ("kept", "level"),
    [("47 HOURS", "warning"), ("2 DAYS", "ok"), ("47 HOURS, AUTO_CLEANUP = OFF", "ok")],
)
def test_a_history_that_an_outage_may_outlast_is_a_warning(
    pair: Pair, kept: str, level: str
) -> None:
    pair.configure_server(real_time="all")
    with Client(pair.live, "CTSERVER") as client:
        client.run("ALTER DATABASE CTSERVER SET ALLOW_SNAPSHOT_ISOLATION ON")
        client.run(f"ALTER DATABASE CTSERVER SET CHANGE_TRACKING = ON (CHANGE_RETENTION = {kept})")
    check = checks(pair)["Change tracking"]

    assert level == check["level"]
    if level == "warning":
        assert "is kept 47 hours: after a longer outage" in check["message"]
        assert "CHANGE_RETENTION = 7 DAYS" in check["hint"]


HOST = f"127.{64 + (os.getpid() >> 16) % 64}.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
"""Loopback, another in each process that runs tests: the port of a browser is always the same."""


@pytest.fixture
def found_at(pair: Pair) -> Iterator[Pair]:
    """The live server on an address of its own, with a browser that knows of two instances."""
    with Listener(pair.live, WireProfile(pair.live.profile.version), HOST) as listening:
        there = [
            Instance("DEMO", "ANOTHER", "16.0.1", 9),
            Instance("DEMO", "CTSERVER", "16.0.1", listening.port),
        ]
        with Browser(there, (HOST, 1434)):
            pair.configure_server(database={"data_source": f"{HOST},1"})
            pair.config_path.write_text(f"# ours\n{pair.config_path.read_text()}")
            yield pair


def populate(pair: Pair, *more: str) -> Ended:
    return pair.run("server", "auto-populate", "DEMOSERVER", *more)


def test_instance_and_catalog_are_found_and_written_beside_the_comments(found_at: Pair) -> None:
    ended = populate(found_at, "--yes")
    text = found_at.config_path.read_text()

    assert 0 == ended.code, ended.err
    assert "# ours" == text.splitlines()[0]
    database = open_site(found_at.config_path).server("DEMOSERVER").database
    assert database is not None
    assert f"{HOST}\\CTSERVER" == database.data_source
    assert 0 == found_at.run("replicate-from-live", "DEMOSERVER").code


def test_a_new_server_is_filled_in_from_nothing_but_its_address(pair: Pair, tmp_path: Path) -> None:
    tls = self_signed(tmp_path).server_context()
    tls.maximum_version = ssl.TLSVersion.TLSv1_2  # FreeTDS hangs with 1.3
    server = {"address": HOST, "files": {"transport": "path", "path": str(pair.vm_dir)}}
    pair.config_path.write_text(
        tomlkit.dumps(
            {
                "failover_server": {
                    "data_source": "localhost",
                    "state_dir": str(pair.directory / "state"),
                    "password": {"file": str(pair.directory / "password")},
                },
                "servers": {"DEMOSERVER": server},
            }
        )
    )
    given = ("--password-file", str(pair.directory / "password"), "--vm-dir", str(pair.vm_dir))
    search = ("--engine", "sqlserver", *given, "--yes")
    profile = WireProfile(pair.live.profile.version, tls=tls)
    with (
        Listener(pair.live, profile, HOST) as listening,
        Browser([Instance("DEMO", "CTSERVER", "16.0.1", listening.port)], (HOST, 1434)),
    ):
        distrusted = populate(pair, *search)
        trusted = populate(pair, *search, "--trust-server-certificate")
    database = open_site(pair.config_path).server("DEMOSERVER").database

    assert 1 == distrusted.code
    assert "its certificate is not trusted" in distrusted.err
    assert 0 == trusted.code, trusted.err
    assert database is not None
    assert ("sqlserver", "CTSERVER", "sa") == (
        database.engine,
        database.catalog,
        database.user_id,
    )
    assert database.sql.trust_server_certificate


def test_several_instances_are_not_chosen_from_without_a_terminal(found_at: Pair) -> None:
    ended = populate(found_at)

    assert 3 == ended.code
    assert f"more than one SQL Server instance was found: {HOST}\\CTSERVER" in ended.err


def test_a_plan_writes_nothing(found_at: Pair) -> None:
    before = found_at.config_path.read_text()
    ended = populate(found_at, "--plan")

    assert 0 == ended.code
    assert before == found_at.config_path.read_text()
    assert f"'{HOST},1' -> '{HOST}\\CTSERVER'" in ended.out.replace('"', "'").replace("\\\\", "\\")


def test_a_password_that_is_given_is_kept_in_a_file(found_at: Pair) -> None:
    secret = found_at.directory / "given"
    secret.write_text(drivers.PASSWORD)
    secret.chmod(0o600)
    ended = populate(found_at, "--yes", "--password-file", str(secret))
    database = open_site(found_at.config_path).server("DEMOSERVER").database

    assert 0 == ended.code, ended.err
    assert database is not None
    assert database.password is not None
    assert drivers.PASSWORD == database.password.reveal()
    assert drivers.PASSWORD not in ended.out + ended.err + found_at.config_path.read_text()


def test_where_the_browser_is_silent_the_config_is_believed(pair: Pair) -> None:
    ended = populate(pair, "--yes")

    assert 0 == ended.code, ended.err
    assert "it is so already" in ended.out


def test_a_backup_directory_that_the_server_cannot_write_is_told(pair: Pair) -> None:
    (pair.vm_dir / "DB").rmdir()
    (pair.vm_dir / "DB").write_text("a file")
    found = checks(pair)

    assert "failed" == found["Backup there"]["level"]
    assert "ok" == found["Backup here"]["level"]

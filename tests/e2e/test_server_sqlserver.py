"""`server test` and `server auto-populate` with SQL Servers (simulated)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.sqlserver import drivers
from tests.sqlserver.engine.client import Client
from tests.sqlserver.engine.server import ServerProfile
from tests.support.sqlserver_pair import Pair

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with Pair(tmp_path) as made:
        yield made


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


def test_a_wrong_password_says_so_once_and_never_shows_it(pair: Pair) -> None:
    secret = pair.directory / "wrong"
    secret.write_text("hunter2")
    secret.chmod(0o600)
    pair.configure_server(database={"password": {"file": str(secret)}})
    ended = pair.run("server", "test", "DEMOSERVER")

    assert "login failed for sa" in ended.out
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


def test_a_backup_directory_that_the_server_cannot_write_is_told(pair: Pair) -> None:
    (pair.vm_dir / "DB").rmdir()
    (pair.vm_dir / "DB").write_text("a file")
    found = checks(pair)

    assert "failed" == found["Backup there"]["level"]
    assert "ok" == found["Backup here"]["level"]

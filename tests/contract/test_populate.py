"""What Auto Populate finds on a machine, by that machine's own shell."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.adapters.local_host import LocalHost
from ipfx_failover.adapters.ssh.connection import SshConnection, SshTarget
from ipfx_failover.adapters.ssh.host import SshHost
from ipfx_failover.survey.populate import Found, find_out
from tests.support.sshd import running_sshd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ipfx_failover.livehost import LiveHost
    from tests.support.sshd import Sshd


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture(params=["local", "ssh"])
def host(request: pytest.FixtureRequest, sshd: Sshd) -> Iterator[LiveHost]:
    target = SshTarget(
        "DEMO", sshd.host, sshd.port, sshd.user, sshd.key_file, sshd.known_hosts_file
    )
    with closing(
        LocalHost() if request.param == "local" else SshHost(SshConnection(target))
    ) as made:
        yield made


def make_database(path: Path, written_at_s: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE calls (id INTEGER PRIMARY KEY)")
    os.utime(path, (written_at_s, written_at_s))
    return path


def look(host: LiveHost, *roots: Path) -> Found:
    return find_out(host, [str(root) for root in roots], "CTSERVER")


def paths(found: Found) -> list[str]:
    return [database.path for database in found.databases]


def test_databases_are_known_by_their_header_whatever_their_name_is_like(
    host: LiveHost, tmp_path: Path
) -> None:
    odd = make_database(tmp_path / "it's a $(dir)\nof ours" / 'the "one".dat')
    (tmp_path / "text.db").write_text("no database at all, but long enough for one\n" * 50)
    (tmp_path / "empty.db").touch()
    found = look(host, tmp_path)

    assert [str(odd)] == paths(found)
    assert found.databases[0].size_bytes == odd.stat().st_size


def test_the_likely_one_is_first_by_name_then_place_then_time(
    host: LiveHost, tmp_path: Path
) -> None:
    old = make_database(tmp_path / "elsewhere" / "old.db", 1000)
    new = make_database(tmp_path / "elsewhere" / "new.db", 2000)
    near = make_database(tmp_path / "VM" / "DB" / "calls.db", 500)
    named = make_database(tmp_path / "far" / "ctserver.db", 100)
    for name in ("Mail", "extn"):
        (tmp_path / "VM" / name).mkdir()

    assert [str(named), str(near), str(new), str(old)] == paths(look(host, tmp_path))


def test_what_we_made_ourselves_is_not_found(host: LiveHost, tmp_path: Path) -> None:
    make_database(tmp_path / "ctserver.before-20261122T010000.db")
    make_database(tmp_path / ".ipfx-failover-trash" / "old.db")

    assert [] == paths(look(host, tmp_path))


def test_a_vm_directory_is_one_by_two_of_its_own(host: LiveHost, tmp_path: Path) -> None:
    for name in ("full/Mail", "full/Extn", "full/Music", "less/MAIL", "less/Upload", "none/Mail"):
        (tmp_path / name).mkdir(parents=True)

    assert (str(tmp_path / "full"), str(tmp_path / "less")) == look(host, tmp_path).vm_dirs


def test_directories_that_are_not_there_or_named_twice_do_no_harm(
    host: LiveHost, tmp_path: Path
) -> None:
    one = make_database(tmp_path / "one.db")

    assert [str(one)] == paths(look(host, tmp_path / "not there", tmp_path, tmp_path))

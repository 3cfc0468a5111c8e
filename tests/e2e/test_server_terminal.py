"""A person at a terminal: trusting a server, adding one, and changing one's mind."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.support.dialogue import Terminal
from tests.support.smtp_server import greeting
from tests.support.sshd import running_sshd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.sshd import Sshd


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def config(tmp_path: Path, sshd: Sshd) -> Path:
    return written(tmp_path, sshd, sshd.port)


def written(directory: Path, sshd: Sshd, port: int) -> Path:
    path = directory / "config.toml"
    path.write_text(
        f"""\
[failover_server]
state_dir = "{directory / "state"}"
[servers.STRANGER]
address = "127.0.0.1"
ssh = {{ user = "{sshd.user}", key_file = "{sshd.key_file}", port = {port} }}
"""
    )
    return path


def known_hosts(config: Path) -> Path:
    return config.parent / "state" / "known_hosts"


def server(command: str, name: str, config: Path) -> Terminal:
    return Terminal(("server", command, name, "--config", str(config)))


def test_trust_stores_the_key_once_it_was_answered_with_yes(config: Path) -> None:
    with server("trust", "STRANGER", config) as terminal:
        terminal.answer("Continue? [y/N]", "n")
        assert terminal.wait() == 3, terminal.screen
    assert not known_hosts(config).exists()
    with server("trust", "STRANGER", config) as terminal:
        terminal.answer("Continue? [y/N]", "y")
        assert terminal.wait() == 0, terminal.screen

    assert "SHA256:" in terminal.screen.splitlines()[0]
    assert "STRANGER: is trusted now" in terminal.screen
    assert known_hosts(config).exists()


def test_an_added_server_is_trusted_and_replicated_in_one_go(
    config: Path, sshd: Sshd, tmp_path: Path
) -> None:
    live = tmp_path / "live.db"
    with closing(sqlite3.connect(live)) as connection:
        connection.execute("CREATE TABLE calls (id INTEGER PRIMARY KEY)")
    with Terminal(
        (
            *("server", "add", "NEW", "address=127.0.0.2", f"local_vm_dir={tmp_path / 'NEW'}"),
            *(f"ssh.user={sshd.user}", f"ssh.key_file={sshd.key_file}", f"ssh.port={sshd.port}"),
            *("ssh.host=127.0.0.1", f"database.data_source={live}", "--config", str(config)),
        )
    ) as terminal:
        terminal.answer("Do you want to replicate the database now?", "y")
        terminal.answer("Continue? [y/N]", "y")
        assert terminal.wait() == 0, terminal.screen

    assert "NEW: replicated from live" in terminal.screen
    assert (tmp_path / "NEW" / "DB" / "NEW_CTSERVER.db").exists()


def test_ctrl_c_ends_a_test_that_waits_for_a_silent_server(tmp_path: Path, sshd: Sshd) -> None:
    with (
        greeting(None) as port,
        server("test", "STRANGER", written(tmp_path, sshd, port)) as terminal,
    ):
        terminal.answer("Application: ", "\x03")
        assert terminal.wait() == 130, terminal.screen

    assert "interrupted" in terminal.screen
    assert "Traceback" not in terminal.screen

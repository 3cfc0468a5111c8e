"""Nothing ends in a traceback: what is wrong, what to do next, and the right exit code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.capabilities import CAP_NET_ADMIN, CAP_NET_RAW

if TYPE_CHECKING:
    from tests.support.failover import FailoverServer
    from tests.support.office import Office


@pytest.mark.parametrize(
    "command",
    [
        ("suspend",),
        ("resume",),
        ("stop",),
        ("failover-now", "--yes"),
        ("stop-failover", "--yes"),
        ("replicate-from-live",),
        ("replicate-to-live", "--yes"),
        ("sync-files",),
        ("takeover-ip", "--yes"),
    ],
    ids=lambda command: command[0],
)
def test_an_unknown_server_is_answered_with_the_known_ones(
    failover: FailoverServer, command: tuple[str, ...]
) -> None:
    verb, *options = command
    told = failover.run(verb, "NOBODY", *options, code=2)
    as_json = failover.run(verb, "NOBODY", *options, "--json", code=2)
    error = as_json.document["error"]

    assert "DEMOSERVER" in told.err
    assert "NOBODY" in error["message"]
    assert "DEMOSERVER" in error["hint"]
    assert error["kind"] == "usage"
    assert as_json.document["ok"] is False
    assert as_json.err == ""


@pytest.mark.parametrize(
    ("right", "command"),
    [
        (CAP_NET_RAW, ("monitor",)),
        (CAP_NET_RAW, ("failover-now", "DEMOSERVER", "--yes")),
        (CAP_NET_ADMIN, ("monitor",)),
        (CAP_NET_ADMIN, ("failover-now", "DEMOSERVER", "--force", "--yes")),
        (CAP_NET_ADMIN, ("takeover-ip", "192.168.11.77", "--force", "--yes")),
    ],
)
def test_a_missing_right_is_named_with_how_to_grant_it(
    ready: FailoverServer, office: Office, right: int, command: tuple[str, ...]
) -> None:
    office.pull_cable(office.primary.host)
    told = ready.run(*command, code=3, without=right)
    name = {CAP_NET_RAW: "CAP_NET_RAW", CAP_NET_ADMIN: "CAP_NET_ADMIN"}[right]

    assert f"{name} is missing" in told.err
    assert f"AmbientCapabilities={name}" in told.err
    assert ready.stand_in is None
    assert ready.held_addresses == []
    assert ready.unfinished == []
    assert not ready.is_ahead


@pytest.mark.parametrize("right", [CAP_NET_RAW, CAP_NET_ADMIN])
def test_a_role_is_not_given_back_by_half_for_want_of_a_right(
    ready: FailoverServer, office: Office, right: int
) -> None:
    office.pull_cable(office.primary.host)
    ready.run("failover-now", "DEMOSERVER", "--yes", "--force")
    told = ready.run("stop-failover", "DEMOSERVER", "--yes", code=3, without=right)
    plan = ready.run("stop-failover", "DEMOSERVER", "--plan", without=right)

    assert f"no permission to release address {office.primary.address}: CAP_NET_" in told.err
    assert "It would be refused: no permission to release" in plan.out
    assert "done:" not in told.err
    assert office.served_by(office.primary.address) == "FAILOVER"


def test_a_missing_ssh_key_is_told_with_how_to_make_one(ready: FailoverServer) -> None:
    ready.configure_server(ssh={"key_file": str(ready.directory / "no_key")})
    told = ready.run("replicate-from-live", "DEMOSERVER", code=2)

    assert f"the SSH key {ready.directory / 'no_key'} cannot be read" in told.err
    assert "ssh-keygen -t ed25519" in told.err


def test_an_unknown_host_key_is_told_with_how_to_trust_it(ready: FailoverServer) -> None:
    known_hosts = ready.directory / "known_hosts"
    ready.configure_server(ssh={"known_hosts_file": str(known_hosts)})
    told = ready.run("replicate-from-live", "DEMOSERVER", code=3)

    assert "nobody has trusted the SSH host key of DEMOSERVER" in told.err
    assert "SHA256:" in told.err
    assert "ipfx-failover server trust DEMOSERVER" in told.err
    ready.run("server", "trust", "DEMOSERVER", "--yes")
    ready.replicate()


def test_another_host_key_than_the_known_one_is_told_of_loudly(
    ready: FailoverServer, office: Office
) -> None:
    known_hosts = ready.directory / "known_hosts"
    line = office.second.ssh.known_hosts_line(office.primary.address)
    known_hosts.write_text(line, "ascii")
    ready.configure_server(ssh={"known_hosts_file": str(known_hosts)})
    told = ready.run("replicate-from-live", "DEMOSERVER", code=3)

    assert "HAS CHANGED" in told.err
    assert ready.rows() == ["one", "two"]


def test_a_primary_that_cannot_be_reached_is_told_of_and_the_copy_stays(
    ready: FailoverServer, office: Office
) -> None:
    office.pull_cable(office.primary.host)
    told = ready.run("replicate-from-live", "DEMOSERVER", "--json", code=4)
    (result,) = told.document["results"]
    mail = ready.wait_for_mail("Replication of DEMOSERVER failed")

    assert told.document["ok"] is False
    assert result["error"]["kind"] == "unreachable"
    assert "replicate-from-live DEMOSERVER" in mail.text
    assert ready.rows() == ["one", "two"]
    assert ready.unfinished == []


def test_a_database_that_is_not_there_is_told_of(ready: FailoverServer, office: Office) -> None:
    office.primary.database.unlink()
    told = ready.run("replicate-from-live", "DEMOSERVER", code=1)

    assert f"there is no database {office.primary.database} on DEMOSERVER" in told.err
    assert ready.rows() == ["one", "two"]


def test_a_database_that_is_damaged_does_not_replace_the_copy(
    ready: FailoverServer, office: Office
) -> None:
    content = bytearray(office.primary.database.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    office.primary.database.write_bytes(content)
    told = ready.run("replicate-from-live", "DEMOSERVER", code=1)

    assert "CTSERVER.db" in told.err
    assert ready.rows() == ["one", "two"]
    assert ready.unfinished == []


def test_a_config_that_is_wrong_is_told_of_with_every_error(failover: FailoverServer) -> None:
    failover.config_path.write_text(
        failover.config_path.read_text("utf-8").replace("failover_count =", "failover_cuont ="),
        "utf-8",
    )
    told = failover.run("monitor", "--json", code=2)
    error = told.document["error"]

    assert "failover_count" in str(error)
    assert "failover_cuont" in str(error)


def test_a_config_that_is_not_there_is_told_of(failover: FailoverServer) -> None:
    failover.config_path.unlink()
    told = failover.run("status", code=2)

    assert str(failover.config_path) in told.err


def test_the_installed_program_says_the_same(failover: FailoverServer) -> None:
    program = Path(failover.host.python).with_name("ipfx-failover")
    arguments = ("suspend", "NOBODY", "--config", str(failover.config_path))
    done = failover.host.run(str(program), *arguments, check=False)

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith("  hint: ")


@pytest.mark.parametrize("words", [("log",), ("suspend", "DEMOSERVER"), ("monitor",)])
def test_a_read_only_state_directory_is_told_as_that(
    ready: FailoverServer, words: tuple[str, ...]
) -> None:
    place = str(ready.state_dir)
    read_only = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    command = (ready.host.python, "-m", "ipfx_failover", *words, "--config", ready.config_path)
    done = ready.host.run(
        "unshare", "--mount", "sh", "-c", read_only, place, *map(str, command), check=False
    )

    assert 3 == done.returncode
    assert f"hint: make the file system of {place}" in done.stderr
    assert done.stderr.endswith("writable again: it is read-only\n")

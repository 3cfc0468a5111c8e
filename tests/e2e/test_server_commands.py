"""The Server Details window as commands: `server list`, `show`, `test`, `trust`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.capabilities import CAP_NET_ADMIN, CAP_NET_RAW

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from tests.support.failover import FailoverServer
    from tests.support.office import Office


def untrusting(failover: FailoverServer) -> Path:
    """The file of trusted keys, which is not there yet."""
    known_hosts = failover.directory / "known_hosts"
    failover.configure_server(ssh={"known_hosts_file": str(known_hosts)})
    return known_hosts


def found(failover: FailoverServer, code: int = 0) -> dict[str, dict[str, Any]]:
    """What `server test` finds, by the check's name."""
    told = failover.run("server", "test", "DEMOSERVER", "--json", code=code).document
    return {check["name"]: check for check in told["checks"]}


def test_a_server_that_has_everything_passes_its_test_in_the_manuals_words(
    ready: FailoverServer, office: Office
) -> None:
    office.primary.start_application()
    told = ready.run("server", "test", "demoserver")

    assert "Database Connection: Successful" in told.out
    assert "VM Directory Read: Successful" in told.out
    assert "VM Directory Write: Successful" in told.out
    assert "02:00:c0:a8:0b:01" in told.out
    assert told.out.splitlines()[-1] == "DEMOSERVER: Test Successful"
    assert [] == [path for path in office.primary.vm_dir.iterdir() if "test" in path.name]


def test_a_test_goes_on_behind_what_fails_and_ends_with_the_gravest(
    ready: FailoverServer, office: Office
) -> None:
    warned = found(ready, code=6)
    ready.configure_server(database={"data_source": "/no/where.db"})
    lacking = found(ready, code=1)
    office.pull_cable(office.primary.host)
    dead = found(ready, code=4)

    assert {"Application"} == {name for name, check in warned.items() if check["level"] != "ok"}
    assert "/no/where.db" in lacking["Database Connection"]["message"]
    assert lacking["VM Directory Write"]["level"] == "ok"
    assert "Address takeover" in dead
    assert dead["Ping"]["level"] == dead["VM Directory Write"]["level"] == "failed"


def test_a_test_while_we_hold_the_address_does_not_take_us_for_the_server(
    ready: FailoverServer, office: Office
) -> None:
    office.pull_cable(office.primary.host)
    ready.run("failover-now", "DEMOSERVER", "--yes", "--force")
    held = found(ready, code=3)

    assert "held by this machine" in held["Ping"]["message"]
    assert "stop-failover DEMOSERVER" in held["Login"]["hint"]


@pytest.mark.parametrize(
    ("right", "name", "check"),
    [(CAP_NET_RAW, "CAP_NET_RAW", "Ping"), (CAP_NET_ADMIN, "CAP_NET_ADMIN", "Address takeover")],
)
def test_a_right_that_is_missing_is_told_by_the_check_that_needs_it(
    ready: FailoverServer, right: int, name: str, check: str
) -> None:
    told = ready.run("server", "test", "DEMOSERVER", code=3, without=right)

    assert re.search(rf"failed +{check}: .*{name} is missing", told.out)
    assert f"AmbientCapabilities={name}" in told.out
    assert "VM Directory Write: Successful" in told.out


def test_list_and_show_tell_the_config_and_no_secret(failover: FailoverServer) -> None:
    failover.configure_server(database={"password": "s3cret"})
    failover.config_path.chmod(0o600)
    listed = failover.run("server", "list")
    shown = failover.run("server", "show", "demoserver")
    (server,) = failover.run("server", "list", "--json").document["servers"]
    document = failover.run("server", "show", "DEMOSERVER", "--json").document

    assert listed.out.split("\n")[1].split()[:4] == ["DEMOSERVER", "192.168.11.1", "100", "yes"]
    assert "port = 100 " in shown.out
    assert 'password = "********"' in shown.out
    values = {setting["key"]: setting["value"] for setting in document["settings"]}
    assert server["address"] == values["servers.DEMOSERVER.address"]
    assert "s3cret" not in "".join(command.out for command in failover.commands)


def test_trust_shows_the_fingerprint_and_stores_nothing_without_an_answer(
    failover: FailoverServer,
) -> None:
    known_hosts = untrusting(failover)
    told = failover.run("server", "trust", "DEMOSERVER", code=3)
    as_json = failover.run("server", "trust", "DEMOSERVER", "--json", code=3)
    fingerprint = told.out.split()[1]

    assert fingerprint.startswith("SHA256:")
    assert "These SSH host keys of DEMOSERVER will be trusted" in told.err
    assert fingerprint in as_json.document["error"]["message"]
    assert not known_hosts.exists()


def test_trust_with_the_right_fingerprint_asks_nothing_and_the_server_is_reached(
    failover: FailoverServer,
) -> None:
    untrusting(failover)
    shown = failover.run("server", "trust", "DEMOSERVER", code=3).out.split()[1]
    wrong = f"SHA256:{'A' * 43}"
    refused = failover.run("server", "trust", "DEMOSERVER", "--fingerprint", wrong, code=3)
    done = failover.run("server", "trust", "demoserver", "--fingerprint", shown, "--json").document
    again = failover.run("server", "trust", "DEMOSERVER", "--yes")

    assert wrong in refused.err
    assert shown in refused.err
    assert (done["changed"], done["trusted"]) == (True, [shown])
    assert "DEMOSERVER: was trusted already" in again.out
    failover.office.add_calls(failover.office.primary, "one")
    failover.replicate()


def test_trust_refuses_a_key_that_has_changed_whatever_is_asked_for(
    failover: FailoverServer, office: Office
) -> None:
    known_hosts = untrusting(failover)
    line = office.second.ssh.known_hosts_line(office.primary.address)
    known_hosts.write_text(line, "ascii")
    told = failover.run("server", "trust", "DEMOSERVER", "--yes", code=3)

    assert "HAS CHANGED" in told.err
    assert "server trust DEMOSERVER" in told.err
    assert known_hosts.read_text("ascii") == line


def test_trust_says_when_nobody_answers(failover: FailoverServer, office: Office) -> None:
    untrusting(failover)
    office.pull_cable(office.primary.host)
    told = failover.run("server", "trust", "DEMOSERVER", "--yes", code=4)

    assert "DEMOSERVER (192.168.11.1 port 22) cannot be reached by SSH" in told.err

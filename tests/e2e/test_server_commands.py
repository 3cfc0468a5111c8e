"""The Server Details window as commands: `server trust`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.failover import FailoverServer
    from tests.support.office import Office


def untrusting(failover: FailoverServer) -> Path:
    """The file of trusted keys, which is not there yet."""
    known_hosts = failover.directory / "known_hosts"
    failover.configure_server(ssh={"known_hosts_file": str(known_hosts)})
    return known_hosts


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

"""takeover-ip: an address alone, without a role."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.killed import Moment

if TYPE_CHECKING:
    from tests.support.failover import FailoverServer
    from tests.support.office import Office

FREE = "192.168.11.77"
CLIENT = "192.168.11.50"
MAC_OF_CLIENT = "02:00:c0:a8:0b:32"


def test_a_free_address_is_taken_after_probes_and_can_be_reached(
    failover: FailoverServer, office: Office
) -> None:
    done = failover.run("takeover-ip", FREE, "--yes", "--json").document

    assert done["ok"]
    assert done["message"] == f"{FREE} taken on eth0"
    assert office.owners(FREE) == ["FAILOVER"]
    assert office.answers_ping(FREE)
    assert failover.kinds() == ["address_taken"]

    said = [
        failover.run("takeover-ip", FREE, "--release", "--json").document["message"]
        for _ in range(2)
    ]

    assert said == [f"{FREE} released from eth0", f"{FREE} was not held: nothing to release"]
    assert office.owners(FREE) == []
    assert failover.kinds() == ["address_taken", "address_released"]


def test_an_address_in_use_is_refused_with_the_mac_that_answered_unless_forced(
    failover: FailoverServer, office: Office
) -> None:
    refused = failover.run("takeover-ip", CLIENT, "--yes", "--json", code=3)
    error = refused.document["error"]

    assert MAC_OF_CLIENT in error["message"]
    assert error["hint"].endswith(f"takeover-ip {CLIENT} --adapter eth0 --force")
    assert office.owners(CLIENT) == ["client"]

    failover.run("takeover-ip", CLIENT, "--adapter", "eth0", "--force", "--yes")

    assert "FAILOVER" in office.owners(CLIENT)


def test_a_server_gives_its_address_by_name(failover: FailoverServer, office: Office) -> None:
    failover.run("takeover-ip", "demoserver", "--force", "--yes")

    assert office.owners(office.primary.address) == ["FAILOVER", "DEMOSERVER"]
    assert failover.stand_in is None


def test_a_kept_address_answers_conflicts_and_is_released_at_the_end(
    failover: FailoverServer, office: Office
) -> None:
    keeping = failover.start("takeover-ip", FREE, "--force", "--yes", "--keep")
    failover.wait_until_said(keeping, "kept until Ctrl-C")
    office.lab.client.announce(FREE)
    failover.wait_until_said(keeping, f"{MAC_OF_CLIENT} uses {FREE} too; answered")
    keeping.send_signal(signal.SIGINT)

    assert keeping.wait() == 0
    assert office.owners(FREE) == []
    assert f"{FREE} released from eth0" in keeping.out


def test_a_monitor_keeps_an_address_that_was_taken_alone(
    failover: FailoverServer, office: Office
) -> None:
    failover.monitor()
    failover.run("takeover-ip", FREE, "--force", "--yes")
    failover.wait_for_rounds()
    office.failover_server.remove_address(f"{FREE}/32")
    failover.wait_for_event("address_restored")

    assert office.owners(FREE) == ["FAILOVER"]


def test_the_address_of_a_stand_in_is_neither_taken_nor_released_alone(
    ready: FailoverServer, office: Office
) -> None:
    office.pull_cable(office.primary.host)
    ready.run("failover-now", "DEMOSERVER", "--yes", "--force")
    for arguments in (["--release"], ["--force", "--yes"]):
        refused = ready.run("takeover-ip", "DEMOSERVER", *arguments, code=3)

        assert "held while standing in for DEMOSERVER" in refused.err

    assert office.served_by(office.primary.address) == "FAILOVER"


@pytest.mark.parametrize("moment", Moment)
def test_an_address_whose_taking_was_killed_is_released_by_the_next_monitor(
    failover: FailoverServer, office: Office, moment: Moment
) -> None:
    failover.killed_at("take alone", 0, moment, ["take the address", "verify the address"])
    failover.monitor()
    failover.wait_until_finished()

    assert office.owners(office.primary.address) == ["DEMOSERVER"]
    assert failover.held_addresses == []


def test_without_an_adapter_the_known_ones_are_named(failover: FailoverServer) -> None:
    failover.configure_server(assume_ip=False)
    failover.configure({"network": {"adapter": None}})
    refused = failover.run("takeover-ip", FREE, "--yes", code=2)
    unknown = failover.run("takeover-ip", FREE, "--adapter", "eth7", "--yes", code=2)
    nobody = failover.run("takeover-ip", "NOBODY", "--yes", code=2)

    assert "eth0" in refused.err
    assert "eth7" in unknown.err
    assert "the config's servers: DEMOSERVER" in nobody.err

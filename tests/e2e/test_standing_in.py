"""A stand-in outlives the monitor, its crash, and a reboot of the Failover Server."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.records import Phase

if TYPE_CHECKING:
    from tests.support.commands import Command
    from tests.support.failover import FailoverServer
    from tests.support.office import Office


@pytest.fixture
def standing(ready: FailoverServer, office: Office) -> Command:
    """The monitor of a Failover Server that stands in for DEMOSERVER, whose cable is out."""
    monitor = ready.watching_monitor()
    office.pull_cable(office.primary.host)
    ready.wait_for_event("stand_in_started")
    return monitor


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_monitor_that_is_ended_leaves_the_stand_in_standing(
    ready: FailoverServer, office: Office, standing: Command, number: signal.Signals
) -> None:
    applications = ready.applications
    standing.send_signal(number)

    assert standing.wait() == 0
    assert "Monitor stopped; still standing in for DEMOSERVER" in standing.out
    assert office.owners(office.primary.address) == ["FAILOVER"]
    assert office.served_by(office.primary.address) == "FAILOVER"
    assert ready.applications == applications


def test_a_monitor_that_was_killed_before_the_takeover_counts_anew_and_takes_over(
    ready: FailoverServer, office: Office
) -> None:
    ready.configure({"network": {"failover_count": 100, "failover_count_after_reboot": 100}})
    monitor = ready.watching_monitor()
    office.pull_cable(office.primary.host)
    ready.wait_for_event("warning_count_reached")
    monitor.kill()
    ready.configure({"network": {"failover_count": 5, "failover_count_after_reboot": 100}})
    ready.monitor()
    ready.wait_for_event("stand_in_started")
    failed = ready.wait_for_event("server_failed")

    assert failed.data["misses"] == 5
    assert office.owners(office.primary.address) == ["FAILOVER"]
    assert len(ready.applications) == 1


def test_a_monitor_that_was_killed_during_the_takeover_goes_on_with_it(
    ready: FailoverServer, office: Office
) -> None:
    gate = ready.directory / "gate"
    wait = f'while [ ! -e {gate} ]; do sleep 0.05; done; exec "$@"'
    start = ["/bin/sh", "-c", wait, "sh", *ready.start_application]
    ready.configure({"failover_server": {"application": {"start": start}}})
    monitor = ready.watching_monitor()
    office.pull_cable(office.primary.host)
    ready.wait_until_step("start the application")
    monitor.kill()

    assert ready.is_ahead

    ready.monitor()
    gate.touch()
    ready.wait_for_event("stand_in_started")

    assert ready.kinds("takeover_started", "address_taken", "takeover_failed") == [
        "takeover_started",
        "address_taken",
    ]
    assert office.owners(office.primary.address) == ["FAILOVER"]
    assert len(ready.applications) == 1


def test_a_monitor_that_was_killed_after_the_takeover_goes_on_with_the_upkeep(
    ready: FailoverServer, office: Office, standing: Command
) -> None:
    applications = ready.applications
    standing.kill()

    assert office.served_by(office.primary.address) == "FAILOVER"

    since = ready.cursor
    ready.monitor()
    ready.wait_for_rounds()
    office.failover_server.remove_address(f"{office.primary.address}/32")
    ready.wait_for_event("address_restored")

    assert ready.kinds("takeover_started", "stand_in_started", since=since) == []
    assert office.owners(office.primary.address) == ["FAILOVER"]
    assert ready.applications == applications


def test_whoever_uses_our_address_is_answered_told_of_and_loses_it_again(
    ready: FailoverServer, office: Office, standing: Command
) -> None:
    address = office.primary.address
    office.plug_cable(office.primary.host)
    office.primary.host.announce(address)
    conflict = ready.wait_for_event("address_conflict")
    mail = ready.wait_for_mail("uses the address 192.168.11.1 that we hold")
    ready.wait_until_served(address, "FAILOVER")

    assert conflict.data["mac"] == "02:00:c0:a8:0b:01"
    assert "02:00:c0:a8:0b:01" in mail.subject
    assert standing.runs


def test_after_a_reboot_the_role_of_a_silent_primary_is_taken_again_with_its_application(
    ready: FailoverServer, office: Office, standing: Command
) -> None:
    assert office.ask(office.primary.address, "CALL three 100") is not None
    office.reboot(office.failover_server)

    assert not standing.runs
    assert office.owners(office.primary.address) == []

    since = ready.cursor
    ready.monitor()
    ready.wait_for_event("stand_in_started", since=since)
    stand_in = ready.stand_in

    assert stand_in is not None
    assert stand_in.phase is Phase.STANDING_IN
    assert office.owners(office.primary.address) == ["FAILOVER"]
    assert len(ready.applications) == 1
    assert ready.rows() == ["one", "two", "three"]
    assert ready.wait_for_event("server_failed", since=since).data["misses"] == 8


def test_after_a_reboot_a_primary_that_answers_keeps_its_role_and_the_standby_its_data(
    ready: FailoverServer, office: Office, standing: Command
) -> None:
    assert office.ask(office.primary.address, "CALL three 100") is not None
    office.reboot(office.failover_server)
    assert not standing.runs
    office.plug_cable(office.primary.host)
    ready.monitor()
    mail = ready.wait_for_mail("The stand-in for DEMOSERVER was interrupted")
    ready.wait_for_rounds()

    assert "this machine was restarted, and DEMOSERVER answers again" in mail.text
    assert office.owners(office.primary.address) == ["DEMOSERVER"]
    assert ready.applications == []
    assert ready.is_ahead
    assert ready.rows() == ["one", "two", "three"]
    status = ready.run("status", "--json").document
    assert status["servers"][0]["activity"] == "interrupted stand-in"

    refused = ready.run("failover-now", "DEMOSERVER", "--yes", code=3)

    assert "02:00:c0:a8:0b:01" in refused.err

    ready.run("stop-failover", "DEMOSERVER", "--yes")
    ready.run("replicate-to-live", "DEMOSERVER", "--yes")

    assert office.rows(office.primary) == ["one", "two", "three"]
    assert not ready.is_ahead


def test_an_interrupted_stand_in_is_not_taken_up_again_by_itself(
    ready: FailoverServer, office: Office, standing: Command
) -> None:
    office.reboot(office.failover_server)
    assert not standing.runs
    office.plug_cable(office.primary.host)
    ready.monitor()
    ready.wait_for_event("stand_in_interrupted")
    office.pull_cable(office.primary.host)
    since = ready.cursor
    ready.wait_for_event("server_failed", since=since)
    ready.wait_for_rounds()

    assert ready.kinds("takeover_started", since=since) == []
    assert office.owners(office.primary.address) == []


def test_when_the_night_comes_during_a_stand_in_nothing_is_overwritten(
    ready: FailoverServer, office: Office, standing: Command
) -> None:
    assert office.ask(office.primary.address, "CALL three 100") is not None
    standing.kill()
    by_another_way = {"host": office.primary.management_address}
    ready.configure_server(replicate_daily="00:00:00", ssh=by_another_way)
    ready.age_copies(days=2)
    office.plug_cable(office.primary.host)
    since = ready.cursor
    ready.monitor()
    ready.wait_for_rounds()
    by_hand = ready.run("replicate-from-live", "DEMOSERVER", code=3)
    ready.run("replicate-from-live", "--all", "--if-due")

    assert "holds data that the live server has not" in by_hand.err
    assert ready.kinds("replication_started", since=since) == []
    assert ready.rows() == ["one", "two", "three"]


def test_nothing_is_copied_from_an_address_that_is_ours(
    ready: FailoverServer, office: Office, standing: Command
) -> None:
    office.plug_cable(office.primary.host)
    refused = ready.run("replicate-from-live", "DEMOSERVER", code=3)

    assert "192.168.11.1 is held by this machine" in refused.err
    assert "ipfx-failover stop-failover DEMOSERVER" in refused.err
    assert standing.runs

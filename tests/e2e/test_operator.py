"""What an operator does by hand: failover-now, stop-failover, with and without a monitor."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.records import Phase

if TYPE_CHECKING:
    from tests.support.failover import FailoverServer
    from tests.support.office import Office

MAC_OF_PRIMARY = "02:00:c0:a8:0b:01"
SLEEP = ["/bin/sleep", "61"]


@pytest.fixture
def taken(ready: FailoverServer, office: Office) -> FailoverServer:
    """A Failover Server that an operator has let take DEMOSERVER's role; no monitor runs."""
    office.pull_cable(office.primary.host)
    ready.run("failover-now", "DEMOSERVER", "--yes", "--force")
    return ready


def phase_of(failover: FailoverServer) -> Phase | None:
    return failover.stand_in.phase if failover.stand_in else None


def test_failover_now_takes_the_role_without_a_monitor_and_says_that_nobody_watches(
    ready: FailoverServer, office: Office
) -> None:
    office.pull_cable(office.primary.host)
    done = ready.run("failover-now", "DEMOSERVER", "--yes", "--force")

    assert "The Failover Server stands in for DEMOSERVER" in done.out
    assert "No monitor is running" in done.err
    assert office.owners(office.primary.address) == ["FAILOVER"]
    assert office.served_by(office.primary.address) == "FAILOVER"
    assert ready.is_ahead
    assert [mail.subject for mail in ready.mails()] == [
        "DEMOSERVER has failed: the Failover Server has taken over"
    ]


def test_failover_now_asks_by_arp_first_and_refuses_with_the_mac_that_answers(
    ready: FailoverServer, office: Office
) -> None:
    refused = ready.run("failover-now", "DEMOSERVER", "--yes", "--json", code=3)
    error = refused.document["error"]

    assert MAC_OF_PRIMARY in error["message"]
    assert "failover-now DEMOSERVER --force" in error["hint"]
    assert office.owners(office.primary.address) == ["DEMOSERVER"]
    assert ready.kinds("takeover_started") == []


def test_failover_now_without_a_yes_and_a_terminal_does_nothing(ready: FailoverServer) -> None:
    refused = ready.run("failover-now", "DEMOSERVER", "--force", code=3)

    assert "will take over the role of DEMOSERVER now" in refused.err
    assert ready.stand_in is None


def test_a_plan_names_each_step_and_what_speaks_against_it_and_does_nothing(
    ready: FailoverServer, office: Office
) -> None:
    plan = ready.run("failover-now", "DEMOSERVER", "--plan", "--json").document

    assert [step.split()[0] for step in plan["steps"]] == [
        *("claim", "take", "verify", "end", "start")
    ]
    assert MAC_OF_PRIMARY in plan["refusals"][0]["message"]
    assert ready.kinds("takeover_started") == []
    assert office.owners(office.primary.address) == ["DEMOSERVER"]


def test_a_second_failover_now_is_refused_and_so_is_one_for_another_server(
    taken: FailoverServer, office: Office
) -> None:
    taken.add_server(office.second)
    again = taken.run("failover-now", "DEMOSERVER", "--yes", code=3)
    other = taken.run("failover-now", "SECOND", "--yes", code=3)

    assert "stands in for DEMOSERVER already" in again.err
    assert "stands in for DEMOSERVER; one server at a time" in other.err
    assert "stop-failover DEMOSERVER" in other.err


def test_a_monitor_takes_over_the_upkeep_of_what_an_operator_took(
    ready: FailoverServer, office: Office
) -> None:
    ready.watching_monitor()
    ready.run("failover-now", "DEMOSERVER", "--yes", "--force")
    office.primary.host.announce(office.primary.address)
    ready.wait_for_event("address_conflict")
    ready.wait_until_served(office.primary.address, "FAILOVER")
    status = ready.run("status", "--json").document

    assert status["standing_in_for"] == "DEMOSERVER"
    assert status["servers"][0]["status"] != "OK"


def test_a_monitor_does_not_take_again_what_an_operator_gave_back(
    taken: FailoverServer, office: Office
) -> None:
    taken.monitor()
    taken.wait_for_rounds()
    since = taken.cursor
    taken.run("stop-failover", "DEMOSERVER", "--yes")
    taken.wait_for_event("server_failed", since=since)
    taken.wait_for_rounds()

    assert office.owners(office.primary.address) == []
    assert taken.applications == []
    assert taken.kinds("takeover_started", "address_restored", since=since) == []


def test_stop_failover_gives_everything_back_but_the_authority(
    taken: FailoverServer, office: Office
) -> None:
    assert office.ask(office.primary.address, "CALL three 100") is not None
    done = taken.run("stop-failover", "DEMOSERVER", "--yes")

    assert "ipfx-failover replicate-to-live DEMOSERVER" in done.out
    assert office.owners(office.primary.address) == []
    assert taken.applications == []
    assert taken.rows() == ["one", "two", "three"]
    assert taken.is_ahead
    assert taken.server().failback_pending


def test_stop_failover_warns_of_a_primary_that_has_come_back_with_its_address(
    taken: FailoverServer, office: Office
) -> None:
    office.plug_cable(office.primary.host)
    plan = taken.run("stop-failover", "DEMOSERVER", "--plan", "--json").document
    done = taken.run("stop-failover", "DEMOSERVER", "--yes")

    assert [MAC_OF_PRIMARY in warning for warning in plan["warnings"]] == [True]
    assert f"warning: {MAC_OF_PRIMARY} uses {office.primary.address}, too" in done.err


def test_after_a_failback_the_primary_has_what_was_recorded_and_is_watched_again(
    taken: FailoverServer, office: Office
) -> None:
    assert office.ask(office.primary.address, "CALL three 100") is not None
    taken.run("stop-failover", "DEMOSERVER", "--yes")
    office.plug_cable(office.primary.host)
    taken.watching_monitor()
    taken.run("replicate-to-live", "DEMOSERVER", "--yes")
    office.primary.start_application()
    since = taken.cursor

    assert office.rows(office.primary) == ["one", "two", "three"]
    assert taken.run("status", "--check").out.startswith("OK: ")

    office.pull_cable(office.primary.host)
    taken.wait_for_event("stand_in_started", since=since)

    assert office.owners(office.primary.address) == ["FAILOVER"]


def test_nothing_is_brought_to_live_while_its_application_runs(
    taken: FailoverServer, office: Office
) -> None:
    taken.run("stop-failover", "DEMOSERVER", "--yes")
    office.plug_cable(office.primary.host)
    office.primary.start_application()
    office.primary.host.announce(office.primary.address)
    refused = taken.run("replicate-to-live", "DEMOSERVER", "--yes", code=3)

    assert "the application of DEMOSERVER runs" in refused.err
    assert taken.is_ahead
    assert office.served_by(office.primary.address) == "DEMOSERVER"


def test_stop_and_stop_failover_are_told_apart(taken: FailoverServer) -> None:
    stopped = taken.run("stop", "DEMOSERVER", code=3)
    taken.run("stop-failover", "DEMOSERVER", "--yes")
    again = taken.run("stop-failover", "DEMOSERVER", "--yes", code=3)

    assert "ipfx-failover stop-failover DEMOSERVER" in stopped.err
    assert "does not stand in for DEMOSERVER" in again.err


def test_an_interrupted_stop_failover_leaves_a_stand_in_that_is_kept_up(
    taken: FailoverServer, office: Office
) -> None:
    taken.configure({"failover_server": {"application": {"stop": SLEEP}}})
    giving_back = taken.start("stop-failover", "DEMOSERVER", "--yes")
    taken.wait_until_runs(*SLEEP)
    giving_back.send_signal(signal.SIGINT)

    assert giving_back.wait() == 130
    assert phase_of(taken) is Phase.STANDING_IN
    assert office.served_by(office.primary.address) == "FAILOVER"
    assert len(taken.applications) == 1


def test_an_interrupted_stop_failover_does_not_begin_a_stand_in_that_was_over(
    taken: FailoverServer, office: Office
) -> None:
    office.reboot(office.failover_server)
    office.plug_cable(office.primary.host)
    taken.monitor()
    taken.wait_for_event("stand_in_interrupted")
    taken.configure({"failover_server": {"application": {"stop": SLEEP}}})
    giving_back = taken.start("stop-failover", "DEMOSERVER", "--yes")
    taken.wait_until_runs(*SLEEP)
    giving_back.send_signal(signal.SIGINT)

    assert giving_back.wait() == 130
    assert phase_of(taken) is Phase.INTERRUPTED
    assert office.owners(office.primary.address) == ["DEMOSERVER"]
    assert taken.applications == []


def test_failover_now_says_what_it_waits_for(ready: FailoverServer, office: Office) -> None:
    ready.configure({"failover_server": {"application": {"start": SLEEP}}})
    office.pull_cable(office.primary.host)
    taking = ready.start("failover-now", "DEMOSERVER", "--yes", "--force")
    ready.wait_until_said(taking, "  start the application as DEMOSERVER: ")
    taking.send_signal(signal.SIGINT)

    assert taking.wait() == 130
    assert "  undone: start the application as DEMOSERVER" in taking.err.splitlines()


def test_an_interrupted_failover_now_is_undone(ready: FailoverServer, office: Office) -> None:
    ready.configure({"failover_server": {"application": {"start": SLEEP}}})
    office.pull_cable(office.primary.host)
    taking = ready.start("failover-now", "DEMOSERVER", "--yes", "--force")
    ready.wait_until_runs(*SLEEP)
    taking.send_signal(signal.SIGTERM)

    assert taking.wait() == 130
    assert office.owners(office.primary.address) == []
    assert ready.stand_in is None
    assert not ready.is_ahead

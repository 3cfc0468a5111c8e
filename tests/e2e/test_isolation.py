"""Silence is not death: our own network may be what is broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.failover import FailoverServer
    from tests.support.office import Office

THE_FALL = ["server_suspect", "warning_count_reached", "server_failed"]
FULL_COUNT_S = 4 * 0.050
"""From the first of five misses to the last."""


def test_our_own_pulled_cable_is_no_failure_of_anybody(
    ready: FailoverServer, office: Office
) -> None:
    ready.watching_monitor()
    since = ready.cursor
    office.pull_cable(office.failover_server)
    isolated = ready.wait_for_event("isolated")
    ready.wait_for_rounds()
    office.plug_cable(office.failover_server)
    ready.wait_for_event("server_answering", since=since)
    mail = ready.wait_for_mail("is cut off from the network")

    assert isolated.data["reason"] == "the network cable has no carrier"
    assert ready.kinds("isolation_ended", "server_failed", "takeover_started") == [
        "isolation_ended"
    ]
    assert office.owners(office.primary.address) == ["DEMOSERVER"]
    assert "own cable" in mail.text


def test_after_our_own_cable_is_back_a_silent_primary_gets_a_fresh_full_count(
    ready: FailoverServer, office: Office
) -> None:
    ready.watching_monitor()
    office.pull_cable(office.failover_server)
    ready.wait_for_event("isolated")
    office.pull_cable(office.primary.host)
    ready.wait_for_rounds()
    since = ready.cursor
    office.plug_cable(office.failover_server)
    ready.wait_for_event("stand_in_started")
    ended, failed = ready.events("isolation_ended", "server_failed", since=since)

    assert ready.kinds(*THE_FALL, since=since) == THE_FALL
    assert failed.data["misses"] == 5
    assert (failed.at - ended.at).total_seconds() > FULL_COUNT_S / 2
    assert office.owners(office.primary.address) == ["FAILOVER"]


def test_a_gateway_that_is_gone_is_nothing_to_a_primary_that_lives(
    ready: FailoverServer, office: Office
) -> None:
    ready.watching_monitor()
    since = ready.cursor
    office.pull_cable(office.lab.gateway)
    ready.wait_for_rounds()

    assert ready.kinds(since=since) == []


def test_a_primary_that_is_silent_together_with_the_gateway_is_not_taken_until_that_is_back(
    ready: FailoverServer, office: Office
) -> None:
    ready.watching_monitor()
    office.pull_cable(office.lab.gateway)
    office.pull_cable(office.primary.host)
    isolated = ready.wait_for_event("isolated")
    ready.wait_for_rounds()

    assert "reference target" in str(isolated.data["reason"])
    assert ready.kinds("takeover_started", "isolation_ended") == []
    assert office.owners(office.primary.address) == []

    since = ready.cursor
    office.plug_cable(office.lab.gateway)
    ready.wait_for_event("stand_in_started")

    assert ready.kinds(since=since)[:5] == ["isolation_ended", *THE_FALL, "takeover_started"]


def test_another_primary_that_answers_shows_that_our_network_works(
    ready: FailoverServer, office: Office
) -> None:
    ready.add_server(office.second)
    ready.watching_monitor("SECOND")
    office.pull_cable(office.lab.gateway)
    ready.wait_for_rounds()
    office.pull_cable(office.primary.host)
    ready.wait_for_event("stand_in_started", "DEMOSERVER")

    assert ready.kinds("isolated") == []


def test_a_server_that_our_own_machine_refuses_to_ping_is_not_judged_and_the_status_says_so(
    ready: FailoverServer, office: Office
) -> None:
    ready.add_server(office.second)
    ready.watching_monitor("SECOND")
    prohibited = ("prohibit", f"{office.primary.address}/32")
    office.failover_server.run("ip", "route", "add", *prohibited)
    try:
        ready.wait_for_event("probe_refused", "DEMOSERVER")
        ready.wait_for_rounds()
        told = ready.run("status", "--json").document["servers"][0]
        check = ready.run("status", "--check", code=2)
    finally:
        office.failover_server.run("ip", "route", "del", *prohibited)
    ready.wait_for_rounds(30)
    after = ready.run("status", "--json").document["servers"][0]

    assert told["obstacle"].startswith("cannot be pinged, and is not judged: ")
    assert "DEMOSERVER cannot be pinged" in check.out
    assert (after["status"], after["obstacle"]) == ("OK", None)
    assert ready.kinds("server_failed", "takeover_started") == []

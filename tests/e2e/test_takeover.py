"""A Primary dies: who takes its role, when, and who owns what afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfx_failover.records import Authority, Phase

if TYPE_CHECKING:
    from tests.support.failover import FailoverServer
    from tests.support.office import Office

OURS = "192.168.11.2"
MAC_OF_PRIMARY = "02:00:c0:a8:0b:01"
THE_FALL = ["server_suspect", "warning_count_reached", "server_failed"]


def test_a_pulled_cable_ends_in_a_stand_in_at_the_same_address(
    ready: FailoverServer, office: Office
) -> None:
    address = office.primary.address
    ready.watching_monitor()
    since = ready.cursor
    office.pull_cable(office.primary.host)
    ready.wait_for_event("stand_in_started", "DEMOSERVER", since=since)

    assert ready.kinds(since=since) == [
        *THE_FALL,
        "takeover_started",
        "address_taken",
        "stand_in_started",
    ]
    assert office.owners(address) == ["FAILOVER"]
    assert office.served_by(address) == "FAILOVER"
    assert len(ready.applications) == 1
    assert ready.rows() == ["one", "two"]
    assert ready.is_ahead


def test_the_warning_is_mailed_before_the_failover(ready: FailoverServer, office: Office) -> None:
    ready.watching_monitor()
    office.pull_cable(office.primary.host)
    taken = ready.wait_for_mail("has taken over")
    subjects = [mail.subject for mail in ready.mails()]

    assert subjects == [
        "DEMOSERVER does not answer: failover is near",
        "DEMOSERVER has failed: the Failover Server has taken over",
    ]
    assert taken.recipients == ["support@example.com"]


def test_without_assume_ip_the_stand_in_keeps_its_own_address(
    ready: FailoverServer, office: Office
) -> None:
    ready.configure_server(assume_ip=False)
    ready.watching_monitor()
    office.pull_cable(office.primary.host)
    ready.wait_for_event("stand_in_started")

    assert office.owners(office.primary.address) == []
    assert office.served_by(OURS) == "FAILOVER"
    assert ready.kinds("address_taken") == []


def test_a_primary_that_comes_back_is_told_of_and_the_stand_in_goes_on(
    ready: FailoverServer, office: Office
) -> None:
    ready.configure_server(assume_ip=False)
    ready.watching_monitor()
    office.pull_cable(office.primary.host)
    ready.wait_for_event("stand_in_started")
    office.plug_cable(office.primary.host)
    mail = ready.wait_for_mail("has been reset: it answers again")
    ready.wait_for_rounds()

    assert "ipfx-failover stop-failover DEMOSERVER" in mail.text
    assert ready.kinds("stand_in_stopped", "auto_stopped") == []
    assert office.served_by(OURS) == "FAILOVER"


def test_a_primary_that_ignores_pings_keeps_the_address_that_it_answers_arp_for(
    ready: FailoverServer, office: Office
) -> None:
    ready.watching_monitor()
    office.ignore_pings(office.primary.host)
    mail = ready.wait_for_mail("was NOT taken over")
    ready.wait_for_event("takeover_refused", since=ready.cursor)

    assert MAC_OF_PRIMARY in mail.text
    assert "the adapter of DEMOSERVER itself" in mail.text
    assert "--force" in mail.text
    assert office.owners(office.primary.address) == ["DEMOSERVER"]
    assert ready.kinds("takeover_started") == []
    assert [mail.subject for mail in ready.mails()].count(mail.subject) == 1


def test_what_was_never_replicated_is_not_taken_over(
    failover: FailoverServer, office: Office
) -> None:
    failover.watching_monitor()
    office.pull_cable(office.primary.host)
    mail = failover.wait_for_mail("was NOT taken over")

    assert "its database has never been replicated" in mail.text
    assert office.owners(office.primary.address) == []
    assert failover.kinds("takeover_started") == []


def test_a_suspended_server_is_neither_pinged_nor_taken_until_it_is_resumed(
    ready: FailoverServer, office: Office
) -> None:
    ready.watching_monitor()
    ready.run("suspend", "DEMOSERVER")
    ready.wait_for_event("suspended")
    ready.wait_for_rounds()
    with ready.store() as store:
        last_probe_at = store.observations()["DEMOSERVER"].last_probe_at
    office.pull_cable(office.primary.host)
    ready.wait_for_rounds()
    with ready.store() as store:
        probed_at = store.observations()["DEMOSERVER"].last_probe_at

    assert probed_at == last_probe_at
    assert ready.kinds(*THE_FALL) == []

    since = ready.cursor
    ready.run("resume", "DEMOSERVER")
    ready.wait_for_event("stand_in_started", since=since)

    assert ready.kinds(*THE_FALL, since=since) == THE_FALL


def test_a_stopped_server_is_not_taken_and_its_copy_is_out_of_date_when_it_is_resumed(
    ready: FailoverServer, office: Office
) -> None:
    ready.watching_monitor()
    ready.run("stop", "DEMOSERVER")
    ready.wait_for_rounds()
    office.pull_cable(office.primary.host)
    ready.wait_for_rounds()
    refused = ready.run("replicate-from-live", "DEMOSERVER", code=3)

    assert ready.kinds(*THE_FALL) == []
    assert "is stopped" in refused.err

    office.plug_cable(office.primary.host)
    since = ready.cursor
    ready.run("resume", "DEMOSERVER")
    ready.wait_for_event("server_answering", since=since)

    assert ready.server().stale

    ready.replicate()

    assert not ready.server().stale


def test_the_second_primary_that_dies_is_told_of_once_and_taken_after_a_count_of_its_own(
    ready: FailoverServer, office: Office
) -> None:
    ready.configure({"network": {"failover_count": 24, "failover_count_after_reboot": 24}})
    office.add_calls(office.second, "three")
    ready.add_server(office.second, assume_ip=True)
    ready.run("replicate-from-live", "SECOND")
    ready.watching_monitor("SECOND")
    office.pull_cable(office.primary.host)
    ready.wait_for_event("stand_in_started", "DEMOSERVER")
    office.pull_cable(office.second.host)
    ready.wait_for_mail("SECOND has failed too, and is offline")
    ready.wait_for_event("failed_while_standing_in", since=ready.cursor)
    ready.wait_until_missed("SECOND", 8)

    assert office.owners(office.second.address) == []

    ready.run("stop-failover", "DEMOSERVER", "--yes")
    begun = ready.wait_for_event("takeover_started", "SECOND")
    given_back = ready.wait_for_event("stand_in_stopped", "DEMOSERVER")
    ready.wait_for_event("stand_in_started", "SECOND")

    assert (begun.at - given_back.at).total_seconds() > 1.0
    assert office.owners(office.second.address) == ["FAILOVER"]
    assert office.owners(office.primary.address) == []
    assert len(ready.applications) == 1
    subjects = [mail.subject for mail in ready.mails()]
    assert subjects.count("SECOND has failed too, and is offline") == 1


def test_an_application_that_does_not_start_undoes_the_takeover_in_reverse(
    ready: FailoverServer, office: Office
) -> None:
    broken = ["/bin/sh", "-c", "echo no licence; exit 3"]
    ready.configure({"failover_server": {"application": {"start": broken}}})
    ready.watching_monitor()
    since = ready.cursor
    office.pull_cable(office.primary.host)
    mail = ready.wait_for_mail("Taking over DEMOSERVER failed")

    assert ready.kinds(since=since)[3:7] == [
        "takeover_started",
        "address_taken",
        "address_released",
        "takeover_failed",
    ]
    assert "no licence" in mail.text
    assert ready.server().authority is Authority.LIVE
    assert not ready.server().failback_pending


def test_a_takeover_that_failed_is_tried_again_when_its_reason_is_gone(
    ready: FailoverServer, office: Office
) -> None:
    gate = ready.directory / "licence"
    start = ["/bin/sh", "-c", f'[ -e {gate} ] && exec "$@"', "sh", *ready.start_application]
    ready.configure({"failover_server": {"application": {"start": start}}})
    ready.watching_monitor()
    office.pull_cable(office.primary.host)
    ready.wait_for_event("takeover_failed")
    gate.touch()
    ready.wait_for_event("stand_in_started")

    assert office.owners(office.primary.address) == ["FAILOVER"]
    assert len(ready.applications) == 1


def test_mail_that_cannot_be_sent_is_kept_and_delays_no_failover(
    ready: FailoverServer, office: Office
) -> None:
    ready.watching_monitor()
    office.stop_mail()
    office.pull_cable(office.primary.host)
    ready.wait_for_event("stand_in_started")
    ready.wait_for_event("mail_failing")

    assert office.served_by(office.primary.address) == "FAILOVER"
    assert ready.mails() == []

    office.start_mail()
    ready.let_the_time_for_mail_come()
    ready.wait_for_mail("has taken over")
    ready.wait_for_event("mail_recovered")

    assert [mail.subject for mail in ready.mails()] == [
        "DEMOSERVER does not answer: failover is near",
        "DEMOSERVER has failed: the Failover Server has taken over",
    ]


def test_failover_is_stopped_by_itself_once_the_server_and_its_application_are_back(
    ready: FailoverServer, office: Office
) -> None:
    ready.configure_server(assume_ip=False, auto_stop_failover=True)
    ready.watching_monitor()
    office.pull_cable(office.primary.host)
    ready.wait_for_event("stand_in_started")
    assert office.ask(OURS, "CALL three 100") is not None
    office.plug_cable(office.primary.host)
    ready.wait_for_event("server_reset")
    ready.wait_for_rounds()

    assert ready.stand_in is not None
    assert ready.stand_in.phase is Phase.STANDING_IN

    office.primary.start_application()
    stopped = ready.wait_for_event("auto_stopped")
    mail = ready.wait_for_mail("failover was stopped automatically")
    kept = ready.kept(str(stopped.data["kept"]))

    assert str(stopped.data["kept"]) in mail.text
    assert kept == ["one", "two", "three"]
    assert ready.applications == []
    assert ready.server().authority is Authority.LIVE
    assert ready.server().stale


def test_failover_is_not_stopped_before_as_many_answers_as_misses_are_needed(
    ready: FailoverServer, office: Office
) -> None:
    ready.configure({"network": {"failover_count": 16, "failover_count_after_reboot": 16}})
    ready.configure_server(assume_ip=False, auto_stop_failover=True)
    office.primary.start_application()
    ready.watching_monitor()
    office.pull_cable(office.primary.host)
    ready.wait_for_event("stand_in_started")
    office.plug_cable(office.primary.host)
    stopped = ready.wait_for_event("auto_stopped")
    back = ready.wait_for_event("server_reset")

    assert (stopped.at - back.at).total_seconds() > 0.6


@pytest.mark.parametrize("assume_ip", [True, False])
def test_a_primary_whose_failback_is_pending_is_not_taken_again(
    ready: FailoverServer, office: Office, *, assume_ip: bool
) -> None:
    ready.configure_server(assume_ip=assume_ip)
    ready.watching_monitor()
    office.pull_cable(office.primary.host)
    ready.wait_for_event("stand_in_started")
    since = ready.cursor
    ready.run("stop-failover", "DEMOSERVER", "--yes")
    ready.wait_for_event("server_failed", since=since)
    ready.wait_for_rounds()

    assert ready.kinds("takeover_started", since=since) == []
    assert office.owners(office.primary.address) == []
    assert ready.applications == []
    assert ready.is_ahead

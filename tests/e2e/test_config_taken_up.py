"""The running monitor takes up edits of its config; a broken one changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.office import eventually

if TYPE_CHECKING:
    from tests.support.failover import FailoverServer
    from tests.support.office import Office


def advice(failover: FailoverServer) -> list[str]:
    told: list[str] = failover.run("status", "--json").document["advice"]
    return told


def wait_until_ok(failover: FailoverServer, *servers: str) -> None:
    """Wait until these are watched, and no others."""

    def is_so() -> bool:
        shown = failover.run("status", "--json").document["servers"]
        return [(each["name"], each["status"]) for each in shown] == [(n, "OK") for n in servers]

    eventually(is_so, f"{servers} are OK", explain=failover.explain)


def test_a_server_that_is_added_is_watched_and_taken_over_without_a_restart(
    ready: FailoverServer, office: Office
) -> None:
    application = {"start": ["/bin/sleep", "61"], "ready_port": None}
    ready.configure({"failover_server": {"application": application}})
    monitor = ready.watching_monitor()
    ready.add_server(office.second, assume_ip=True, database=None, ssh=None)
    changed = ready.wait_for_event("config_changed")
    ready.wait_for_event("server_answering", "SECOND")
    office.pull_cable(office.second.host)
    ready.wait_for_event("stand_in_started", "SECOND")

    assert changed.data["changes"] == "SECOND added"
    assert office.owners(office.second.address) == ["FAILOVER"]
    assert ready.kinds("monitor_started", "monitor_stopped") == ["monitor_started"]
    assert monitor.runs


def test_a_server_that_is_removed_is_pinged_no_more_and_its_fall_is_nobodys_business(
    ready: FailoverServer, office: Office
) -> None:
    ready.add_server(office.second)
    ready.watching_monitor("SECOND")
    wait_until_ok(ready, "DEMOSERVER", "SECOND")
    ready.configure({"servers": {"SECOND": None}})
    changed = ready.wait_for_event("config_changed")
    since = ready.cursor
    office.pull_cable(office.second.host)
    ready.wait_for_rounds()

    assert changed.data["changes"] == "SECOND removed"
    assert ready.kinds(since=since) == []
    wait_until_ok(ready, "DEMOSERVER")


def test_other_ping_values_count_afresh_and_hold(ready: FailoverServer, office: Office) -> None:
    ready.watching_monitor()
    ready.configure({"network": {"failover_count": 7, "ping_interval_ms": 60}})
    changed = ready.wait_for_event("config_changed")
    office.pull_cable(office.primary.host)
    failed = ready.wait_for_event("server_failed")
    ready.wait_for_event("stand_in_started")

    assert "network.failover_count: 5 -> 7" in str(changed.data["changes"])
    assert "network.ping_interval_ms: 50 -> 60" in str(changed.data["changes"])
    assert failed.data["misses"] == 7


def test_a_broken_edit_is_told_once_and_the_last_good_config_stays_in_use(
    ready: FailoverServer, office: Office
) -> None:
    monitor = ready.watching_monitor()
    good = ready.config_path.read_text("utf-8")
    ready.config_path.write_text(good.replace("failover_count = 5", "failover_count = five"))
    broken = ready.wait_for_event("config_broken")
    mail = ready.wait_for_mail("config of the Failover Server is broken")
    eventually(lambda: advice(ready) != [], "the status tells", explain=ready.explain)
    (told,) = advice(ready)

    assert str(broken.data["reason"]).startswith("line ")
    assert "ipfx-failover config check" in mail.text
    assert "the config on disk is broken" in told

    office.pull_cable(office.primary.host)
    ready.wait_for_event("stand_in_started")

    assert monitor.runs
    assert len([m for m in ready.mails() if "is broken" in m.subject]) == 1

    ready.config_path.write_text(good)
    restored = ready.wait_for_event("config_changed")

    assert restored.data["changes"] == "it is again as it was"
    eventually(lambda: advice(ready) == [], "no advice any more", explain=ready.explain)


def test_the_night_comes_by_the_last_good_config_while_the_one_on_disk_is_broken(
    ready: FailoverServer, office: Office
) -> None:
    ready.configure_server(replicate_daily="00:00:00")
    ready.watching_monitor()
    good = ready.config_path.read_text("utf-8")
    ready.config_path.write_text(good.replace("[network]", "[network"))
    ready.wait_for_event("config_broken")
    office.add_calls(office.primary, "three")
    since = ready.cursor
    ready.age_copies(days=2)
    ready.wait_for_event("replicated", since=since)

    assert ready.rows() == ["one", "two", "three"]
    assert ready.kinds("worker_failed", since=since) == []


@pytest.mark.parametrize("is_watched", [True, False], ids=["monitored", "unmonitored"])
def test_a_stand_in_is_seen_and_ended_while_the_config_is_broken(
    ready: FailoverServer, office: Office, *, is_watched: bool
) -> None:
    monitor = ready.watching_monitor()
    office.pull_cable(office.primary.host)
    ready.wait_for_event("stand_in_started")
    good = ready.config_path.read_text("utf-8")
    ready.config_path.write_text(good.replace("[network]", "[network"))
    ready.wait_for_event("config_broken")
    if not is_watched:
        assert monitor.stop() == 0
    shown = ready.run("status").out
    log = ready.run("log")
    ended = ready.run("stop-failover", "DEMOSERVER", "--yes")

    assert "standing in" in shown
    assert "broken" in shown
    assert "config on disk is broken" in log.out
    assert "warning: the config is broken: " in log.err
    assert "the one that a monitor took up last is used" in ended.err
    assert ready.stand_in is None
    assert [] == ready.held_addresses
    assert [] == ready.applications


def test_a_value_that_is_wrong_shows_in_the_status(ready: FailoverServer) -> None:
    ready.watching_monitor()
    ready.configure({"network": {"failover_count": 0}})
    ready.wait_for_event("config_broken")
    eventually(lambda: advice(ready) != [], "the status tells", explain=ready.explain)
    (told,) = advice(ready)

    assert "the config on disk is broken" in told
    assert "network.failover_count" in told
    assert "is in use: ipfx-failover config check" in told


def test_whom_we_stand_in_for_stays_in_the_config_until_the_role_is_given_back(
    ready: FailoverServer, office: Office
) -> None:
    ready.add_server(office.second)
    ready.watching_monitor("SECOND")
    office.pull_cable(office.primary.host)
    ready.wait_for_event("stand_in_started")
    ready.configure({"servers": {"DEMOSERVER": None}})
    changed = ready.wait_for_event("config_changed")
    ready.wait_for_rounds()

    assert "[servers.DEMOSERVER] until the role" in str(changed.data["detail"])
    assert office.owners(office.primary.address) == ["FAILOVER"]
    assert office.served_by(office.primary.address) == "FAILOVER"

    told = ready.run("stop-failover", "DEMOSERVER", "--yes", code=2)

    assert "put [servers.DEMOSERVER] back" in told.err
    assert any("put [servers.DEMOSERVER] back" in each for each in advice(ready))


def test_a_server_that_is_added_while_standing_in_is_taken_over_when_the_role_is_free(
    ready: FailoverServer, office: Office
) -> None:
    application = {"start": ["/bin/sleep", "61"], "ready_port": None}
    ready.configure({"failover_server": {"application": application}})
    ready.watching_monitor()
    office.pull_cable(office.primary.host)
    ready.wait_for_event("stand_in_started", "DEMOSERVER")
    ready.add_server(office.second, assume_ip=True, database=None, ssh=None)
    ready.wait_for_event("server_answering", "SECOND")
    since = ready.cursor
    ready.run("stop-failover", "DEMOSERVER", "--yes")
    ready.wait_for_event("config_changed", since=since)
    office.pull_cable(office.second.host)
    ready.wait_for_event("stand_in_started", "SECOND")

    assert office.owners(office.second.address) == ["FAILOVER"]


def test_other_mail_settings_are_used_for_the_next_mail(
    ready: FailoverServer, office: Office
) -> None:
    ready.configure({"alerts": {"to": ["nobody@example.com"]}})
    ready.watching_monitor()
    ready.configure({"alerts": {"to": ["night@example.com"]}})
    ready.wait_for_event("config_changed")
    office.pull_cable(office.primary.host)
    mail = ready.wait_for_mail("has taken over")

    assert mail.recipients == ["night@example.com"]


def test_where_the_config_does_not_say_where_the_state_is_the_machine_knows_of_its_stand_in(
    ready: FailoverServer, office: Office
) -> None:
    office.pull_cable(office.primary.host)
    ready.run("failover-now", "DEMOSERVER", "--yes")
    good = ready.config_path.read_text("utf-8")
    ready.config_path.write_text(good.replace("state_dir =", "state_dir "))
    shown = ready.run("status").out
    ready.config_path.write_text(good)
    ready.run("stop-failover", "DEMOSERVER", "--yes")

    assert "standing in for DEMOSERVER" in shown

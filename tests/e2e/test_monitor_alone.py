"""One monitor at a time; who may not write may still read; a damaged store is not believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.records import Authority
from ipfx_failover.state.store import DATABASE

if TYPE_CHECKING:
    from tests.support.commands import Command
    from tests.support.failover import FailoverServer
    from tests.support.office import Office

NOBODY = 65534


def pid_in(command: Command) -> str:
    """The process id that a monitor told of itself."""
    return command.out.split("process ")[1].split(";")[0].split(",")[0].strip()


def test_a_second_monitor_is_refused_with_the_first_one_named(ready: FailoverServer) -> None:
    first = ready.watching_monitor()
    ready.wait_until_said(first, "Monitor started")
    second = ready.run("monitor", "--json", code=75)
    error = second.document["error"]

    assert f"process {pid_in(first)} (ipfx-failover monitor" in error["message"]
    assert first.runs


def test_a_monitor_that_was_killed_is_in_nobodys_way(ready: FailoverServer) -> None:
    ready.watching_monitor().kill()
    since = ready.cursor
    ready.monitor()
    ready.wait_for_event("server_answering", since=since)


def test_who_may_not_open_the_store_reads_the_status_from_the_snapshot(
    ready: FailoverServer,
) -> None:
    for directory in (ready.host.directory, *ready.host.directory.parents[:-2]):
        directory.chmod(directory.stat().st_mode | 0o011)
    monitor = ready.watching_monitor()
    ready.wait_until_ok()
    told = ready.run("status", "--json", user=NOBODY).document

    assert [server["status"] for server in told["servers"]] == ["OK"]
    assert told["monitor"]["running"]

    monitor.stop()
    told = ready.run("status", "--json", user=NOBODY).document

    assert [server["status"] for server in told["servers"]] == ["UNKNOWN"]
    assert not told["monitor"]["running"]
    assert "no monitor is running" in told["warnings"][0]


def test_no_command_works_on_a_damaged_store_and_each_says_how_to_go_on(
    ready: FailoverServer,
) -> None:
    damage(ready)
    for command in (
        ["status"],
        ["monitor"],
        ["suspend", "DEMOSERVER"],
        ["failover-now", "DEMOSERVER", "--yes"],
        ["stop-failover", "DEMOSERVER", "--yes"],
        ["replicate-from-live", "DEMOSERVER"],
        ["replicate-to-live", "DEMOSERVER", "--yes"],
        ["takeover-ip", "192.168.11.77", "--yes"],
    ):
        refused = ready.run(*command, code=5)

        assert "is damaged" in refused.err
        assert "ipfx-failover state reset" in refused.err


def test_after_a_reset_every_standby_counts_as_ahead(ready: FailoverServer, office: Office) -> None:
    damage(ready)
    done = ready.run("state", "reset", "--yes", "--json").document
    refused = ready.run("replicate-from-live", "DEMOSERVER", code=3)

    assert done["kept"].startswith(f"{ready.state_dir / DATABASE}.damaged-")
    assert ready.server().authority is Authority.STANDBY
    assert "--discard-standby" in refused.err

    office.add_calls(office.primary, "three")
    ready.run("replicate-from-live", "DEMOSERVER", "--discard-standby", "--yes")

    assert ready.rows() == ["one", "two", "three"]
    assert not ready.is_ahead


def test_a_stand_in_goes_on_after_its_store_was_damaged_and_reset(
    ready: FailoverServer, office: Office
) -> None:
    monitor = ready.watching_monitor()
    office.pull_cable(office.primary.host)
    ready.wait_for_event("stand_in_started")
    applications = ready.applications
    monitor.kill()
    damage(ready)
    ready.run("state", "reset", "--yes")
    ready.monitor()
    ready.wait_for_rounds()

    assert ready.stand_in is not None
    assert office.owners(office.primary.address) == ["FAILOVER"]
    assert ready.applications == applications

    ready.run("stop-failover", "DEMOSERVER", "--yes")

    assert office.owners(office.primary.address) == []
    assert ready.applications == []
    assert ready.is_ahead


def test_a_store_that_is_damaged_under_a_monitor_ends_no_pings_and_begins_no_takeover(
    ready: FailoverServer, office: Office
) -> None:
    monitor = ready.watching_monitor()
    damage(ready)
    damaged = ready.wait_for_mail("state is damaged: it takes nobody over")
    office.pull_cable(office.primary.host)
    refused = ready.wait_for_mail("DEMOSERVER has failed, and was NOT taken over")
    ready.wait_for_rounds(30)

    assert "ipfx-failover state reset" in damaged.text
    assert "is damaged" in refused.text
    assert len(ready.mails()) == 2
    assert office.owners(office.primary.address) == []
    assert ready.applications == []
    assert monitor.stop() == 5


def test_a_store_that_is_not_damaged_is_not_reset(ready: FailoverServer) -> None:
    refused = ready.run("state", "reset", "--yes", code=3)

    assert "is not damaged" in refused.err


def damage(failover: FailoverServer) -> None:
    """As a disk that lies may leave it."""
    (failover.state_dir / DATABASE).write_bytes(b"not a database" * 1000)
    for path in failover.state_dir.glob(f"{DATABASE}-*"):
        path.unlink()

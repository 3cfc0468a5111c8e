"""A scenario for each item of the manual's contents, named after it, through the command line.

README.md maps the items to their commands; tests/unit/test_documentation.py compares the two.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.office import eventually

if TYPE_CHECKING:
    from tests.support.failover import FailoverServer
    from tests.support.office import Office

RECIPIENTS = ["support@example.com", "it_management@example.com"]


def everything(failover: FailoverServer) -> dict[str, Any]:
    """What `status` says."""
    return failover.run("status", "--json").document


def status_of(failover: FailoverServer, name: str = "DEMOSERVER") -> str:
    """The status of a server, as everybody sees it."""
    servers: list[dict[str, Any]] = everything(failover)["servers"]
    return next(str(server["status"]) for server in servers if server["name"] == name)


def wait_for_status(failover: FailoverServer, wanted: str, name: str = "DEMOSERVER") -> None:
    eventually(
        lambda: status_of(failover, name) == wanted,
        f"{name} is {wanted}",
        explain=failover.explain,
    )


def subjects(failover: FailoverServer) -> list[str]:
    return [mail.subject for mail in failover.mails()]


# About the IPFX Failover Server


def test_role_of_the_failover_server(ready: FailoverServer, office: Office) -> None:
    """It takes over from a Primary that answers no ping; an application that ended is no reason."""
    office.primary.start_application()
    ready.watching_monitor()
    office.stop_application(office.primary)
    ready.wait_for_rounds()

    assert status_of(ready) == "OK"

    office.pull_cable(office.primary.host)
    ready.wait_until_served(office.primary.address, "FAILOVER")

    assert everything(ready)["standing_in_for"] == "DEMOSERVER"


def test_overview(ready: FailoverServer) -> None:
    """The server list, the details, the replication status, and the log."""
    ready.watching_monitor()
    wait_for_status(ready, "OK")
    table = ready.run("status").out
    log = ready.run("log", "--server", "DEMOSERVER").out

    assert "DEMOSERVER" in table
    assert "192.168.11.1" in ready.run("server", "show", "DEMOSERVER").out
    assert "Server: DEMOSERVER: Answers pings" in log


def test_status_icons(ready: FailoverServer, office: Office) -> None:
    ready.run(
        *("config", "set", "network.failover_count=40", "network.failover_count_after_reboot=40"),
        "--yes",
    )
    ready.watching_monitor()
    wait_for_status(ready, "OK")
    for command, status in (("suspend", "SUSPENDED"), ("stop", "STOPPED"), ("resume", "OK")):
        ready.run(command, "DEMOSERVER")
        wait_for_status(ready, status)
    office.pull_cable(office.primary.host)
    wait_for_status(ready, "SUSPECT")
    wait_for_status(ready, "FAILURE")


def test_failover(ready: FailoverServer, office: Office) -> None:
    """It starts its own application; clients that were connected come to it."""
    office.primary.start_application()
    ready.watching_monitor()

    assert office.served_by(office.primary.address) == "DEMOSERVER"

    office.pull_cable(office.primary.host)
    ready.wait_until_served(office.primary.address, "FAILOVER")

    assert ready.rows() == ["one", "two"]
    assert "The Failover Server stands in" in ready.run("log").out


# Installation


def test_installation(failover: FailoverServer) -> None:
    """A first config: the adapter is found, a password is kept where only its owner reads it."""
    failover.config_path.unlink()
    secret = failover.directory / "typed"
    secret.write_text("correct horse\n", "utf-8")
    failover.run(
        *("init", "--adapter", failover.host.interface, "--smtp-server", "192.168.11.5"),
        *("--from", "failover@example.com", "--to", "support@example.com"),
        *("--username", "failoverserver", "--smtp-password-file", str(secret)),
    )
    text = failover.config_path.read_text("utf-8")

    assert "correct horse" not in text
    assert failover.config_path.stat().st_mode & 0o077 == 0 or "file = " in text
    assert failover.run("config", "check").out


# Settings for the Failover Server


def test_general_tab(failover: FailoverServer) -> None:
    directory = str(failover.directory / "VMLocal")
    failover.run("config", "set", f"failover_server.vm_local_dir={directory}")

    assert directory in failover.run("config", "show", "failover_server").out


def test_network_tab(failover: FailoverServer) -> None:
    """The adapter's values are found; the manual's warning stands before the ping values."""
    asked = failover.run("config", "set", "network.ping_failure_count=20", code=2)
    warned = failover.run("config", "set", "network.failover_count=6", code=3)
    failover.run("config", "set", "network.failover_count=6", "--yes")

    assert "network.failover_count" in asked.err
    assert "except on the advice of a technician" in warned.err
    assert "failover_count = 6" in failover.run("config", "show", "network").out


def test_alerts_tab(failover: FailoverServer) -> None:
    failover.run("config", "set", f"alerts.to={','.join(RECIPIENTS)}")
    failover.run("alerts", "test")

    assert sorted(one for mail in failover.mails() for one in mail.recipients) == sorted(RECIPIENTS)


# Adding an IPFX Server to be monitored


def test_adding_an_ipfx_server_to_be_monitored(failover: FailoverServer, office: Office) -> None:
    """A running monitor takes it up; its database is replicated at once, where that is wanted."""
    office.primary.start_application()
    office.add_calls(office.primary, "one")
    failover.configure({"servers": {"DEMOSERVER": None}})
    failover.monitor()
    lab = office.lab
    failover.run(
        *("server", "add", "DEMOSERVER", "--replicate", "--yes"),
        *(f"address={office.primary.address}", f"local_vm_dir={failover.vm_dir}"),
        *("ssh.user=root", f"ssh.key_file={lab.ssh_key}"),
        f"ssh.known_hosts_file={lab.known_hosts}",
        f"database.data_source={office.primary.database}",
        f"database.vm_dir={office.primary.vm_dir}",
    )
    tested = failover.run("server", "test", "DEMOSERVER").out
    wait_for_status(failover, "OK")

    assert failover.rows() == ["one"]
    assert "Database Connection: Successful" in tested
    assert "VM Directory Read: Successful" in tested
    assert "VM Directory Write: Successful" in tested


# E-mail alerts


def test_e_mail_alerts_of_a_failure_and_a_reset(ready: FailoverServer, office: Office) -> None:
    ready.watching_monitor()
    office.pull_cable(office.primary.host)
    ready.wait_for_event("stand_in_started")
    ready.run("stop-failover", "DEMOSERVER", "--yes")
    office.plug_cable(office.primary.host)
    ready.run("replicate-to-live", "DEMOSERVER", "--yes")
    wait_for_status(ready, "OK")

    assert subjects(ready)[:2] == [
        "DEMOSERVER does not answer: failover is near",
        "DEMOSERVER has failed: the Failover Server has taken over",
    ]


def test_e_mail_alerts_when_another_server_fails_during_failover(
    ready: FailoverServer, office: Office
) -> None:
    office.add_calls(office.second, "one")
    ready.add_server(office.second)
    ready.run("replicate-from-live", "SECOND", "--yes")
    ready.watching_monitor("SECOND")
    office.pull_cable(office.primary.host)
    ready.wait_for_event("stand_in_started")
    office.pull_cable(office.second.host)

    assert "SECOND" in ready.wait_for_mail("SECOND has failed").text


def test_e_mail_alerts_of_a_daily_replication_that_fails_and_is_rolled_back(
    ready: FailoverServer, office: Office
) -> None:
    ready.configure_server(replicate_daily="00:00:00")
    ready.age_copies(days=2)
    office.primary.database.write_bytes(b"no database")
    ready.run("replicate-from-live", "--all", "--if-due", "--yes", code=1)

    assert ready.rows() == ["one", "two"]
    assert subjects(ready) == [
        "Daily Replication of DEMOSERVER failed",
        "Daily Replication of DEMOSERVER was rolled back",
    ]


# Taking a CT Server Offline for Maintenance


def test_taking_a_ct_server_offline_for_maintenance(ready: FailoverServer, office: Office) -> None:
    ready.watching_monitor()
    ready.run("suspend", "DEMOSERVER")
    office.pull_cable(office.primary.host)
    ready.wait_for_rounds()

    assert status_of(ready) == "SUSPENDED"
    assert office.owners(office.primary.address) == []

    office.plug_cable(office.primary.host)
    ready.run("resume", "DEMOSERVER")
    wait_for_status(ready, "OK")

    assert everything(ready)["standing_in_for"] is None


# Upgrading the Failover Server


def test_upgrading_the_failover_server(ready: FailoverServer, office: Office) -> None:
    """Shut the Failover Server down, upgrade both, the Primaries first, and replicate by hand."""
    monitor = ready.watching_monitor()

    assert monitor.stop() == 0

    office.add_calls(office.primary, "three")
    again = ready.watching_monitor()
    ready.run("replicate-from-live", "DEMOSERVER", "--yes")

    assert again.runs
    assert ready.rows() == ["one", "two", "three"]


# Manually initiating Failover


def test_manually_initiating_failover(ready: FailoverServer, office: Office) -> None:
    office.pull_cable(office.primary.host)
    declined = ready.run("failover-now", "DEMOSERVER", code=3)

    assert "will take over the role of DEMOSERVER now" in declined.err
    assert everything(ready)["standing_in_for"] is None

    ready.run("failover-now", "DEMOSERVER", "--yes", "--force")

    assert office.served_by(office.primary.address) == "FAILOVER"


# Multiple CT Server Failures


def test_multiple_ct_server_failures(ready: FailoverServer, office: Office) -> None:
    office.add_calls(office.second, "one")
    ready.add_server(office.second, assume_ip=True)
    ready.run("replicate-from-live", "SECOND", "--yes")
    ready.watching_monitor("SECOND")
    office.pull_cable(office.primary.host)
    ready.wait_for_event("stand_in_started")
    office.pull_cable(office.second.host)
    ready.wait_for_mail("SECOND has failed")

    assert everything(ready)["standing_in_for"] == "DEMOSERVER"
    assert office.owners(office.second.address) == []


# Failback


def test_failback(ready: FailoverServer, office: Office) -> None:
    ready.watching_monitor()
    office.pull_cable(office.primary.host)
    ready.wait_until_served(office.primary.address, "FAILOVER")

    assert office.ask(office.primary.address, "CALL three 100") is not None

    ready.run("stop-failover", "DEMOSERVER", "--yes")
    office.plug_cable(office.primary.host)
    ready.run("replicate-to-live", "DEMOSERVER", "--yes")
    wait_for_status(ready, "OK")
    office.primary.start_application()
    ready.wait_until_served(office.primary.address, "DEMOSERVER")

    assert office.rows(office.primary) == ["one", "two", "three"]


# Server Replication


def test_initial_replication_of_a_ct_server(failover: FailoverServer, office: Office) -> None:
    office.add_calls(office.primary, "one")
    refused = failover.run("failover-now", "DEMOSERVER", "--yes", "--force", code=3)
    failover.run("replicate-from-live", "DEMOSERVER", "--yes")

    assert "replicate-from-live DEMOSERVER" in refused.err
    assert failover.rows() == ["one"]


def test_replicating_databases_manually(ready: FailoverServer, office: Office) -> None:
    office.add_calls(office.primary, "three")
    ready.run("replicate-from-live", "DEMOSERVER", "--yes")

    assert ready.rows() == ["one", "two", "three"]
    assert "DEMOSERVER" in ready.run("history", "DEMOSERVER").out


# Technical Details


def test_failover_registry_key(failover: FailoverServer) -> None:
    """What makes a machine a Failover Server is its config, which every command names."""
    checked = failover.run("config", "check").out

    assert str(failover.config_path) in checked


def test_directory_structure(failover: FailoverServer) -> None:
    failover.run("config", "set", "--unset", "servers.DEMOSERVER.local_vm_dir")
    shown = failover.run("server", "show", "DEMOSERVER", "--json").document

    assert "/DEMOSERVER/VM" in str(shown)


def test_msde_name(failover: FailoverServer) -> None:
    """It is kept as it is written, for the engine that will use it."""
    failover.run("config", "set", r"failover_server.data_source=AKLIPFXFAILOVER\CTServer")
    shown = failover.run("config", "show", "failover_server.data_source").out

    assert r"AKLIPFXFAILOVER\CTServer" in shown


def test_catalog_name(ready: FailoverServer) -> None:
    """<ServerName>_CatalogName, in the server's own VM directory."""
    assert [path.name for path in Path(ready.vm_dir / "DB").glob("*.db")] == [
        "DEMOSERVER_CTSERVER.db"
    ]


def test_database_replication(ready: FailoverServer, office: Office) -> None:
    """Nightly: whatever is due, and nothing twice."""
    office.add_calls(office.primary, "three")
    ready.age_copies(days=2)
    ready.run("config", "set", "servers.DEMOSERVER.replicate_daily=00:00:00")
    ready.run("replicate-from-live", "--all", "--if-due")
    again = ready.run("replicate-from-live", "--all", "--if-due")

    assert ready.rows() == ["one", "two", "three"]
    assert again.out == ""


def test_file_replication(ready: FailoverServer, office: Office) -> None:
    """The file inclusion table, into the server's VM directory."""
    ready.with_files()
    for name in ("Mail/100/one.wav", "Extn/7/GREETING.WAV", "Extn/7/notes.txt"):
        path = office.primary.vm_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"recorded")
    ready.run("sync-files", "DEMOSERVER")

    assert (ready.vm_dir / "Mail/100/one.wav").read_bytes() == b"recorded"
    assert (ready.vm_dir / "Extn/7/GREETING.WAV").exists()
    assert not (ready.vm_dir / "Extn/7/notes.txt").exists()

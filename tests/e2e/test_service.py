"""The monitor as a systemd service in the office: a real systemd runs the unit with its rights."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.machine import Machine
from tests.support.office import eventually
from tests.support.systemd import running_systemd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.failover import FailoverServer
    from tests.support.office import Office

UNIT_FILE = "etc/systemd/system/ipfx-failover.service"
DROP_IN = "run/systemd/system/ipfx-failover.service.d"
CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def machine(ready: FailoverServer, office: Office) -> Iterator[Machine]:
    host = office.failover_server
    with running_systemd(host.directory, network_of=host.init_pid) as booted:
        yield Machine(booted, ready)


def take_over(machine: Machine, office: Office) -> None:
    office.pull_cable(office.primary.host)
    machine.failover.wait_for_event("stand_in_started")


def serves(office: Office) -> bool:
    return office.served_by(office.primary.address) not in {None, "DEMOSERVER"}


def test_the_service_takes_over_with_the_rights_of_its_unit_and_the_application_outlives_it(
    machine: Machine, office: Office
) -> None:
    machine.services()
    machine.watch()
    take_over(machine, office)
    eventually(
        lambda: "standing in for DEMOSERVER" in machine.state()["text"], "the status text says so"
    )
    standing = machine.state()
    machine.service("stop")
    stopped = machine.state()

    assert "ProtectSystem=full" in machine.path(UNIT_FILE).read_text()
    assert standing["active"] == "active"
    assert stopped["active"] == "inactive"
    assert stopped["pid"] is None
    assert serves(office)
    assert office.owners(office.primary.address) == ["FAILOVER"]

    machine.service("start")
    office.ask(office.primary.address, "CALL three 100")
    machine.run("stop-failover", "DEMOSERVER", "--yes")

    assert not serves(office)
    assert office.owners(office.primary.address) == []
    assert machine.failover.rows() == ["one", "two", "three"]


def test_an_application_that_is_a_command_outlives_the_service_that_started_it(
    machine: Machine, office: Office
) -> None:
    machine.watch()
    take_over(machine, office)
    machine.service("stop")

    assert "ProtectSystem" not in machine.path(UNIT_FILE).read_text()
    assert serves(office)


def test_a_monitor_that_judges_no_round_any_more_is_restarted(machine: Machine) -> None:
    machine.path(DROP_IN).mkdir()
    (machine.path(DROP_IN) / "watchdog.conf").write_text("[Service]\nWatchdogSec=2\n")
    machine.watch()
    before = machine.failover.cursor
    hung = machine.state()["pid"]
    machine.monitor_process().suspend()
    machine.failover.wait_for_event("monitor_started", since=before)
    machine.failover.wait_for_event("server_answering", since=before)

    assert machine.state()["pid"] not in {None, hung}


def test_the_files_and_the_nightly_copy_are_brought_by_the_service(
    machine: Machine, office: Office
) -> None:
    machine.services()
    machine.failover.with_files()
    message = office.primary.vm_dir / "Mail" / "100" / "message.wav"
    message.parent.mkdir(parents=True)
    message.write_bytes(b"a voice")
    os.chown(message, 1, 1)
    brought = machine.failover.vm_dir / "Mail" / "100" / "message.wav"
    os.chown(machine.failover.vm_dir, 2, 2)
    machine.failover.configure_server(replicate_daily="00:00:00")
    machine.failover.age_copies(days=2)
    since = machine.failover.cursor
    machine.watch()
    eventually(brought.exists, "the voicemail is here", explain=machine.failover.explain)
    machine.failover.wait_for_event("replicated", since=since)

    assert brought.read_bytes() == b"a voice"
    assert brought.stat().st_uid == 2


def test_the_service_runs_as_a_user_with_two_rights(machine: Machine) -> None:
    machine.services()
    for path in (machine.failover.directory, *machine.failover.directory.rglob("*")):
        os.chown(path, 1, 1)
    machine.failover.config_path.chmod(0o644)
    machine.systemd.open_to_everybody(Path(sys.base_prefix), CHECKOUT)
    noted = machine.service("install", "--user", "daemon")
    machine.service("start")
    machine.failover.wait_for_event("server_answering", "DEMOSERVER")

    assert "daemon has to own" in noted
    assert machine.monitor_process().uids().effective == 1
    assert machine.state()["agrees"]


def test_installing_again_changes_nothing_and_removing_leaves_nothing(machine: Machine) -> None:
    machine.services()
    first = json.loads(machine.service("install", "--json"))
    again = json.loads(machine.service("install", "--json"))
    machine.service("start")
    machine.failover.configure_server("DEMOSERVER", local_vm_dir="/usr/local/ipfx/VM")
    outdated = machine.state()
    removed = json.loads(machine.service("remove", "--json"))
    there = sorted(path.name for path in machine.path("etc/systemd/system").rglob("*.service"))

    assert (first["changed"], first["at_boot"], first["agrees"]) == (True, True, True)
    assert again["changed"] is False
    assert outdated["agrees"] is False
    assert (removed["installed"], removed["active"]) == (False, "inactive")
    assert there == []
    assert "is not there" in machine.service("remove")


def test_what_is_not_ours_is_left_alone(machine: Machine) -> None:
    machine.path(UNIT_FILE).write_text("[Service]\nExecStart=true\n")
    for verb in ("install", "remove", "start", "stop"):
        said = machine.service(verb, code=3)

        assert "was not made by ipfx-failover" in said
    assert machine.path(UNIT_FILE).read_text() == "[Service]\nExecStart=true\n"


def test_start_and_stop_with_plan_say_what_they_would_run(machine: Machine) -> None:
    machine.watch()
    pid = machine.state()["pid"]

    assert "1. Run systemctl stop ipfx-failover.service\n" == machine.service("stop", "--plan")
    assert "1. Run systemctl start ipfx-failover.service\n" == machine.service("start", "--plan")
    assert pid == machine.state()["pid"]


def test_what_is_not_installed_cannot_be_started(machine: Machine) -> None:
    assert "ipfx-failover service install" in machine.service("start", code=3)


def test_a_broken_config_stops_neither_the_stop_nor_the_status(machine: Machine) -> None:
    machine.watch()
    machine.failover.config_path.write_text("nonsense")

    assert "the config is not usable" in machine.service("status")
    assert "inactive" in machine.service("stop")


def test_a_service_that_cannot_start_says_where_to_look(machine: Machine) -> None:
    machine.service("install")
    machine.failover.configure({"network": {"adapter": "none-such"}})
    said = machine.service("start", code=1)

    assert "journalctl -u ipfx-failover" in said

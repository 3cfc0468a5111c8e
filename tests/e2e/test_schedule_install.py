"""The daily replication in the schedulers of a machine: a real systemd, a real crontab."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.machine import Machine
from tests.support.systemd import running_systemd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.failover import FailoverServer
    from tests.support.office import Office

TIMER = "ipfx-failover-replicate.timer"
SERVICE = "ipfx-failover-replicate.service"
OTHERS = "# mine\n5 4 * * * true 100\\% \n"


@pytest.fixture
def machine(ready: FailoverServer, office: Office) -> Iterator[Machine]:
    assert shutil.which("crontab"), "crontab is missing: sudo apt-get install -y cron"
    host = office.failover_server
    with running_systemd(host.directory, network_of=host.init_pid) as booted:
        booted.run("mount", "-t", "tmpfs", "tmpfs", "/var/spool/cron/crontabs")
        made = Machine(booted, ready)
        ready.configure_server(replicate_daily="01:00:00")
        made.services()
        yield made


def shown(machine: Machine) -> dict[str, dict[str, Any]]:
    """What `schedule show` says, by scheduler."""
    document = json.loads(machine.run("schedule", "show", "--json"))
    assert document["wanted"] == {"DEMOSERVER": "01:00:00"}
    return {each["scheduler"]: each for each in document["schedules"]}


def local_time(iso: str) -> str:
    return f"{datetime.fromisoformat(iso).astimezone():%H:%M:%S}"


def crontab(machine: Machine) -> str:
    return machine.systemd.run("sh", "-c", "crontab -l 2>/dev/null || true")


def test_a_timer_is_installed_once_shown_and_removed_without_a_trace(machine: Machine) -> None:
    first = json.loads(machine.run("schedule", "install", "--json"))
    again = json.loads(machine.run("schedule", "install", "--json"))
    listed = machine.systemd.run("systemctl", "list-timers", "--no-pager", TIMER)
    state = shown(machine)["systemd"]

    assert (first["changed"], again["changed"]) == (True, False)
    assert (state["installed"], state["agrees"]) == (True, True)
    assert local_time(state["next_run"]) == "01:00:00"
    assert "01:00:00" in listed

    machine.run("schedule", "remove", with_config=False)

    assert not shown(machine)["systemd"]["installed"]
    assert list(machine.path("etc/systemd/system").rglob("ipfx-failover-replicate*")) == []


def test_the_job_of_the_timer_replicates_with_the_rights_of_its_unit(machine: Machine) -> None:
    machine.run("schedule", "install")
    machine.failover.age_copies(days=2)
    since = machine.failover.cursor
    machine.systemd.run("systemctl", "start", SERVICE)
    once = machine.failover.kinds("replicated", since=since)
    machine.systemd.run("systemctl", "start", SERVICE)
    twice = machine.failover.kinds("replicated", since=since)

    assert "ProtectSystem=full" in machine.path(f"etc/systemd/system/{SERVICE}").read_text()
    assert (once, twice) == (["replicated"], ["replicated"])


def test_a_schedule_that_is_not_what_the_config_asks_for_is_said_and_renewed(
    machine: Machine,
) -> None:
    machine.run("schedule", "install")
    machine.failover.configure_server(replicate_daily="02:30:00")
    said = machine.run("schedule", "show")
    machine.run("schedule", "install")
    after = machine.run("schedule", "show")

    assert "is not what the config asks for: ipfx-failover schedule install" in said
    assert "02:30:00" in after
    assert "is not what" not in after


def test_our_lines_in_a_crontab_come_and_go_and_the_others_stay(machine: Machine) -> None:
    machine.systemd.run("sh", "-c", f"printf '%s' '{OTHERS}' | crontab -")
    machine.run("schedule", "install", "--with", "cron")
    installed = crontab(machine)
    machine.run("schedule", "install", "--with", "cron")
    state = shown(machine)["cron"]

    assert installed.startswith(OTHERS)
    assert "\n0 * * * * " in installed
    assert crontab(machine) == installed
    assert (state["installed"], state["agrees"]) == (True, True)
    assert local_time(state["next_run"]) == "01:00:00"

    machine.run("schedule", "remove", with_config=False)

    assert crontab(machine) == OTHERS


def test_a_crontab_that_had_nothing_else_is_gone_again(machine: Machine) -> None:
    machine.run("schedule", "install", "--with", "cron")
    machine.run("schedule", "remove", with_config=False)

    assert crontab(machine) == ""


def test_the_schedule_is_in_one_scheduler_only(machine: Machine) -> None:
    machine.run("schedule", "install", "--with", "cron")
    machine.run("schedule", "install", "--with", "systemd")
    states = shown(machine)

    assert (states["cron"]["installed"], states["systemd"]["installed"]) == (False, True)


def test_a_crontab_with_half_of_our_lines_is_left_alone(machine: Machine) -> None:
    machine.run("schedule", "install", "--with", "cron")
    machine.systemd.run("sh", "-c", "crontab -l | sed '$d' | crontab -")
    before = crontab(machine)
    said = machine.run("schedule", "remove", code=1, with_config=False)

    assert "crontab -e" in said
    assert crontab(machine) == before


def test_a_plan_changes_nothing_and_shows_files_and_commands(machine: Machine) -> None:
    plan = machine.run("schedule", "install", "--plan")

    assert "OnCalendar=*-*-* 01:00:00" in plan
    assert f"Run systemctl enable --now {TIMER}" in plan
    assert not shown(machine)["systemd"]["installed"]


def test_without_a_daily_replication_there_is_nothing_to_install(machine: Machine) -> None:
    machine.failover.configure_server(replicate_daily=None)

    assert "replicate_daily" in machine.run("schedule", "install", code=2)

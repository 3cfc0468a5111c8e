"""The runbooks, as an operator runs them, on a Failover Server with systemd in the office."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.machine import PROGRAM, Machine
from tests.support.office import eventually
from tests.support.systemd import running_systemd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.failover import FailoverServer
    from tests.support.office import Office

RUNBOOKS = Path(__file__).parents[2] / "examples" / "runbooks"
REFUSED = 3


class Desk:
    """Who sits at the Failover Server and runs the runbooks."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._environ = {
            **os.environ,
            "IPFX_FAILOVER": PROGRAM,
            "IPFX_FAILOVER_CONFIG": str(machine.failover.config_path),
        }

    def run(self, *words: str, code: int = 0) -> str:
        """What a runbook says, which ends with this exit code."""
        done = subprocess.run(
            self._argv(*words), env=self._environ, check=False, capture_output=True, text=True
        )
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A runbook that waits for something."""
        return subprocess.Popen(
            self._argv(*words),
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _argv(self, name: str, *words: str) -> list[str]:
        return [*self.machine.systemd.prefix, "sh", str(RUNBOOKS / f"{name}.sh"), *words]


@pytest.fixture
def desk(ready: FailoverServer, office: Office) -> Iterator[Desk]:
    host = office.failover_server
    ready.with_files()
    office.primary.start_application()
    with running_systemd(host.directory, network_of=host.init_pid) as booted:
        machine = Machine(booted, ready)
        machine.services()
        machine.watch()
        ready.run("sync-files", "DEMOSERVER")
        yield Desk(machine)


def said_until(running: subprocess.Popen[str], words: str) -> str:
    """What it has said, up to a line with these words."""
    assert running.stdout is not None
    said = ""
    for line in running.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(f"{words!r} was never said:\n{said}")


def test_planned_maintenance_happens_without_a_failover(desk: Desk, office: Office) -> None:
    failover = desk.machine.failover
    began = desk.run("planned-maintenance", "begin", "demoserver", "--yes")
    again = desk.run("planned-maintenance", "begin", "DEMOSERVER", "--yes")
    office.pull_cable(office.primary.host)
    failover.wait_for_rounds()
    too_early = desk.run("planned-maintenance", "end", "DEMOSERVER", "--yes", code=4)
    office.plug_cable(office.primary.host)
    ended = desk.run("planned-maintenance", "end", "DEMOSERVER", "--yes")

    assert "planned-maintenance.sh end DEMOSERVER" in began
    assert "Now do the maintenance" in again
    assert "STOPPED: ipfx-failover server ended" in too_early
    assert "The maintenance is over." in ended
    assert failover.kinds("server_failed", "stand_in_started") == []


def test_a_planned_upgrade_stops_everything_and_replicates_by_hand(desk: Desk) -> None:
    failover = desk.machine.failover
    since = failover.cursor
    desk.run("planned-upgrade", "begin", "--yes")
    stopped = desk.machine.state()["active"]
    modes = failover.server().mode
    desk.run("planned-upgrade", "begin", "--yes")
    desk.run("planned-upgrade", "end", "--yes")

    assert (stopped, modes) == ("inactive", "stopped")
    assert desk.machine.state()["active"] == "active"
    assert not failover.server().stale
    assert failover.kinds("replicated", since=since) == ["replicated"]


def test_a_drill_and_the_failback_after_it_lose_nothing(desk: Desk, office: Office) -> None:
    failover, primary = desk.machine.failover, office.primary
    office.stop_application(primary)
    with desk.start("failover-drill", "DEMOSERVER", "--yes", "--wait", "60") as drill:
        said_until(drill, "waiting until the Failover Server stands in")
        office.pull_cable(primary.host)
        said_until(drill, "failback.sh DEMOSERVER")
    again = desk.run("failover-drill", "DEMOSERVER", "--yes")
    office.ask(primary.address, "CALL three 100")

    with desk.start("failback", "DEMOSERVER", "--yes", "--wait", "60") as failback:
        said_until(failback, "ipfx-failover replicate-to-live")
        office.reboot(primary.host)
        office.plug_cable(primary.host)
        primary.boot_services()
        said_until(failback, "waiting until DEMOSERVER is OK")
        primary.start_application()
        said_until(failback, "DEMOSERVER is OK")

    assert (drill.returncode, failback.returncode) == (0, 0)
    assert "The Failover Server stands in for DEMOSERVER" in again
    assert office.rows(primary) == ["one", "two", "three"]
    assert not failover.is_ahead
    eventually(lambda: office.served_by(primary.address) == "DEMOSERVER", "it serves again")
    assert "DEMOSERVER is OK" in desk.run("failback", "DEMOSERVER", "--yes")


def test_a_runbook_asks_nobody_who_is_not_there_and_changes_nothing(desk: Desk) -> None:
    said = desk.run("planned-maintenance", "begin", "DEMOSERVER", code=REFUSED)

    assert "add --yes" in said
    assert desk.machine.failover.server().mode == "monitoring"


def test_a_runbook_stops_at_what_is_not_as_it_should_be(desk: Desk) -> None:
    desk.machine.service("stop")
    unwatched = desk.run("planned-maintenance", "begin", "DEMOSERVER", "--yes", code=REFUSED)
    unknown = desk.run("failback", "NOSUCH", "--yes", code=2)
    usage = desk.run("failback", "--yes", code=2)
    desk.machine.failover.config_path.write_text("nonsense")
    broken = desk.run("failback", "DEMOSERVER", "--yes", code=2)

    assert "no monitor is running" in unwatched
    assert "there is no server NOSUCH" in unknown
    assert usage.startswith("usage: ")
    assert "the status cannot be read" in broken


def test_the_runbooks_are_clean_for_shellcheck() -> None:
    assert shutil.which("shellcheck"), "missing: sudo apt-get install -y shellcheck"
    scripts = [path.name for path in RUNBOOKS.glob("*.sh")]
    done = subprocess.run(
        ["shellcheck", "-x", *scripts], check=False, capture_output=True, text=True, cwd=RUNBOOKS
    )

    assert len(scripts) == 5
    assert (done.returncode, done.stdout) == (0, "")

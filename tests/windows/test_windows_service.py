"""The monitor as a service, under the system's service manager."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ipfx_failover.adapters.service.log_file import log_file
from ipfx_failover.adapters.service.sc_commands import NAME
from tests.windows.program import Program, Ran, eventually
from tests.windows.watching import applications, configure, end_applications, is_standing_in

if TYPE_CHECKING:
    from collections.abc import Iterator

# What Wine's sc has no words for is listed, and nothing else.
INSTALLED = {0, 6}


class Service:
    def __init__(self, program: Program) -> None:
        self.program = program

    def run(self, verb: str, *words: str) -> Ran:
        """`service VERB`."""
        config = ("--config", str(self.program.config)) if verb in {"install", "status"} else ()
        return self.program.run_plainly("service", verb, *words, *config)

    @property
    def state(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.run("status", "--json").output)
        return said

    def is_standing_in(self) -> bool:
        return is_standing_in(self.program)


def sc(*words: str) -> None:
    subprocess.run(["sc", *words], check=False, stdin=subprocess.DEVNULL, capture_output=True)


@pytest.fixture
def service(program: Program, tmp_path: Path) -> Iterator[Service]:
    configure(program, tmp_path / "state")
    made = Service(program)
    try:
        yield made
    finally:
        made.run("remove")
        sc("delete", NAME)
        program.run("stop-failover", "DOWN", "--yes")
        end_applications()
        log_file().unlink(missing_ok=True)


def test_it_runs_when_it_watches_and_the_stand_in_outlives_it(service: Service) -> None:
    service.run("install")
    before = service.state
    started = service.run("start")
    running = service.state
    eventually(service.is_standing_in, "DOWN is stood in for")
    [application] = applications()
    eventually(lambda: "standing in for DOWN" in service.state["text"], "it says so itself")
    stopped = service.run("stop")
    after = service.state

    assert ("stopped", "not started yet", None) == (
        before["active"],
        before["detail"],
        before["pid"],
    )
    assert (0, 0) == (started.code, stopped.code), started.output + stopped.output
    assert ("running", "as LocalSystem") == (running["active"], running["detail"])
    assert ("stopped", "ended", None) == (after["active"], after["detail"], after["pid"])
    assert application.is_running()
    assert service.is_standing_in()


def test_installing_again_changes_nothing_and_removing_leaves_nothing(service: Service) -> None:
    first = service.run("install")
    there = service.state
    again = json.loads(service.run("install", "--json").output)
    planned = service.run("remove", "--plan")
    removed = json.loads(service.run("remove", "--json").output)

    assert first.code in INSTALLED, first.output
    assert (True, True, True) == (there["installed"], there["agrees"], there["at_boot"])
    assert again["changed"] is False
    assert "1. Run sc.exe delete ipfx-failover" in planned.output
    assert (True, False) == (removed["changed"], removed["installed"])
    assert "is not there" in service.run("remove").output


def test_one_that_cannot_watch_says_why(service: Service) -> None:
    service.run("install")
    config = service.program.config.read_text("utf-8")
    service.program.config.write_text("nonsense", "utf-8")
    started = service.run("start")
    status = service.run("status")
    service.program.config.write_text(config, "utf-8")

    assert 1 == started.code
    assert "error: ipfx-failover did not start: " in started.output
    assert str(log_file()) in started.output
    assert "config.toml" in log_file().read_text("utf-8")
    assert "stopped (ended with exit code 2)" in status.output


def test_a_monitor_in_a_terminal_keeps_the_service_from_starting(service: Service) -> None:
    service.program.begin("monitor")
    eventually(service.is_standing_in, "the other one watches")
    service.run("install")
    started = service.run("start")

    assert 1 == started.code
    assert "monitor is in use by process" in started.output


def test_what_is_not_ours_is_left_alone(service: Service) -> None:
    sc("create", NAME, "binPath=", sys.executable)
    ran = {verb: service.run(verb) for verb in ("install", "remove", "start", "stop")}

    assert {3} == {each.code for each in ran.values()}
    assert all("was not made by ipfx-failover" in each.output for each in ran.values())


@pytest.mark.parametrize(
    ("verb", "words", "code", "said"),
    [
        ("start", (), 3, "ipfx-failover is not installed"),
        ("run", (), 3, "only the service manager of Windows starts this"),
        ("install", ("--user", "somebody"), 2, "the service cannot run as somebody"),
        ("install", ("--user", "D\\x$", "--plan"), 0, "D\\x$ has to be a member of"),
    ],
)
def test_what_cannot_be_done_is_said(
    service: Service, verb: str, words: tuple[str, ...], code: int, said: str
) -> None:
    ran = service.run(verb, *words)

    assert code == ran.code, ran.output
    assert said in ran.output


# Its main thread waits with the interpreter's lock held, as one in a broken driver would.
HUNG = """
import ctypes
from ipfx_failover.adapters.windows.dead_man import DeadMansSwitch
switch = DeadMansSwitch()
for _ in range(3):
    switch.reset(2000)
{then}
ctypes.PyDLL("kernel32").Sleep(60_000)
"""


@pytest.mark.parametrize(("then", "code"), [("", 1), ("switch.disarm(); raise SystemExit(7)", 7)])
def test_a_process_that_hangs_is_ended_by_its_switch(then: str, code: int) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", HUNG.format(then=then)], check=False, stdin=subprocess.DEVNULL
    )

    assert code == ended.returncode


def test_a_virtual_environment_is_found_by_the_real_interpreter(tmp_path: Path) -> None:
    packages = tmp_path / "venv" / "Lib" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "only_there.py").write_text("print('found')")
    (tmp_path / "venv" / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).parent}\n")
    launcher = tmp_path / "venv" / "Scripts" / "python.exe"
    said = subprocess.run(
        [sys.executable, "-I", "-m", "only_there"],
        check=False,
        env={**os.environ, "__PYVENV_LAUNCHER__": str(launcher)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )

    assert b"found" == said.stdout.strip()

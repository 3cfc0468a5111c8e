"""A monitor for real: pings, a takeover by starting the application, and everything given back."""

from __future__ import annotations

import json
import sys
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from ipfx_failover.adapters.windows.addresses import WindowsAddresses
from tests.windows.program import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.windows.program import Program

CONFIG = """\
[failover_server]
state_dir = '{state}'
[failover_server.application]
start = ['{python}', '-c', 'import time; time.sleep(1000)']
[network]
adapter = "{adapter}"
ping_interval_ms = 500
ping_timeout_ms = 300
warning_count = 3
failover_count = 6
failover_count_after_reboot = 6
management_interval_ms = 1000
[servers.UP]
address = "127.0.0.1"
[servers.DOWN]
address = "203.0.113.77"
"""


@pytest.fixture
def watching(program: Program, tmp_path: Path) -> Iterator[Program]:
    """A monitor that watches one server that answers and one that does not."""
    adapter = WindowsAddresses().holder(IPv4Address("127.0.0.1"))
    text = CONFIG.format(state=tmp_path / "state", python=sys.executable, adapter=adapter)
    program.config.write_text(text, "utf-8")
    program.begin("monitor")
    try:
        yield program
    finally:
        program.close()
        for process in applications():
            process.kill()


def document(program: Program) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(program.run("status", "--json").output)
    return said


def status_of(program: Program, name: str) -> str:
    [server] = [each for each in document(program)["servers"] if each["name"] == name]
    return str(server["status"])


def standing_in(program: Program) -> bool:
    said = document(program)
    return (said["standing_in_for"], said["stand_in_phase"]) == ("DOWN", "standing in")


def applications() -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if "import time; time.sleep(1000)" in (process.info["cmdline"] or ())
    ]


def test_a_server_that_fails_is_stood_in_for_and_its_role_given_back(watching: Program) -> None:
    eventually(lambda: status_of(watching, "UP") == "OK", "UP answers")
    eventually(lambda: standing_in(watching), "DOWN is stood in for")
    [application] = applications()
    second = watching.run("monitor")
    stopped = watching.run("stop-failover", "DOWN", "--yes")

    assert (75, True) == (second.code, "monitor is in use by process" in second.output)
    assert 0 == stopped.code, stopped.output
    assert not application.is_running()
    assert not standing_in(watching)


def test_a_stand_in_and_its_application_outlive_the_monitor(watching: Program) -> None:
    eventually(lambda: standing_in(watching), "DOWN is stood in for")
    [application] = applications()
    watching.close()
    began = application.create_time()
    watching.begin("monitor")
    eventually(lambda: status_of(watching, "UP") == "OK", "the next monitor watches")
    [still] = applications()
    stopped = watching.run("stop-failover", "DOWN", "--yes")

    assert (application.pid, began) == (still.pid, still.create_time())
    assert 0 == stopped.code, stopped.output
    assert [] == applications()

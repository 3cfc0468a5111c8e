"""What a Failover Server watches here: a server that answers, and one that does not."""

from __future__ import annotations

import json
import sys
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

import psutil

from ipfx_failover.adapters.windows.addresses import WindowsAddresses

if TYPE_CHECKING:
    from pathlib import Path

    from tests.windows.program import Program

_APPLICATION = "import time; time.sleep(1000)"
_CONFIG = """\
[failover_server]
state_dir = '{state}'
[failover_server.application]
start = ['{python}', '-c', '{application}']
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


def configure(program: Program, state_dir: Path) -> None:
    """Write its config."""
    text = _CONFIG.format(
        state=state_dir,
        python=sys.executable,
        application=_APPLICATION,
        adapter=WindowsAddresses().holder(IPv4Address("127.0.0.1")),
    )
    program.config.write_text(text, "utf-8")


def status(program: Program) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(program.run("status", "--json").output)
    return said


def is_standing_in(program: Program) -> bool:
    """For DOWN."""
    said = status(program)
    return (said["standing_in_for"], said["stand_in_phase"]) == ("DOWN", "standing in")


def applications() -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if _APPLICATION in (process.info["cmdline"] or ())
    ]


def end_applications() -> None:
    for process in applications():
        process.kill()

"""Writes examples/systemd and examples/task-scheduler: `python -m man.systemd_examples`.

They are what `service install` and `schedule install` make of examples/config/minimal.toml in its
usual place, and the monitor as a task for Windows; a test fails when they differ.
"""

from __future__ import annotations

import sys
from datetime import time
from pathlib import Path
from typing import Final

from ipfx_failover.adapters.scheduling.task_scheduler import FILE
from ipfx_failover.adapters.scheduling.task_xml import Account, in_utf16, monitor_xml, task_xml
from ipfx_failover.adapters.scheduling.timer import SystemdTimer
from ipfx_failover.adapters.service.unit_text import Rights, monitor_unit
from ipfx_failover.installing import Job
from ipfx_failover.wiring.scheduling import WINDOWS_CONFIG, WINDOWS_PROGRAM, WORDS

EXAMPLES: Final = Path(__file__).parents[1] / "examples"
_PROGRAM: Final = "/opt/ipfx-failover/bin/ipfx-failover"
_CONFIG: Final = ("--config", "/etc/ipfx-failover/config.toml")
_TIMES: Final = (time(1),)
_STATE: Final = "ipfx-failover"
_MONITOR: Final = "ipfx-failover-monitor.xml"


def examples() -> dict[Path, bytes]:
    """Every file with its content."""
    monitor = monitor_unit((_PROGRAM, "monitor", *_CONFIG), Rights(state_directory=_STATE))
    timer = SystemdTimer(Rights(state_directory=_STATE, network=False))
    files = timer.files(Job((_PROGRAM, *WORDS, *_CONFIG), _TIMES))
    job = Job((WINDOWS_PROGRAM, *WORDS, "--config", WINDOWS_CONFIG), _TIMES)
    task = in_utf16(task_xml(job, Account(None, needs_network=False)))
    watch = in_utf16(monitor_xml((WINDOWS_PROGRAM, "monitor", "--config", WINDOWS_CONFIG)))
    units = {"ipfx-failover.service": monitor, **files}
    return {
        **{EXAMPLES / "systemd" / name: text.encode() for name, text in units.items()},
        EXAMPLES / "task-scheduler" / FILE: b"\xff\xfe" + task.encode("utf-16-le"),
        EXAMPLES / "task-scheduler" / _MONITOR: b"\xff\xfe" + watch.encode("utf-16-le"),
    }


def main() -> None:
    for path, content in examples().items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()

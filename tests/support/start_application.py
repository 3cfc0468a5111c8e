"""Starts an application as a process of its own: the tests end or kill it, and look what is left.

    python start_application.py SETTINGS.json

Says "started" and waits for its end, unless the settings say otherwise.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from ipfx_failover.adapters.application_commands import CommandApplication
from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.adapters.linux.enclosure import LinuxEnclosure
from ipfx_failover.config.models import ApplicationSettings
from ipfx_failover.standin.application import Role


def main() -> None:
    values = json.loads(Path(sys.argv[1]).read_text())
    enclosure = LinuxEnclosure()
    application = CommandApplication(
        ApplicationSettings.model_validate(values["settings"]),
        state_dir=Path(values["state_dir"]),
        run_dir=Path(values["run_dir"]),
        boot_id=values["boot_id"],
        environ=os.environ,
        enclosure=enclosure,
        clock=SystemClock(),
    )
    role = Role(**values["role"])
    if values["action"] == "stop":
        application.stop(role, None)
        return
    application.start(role)
    sys.stdout.write(f"started {enclosure.weakness()}\n")
    sys.stdout.flush()
    signal.pause()


if __name__ == "__main__":
    main()

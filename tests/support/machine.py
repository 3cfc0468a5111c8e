"""The Failover Server of the office, booted with systemd: every command runs inside of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from tests.support.failover_config import START_APPLICATION

if TYPE_CHECKING:
    from tests.support.failover import FailoverServer
    from tests.support.systemd import Systemd

PROGRAM = str(Path(sys.executable).with_name("ipfx-failover"))
PHONE = f"""\
[Service]
EnvironmentFile=-/run/ipfx-failover/application.env
ExecStart={" ".join(START_APPLICATION)}
"""


class Machine:
    """`path` is a file as it sees it; commands end with `code`."""

    def __init__(self, systemd: Systemd, failover: FailoverServer) -> None:
        self.systemd = systemd
        self.failover = failover
        systemd.install("phone.service", PHONE)

    def run(self, *words: str, code: int = 0, with_config: bool = True) -> str:
        config = ("--config", str(self.failover.config_path)) if with_config else ()
        return self.systemd.run(PROGRAM, *words, *config, code=code)

    def service(self, verb: str, *words: str, code: int = 0) -> str:
        with_config = verb in {"install", "status"}
        return self.run("service", verb, *words, code=code, with_config=with_config)

    def state(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.service("status", "--json"))
        return said

    def path(self, name: str) -> Path:
        """A file as the machine sees it."""
        return self.systemd.root / name

    def watch(self) -> None:
        """Install and start the service, and wait until DEMOSERVER has answered."""
        self.service("install")
        self.service("start")
        self.failover.wait_for_event("server_answering", "DEMOSERVER")

    def services(self) -> None:
        """The application is a system service."""
        application = {"start": None, "services": ["phone.service"]}
        self.failover.configure({"failover_server": {"application": application}})

    def monitor_process(self) -> psutil.Process:
        """As we see it."""
        (found,) = [
            process
            for process in psutil.process_iter()
            if process.ppid() == self.systemd.pid
            and "monitor" in process.cmdline()
            and str(self.failover.config_path) in process.cmdline()
        ]
        return found

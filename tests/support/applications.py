"""Applications to run the contract of the `Application` port against, each with its own world."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import psutil

from ipfx_failover.adapters.application_commands import CommandApplication
from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.adapters.linux.enclosure import LinuxEnclosure
from ipfx_failover.adapters.linux.systemd import SystemdApplication
from ipfx_failover.adapters.waiting import wait_until
from ipfx_failover.config.models import ApplicationSettings
from ipfx_failover.standin.application import Role
from tests.fakes.application import Behaviour, FakeApplication
from tests.fakes.clock import FakeClock
from tests.support.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ipfx_failover.standin.application import Application
    from tests.support.systemd import Systemd

ANSWERING = Path(__file__).with_name("answering.py")
GENEROUS_S = 60.0
SHORT_S = 0.5
BOOT_ID = "11111111-2222-3333-4444-555555555555"

_unit_numbers = count(1)


class Rig(Protocol):
    """An application, and what can happen to it.

    `application` makes an adapter as a new process would: it remembers nothing.
    """

    role: Role

    def application(
        self, *, ready_timeout_s: float = ..., stop_timeout_s: float = ...
    ) -> Application: ...
    def behave(self, behaviour: str) -> None: ...
    def crash(self) -> None: ...
    def runs(self) -> bool: ...
    def starts(self) -> int: ...
    def environment(self) -> dict[str, str]: ...
    def foreign_program(self) -> contextlib.AbstractContextManager[str]: ...
    def unstoppable(self) -> contextlib.AbstractContextManager[None]: ...
    def close(self) -> None: ...


class FakeRig:
    def __init__(self, directory: Path) -> None:
        self.role = a_role(directory)
        self._application = FakeApplication(FakeClock(), ready_after_s=2.0)

    def application(
        self,
        *,
        ready_timeout_s: float = GENEROUS_S,  # noqa: ARG002 - decided once, on a clock that is fake
        stop_timeout_s: float = GENEROUS_S,  # noqa: ARG002
    ) -> FakeApplication:
        return self._application

    def behave(self, behaviour: str) -> None:
        known = {each.value: each for each in Behaviour}
        self._application.behaviour = known.get(behaviour, Behaviour.GOOD)

    def crash(self) -> None:
        self._application.crash()

    def runs(self) -> bool:
        return self._application.role is not None

    def starts(self) -> int:
        return len(self._application.starts)

    def environment(self) -> dict[str, str]:
        return dict(self._application.starts[-1].environment())

    @contextlib.contextmanager
    def foreign_program(self) -> Iterator[str]:
        self._application.foreign = "other"
        yield "other"

    @contextlib.contextmanager
    def unstoppable(self) -> Iterator[None]:
        self._application.behaviour = Behaviour.UNSTOPPABLE
        yield
        self._application.behaviour = Behaviour.GOOD

    def close(self) -> None:
        pass


class RealRig:
    """The small application of answering.py, in processes that bear its directory's name."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.role = a_role(directory)
        self.port = free_port()
        self.extra_settings: dict[str, object] = {}
        (directory / "port").write_text(str(self.port))
        (directory / "behaviour").write_text("good")

    def settings(self, ready_timeout_s: float, stop_timeout_s: float) -> ApplicationSettings:
        return ApplicationSettings.model_validate(
            {
                "ready_port": self.port,
                "ready_timeout_s": ready_timeout_s,
                "stop_timeout_s": stop_timeout_s,
                **self.extra_settings,
            }
        )

    def without_port(self) -> None:
        (self.directory / "port").unlink()
        self.extra_settings["ready_port"] = None

    def behave(self, behaviour: str) -> None:
        (self.directory / "behaviour").write_text(behaviour)

    def crash(self) -> None:
        assert wait_until(self._killed, SystemClock(), GENEROUS_S)

    def _killed(self) -> bool:
        left = self.processes()
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        return not left

    def runs(self) -> bool:
        return bool(self.processes())

    def processes(self) -> list[psutil.Process]:
        """What runs of it, from the machine's point of view."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if str(self.directory) in process.cmdline():
                    found.append(process)
        return found

    def starts(self) -> int:
        return len((self.directory / "starts").read_text().splitlines())

    def environment(self) -> dict[str, str]:
        values: dict[str, str] = json.loads((self.directory / "environment.json").read_text())
        return values

    @contextlib.contextmanager
    def foreign_program(self) -> Iterator[str]:
        with socket.create_server(("127.0.0.1", self.port)):
            yield f"process {os.getpid()}"

    @contextlib.contextmanager
    def unstoppable(self) -> Iterator[None]:
        self.crash()
        with self.foreign_program():
            yield

    def close(self) -> None:
        self.crash()


class CommandRig(RealRig):
    def __init__(
        self, directory: Path, *options: str, stop: Sequence[str] = (), boot_id: str = BOOT_ID
    ) -> None:
        super().__init__(directory)
        self.boot_id = boot_id
        self.environ = dict(os.environ)
        self.start = (sys.executable, "-IS", str(ANSWERING), "{vm_dir}", *options)
        self.extra_settings["start"] = (*self.start, "--server={server}", "--braces={{}}")
        self.extra_settings["stop"] = tuple(stop)

    def application(
        self, *, ready_timeout_s: float = GENEROUS_S, stop_timeout_s: float = GENEROUS_S
    ) -> CommandApplication:
        return CommandApplication(
            self.settings(ready_timeout_s, stop_timeout_s),
            state_dir=self.directory / "state",
            run_dir=self.directory / "run",
            boot_id=self.boot_id,
            environ=self.environ,
            enclosure=LinuxEnclosure(),
            clock=SystemClock(),
        )

    def starter(self, action: str, *, ready_timeout_s: float = GENEROUS_S) -> list[str]:
        """The command line of a process that starts or stops the application, like a monitor."""
        settings = self.settings(ready_timeout_s, GENEROUS_S).model_dump(mode="json")
        values = {
            "action": action,
            "settings": settings,
            "state_dir": str(self.directory / "state"),
            "run_dir": str(self.directory / "run"),
            "boot_id": self.boot_id,
            "role": asdict(self.role),
        }
        path = self.directory / f"{action}.json"
        path.write_text(json.dumps(values))
        return [sys.executable, "-m", "tests.support.start_application", str(path)]


class SystemdRig(RealRig):
    def __init__(self, directory: Path, systemd: Systemd) -> None:
        super().__init__(directory)
        self._systemd = systemd
        self.environment_file = directory / "application.env"
        self.template = f"ipfx-test-{next(_unit_numbers)}"
        self.extra_settings["services"] = (f"{self.template}@{{server}}.service",)
        self.install(f"{self.template}@.service")

    def install(self, unit: str, more: str = "") -> None:
        text = f"""
[Service]
EnvironmentFile=-{self.environment_file}
ExecStart={sys.executable} -IS {ANSWERING} {self.directory}
{more}
"""
        self._systemd.install(unit, text)

    def application(
        self, *, ready_timeout_s: float = GENEROUS_S, stop_timeout_s: float = GENEROUS_S
    ) -> SystemdApplication:
        return SystemdApplication(
            self.settings(ready_timeout_s, stop_timeout_s),
            clock=SystemClock(),
            environment_file=self.environment_file,
            prefix=self._systemd.prefix,
        )


def a_role(directory: Path) -> Role:
    return Role(
        server="AKL-1",
        address="127.0.0.1",
        port=100,
        catalog="AKL-1_CTSERVER",
        database=f'{directory}/a "b" $c `d` \\e.db',
        vm_dir=str(directory),
        vm_local_dir=str(directory),
    )

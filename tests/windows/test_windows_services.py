"""The application as a Windows service: shims/service.c, under the system's service manager."""

from __future__ import annotations

import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.adapters.windows.services import WindowsServices
from ipfx_failover.config.models import ApplicationSettings
from ipfx_failover.errors import Failed
from ipfx_failover.standin.application import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "ipfx failover test"
ROLE = Role("DEMO", "192.0.2.1", 100, "DEMO_CT", r"C:\VM\ct.db", r"C:\VM", r"C:\VMLocal")


def sc(*words: str) -> None:
    subprocess.run(["sc", *words], check=True, stdin=subprocess.DEVNULL, capture_output=True)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def environment() -> list[str]:
    if sys.platform == "win32":
        import winreg

        key = rf"SYSTEM\CurrentControlSet\Services\{NAME}"
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key) as opened:
            try:
                return list(winreg.QueryValueEx(opened, "Environment")[0])
            except OSError:
                return []
    raise OSError("there is no registry here")


@dataclass(frozen=True)
class Installed:
    port: int

    @property
    def state(self) -> str:
        return str(self._service().status())

    @property
    def pid(self) -> int | None:
        found: int | None = self._service().pid()
        return found

    def _service(self) -> Any:
        if sys.platform == "win32":
            return psutil.win_service_get(NAME)
        raise OSError("there are no such services here")

    def application(self, *names: str, port: int | None = None) -> WindowsServices:
        settings = ApplicationSettings(
            services=names or (NAME,), ready_port=port or self.port, ready_timeout_s=30
        )
        return WindowsServices(settings, clock=SystemClock())

    def install(self, port: int) -> None:
        program = Path(sys.executable).with_name("test-service.exe")
        sc("create", NAME, "binPath=", f'"{program}" {port}', "start=", "demand")


@pytest.fixture
def service() -> Iterator[Installed]:
    installed = Installed(free_port())
    installed.install(installed.port)
    try:
        yield installed
    finally:
        installed.application().stop(ROLE, None)
        sc("delete", NAME)


def test_a_started_service_runs_and_has_no_problem(service: Installed) -> None:
    application = service.application()

    assert application.start(ROLE) is None
    assert "running" == service.state
    assert application.problem(ROLE, None) is None


def test_starting_what_runs_already_starts_nothing_more(service: Installed) -> None:
    service.application().start(ROLE)
    before = service.pid
    service.application().start(ROLE)

    assert before == service.pid is not None


def test_its_environment_has_the_values_of_the_role_as_long_as_it_stands_in(
    service: Installed,
) -> None:
    service.application().start(ROLE)
    during = environment()
    service.application().stop(ROLE, None)

    assert [f"{key}={value}" for key, value in ROLE.environment().items()] == during
    assert [] == environment()


def test_one_that_somebody_else_has_started_is_restarted_with_the_role(service: Installed) -> None:
    sc("start", NAME)
    service.application().start(ROLE)

    assert "IPFX_SERVER=DEMO" in environment()
    assert "running" == service.state


def test_a_stopped_service_is_a_problem_and_stopping_twice_is_none(service: Installed) -> None:
    application = service.application()
    application.start(ROLE)
    application.stop(ROLE, None)
    application.stop(ROLE, None)

    assert "stopped" == service.state
    assert f"port {service.port} does not answer" == application.problem(ROLE, None)


def test_one_that_stops_at_once_did_not_start(service: Installed) -> None:
    sc("delete", NAME)
    service.install(0)

    with pytest.raises(Failed, match=f"the service {NAME} did not start: "):
        service.application().start(ROLE)


def test_one_that_does_not_exist_is_named(service: Installed) -> None:
    with pytest.raises(Failed, match="the service nobody cannot be used: there is no such service"):
        service.application("nobody").start(ROLE)


def test_a_port_that_another_program_answers_is_refused_before_anything_is_started(
    service: Installed,
) -> None:
    with (
        socket.create_server(("127.0.0.1", service.port)),
        pytest.raises(Failed, match=f"port {service.port} is already in use by"),
    ):
        service.application().start(ROLE)

    assert "stopped" == service.state

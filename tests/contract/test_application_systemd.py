"""What systemd does with the application, and what we do about it: a real systemd."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.adapters.linux.systemd import SystemdApplication
from ipfx_failover.adapters.waiting import wait_until
from ipfx_failover.errors import Failed
from tests.support.applications import GENEROUS_S, SHORT_S, CommandRig, SystemdRig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.systemd import Systemd

CHECKOUT = Path(__file__).parents[2]
MONITOR = "test-monitor.service"


@pytest.fixture
def rig(tmp_path: Path, systemd: Systemd) -> Iterator[SystemdRig]:
    made = SystemdRig(tmp_path, systemd)
    yield made
    made.close()


@contextlib.contextmanager
def monitor_service(rig: CommandRig, systemd: Systemd) -> Iterator[str]:
    """The application started from inside a service, whose first line of output is given."""
    output = rig.directory / "monitor.out"
    argv = rig.starter("start")
    where = (f"--working-directory={CHECKOUT}", f"--property=StandardOutput=file:{output}")
    systemd.run("systemd-run", "--quiet", f"--unit={MONITOR}", *where, "--", *argv)

    def has_started() -> bool:
        return output.exists() and output.read_text().endswith("\n")

    assert wait_until(has_started, SystemClock(), GENEROUS_S)
    yield output.read_text()
    systemd.run("env", "-C", str(CHECKOUT), *rig.starter("stop"))


def test_commands_outlive_the_service_that_started_them(tmp_path: Path, systemd: Systemd) -> None:
    rig = CommandRig(tmp_path)
    with contextlib.closing(rig), monitor_service(rig, systemd) as said:
        scope = systemd.run("systemctl", "is-active", "ipfx-failover-application-AKL-1.scope")
        systemd.run("systemctl", "stop", MONITOR)

        assert said == "started None\n"
        assert scope == "active\n"
        assert rig.application().problem(rig.role, None) is None
    assert not rig.runs()


def test_a_daemon_without_a_trace_is_found_in_its_scope(tmp_path: Path, systemd: Systemd) -> None:
    rig = CommandRig(tmp_path, "--daemonise", "--leave-no-trace")
    with contextlib.closing(rig), monitor_service(rig, systemd):
        systemd.run("systemctl", "stop", MONITOR)
        (tmp_path / "run" / "application.pid").unlink()
        assert rig.runs()

        systemd.run("env", "-C", str(CHECKOUT), *rig.starter("stop"))

        assert not rig.runs()


def test_a_unit_that_is_not_installed_is_named(rig: SystemdRig) -> None:
    rig.extra_settings["services"] = ("no-such-{server}.service",)
    with pytest.raises(Failed, match=r"no-such-AKL-1.service cannot be started: not-found"):
        rig.application().start(rig.role)
    rig.application().stop(rig.role, None)


def test_a_unit_that_was_active_before_is_restarted_with_the_role(
    rig: SystemdRig, systemd: Systemd
) -> None:
    systemd.run("systemctl", "start", f"{rig.template}@{rig.role.server}.service")
    rig.application().start(rig.role)

    assert rig.role.environment().items() <= rig.environment().items()


def test_units_start_in_the_order_of_the_config(rig: SystemdRig, systemd: Systemd) -> None:
    order = rig.directory / "order"
    for name in ("z", "a"):
        systemd.install(
            f"{rig.template}-{name}.service",
            f"[Service]\nType=oneshot\nExecStart=/bin/sh -c 'sleep 0.2; echo {name} >>{order}'\n",
        )
    names = tuple(f"{rig.template}-{name}" for name in ("z", "a"))
    rig.extra_settings["services"] = (*names, f"{rig.template}@{{server}}")
    application = rig.application()
    application.start(rig.role)

    assert order.read_text() == "z\na\n"
    assert application.problem(rig.role, None) is None


def test_without_a_port_a_unit_is_ready_when_it_has_survived(rig: SystemdRig) -> None:
    rig.without_port()
    application = rig.application(ready_timeout_s=SHORT_S)
    application.start(rig.role)

    assert application.problem(rig.role, None) is None

    rig.crash()
    unit = f"{rig.template}@AKL-1.service"
    reported = wait_until(
        lambda: application.problem(rig.role, None) == f"{unit} is failed",
        SystemClock(),
        GENEROUS_S,
    )

    assert reported


def test_a_second_unit_that_is_down_is_a_problem_though_the_port_answers(
    rig: SystemdRig, systemd: Systemd
) -> None:
    other = f"{rig.template}-other.service"
    systemd.install(other, "[Service]\nExecStart=sleep infinity\n")
    rig.extra_settings["services"] = (other, f"{rig.template}@{{server}}.service")
    application = rig.application()
    application.start(rig.role)
    systemd.run("systemctl", "stop", other)

    assert application.problem(rig.role, None) == f"{other} is inactive"


def test_a_unit_that_failed_too_often_is_started_all_the_same(rig: SystemdRig) -> None:
    rig.behave("failing")
    for _ in range(8):
        with pytest.raises(Failed):
            rig.application().start(rig.role)
    rig.behave("good")
    rig.application().start(rig.role)

    assert rig.runs()


def test_a_missing_service_manager_is_said(tmp_path: Path) -> None:
    rig = CommandRig(tmp_path)
    rig.extra_settings = {"services": ("phone.service",)}
    application = SystemdApplication(
        rig.settings(GENEROUS_S, GENEROUS_S),
        clock=SystemClock(),
        environment_file=tmp_path / "application.env",
        prefix=("/no/such/nsenter",),
    )
    with pytest.raises(Failed, match="/no/such/nsenter cannot be run"):
        application.start(rig.role)

"""What systemd hears of the monitor, on a real datagram socket."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.adapters.linux.notify import SystemdSupervisor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECOND_NS = 1_000_000_000


class ServiceManager:
    """The receiving end of NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.bind(address.replace("@", "\0"))
        self.environ = {"NOTIFY_SOCKET": address}

    def watches(self, watchdog_us: int, pid: int | None = None) -> None:
        self.environ["WATCHDOG_USEC"] = str(watchdog_us)
        self.environ["WATCHDOG_PID"] = str(os.getpid() if pid is None else pid)

    def heard(self) -> list[dict[str, str]]:
        """The messages since the last time."""
        messages: list[dict[str, str]] = []
        while True:
            try:
                said = self.socket.recv(4096).decode()
            except BlockingIOError:
                return messages
            messages.append(dict(line.split("=", 1) for line in said.splitlines()))


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServiceManager]:
    name = str(tmp_path / "notify")
    made = ServiceManager(f"@{name}" if request.param == "abstract" else name)
    with made.socket:
        yield made


@pytest.fixture
def supervisor(manager: ServiceManager) -> Iterator[SystemdSupervisor]:
    manager.watches(30_000_000)
    with SystemdSupervisor(manager.environ) as made:
        yield made


def test_the_beginning_and_the_end_are_told(
    manager: ServiceManager, supervisor: SystemdSupervisor
) -> None:
    supervisor.ready("2 unknown")
    supervisor.stopping()

    assert manager.heard() == [
        {"READY": "1", "STATUS": "2 unknown"},
        {"STOPPING": "1", "STATUS": "ending"},
    ]


def test_life_is_told_with_the_first_round_and_then_now_and_again(
    manager: ServiceManager, supervisor: SystemdSupervisor
) -> None:
    for tenth in range(21):
        supervisor.alive(tenth * SECOND_NS // 10, lambda: "2 ok")

    assert manager.heard() == [{"WATCHDOG": "1", "STATUS": "2 ok"}] * 3


def test_an_impatient_watchdog_hears_more_often(manager: ServiceManager) -> None:
    manager.watches(2_000_000)
    with SystemdSupervisor(manager.environ) as supervisor:
        for tenth in range(11):
            supervisor.alive(tenth * SECOND_NS // 10, lambda: "")

    assert len(manager.heard()) == 3


def test_a_watchdog_is_told_to_wait_for_rounds_that_are_far_apart(
    manager: ServiceManager, supervisor: SystemdSupervisor
) -> None:
    supervisor.expect(3_000)
    supervisor.expect(61_000)
    supervisor.expect(61_000)
    supervisor.expect(3_000)

    assert manager.heard() == [{"WATCHDOG_USEC": "305000000"}, {"WATCHDOG_USEC": "30000000"}]


def test_a_watchdog_of_another_process_is_none_of_ours(manager: ServiceManager) -> None:
    manager.watches(1, pid=1)
    with SystemdSupervisor(manager.environ) as supervisor:
        supervisor.expect(61_000)

    assert manager.heard() == []


def test_a_service_manager_that_hangs_or_is_gone_is_never_waited_for(
    manager: ServiceManager, supervisor: SystemdSupervisor
) -> None:
    for second in range(0, 60_000, 10):
        supervisor.alive(second * SECOND_NS, lambda: "x" * 1000)
    manager.socket.close()
    supervisor.stopping()

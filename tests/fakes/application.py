"""An application without processes: what it does is decided by the test."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from ipfx_failover.errors import Failed, InDoubt
from ipfx_failover.standin.application import Process

if TYPE_CHECKING:
    from ipfx_failover.clock import Clock
    from ipfx_failover.standin.application import Role


class Behaviour(Enum):
    """What the application does when it is started."""

    GOOD = "good"
    FAILING = "failing"
    SILENT = "silent"
    UNSTOPPABLE = "unstoppable"


class FakeApplication:
    """The `Application` port. `ready_after_s`: how slow a start is, on the given clock.

    `role`: whose role it performs, while something of it runs. `starts`: the roles that it was
    started for, in order. `foreign`: somebody else's program that holds its port.
    """

    def __init__(
        self, clock: Clock, *, ready_after_s: float = 0.0, ready_timeout_s: float = 120.0
    ) -> None:
        self._clock = clock
        self._ready_timeout_s = ready_timeout_s
        self._process: Process | None = None
        self._answers = False
        self.ready_after_s = ready_after_s
        self.behaviour = Behaviour.GOOD
        self.foreign: str | None = None
        self.role: Role | None = None
        self.starts: list[Role] = []

    def start(self, role: Role) -> Process | None:
        if self._process is None:
            self._begin(role)
        if not self._answers:
            self._await_ready()
        return self._process

    def stop(self, role: Role, process: Process | None) -> None:  # noqa: ARG002 - one at a time
        if self._process is not None and self.behaviour is Behaviour.UNSTOPPABLE:
            raise InDoubt(
                f"the application still runs: fake (process {self._process.pid})",
                "end it by hand, then run the same command again",
            )
        self.crash()

    def problem(self, role: Role, process: Process | None) -> str | None:  # noqa: ARG002
        return None if self._answers else "port 100 does not answer"

    def crash(self) -> None:
        """It ends by itself."""
        self._process, self._answers, self.role = None, False, None

    def _begin(self, role: Role) -> None:
        if self.foreign is not None:
            raise Failed(
                f"port 100 is already in use by {self.foreign} on this machine",
                "stop it, keep it from starting on the Failover Server, then try again",
            )
        self.starts.append(role)
        if self.behaviour is Behaviour.FAILING:
            raise Failed(
                "the application ended with exit code 3; its last lines: no licence found",
                "read its log",
            )
        self.role = role
        self._process = Process(1000 + len(self.starts), self._clock.monotonic_ns() / 1e9)

    def _await_ready(self) -> None:
        silent = self.behaviour is Behaviour.SILENT or self.ready_after_s > self._ready_timeout_s
        self._clock.sleep(self._ready_timeout_s if silent else self.ready_after_s)
        if silent:
            raise Failed(
                f"the application does not answer port 100 after {self._ready_timeout_s:g} s",
                "read its log",
            )
        self._answers = True

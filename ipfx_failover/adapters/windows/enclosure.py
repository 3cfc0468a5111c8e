"""What encloses the application on Windows: nothing.

It is started outside of our console, process group and job object (`processes.spawn_detached`). Its
processes are found by their descent, and by IPFX_FAILOVER_ROLE in their environment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipfx_failover.standin.application import Process


class WindowsEnclosure:
    """The `Enclosure` of Windows."""

    def prefix(self, server: str) -> tuple[str, ...]:  # noqa: ARG002 - the port's signature
        return ()

    def pids(self, server: str, leader: Process | None) -> set[int]:  # noqa: ARG002 - as above
        return set()

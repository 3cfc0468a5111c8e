"""The application that stands in: started with a role's values, stopped, watched.

A port: systemd units and commands are two implementations, Windows services a third.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Role:
    """What the application needs to know to perform a Primary's role.

    The values of the placeholders in its commands ({server}, {database} …) and of its environment
    (IPFX_SERVER, IPFX_DATABASE …). `catalog` is the standby catalog's name, `database` the path
    of its file (sqlite), or the SQL Server instance that has it. A value that does not apply is
    empty.
    """

    server: str
    address: str
    port: int
    catalog: str
    database: str
    vm_dir: str
    vm_local_dir: str

    def placeholders(self) -> dict[str, str]:
        return {key: str(value) for key, value in asdict(self).items()}

    def environment(self) -> Mapping[str, str]:
        return {f"IPFX_{key.upper()}": value for key, value in self.placeholders().items()}


@dataclass(frozen=True, slots=True)
class Process:
    """A process of ours that outlives us; `created_at` (s) tells a reused process id apart."""

    pid: int
    created_at: float


class Application(Protocol):
    """Starts and stops the Failover Server's own application.

    It outlives this process: outside of its process group, cgroup and job object.
    """

    def start(self, role: Role) -> Process | None:
        """Start it, and wait until it is ready; the process where we started one ourselves.

        Starting what runs already is no error.

        Raises:
            Failed: it ended at once, or was not ready in time; the last lines that it wrote are
                in the message. What was begun is left for `stop`.
        """
        ...

    def stop(self, role: Role, process: Process | None) -> None:
        """Stop it, and wait until it is gone; killed when it takes too long. Twice is no error.

        Raises:
            InDoubt: something of it still runs.
        """
        ...

    def problem(self, role: Role, process: Process | None) -> str | None:
        """Why it does not do its work (not running, port closed); None when all is well."""
        ...

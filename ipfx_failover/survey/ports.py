"""What a survey looks through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ipfx_failover.net import wait_readable

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfx_failover.clock import Clock
    from ipfx_failover.livehost import LiveHost
    from ipfx_failover.net import Addresses, OpenArp, OpenEcho, Wait
    from ipfx_failover.replication.sqlserver.side import SqlServerSide


@dataclass(frozen=True, slots=True)
class DatabaseLook:
    """A database as it was found; `program`: what it was opened with, and its version.

    `problem`: why it cannot be read, in words; then there is no more to say.
    """

    program: str
    problem: str | None = None
    size_bytes: int = 0
    tables: int = 0
    may_write: bool = False
    """Whether our account may put another in its place, with the same owner."""


class LiveDatabase(Protocol):
    """The live server's database engine."""

    def look(self, database: str) -> DatabaseLook:
        """Open a database, and change nothing.

        Raises:
            Refused: there is no program to open it with.
            Failed: the program that is there does not work.
        """
        ...


@dataclass(frozen=True, slots=True)
class SqlInstance:
    """A SQL Server instance that a machine tells of; MSSQLSERVER is the one without a name.

    `tcp_port`: None where it takes no TCP connections.
    """

    name: str
    version: str
    tcp_port: int | None


@dataclass(frozen=True, slots=True)
class SurveyPorts:
    """Each may raise any of our errors, which becomes a failed check."""

    clock: Clock
    echo: OpenEcho
    arp: OpenArp
    addresses: Callable[[], Addresses]
    application_answers: Callable[[], bool]
    """Whether the application takes connections at the server's address and port."""
    trusted_key: Callable[[], str]
    """The host key that the server shows, which is trusted."""
    live: Callable[[], LiveHost]
    database: Callable[[LiveHost], LiveDatabase]
    sql_sides: Callable[[LiveHost], tuple[SqlServerSide, SqlServerSide]]
    """The SQL Servers of the live server, whose files that is, and of this machine."""
    here: LiveHost
    wait: Wait = wait_readable

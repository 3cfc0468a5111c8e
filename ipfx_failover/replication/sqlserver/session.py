"""The port to a SQL Server: sessions that carry statements out, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias

from ipfx_failover.errors import Failed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Row: TypeAlias = tuple[Any, ...]


class SqlRefused(Failed):
    """The server has refused a statement.

    `numbers`: of the errors that it told, in order, as far as the driver shows them. They are
    matched, never their text, which is in the server's language. 0 where it told none.
    """

    def __init__(self, message: str, hint: str, numbers: Sequence[int]) -> None:
        super().__init__(message, hint)
        self.numbers = tuple(numbers)

    @property
    def number(self) -> int:
        """The first one, which says what has happened."""
        return self.numbers[0] if self.numbers else 0


class SqlSession(Protocol):
    """A session, in autocommit mode: transactions are begun and ended by statements.

    Its block closes it. Raises (everywhere):
        SqlRefused: the server refuses; behind it the session goes on.
        Unreachable: the connection is lost, or the statement took too long; nothing is known of
            what it did, and the session is of no more use.
    """

    def rows(self, sql: str, *values: object) -> list[Row]:
        """The rows of the one result of a batch."""
        ...

    def named_rows(self, sql: str) -> list[dict[str, Any]]:
        """The rows by their columns' names, for RESTORE, which tells more with each version."""
        ...

    def pages(self, sql: str, *values: object, size: int) -> Iterator[list[Row]]:
        """The rows of the one result of a batch, about so many at once, fewer of big ones.

        Until the last one has come, or the iteration is closed, the session does nothing else.
        """
        ...

    def run(self, sql: str, *values: object) -> int:
        """Carry a batch out to its end; how many rows its last statement changed, -1 unknown."""
        ...

    def work(self, sql: str, *values: object, phase: str) -> None:
        """Carry out what takes long (BACKUP, RESTORE, DBCC): without a time limit, with progress.

        It is done when the server has said so with 3014; what stands still for `stall_timeout_s`
        is ended. Percentages are reported as `phase`.
        """
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class SqlServer(Protocol):
    """A SQL Server, and how to log in to it."""

    @property
    def name(self) -> str:
        """What people call the machine."""
        ...

    def open(self, catalog: str = "master") -> SqlSession:
        """A new session in a catalog.

        Raises:
            SqlRefused: the login failed (18456), or there is no such catalog (4060, 911).
            Unreachable: nobody answers there.
            Refused: no driver is installed.
        """
        ...

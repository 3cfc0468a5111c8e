"""A client without a wire, for tests: a session that says what a statement has answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from tests.sqlserver.drivers import PASSWORD
from tests.sqlserver.results import Done, Login, Message, Parameter, Prepared, ResultSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sqlserver.engine.server import SimulatedServer
    from tests.sqlserver.results import Result, SqlType


class FailedError(Exception):
    """A batch has told errors. `numbers`: of all of them."""

    def __init__(self, messages: list[Message]) -> None:
        super().__init__("; ".join(f"{each.number}: {each.text}" for each in messages))
        self.numbers = [each.number for each in messages]


class Client:
    """One session; leaving the block closes it."""

    def __init__(self, server: SimulatedServer, database: str = "", *, user: str = "sa") -> None:
        self.session = server.log_in(Login(user, PASSWORD, database))
        self.messages: list[Message] = []
        self.count: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def answers(self, sql: str) -> Iterator[Result]:
        """What a batch answers, as it comes."""
        return self.session.execute(Prepared(sql))

    def run(self, sql: str, **parameters: tuple[SqlType, Any]) -> list[tuple[Any, ...]]:
        """The rows of a batch; `messages` and `count` tell the rest.

        Raises:
            FailedError: it has told an error.
        """
        self.messages, self.count = [], None
        rows: list[tuple[Any, ...]] = []
        declared = ", ".join(f"@{name} {kind}" for name, (kind, _) in parameters.items())
        values = [Parameter(f"@{name}", *each) for name, each in parameters.items()]
        for each in self.session.execute(Prepared(sql, declared, values)):
            if isinstance(each, ResultSet):
                rows += [tuple(row) for row in each.rows]
            elif isinstance(each, Message):
                self.messages.append(each)
            elif isinstance(each, Done):
                self.count = each.rows
        if errors := [each for each in self.messages if each.is_error]:
            raise FailedError(errors)
        return rows

    def value(self, sql: str, **parameters: tuple[SqlType, Any]) -> Any:
        """The one value that a query finds."""
        ((found,),) = self.run(sql, **parameters)
        return found

    def fails(self, sql: str) -> list[int]:
        """The numbers of the errors of a batch that must fail."""
        try:
            rows = self.run(sql)
        except FailedError as error:
            return error.numbers
        raise AssertionError(f"it was carried out: {sql} found {rows}")

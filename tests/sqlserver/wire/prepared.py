"""The procedures with which drivers prepare and run statements.

sp_executesql, sp_prepare, sp_execute, sp_prepexec, sp_unprepare: the handles of a connection.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from tests.sqlserver.results import (
    Done,
    Kind,
    Message,
    Prepared,
    ReturnStatus,
    ReturnValue,
    SqlType,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.sqlserver.results import Parameter, Result, Session

_INT = SqlType(Kind.INT)
_BRACKETS = str.maketrans("", "", "[]")


class Handles:
    """The prepared statements of one connection."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._numbers = count(1)
        self._prepared: dict[int, Prepared] = {}
        self._procedures: dict[str, Callable[[Sequence[Parameter]], Iterator[Result]]] = {
            "sp_executesql": self._execute_sql,
            "sp_prepare": self._prepare,
            "sp_execute": self._execute,
            "sp_prepexec": self._prepare_and_execute,
            "sp_unprepare": self._unprepare,
        }

    def call(self, procedure: str, parameters: Sequence[Parameter]) -> Iterator[Result]:
        """Run one of our procedures, or one of the session's."""
        name = procedure.lower().translate(_BRACKETS).removeprefix("sys.")
        ours = self._procedures.get(name)
        return ours(parameters) if ours else self._session.call(name, parameters)

    def forget(self) -> None:
        self._prepared.clear()

    def _execute_sql(self, parameters: Sequence[Parameter]) -> Iterator[Result]:
        statement, *rest = parameters
        declarations = str(rest[0].value or "") if rest else ""
        yield from self._run(Prepared(str(statement.value), declarations), rest[1:])

    def _prepare(self, parameters: Sequence[Parameter]) -> Iterator[Result]:
        handle, declarations, statement, *_ = parameters
        yield self._remember(handle, Prepared(str(statement.value), str(declarations.value or "")))
        yield ReturnStatus(0)

    def _prepare_and_execute(self, parameters: Sequence[Parameter]) -> Iterator[Result]:
        handle, declarations, statement, *values = parameters
        prepared = Prepared(str(statement.value), str(declarations.value or ""))
        yield self._remember(handle, prepared)
        yield from self._run(prepared, values)

    def _execute(self, parameters: Sequence[Parameter]) -> Iterator[Result]:
        handle, *values = parameters
        prepared = self._prepared.get(handle.value)
        if prepared is None:
            yield Message(
                8179, 16, f"Could not find prepared statement with handle {handle.value}."
            )
            yield Done(is_error=True)
            return
        yield from self._run(prepared, values)

    def _unprepare(self, parameters: Sequence[Parameter]) -> Iterator[Result]:
        self._prepared.pop(parameters[0].value, None)
        yield ReturnStatus(0)

    def _remember(self, handle: Parameter, prepared: Prepared) -> ReturnValue:
        number = next(self._numbers)
        self._prepared[number] = prepared
        return ReturnValue(handle.name, _INT, number)

    def _run(self, prepared: Prepared, values: Sequence[Parameter]) -> Iterator[Result]:
        yield from self._session.execute(Prepared(prepared.sql, prepared.declarations, values))
        yield ReturnStatus(0)

"""A SQL Server that knows the answers to some questions, and refuses all others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from ipfx_failover.replication.sqlserver.session import SqlRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfx_failover.replication.sqlserver.session import Row


@dataclass
class ScriptedServer:
    """Implements SqlServer. `answers`: the rows by the statement; `asked`: what it was asked."""

    name: str
    answers: dict[str, list[Row]] = field(default_factory=dict)
    asked: list[tuple[object, ...]] = field(default_factory=list)

    def open(self, catalog: str = "master") -> ScriptedSession:  # noqa: ARG002 - it has one
        return ScriptedSession(self)


class ScriptedSession:
    def __init__(self, server: ScriptedServer) -> None:
        self._server = server

    def rows(self, sql: str, *values: object) -> list[Row]:
        self._server.asked.append((sql, *values))
        if sql not in self._server.answers:
            raise SqlRefused(f"{self._server.name}: what? {sql} (50001)", "hint", (50001,))
        return self._server.answers[sql]

    def named_rows(self, sql: str) -> list[dict[str, Any]]:
        raise NotImplementedError(sql)

    def pages(self, sql: str, *_: object, size: int) -> Iterator[list[Row]]:
        raise NotImplementedError(sql, size)

    def run(self, sql: str, *_: object) -> int:
        raise NotImplementedError(sql)

    def work(self, sql: str, *_: object, phase: str) -> None:
        raise NotImplementedError(sql, phase)

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

"""How the state store is asked: what is damaged, or cannot be read, is told by errors."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from ipfx_failover.state.trouble import classified, damaged

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")
Asked = TypeVar("Asked", bound="Rows")
Given = ParamSpec("Given")


class Rows:
    """Asks the database of a store.

    Raises:
        InDoubt: the database is damaged.
        StateUnwritableError: it cannot be read now.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.connection = connection
        self.path = path

    def close(self) -> None:
        self.connection.close()

    def numbers(self, sql: str) -> tuple[int, ...]:
        """The row that a query of numbers always has; some are asked several times a second."""
        try:
            row: tuple[int, ...] | None = self.connection.execute(sql).fetchone()
        except sqlite3.DatabaseError as error:
            if trouble := classified(self.path, error):
                raise trouble from error
            raise
        if row is None:
            raise damaged(self.path, "a table has lost its row")
        return row

    def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """All rows of a query, by column name."""
        try:
            cursor = self.connection.execute(sql, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        except sqlite3.DatabaseError as error:
            if trouble := classified(self.path, error):
                raise trouble from error
            raise

    def row(self, sql: str, *values: object) -> dict[str, Any] | None:
        """The first row of a query."""
        return next(iter(self.rows(sql, *values)), None)


def sound(
    read: Callable[Concatenate[Asked, Given], T],
) -> Callable[Concatenate[Asked, Given], T]:
    """A value that makes no sense is damage; SQLite itself looks at its pages only."""

    @wraps(read)
    def checked(self: Asked, /, *args: Given.args, **values: Given.kwargs) -> T:
        try:
            return read(self, *args, **values)
        except (ValueError, TypeError, KeyError) as error:
            raise damaged(self.path, str(error)) from error

    return checked


def time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def time_or_none(text: str | None) -> datetime | None:
    return None if text is None else time(text)

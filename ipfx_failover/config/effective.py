"""The settings that are in force, each with where it comes from. Pure."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ipfx_failover.config.locate import locate
from ipfx_failover.config.reference import ENTRY, NAME, plain, tables
from ipfx_failover.config.sheet import value_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfx_failover.config.edit import Key
    from ipfx_failover.config.models import Config
    from ipfx_failover.config.reference import Row

Source = Literal["file", "default", "unset"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One key with its value; a secret is shown as where it is kept, a literal one masked."""

    key: Key
    value: Any
    """None where there is none."""
    source: Source
    line: int | None
    row: Row


def effective(config: Config, text: str) -> tuple[Setting, ...]:
    """Every key that is in force, in the order of the manual's tabs.

    Args:
        config: what the file means.
        text: what is in it.
    """
    tree, lines = plain(config), locate(text)
    settings = []
    for path, row in _keys(tuple(config.servers)):
        table = value_at(tree, path[:-1])
        if not isinstance(table, dict):
            continue  # an optional table that this config does not have
        value = table.get(row.key)
        line = lines[path].line if path in lines else None
        settings.append(Setting(path, value, "file" if line else _source(value), line, row))
    return tuple(settings)


def _keys(servers: tuple[str, ...]) -> Iterator[tuple[Key, Row]]:
    """Every key; those of servers, server by server."""
    own = [table for table in tables() if table.path[-1] != ENTRY]
    for table in own:
        if NAME not in table.path:
            yield from ((row.path, row) for row in table.rows)
    for server in servers:
        for table in own:
            if NAME in table.path:
                path = ("servers", server, *table.path[2:])
                yield from (((*path, row.key), row) for row in table.rows)


def defaults() -> tuple[Setting, ...]:
    """Every key with its default, those of a server under NAME."""
    settings = []
    for table in tables():
        if table.path[-1] != ENTRY:
            for row in table.rows:
                value = tomllib.loads(f"value = {row.default}")["value"] if row.default else None
                settings.append(Setting(row.path, value, _source(value), None, row))
    return tuple(settings)


def _source(value: Any) -> Source:
    return "unset" if value in (None, "", []) else "default"

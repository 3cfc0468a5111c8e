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
    for path, row in _keys(tree):
        table = value_at(tree, path[:-1])
        if not isinstance(table, dict):
            continue  # an optional table that this config does not have
        value = table.get(row.key)
        line = lines[path].line if path in lines else None
        settings.append(Setting(path, value, "file" if line else _source(value), line, row))
    return tuple(settings)


def _keys(tree: dict[str, Any]) -> Iterator[tuple[Key, Row]]:
    """Every key; those of a server together, and those of a hook."""
    found: list[tuple[Key, Row]] = []
    for table in tables():
        if table.path[-1] != ENTRY:
            for path in _named(table.path, tree):
                found += [((*path, row.key), row) for row in table.rows]
    names = list(tree.get("servers", ()))
    yield from sorted(found, key=lambda each: _rank(each[0], names))


def _rank(key: Key, servers: list[str]) -> int:
    return servers.index(key[1]) + 1 if key[0] == "servers" else 0


def _named(path: Key, tree: dict[str, Any]) -> Iterator[Key]:
    """The paths that a table has in this config, in place of one with NAME in it."""
    if NAME not in path:
        yield path
        return
    at = path.index(NAME)
    for name in value_at(tree, path[:at]) or ():
        yield (*path[:at], name, *path[at + 1 :])


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

"""Writes examples/config/reference.toml: every key with its meaning, type and default.

It is a config that works: a warm standby of one Primary on Linux, with a SQLite database. What
is set in it is what such a site must decide; the rest is there as a comment with its default.

    python -m ipfx_failover.config.example > examples/config/reference.toml
"""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING, Final

from ipfx_failover.config.json_schema import LINE
from ipfx_failover.config.literal import literal
from ipfx_failover.config.reference import ENTRY, NAME, Row, rows, tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ipfx_failover.config.edit import Key
    from ipfx_failover.config.literal import Value
    from ipfx_failover.config.reference import Table

SERVER: Final = "DEMOSERVER"
_WIDTH: Final = 96

_HEADER: Final = """\
Every setting of ipfx-failover, for a warm standby on Linux: a Primary with a SQLite database.

Put it at /etc/ipfx-failover/config.toml (%ProgramData%\\ipfx-failover\\config.toml on Windows),
change the addresses, and look at it with: ipfx-failover config check

A key behind a # is shown with its default, or with an example where it has none. %servername%
stands for the server's name, in paths only. Paths are whole paths. Passwords are references:
{ file = "…" } (readable by its owner only), { env = "…" } or { keyring = "service/user" }.
"""
_FIRST_HEADER: Final = """\
Settings of the Failover Server. Look at them with: ipfx-failover config check

A key behind a # is shown with its default, or with an example where it has none. Servers are
added with: ipfx-failover server add NAME
"""
_SET: Final = {
    (("failover_server", "application"), "services"),
    (("failover_server", "application"), "ready_port"),
    (("network",), "adapter"),
    (("network",), "reference_targets"),
    (("alerts",), "smtp_server"),
    (("alerts",), "from"),
    (("alerts",), "to"),
    (("servers", NAME), "replicate_daily"),
    (("servers", NAME, "database"), "vm_dir"),
}
"""What the example sets beside the keys that must be set."""
_NOTHING: Final = {"", "[]", '""'}
_LEFT_OUT: Final = {
    ("alerts", "webhooks", NAME),
    ("alerts", "commands", NAME),
    ("servers", NAME, "fence"),
}
"""Tables that the example shows as comments."""
NAMES: Final = {"servers": SERVER, "webhooks": "team", "commands": "pager"}
"""What the example calls the tables that have names of the user's choice, by what holds them."""


def example() -> str:
    """The whole file."""
    values = {
        row.path: _example(row)
        for row in rows()
        if (row.required or (row.table, row.key) in _SET) and row.table not in _LEFT_OUT
    }
    return _file(
        f"{LINE}\n{_comment(_HEADER)}",
        [table for table in tables() if table.path[-1] != ENTRY],
        values,
    )


def first_config(values: Mapping[Key, Value]) -> str:
    """A config to begin with: the general tables with these values, all else as comments."""
    written = {key: literal(value) for key, value in values.items()}
    return _file(
        _comment(_FIRST_HEADER), [table for table in tables() if NAME not in table.path], written
    )


def _file(header: str, parts: list[Table], values: Mapping[Key, str]) -> str:
    blocks = [header, *("\n".join(_table(table, values)) for table in parts)]
    return "\n\n".join(blocks) + "\n"


def _table(table: Table, values: Mapping[Key, str]) -> Iterator[str]:
    off = "#" if table.path in _LEFT_OUT else ""
    yield _comment(table.doc)
    yield f"{off}[{'.'.join(named(table.path))}]"
    for row in table.rows:
        value = values.get(row.path)
        yield ""
        yield _comment(f"{row.doc}\n{_about(row)}")
        yield _assignment(row, "" if value else "#", value or _example(row))


def named(path: tuple[str, ...]) -> tuple[str, ...]:
    """A table's path with the example's names in it."""
    return tuple(NAMES[path[at - 1]] if part == NAME else part for at, part in enumerate(path))


def _about(row: Row) -> str:
    kind = f"{row.type[0].upper()}{row.type[1:]}"
    if row.required:
        return f"{kind}. Must be set."
    if row.default in _NOTHING:
        return f"{kind}. Default: none."
    if row.default_on_windows != row.default:
        return f"{kind}. Default on Windows: {row.default_on_windows}"
    return f"{kind}."


def _example(row: Row) -> str:
    return row.example if row.default in _NOTHING else row.default


def _assignment(row: Row, off: str, value: str) -> str:
    """`key = value`; a list of tables has a line for each of its entries."""
    if value.startswith("[{"):
        value = "[\n  " + value[1:-1].replace("}, {", "},\n  {") + ",\n]"
    return "\n".join(f"{off}{line}" for line in f"{row.key} = {value}".splitlines())


def _comment(text: str) -> str:
    lines = [
        line
        for paragraph in text.strip().splitlines()
        for line in textwrap.wrap(paragraph, _WIDTH) or [""]
    ]
    return "\n".join(f"# {line}".rstrip() for line in lines)


if __name__ == "__main__":
    sys.stdout.write(example())

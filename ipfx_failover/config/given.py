"""Keys and values as people type them in a command line. Pure."""

from __future__ import annotations

import math
import tomllib
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ipfx_failover.config.diagnose import diagnose
from ipfx_failover.config.edit import Set, Unset
from ipfx_failover.config.literal import is_text
from ipfx_failover.config.reference import NAME, Row, generic_path, rows, tables
from ipfx_failover.config.secrets import Secret
from ipfx_failover.config.suggest import suggest_key
from ipfx_failover.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from ipfx_failover.config.edit import Edit, Key
    from ipfx_failover.config.literal import Value

_TRUE: Final = frozenset({"true", "yes", "on", "1"})
_FALSE: Final = frozenset({"false", "no", "off", "0"})
_ALL: Final = "all of them, with their values: ipfx-failover config show"


class Place(NamedTuple):
    """A key of the config, or a table."""

    key: Key
    row: Row | None
    """None for a table."""


class Given(NamedTuple):
    """What the arguments of a command ask for."""

    edits: tuple[Edit, ...]
    passwords: tuple[Key, ...]
    """Keys whose password is to be asked for."""


def understand(
    settings: Sequence[str], unset: Sequence[str], servers: Collection[str], *, below: str = ""
) -> Given:
    """The edits that `KEY=VALUE`, `KEY VALUE...` and `--unset KEY` stand for.

    Args:
        settings: what is to be set.
        unset: what is to be taken out.
        servers: the names of the servers that there are.
        below: what stands before each key, such as `servers.DEMOSERVER.`

    Raises:
        UsageError: a key is not known, or has no value.
    """
    if not settings and not unset:
        raise UsageError("nothing is to be set", "name it: KEY=VALUE, or --unset KEY")
    edits: list[Edit] = []
    passwords = []
    for name, value in _pairs(list(settings), servers, below):
        place = place_of(below + name, servers)
        if place.row is None:
            raise UsageError(f"{name} is a table", _keys_of(place.key, servers))
        if value is not None:
            edits.append(Set(place.key, value_of(place.row, value)))
        elif place.row.is_secret:
            passwords.append(place.key)
        else:
            raise UsageError(f"{name} has no value", f"such as {name}={place.row.example}")
    for name in unset:
        place = place_of(below + name, servers)
        if place.row is None and place.key[0] == "servers" and len(place.key) < 3:
            raise UsageError(f"{name} is not unset like a key", "ipfx-failover server remove NAME")
        edits.append(Unset(place.key))
    return Given(tuple(edits), tuple(passwords))


def below_server(name: str, settings: Sequence[str], unset: Sequence[str] = ()) -> Given:
    """As `understand`, of keys below a server's own table; there need be no such server yet.

    Raises:
        UsageError: a key is not known, or has no value.
    """
    if not settings and not unset:
        return Given((), ())
    given = understand(settings, unset, (NAME,), below=f"servers.{NAME}.")
    edits = (replace(edit, key=("servers", name, *edit.key[2:])) for edit in given.edits)
    return Given(tuple(edits), tuple(("servers", name, *key[2:]) for key in given.passwords))


def judge(key: Key, value: Value) -> None:
    """Whether a value is right for a key of the general tables, whatever else the config says.

    Raises:
        UsageError: in the words of `config check`.
    """
    tree: dict[str, Any] = {
        "alerts": {
            "smtp_server": "mail",
            "from": "a@example.com",
            "username": "user",
            "password": {"env": "X"},
        }
    }
    table = tree
    for part in key[:-1]:
        table = table.setdefault(part, {})
    table[key[-1]] = value
    for problem in diagnose(tree, "", Path()):
        raise UsageError(
            f"{key[-1]}: {problem.message}", problem.suggestion or "give another value"
        )


def place_of(given: str, servers: Collection[str]) -> Place:
    """The key or table that somebody named, such as `network.adapter`.

    Args:
        given: with dots; a server's name in any case.
        servers: the names of the servers that there are.

    Raises:
        UsageError: there is no such key; the hint has the likely right one.
    """
    key = _named(tuple(given.split(".")), servers)
    generic = generic_path(key)
    row = next((row for row in rows() if row.path == generic), None)
    if row is None and not any(table.path[: len(generic)] == generic for table in tables()):
        raise UsageError(f"there is no key {given}", _hint(key, generic))
    return Place(key, row)


def value_of(row: Row, given: str) -> Value:
    """What a text stands for, by the key's type; the models judge what comes out.

    Lists are separated by commas, or written as TOML does.

    Raises:
        UsageError: it is no text or no number, or a password, which others can see.
    """
    if not is_text(given):
        raise UsageError(f"the value for {row.key} is not UTF-8 text", "type it again")
    if row.is_secret:
        return reference_of(row, given)
    if row.is_list:
        if given.lstrip().startswith("["):
            return _toml(row, given)
        return [_single(row, part.strip()) for part in given.split(",") if part.strip()]
    return _single(row, given)


def reference_of(row: Row, given: str) -> Value:
    """Where a secret is kept: `file:PATH`, `env:NAME`, `keyring:SERVICE/USER`, or as TOML.

    Raises:
        UsageError: it is none of these, and so may be the secret itself.
    """
    if given.startswith("{"):
        return _toml(row, given)
    source, separator, reference = given.partition(":")
    if separator and source in Secret.sources:
        return {source: reference}
    raise UsageError(
        f"{row.key} is not given on the command line, where others can read it",
        "name the key alone to be asked for it, or give file:PATH, env:NAME or keyring:NAME/USER",
    )


def _pairs(
    arguments: list[str], servers: Collection[str], below: str
) -> Iterator[tuple[str, str | None]]:
    first, *rest = arguments or [""]
    row = place_of(below + first, servers).row if rest and "=" not in first else None
    if row is not None and not row.is_secret:
        if rest[1:] and not row.is_list:
            raise UsageError(f"{first} has one value, not {len(rest)}", "set others as KEY=VALUE")
        yield first, ",".join(rest)
        return
    for argument in arguments:
        name, equals, value = argument.partition("=")
        yield name, value if equals else None


def _keys_of(key: Key, servers: Collection[str]) -> str:
    generic = generic_path(key)
    own = next((table for table in tables() if table.path == generic), None)
    if own is None:
        return f"name a server's key: {', '.join(f'servers.{name}.port' for name in servers)}"
    return f"its keys: {', '.join(row.key for row in own.rows)}"


def _single(row: Row, given: str) -> Value:
    if row.base is bool and given.lower() in _TRUE | _FALSE:
        return given.lower() in _TRUE
    if row.base not in {bool, int, float}:
        return given
    number = _number(given)
    if number is None or not math.isfinite(number):
        raise UsageError(f"{row.key} must be {row.entry_type}", f"such as {row.key}={row.example}")
    return number


def _number(given: str) -> int | float | None:
    for kind in (int, float):
        try:
            return kind(given)
        except ValueError:
            continue
    return None


def _toml(row: Row, given: str) -> Value:
    try:
        value: Value = tomllib.loads(f"value = {given}")["value"]
    except ValueError:
        raise UsageError(
            f"the value for {row.key} is not TOML", f"write it as in {row.key} = {row.example}"
        ) from None
    return value


def _named(key: Key, servers: Collection[str]) -> Key:
    """With a server's name as the config has it."""
    if key[0] != "servers" or not key[1:]:
        return key
    by_name = {name.casefold(): name for name in servers}
    if name := by_name.get(key[1].casefold()):
        return (key[0], name, *key[2:])
    known = f"known are: {', '.join(servers)}" if servers else "the config has none yet"
    raise UsageError(
        f"there is no server named {key[1]!r}", f"{known}; add one: ipfx-failover server add NAME"
    )


def _hint(key: Key, generic: Key) -> str:
    same = [".".join(row.path) for row in rows() if row.key == key[-1]]
    if len(key) == 1 and same:
        return f"did you mean {' or '.join(same)}?"
    if generic == ("servers", NAME, "name"):
        return "a name is not changed: add it under the new one, then ipfx-failover server remove"
    table = next((table for table in tables() if table.path == generic[:-1]), None)
    if table is not None:
        shown = ".".join(key[:-1])
        found = suggest_key(key[:-1], key[-1], "")
        if found.path:
            return f"did you mean {'.'.join(found.path)}?"
        return found.text or f"the keys of {shown}: {', '.join(row.key for row in table.rows)}"
    server = key[1] if key[0] == "servers" and key[1:] else NAME
    known = sorted(
        ".".join(table.path).replace(f"servers.{NAME}", f"servers.{server}") for table in tables()
    )
    close = get_close_matches(".".join(key[:-1]), known, n=1)
    return f"did you mean {close[0]}.{key[-1]}?" if close else _ALL

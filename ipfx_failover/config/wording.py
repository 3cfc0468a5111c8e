"""What is wrong with a value, in words: what must be there, what was got, how to write it.

A value is quoted only where it is a number or was to be one of a few words; any other text may be
a password in the wrong place.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ipfx_failover.config.reference import ENTRY, Row, generic_path, rows, tables
from ipfx_failover.config.suggest import suggest_choice

if TYPE_CHECKING:
    from collections.abc import Iterable

Path = tuple[str | int, ...]

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_RANGES: Final = {"greater_than", "greater_than_equal", "less_than_equal"}
_QUOTED: Final = (str, int, float, date, time)
_GOT: Final = (
    (bool, "true or false"),
    (str, "a text"),
    (int, "a whole number"),
    (float, "a number"),
    (list, "a list"),
    (dict, "a table"),
    (datetime, "a date and time"),
    (date, "a date"),
    (time, "a time of day"),
)


class Wrong(NamedTuple):
    """What is wrong, and what to do about it."""

    message: str
    suggestion: str = ""


def wrong(kind: str, path: Path, value: object, context: Any) -> Wrong:
    """What is wrong with the value at a path.

    Args:
        kind: pydantic's name for the error.
        path: where the value is, or should be.
        value: what is there.
        context: pydantic's facts about the error.
    """
    if is_server_name(path):
        return Wrong(f"a server's name {context['error']}")
    if kind == "value_error":
        return Wrong(str(context["error"]))
    row = row_of(path)
    if row is None:
        return _wrong_table(path, value)
    if kind == "missing":
        return Wrong(f"is missing ({_lower_first(row.doc)})", f"add {row.key} = {row.example}")
    if kind == "too_short":
        return Wrong("must not be empty")
    return _wrong_value(kind, row, row.entry_type if isinstance(path[-1], int) else row.type, value)


def _wrong_value(kind: str, row: Row, what: str, value: object) -> Wrong:
    if kind in _RANGES:
        return Wrong(f"must be {what}, got {_short(value)}")
    if row.choices and isinstance(value, str | bool):
        got = f'"{_short(value)}"' if isinstance(value, str) else _in_words(value)
        return Wrong(f"must be {what}, got {got}", suggest_choice(value, row.choices))
    got = _in_words(value)
    if got == "a text" and not what.startswith(
        ("a list", "a table", "true", "a whole", "a number")
    ):
        return Wrong(f"must be {what}")  # a text it is, but not of the right form
    return Wrong(f"must be {what}, got {got}", _how_to_write(what, value))


def _how_to_write(what: str, value: object) -> str:
    if what.startswith("a list"):
        return 'write a list, in brackets: ["…", "…"]' if isinstance(value, str) else ""
    if what.startswith(("true", "a whole", "a number", "a percentage")):
        return "write it without quotes" if isinstance(value, str) else ""
    if what.startswith(("a table", "a secret")) or not isinstance(value, _QUOTED):
        return ""
    return "write it between quotes"


def _wrong_table(path: Path, value: object) -> Wrong:
    name = dotted(path)
    if path[:1] == ("servers",) and len(path) == 2 and not isinstance(value, list):
        return Wrong("a server's keys belong in a table of its own", "such as [servers.DEMOSERVER]")
    if isinstance(value, list):
        return Wrong("must be one table, got a list", f"write [{name}], in single brackets")
    return Wrong(f"must be a table, got {_in_words(value)}", f"begin it with a line [{name}]")


def dotted(path: Iterable[str | int]) -> str:
    """A key path as TOML writes it, without indices, fit for a terminal."""
    return ".".join(_shown(part) for part in path if isinstance(part, str))


def row_of(path: Path) -> Row | None:
    """The reference's row for a key, or for an entry of its list; none for tables."""
    wanted = generic_path(path)
    if wanted[-1:] == (ENTRY,) and wanted not in {table.path for table in tables()}:
        wanted = wanted[:-1]
    return next((row for row in rows() if (*row.table, row.key) == wanted), None)


def is_server_name(path: Path) -> bool:
    """Whether this is the name that a server has from its table."""
    return len(path) == 3 and path[0] == "servers" and path[2] == "name"


def _shown(part: str) -> str:
    return part if _BARE_KEY.fullmatch(part) else f'"{printable(part[:64])}"'


def _in_words(value: object) -> str:
    return next((words for kind, words in _GOT if isinstance(value, kind)), "nothing")


def _short(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > 128:
        return "a number of more than 38 digits"  # str() refuses thousands of them
    text = str(value)
    return printable(text if len(text) <= 40 else f"{text[:37]}...")


def printable(text: str) -> str:
    """The text on one line, with nothing in it that a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _lower_first(text: str) -> str:
    bare = re.split(r"[;.](?: |$)", text)[0]
    return bare if bare[1:2].isupper() else bare[:1].lower() + bare[1:]

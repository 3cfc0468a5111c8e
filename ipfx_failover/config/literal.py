"""Values as TOML writes them, in the way that people would."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

Value = bool | int | float | str | Sequence["Value"] | Mapping[str, "Value"]
"""What an edit can put into a config."""

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def literal(value: Value, *, like: str = "") -> str:
    """A value on one line.

    Args:
        value: what is to be written.
        like: what stands there now, whose kind of quotes is kept where the new text allows it.

    Raises:
        UnicodeEncodeError: a text holds half a character (bytes that are no UTF-8).
    """
    if isinstance(value, str):
        return _text(value, single=like.startswith("'"))
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{key_part(key)} = {literal(each)}" for key, each in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, Sequence):
        return f"[{', '.join(literal(each, like=like.lstrip('[ ')) for each in value)}]"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return json.dumps(value, default=str)  # dates, which no key has, but a wrong config may


def is_text(given: str) -> bool:
    """Whether it can be written: an argument may be any bytes."""
    try:
        given.encode()
    except UnicodeEncodeError:
        return False
    return True


def key_part(part: str) -> str:
    """One part of a dotted key, quoted where it must be."""
    return part if _BARE_KEY.fullmatch(part) else _text(part, single=False)


def dotted_key(parts: Sequence[str]) -> str:
    """A key path as TOML writes it."""
    return ".".join(key_part(part) for part in parts)


def _text(text: str, *, single: bool) -> str:
    text.encode()  # what is no text must not get into a file
    if (single or "\\" in text) and "'" not in text and not _CONTROL.search(text):
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")

"""Edits of a config's text: what is not edited stays byte for byte as it is. Pure.

This works on the text by the places that ipfx_failover.config.locate finds, not on a document
that is parsed and written again: tomlkit 0.15 puts a new key behind the comment of the table that
follows, removes that comment together with the table before it, and mixes line ends. Each result
is parsed again and compared with what the edit asked for, so that a text that is laid out in a
way nobody thought of is refused, not spoilt.
"""

from __future__ import annotations

import tomllib
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from ipfx_failover.config.literal import Value, dotted_key
from ipfx_failover.config.sheet import Sheet, value_at
from ipfx_failover.errors import Failed, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

Key: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Set:
    """Give a key a value; its table is added where it is not there."""

    key: Key
    value: Value


@dataclass(frozen=True, slots=True)
class Unset:
    """Remove a key, or a table with all below it; nothing happens where it is not there."""

    key: Key


@dataclass(frozen=True, slots=True)
class AddTable:
    """Add an empty table; nothing happens where it is there."""

    key: Key


Edit: TypeAlias = Set | Unset | AddTable


def edited(text: str, edits: Iterable[Edit]) -> str:
    """The text after the edits, one after the other.

    Args:
        text: TOML that can be parsed, without a byte order mark.
        edits: what to do; whether the result makes a config is not looked at here.

    Raises:
        UsageError: an edit contradicts the text: a key below something that is no table.
        Failed: the text is laid out in a way that cannot be edited.
    """
    for edit in edits:
        text = _edited(text, edit)
    return text


def _edited(text: str, edit: Edit) -> str:
    tree = tomllib.loads(text)
    wanted = _wanted(tree, edit)
    if wanted == tree and (not isinstance(edit, Set) or _is_same(value_at(tree, edit.key), edit)):
        return text
    result = _carried_out(Sheet(text), edit)
    try:
        reached = _bare(tomllib.loads(result), edit) == _bare(wanted, edit)
    except tomllib.TOMLDecodeError:
        reached = False
    if not reached:
        raise Failed(
            f"{dotted_key(edit.key)} stands in a way that cannot be edited by a command",
            "edit it by hand: ipfx-failover config edit",
        )
    return result


def _carried_out(sheet: Sheet, edit: Edit) -> str:
    if isinstance(edit, Unset):
        return sheet.without(edit.key)
    if isinstance(edit, AddTable):
        return sheet.with_table(edit.key, "")
    if edit.key not in sheet.pairs and sheet.has(edit.key):
        sheet = Sheet(sheet.without(edit.key))  # a table, to be replaced by a value
    return sheet.with_value(edit.key, edit.value)


def _is_same(there: object, edit: Set) -> bool:
    return type(there) is type(edit.value) and there == edit.value


def _bare(tree: dict[str, Any], edit: Edit) -> dict[str, Any]:
    """Without what an `Unset` leaves empty: whether a header for it remains means nothing."""
    if not isinstance(edit, Unset):
        return tree
    for length in range(len(edit.key) - 1, 0, -1):
        table, part = value_at(tree, edit.key[: length - 1]), edit.key[length - 1]
        if isinstance(table, dict) and table.get(part) == {}:
            del table[part]
    return tree


def _wanted(tree: dict[str, Any], edit: Edit) -> dict[str, Any]:
    """What the text is to mean after the edit."""
    tree = deepcopy(tree)
    if isinstance(edit, Unset):
        table = value_at(tree, edit.key[:-1])
        if isinstance(table, dict):
            table.pop(edit.key[-1], None)
        return tree
    table = tree
    for depth, part in enumerate(edit.key[:-1], start=1):
        table = _table_in(table, part, edit.key[:depth])
    if isinstance(edit, Set):
        value = edit.value
        table[edit.key[-1]] = list(value) if isinstance(value, tuple) else value
    else:
        _table_in(table, edit.key[-1], edit.key)
    return tree


def _table_in(table: dict[str, Any], part: str, key: Key) -> dict[str, Any]:
    inner = table.setdefault(part, {})
    if not isinstance(inner, dict):
        raise UsageError(f"{dotted_key(key)} is not a table", "it holds a value, and no keys")
    return inner

"""Texts and tables in as many lines as a terminal's width takes."""

from __future__ import annotations

from functools import partial
from shutil import get_terminal_size
from typing import TYPE_CHECKING

from ipfx_failover.history.tables import Table, body

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_COMMAND = " ipfx-failover "
_INDENT = "  "


def columns() -> int:
    """How wide the terminal is; 80 where there is none."""
    return get_terminal_size().columns


def wrapped(text: str, width: int) -> list[str]:
    """The lines of a text, broken between words; those behind the first are indented by more.

    A command stands on a line of its own, to be copied whole.
    """
    if len(text) <= width:
        return [text]
    from textwrap import wrap

    begin = text[: len(text) - len(text.lstrip())]
    behind = begin + _INDENT
    whole_words = partial(wrap, width=width, break_long_words=False, break_on_hyphens=False)
    said, begins, command = text.strip().partition(_COMMAND)
    found = whole_words(said, initial_indent=begin, subsequent_indent=behind)
    if begins:
        command = f"{begins}{command}".strip()
        found += whole_words(command, initial_indent=behind, subsequent_indent=behind)
    return found


def table(rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """The lines of a plain table, the first row its header.

    Where its columns would not fit, the last ones stand below their rows.
    """
    head, *others = map(tuple, rows)
    return body(Table("", head, tuple(others)), width)

"""Where each key of a TOML text stands.

tomllib keeps no positions. This walks a text that tomllib has accepted (so the grammar is known to
hold, and only its outline has to be followed) and notes where every key, table and list entry
begins. A text that is broken is followed up to where it breaks. Error messages come here, and
edits (ipfx_failover.config.edit).
"""

from __future__ import annotations

import tomllib
from contextlib import suppress
from typing import Final, NamedTuple

Path = tuple[str | int, ...]

_BLANK: Final = " \t\r\n"
_KEY_ENDS: Final = " \t\r\n.=]#\"'"
_VALUE_ENDS: Final = ",]}#\r\n"


class Position(NamedTuple):
    """Both begin with 1; the column counts characters."""

    line: int
    column: int


class Pair(NamedTuple):
    """Where a `key = value` stands, as offsets into the text."""

    start: int
    value: int
    end: int
    """Behind the value; a comment may follow."""
    is_inside: bool
    """In an inline table: not on lines of its own."""


class Header(NamedTuple):
    """Where a `[table]` or `[[list]]` begins; the path of a list's entry ends in its index."""

    path: Path
    start: int
    end: int


class Layout(NamedTuple):
    """What an edit has to know of a text."""

    pairs: dict[Path, Pair]
    headers: tuple[Header, ...]
    entries: dict[Path, tuple[int, int]]
    """From where to where each entry of a list stands; its path ends in its index."""


def layout(text: str) -> Layout:
    """The place of every pair and header of a text that tomllib accepts, line ends as they are."""
    walk = _Walk(text)
    walk.document()
    return Layout(walk.pairs, tuple(walk.headers), walk.entries)


def locate(text: str) -> dict[Path, Position]:
    """The position of every key path, such as `("servers", "DEMOSERVER", "address")`.

    Entries of lists have their index as last part. A table's position is its header's, or else
    the first key that implies it.
    """
    return _walk(text).found


def repeated(text: str) -> list[tuple[Path, Position, Position]]:
    """Keys and tables that are there twice, with the first and the second place."""
    return _walk(text).again


def _walk(text: str) -> _Walk:
    walk = _Walk(text.replace("\r\n", "\n"))
    with suppress(RecursionError):  # nested too deeply; what was found before that is right
        walk.document()
    return walk


class _Walk:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[Path, Position] = {}
        self.lists: dict[Path, int] = {}
        """How many tables each `[[list]]` has so far."""
        self.again: list[tuple[Path, Position, Position]] = []
        self.pairs: dict[Path, Pair] = {}
        self.headers: list[Header] = []
        self.entries: dict[Path, tuple[int, int]] = {}
        self._depth = 0
        self._declared: dict[Path, Position] = {}
        self._line = 1
        self._line_start = 0
        self._counted_to = 0

    def document(self) -> None:
        table: Path = ()
        while self._skip_blank_and_comments():
            before = self.at
            if self._peek() == "[":
                table = self._header()
            else:
                self._pair(table)
            if self.at == before:
                return  # broken: there is nothing to follow any more

    def _header(self) -> Path:
        position, start = self._position(), self.at
        is_list = self.text.startswith("[[", self.at)
        self.at += 2 if is_list else 1
        parts = self._key()
        if not parts:
            return ()
        self.at += 2 if is_list else 1
        path = self._resolve((), parts[:-1], position)
        path = (*path, *parts[-1:])
        if is_list:
            count = self.lists.get(path, 0)
            self.lists[path] = count + 1
            self.found.setdefault(path, position)
            path = (*path, count)
        else:
            path = self._enter(path)
        self._declare(path, position)
        self.found[path] = position
        self.headers.append(Header(path, start, self.at))
        return path

    def _declare(self, path: Path, position: Position) -> None:
        first = self._declared.setdefault(path, position)
        if first is not position:
            self.again.append((path, first, position))

    def _pair(self, table: Path) -> None:
        position, start = self._position(), self.at
        parts = self._key()
        if not parts or self._peek() != "=":
            return
        self.at += 1
        path = (*self._resolve(table, parts[:-1], position), parts[-1])
        self._declare(path, position)
        self.found.setdefault(path, position)
        self._skip(_BLANK)
        value = self.at
        self._value(path)
        _, end = self._without_blank(value)
        self.pairs.setdefault(path, Pair(start, value, end, self._depth > 0))

    def _resolve(self, table: Path, parts: tuple[str, ...], position: Position) -> Path:
        for part in parts:
            table = self._enter((*table, part))
            self.found.setdefault(table, position)
        return table

    def _enter(self, path: Path) -> Path:
        return (*path, self.lists[path] - 1) if path in self.lists else path

    def _key(self) -> tuple[str, ...]:
        parts = []
        while True:
            self._skip(" \t")
            start = self.at
            if self._peek() in {'"', "'"}:
                self._string()
                parts.append(_unquoted(self.text[start : self.at]))
            else:
                self._until(_KEY_ENDS)
                if self.at == start:
                    return ()
                parts.append(self.text[start : self.at])
            self._skip(" \t")
            if self._peek() != ".":
                return tuple(parts)
            self.at += 1

    def _value(self, path: Path) -> None:
        self._skip(_BLANK)
        first = self._peek()
        if first in {'"', "'"}:
            self._string()
        elif first == "[":
            self._list(path)
        elif first == "{":
            self._inline_table(path)
        else:
            self._until(_VALUE_ENDS)

    def _without_blank(self, start: int) -> tuple[int, int]:
        """From a value's start to its end, what is blank behind it left out."""
        return start, start + len(self.text[start : self.at].rstrip(_BLANK))

    def _list(self, path: Path) -> None:
        self.at += 1
        self._depth += 1
        index = 0
        while self._skip_blank_and_comments() and self._peek() != "]":
            before = self.at
            self.found[(*path, index)] = self._position()
            self._value((*path, index))
            self.entries[(*path, index)] = self._without_blank(before)
            index += 1
            self._skip_blank_and_comments()
            self._skip(",", at_most=1)
            if self.at == before:
                return
        self.at += 1
        self._depth -= 1

    def _inline_table(self, path: Path) -> None:
        self.at += 1
        self._depth += 1
        while self._skip_blank_and_comments() and self._peek() != "}":
            before = self.at
            self._pair(path)
            self._skip_blank_and_comments()
            self._skip(",", at_most=1)
            if self.at == before:
                return
        self.at += 1
        self._depth -= 1

    def _string(self) -> None:
        quote = self.text[self.at]
        fence = quote * 3 if self.text.startswith(quote * 3, self.at) else quote
        self.at += len(fence)
        while self.at < len(self.text) and not self.text.startswith(fence, self.at):
            self.at += 2 if quote == '"' and self._peek() == "\\" else 1
        self.at += len(fence)
        if len(fence) == 3:  # up to two quotes may stand right before the closing three
            self._skip(quote, at_most=2)

    def _skip_blank_and_comments(self) -> bool:
        """Whether there is anything left."""
        self._skip(_BLANK)
        while self._peek() == "#":
            self._until("\n")
            self._skip(_BLANK)
        return self.at < len(self.text)

    def _skip(self, characters: str, at_most: int | None = None) -> None:
        end = len(self.text) if at_most is None else min(len(self.text), self.at + at_most)
        while self.at < end and self.text[self.at] in characters:
            self.at += 1

    def _until(self, characters: str) -> None:
        while self.at < len(self.text) and self.text[self.at] not in characters:
            self.at += 1

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _position(self) -> Position:
        newlines = self.text.count("\n", self._counted_to, self.at)
        if newlines:
            self._line += newlines
            self._line_start = self.text.rindex("\n", self._counted_to, self.at) + 1
        self._counted_to = self.at
        return Position(self._line, self.at - self._line_start + 1)


def _unquoted(quoted: str) -> str:
    try:
        return str(tomllib.loads(f"key = {quoted}")["key"])
    except tomllib.TOMLDecodeError:
        return quoted

"""A TOML text on which single pairs and tables are set, added and removed. Pure.

What an operator takes for a table's own goes and stays with it: the comment right above its
header, and the keys below it that are commented out.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ipfx_failover.config.literal import Value, dotted_key, key_part, literal
from ipfx_failover.config.locate import Header, Pair, layout
from ipfx_failover.config.long_list import with_entries

if TYPE_CHECKING:
    from collections.abc import Iterator

Key: TypeAlias = tuple[str, ...]

_OFF: Final = re.compile(r"[ \t]*#[ \t]?[A-Za-z0-9_.-]+[ \t]*=")
"""A key that is commented out."""
_SERVERS: Final = "servers"


class Sheet:
    """A text, with the places of what is in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.pairs, self.headers, self.entries = layout(text)
        self.newline = "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"

    def has(self, key: Key) -> bool:
        """Whether there is something at or below the key."""
        paths = (*self.pairs, *(header.path for header in self.headers))
        return any(path[: len(key)] == key for path in paths)

    def with_value(self, key: Key, value: Value) -> str:
        """The text with this value, in place or as a new pair."""
        if (pair := self.pairs.get(key)) and not pair.is_inside:
            if (result := self._in_lines(key, value)) is not None:
                return result
            return self._put(pair.value, pair.end, literal(value, like=self._value(pair)))
        if holder := self._inline_holder(key):
            return self._inline(holder, key, {key[-1]: value})
        written = f"{key_part(key[-1])} = {literal(value)}{self.newline}"
        if header := self._header(key[:-1]):
            return self._add_pair(header, key, written)
        if beside := self._dotted_beside(key):
            pair, header_path = beside
            line = f"{dotted_key(key[len(header_path) : -1])}.{written}"
            return self._insert(self._line_end(pair.end), line)
        return self.with_table(key[:-1], written)

    def _in_lines(self, key: Key, value: Value) -> str | None:
        """The text with other entries in a list that has a line for each."""
        old = value_at(tomllib.loads(self.text), key)
        spans = [span for path, span in self.entries.items() if path[:-1] == key]
        if not isinstance(old, list) or not isinstance(value, list | tuple):
            return None
        return with_entries(self.text, spans, old, value, self.newline)

    def with_table(self, key: Key, pairs: str) -> str:
        """The text with a new table: before those below it, behind its like, the servers last."""
        block = f"[{dotted_key(key)}]{self.newline}{pairs}"
        if below := self._headers(key):
            return self._insert(self._lead(below[0]), block + self.newline)
        for length in range(len(key) - 1, 0, -1):
            if alike := self._headers(key[:length]):
                return self._insert(self._own_end(alike[-1]), self.newline + block)
        if servers := self._headers((_SERVERS,)):  # the key is not one of theirs
            return self._insert(self._lead(servers[0]), block + self.newline)
        gap = self.newline if self.text.strip() else ""
        return self._insert(len(self.text), gap + block)

    def without(self, key: Key) -> str:
        """The text without a pair, or without a table and what is below it."""
        if holder := self._inline_holder(key):
            return self._inline(holder, key, {})
        cuts = [
            (self._line_start(pair.start), self._line_end(pair.end))
            for path, pair in self.pairs.items()
            if path[: len(key)] == key and not pair.is_inside
        ]
        cuts += [self._block(header) for header in self._headers(key)]
        text = self.text
        for start, end in reversed(_merged(cuts)):
            text = text[:start] + text[end:]
            if end == len(self.text):  # the blank line before it would now end the file
                text = text.rstrip() + self.newline
        return text

    def _block(self, header: Header) -> tuple[int, int]:
        """A table from the comment right above it to the blank lines behind it."""
        end = self._own_end(header)
        behind = re.compile(r"(?:[ \t]*\r?\n)*").match(self.text, end)
        return self._lead(header), behind.end() if behind else end

    def _inline_holder(self, key: Key) -> Key | None:
        """The key whose inline table has this key, or should have it."""
        for length in range(len(key) - 1, 0, -1):
            pair = self.pairs.get(key[:length])
            if pair is not None and not pair.is_inside:
                return key[:length]
        return None

    def _inline(self, holder: Key, key: Key, new: dict[str, Value]) -> str:
        """The text with an inline table written again, with or without a key."""
        pair = self.pairs[holder]
        table = value_at(tomllib.loads(self.text), holder)
        inner = table
        for part in key[len(holder) : -1]:
            inner = inner.setdefault(part, {})
        if new:
            inner.update(new)
        else:
            inner.pop(key[-1], None)
        return self._put(pair.value, pair.end, literal(table))

    def _headers(self, key: Key) -> list[Header]:
        return [header for header in self.headers if header.path[: len(key)] == key]

    def _header(self, path: Key) -> Header | None:
        return next((header for header in self.headers if header.path == path), None)

    def _dotted_beside(self, key: Key) -> tuple[Pair, tuple[str | int, ...]] | None:
        """The last pair of this key's table, where that is written with dots."""
        beside = [
            pair
            for path, pair in self.pairs.items()
            if path[: len(key) - 1] == key[:-1] and not pair.is_inside
        ]
        if not beside:
            return None
        pair = max(beside, key=lambda each: each.start)
        above = [header.path for header in self.headers if header.start < pair.start]
        home = above[-1] if above else ()
        return (pair, home) if len(home) < len(key) - 1 else None

    def _add_pair(self, header: Header, key: Key, written: str) -> str:
        end = self._section_end(header)
        own = [
            pair
            for pair in self.pairs.values()
            if header.start < pair.start < end and not pair.is_inside
        ]
        at = self._line_end(own[-1].end if own else header.end)
        indent = self.text[self._line_start(own[-1].start) : own[-1].start] if own else ""
        off = re.compile(
            rf"^[ \t]*#[ \t]?{re.escape(key[-1])}[ \t]*=.*(?:\n[ \t]*#.*)*", re.MULTILINE
        )
        if found := off.search(self.text, header.end, end):
            at, indent = self._line_end(found.end()), ""  # where its meaning is written
        return self._insert(at, indent + written)

    def _section_end(self, header: Header) -> int:
        following = (each for each in self.headers if each.start > header.start)
        after = next(following, None)
        return self._lead(after) if after else len(self.text)

    def _own_end(self, header: Header) -> int:
        """Where a table's own lines end, those that are commented out included."""
        section_end = self._section_end(header)
        ends = [pair.end for pair in self.pairs.values() if header.start < pair.start < section_end]
        end = self._line_end(max(ends, default=header.end))
        for start, line_end in self._lines(end, section_end):
            if _OFF.match(self.text, start, line_end):
                end = line_end
        for start, line_end in self._lines(end, section_end):
            if not self.text[start:line_end].lstrip().startswith("#"):
                break
            end = line_end
        return end

    def _lead(self, header: Header) -> int:
        """Where the comment that stands right above a header begins."""
        start = self._line_start(header.start)
        while start > 0:
            above = self._line_start(start - 1)
            line = self.text[above:start]
            if not line.lstrip().startswith("#") or _OFF.match(line):
                break
            start = above
        return start

    def _lines(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        while start < end:
            line_end = self._line_end(start)
            yield start, line_end
            start = line_end

    def _line_start(self, at: int) -> int:
        return self.text.rfind("\n", 0, at) + 1

    def _line_end(self, at: int) -> int:
        """Behind the line's end; the text's end where there is none."""
        found = self.text.find("\n", at)
        return len(self.text) if found < 0 else found + 1

    def _value(self, pair: Pair) -> str:
        return self.text[pair.value : pair.end]

    def _put(self, start: int, end: int, new: str) -> str:
        return self.text[:start] + new + self.text[end:]

    def _insert(self, at: int, lines: str) -> str:
        before = self.text[:at]
        gap = self.newline if before and not before.endswith("\n") else ""
        return before + gap + lines + self.text[at:]


def _merged(cuts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The cuts in their order, with those that overlap as one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(cuts):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def value_at(tree: Any, key: Key) -> Any:
    """What a parsed text has at a key; None for nothing."""
    for part in key:
        tree = tree.get(part) if isinstance(tree, dict) else None
    return tree

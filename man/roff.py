"""Writes man(7): text is escaped and wrapped; options, `code` and names of tags come out bold."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

DATE: Final = "2026-11-22"
"""When these pages last changed in substance; whoever changes one sets it."""

_WIDTH: Final = 78
_ESCAPES: Final = {
    "\\": r"\e",
    "-": r"\-",
    "'": r"\(aq",
    "`": r"\(ga",
    "^": r"\(ha",
    "~": r"\(ti",
}
# A sentence's own words around an option or a piece of code stay as they are.
_MARKED: Final = re.compile(r"`(?P<code>[^`]+)`|(?<![\w-])(?P<option>--[a-z][a-z-]*)")


def escape(text: str) -> str:
    """Text that roff shows as it is; what is not ASCII is named by its code point."""
    return "".join(_ESCAPES.get(c) or (c if c.isascii() else f"\\[u{ord(c):04X}]") for c in text)


def bold(text: str) -> str:
    return rf"\fB{escape(text)}\fP"


def italic(text: str) -> str:
    return rf"\fI{escape(text)}\fP"


def marked(text: str) -> str:
    """Escaped, with `code` and options in bold."""
    parts, at = [], 0
    for match in _MARKED.finditer(text):
        parts += [escape(text[at : match.start()]), bold(match["code"] or match["option"])]
        at = match.end()
    return "".join([*parts, escape(text[at:])])


class Page:
    """A page in the making; sections are added in order."""

    def __init__(self, name: str, number: int, summary: str, version: str) -> None:
        self.name = name
        self.number = number
        title, source = name.upper(), f"ipfx-failover {version}"
        self._lines = [
            r".\" Made by man/generate.py out of the code: change it there.",
            f'.TH {escape(title)} {number} {DATE} "{escape(source)}" "ipfx\\-failover manual"',
        ]
        self._is_begun = False
        self.section("NAME")
        self._add(*_wrapped(f"{escape(name)} \\- {marked(summary)}"))

    @property
    def path(self) -> str:
        """Where it belongs below a man directory."""
        return f"man{self.number}/{self.name}.{self.number}"

    @property
    def text(self) -> str:
        return "\n".join(self._lines) + "\n"

    def section(self, title: str) -> None:
        self._lines.append(f".SH {title}")
        self._is_begun = False

    def subsection(self, title: str) -> None:
        self._lines.append(f'.SS "{escape(title)}"')
        self._is_begun = False

    def synopsis(self, parts: Iterable[str]) -> None:
        """Parts that are marked up already, each kept on one line where it fits."""
        self._add(*parts)

    def prose(self, text: str) -> None:
        """Paragraphs, with a blank line between two."""
        for paragraph in _paragraphs(text):
            if self._is_begun:
                self._lines.append(".PP")
            self._add(*_wrapped(marked(paragraph)))

    def entries(self, entries: Iterable[tuple[str, str]]) -> None:
        """Tags, marked up already, each with its paragraphs."""
        for tag, text in entries:
            self._add(".TP", tag)
            for number, paragraph in enumerate(_paragraphs(text)):
                if number:
                    self._lines.append(".IP")
                self._add(*_wrapped(marked(paragraph)))

    def example(self, text: str) -> None:
        """Lines that stay as they are, set off from the text before them."""
        if self._is_begun:
            self._lines.append(".PP")
        self._add(".RS 4", ".EX", *map(_line, text.strip("\n").splitlines()), ".EE", ".RE")

    def _add(self, *lines: str) -> None:
        self._lines += lines
        self._is_begun = True


def _paragraphs(text: str) -> list[str]:
    blocks = re.split(r"\n\s*\n", text.strip())
    return [" ".join(block.split()) for block in blocks]


def _wrapped(text: str) -> list[str]:
    lines = textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return [_protected(line) for line in lines]


def _line(text: str) -> str:
    return _protected(escape(text)) or r"\&"


def _protected(line: str) -> str:
    # A line that begins with a full stop would be a request.
    return f"\\&{line}" if line.startswith(".") else line

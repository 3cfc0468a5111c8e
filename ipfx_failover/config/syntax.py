"""A TOML syntax error in the words of somebody who writes config files, not parsers.

No part of the text is quoted: the broken line may hold a password.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ipfx_failover.config.locate import locate, repeated
from ipfx_failover.config.problems import Problem
from ipfx_failover.config.suggest import suggest_label
from ipfx_failover.config.wording import dotted

if TYPE_CHECKING:
    from pathlib import Path

_SINGLE: Final = r"write Windows paths between single quotes: 'C:\VM'"
_ESCAPE: Final = "between double quotes a \\ begins an escape, and this is none"
_TEXT: Final = 'a text needs quotes: "…"'

# What tomllib's message begins with; what is wrong; what to do.
_SAID: Final = (
    ("Unescaped '\\'", _ESCAPE, _SINGLE),
    ("Invalid hex value", _ESCAPE, _SINGLE),
    ("Escaped character", _ESCAPE, _SINGLE),
    ("Illegal character '\\n'", "a text is not closed on its line", "add the quote that ends it"),
    ("Unterminated string", "a text is not closed", "add the quotes that end it"),
    ("Illegal character", "there is an invisible control character", "remove it"),
    ("Found invalid character", "there is an invisible control character", "remove it"),
    (
        "Unclosed array",
        "a list goes on, or is not closed",
        "commas go between entries, ] at the end",
    ),
    (
        "Unclosed inline table",
        "a { table } goes on, or is not closed",
        "commas go between its keys, } at the end of the same line, no comma before it",
    ),
    ("Expected ']", "a table's header is not closed", "write it as [table]"),
    ("Invalid date", "there is no such date or time", _TEXT),
    ("Invalid initial character", "there should be a key", "write key = value"),
    (
        "Invalid statement",
        "this is neither key = value nor [table]",
        "keys are letters, digits, - and _; any other key needs quotes",
    ),
    ("Expected '='", "a key is not followed by =", "write key = value"),
    ("Expected newline", "the line goes on where it should end", "a comment begins with #"),
    ("Invalid value", "this is no value", _TEXT),
    ("Cannot mutate immutable", "a { table } or [ list ] is complete as it is", "add to it there"),
    ("Cannot", "a key or table is there twice", "look for the same name further up"),
    ("Exceeds the limit", "a number has thousands of digits", "correct it"),
    ("Expected", "something else is expected here", ""),
)
_TWICE: Final = ("Cannot overwrite", "Cannot declare", "Cannot redefine", "Duplicate inline")

# What the rest of the line after = looks like; what to do about it.
_VALUES: Final = (
    (r"(#|$)", "give it a value, or remove the key"),
    ("[“”‘’„«»]", "these are typographic quotes; use \" or '"),  # noqa: RUF001 - these are meant
    (r"(?i)(true|yes|on)\b", "write true, in small letters and without quotes"),
    (r"(?i)(false|no|off)\b", "write false, in small letters and without quotes"),
    (r"(?i)(none|null|nil)\b", "leave the key out to have no value"),
    (r"\d{1,3}(\.\d{1,3}){3}", 'write addresses between quotes: "192.168.11.1"'),
    (r"\d:\d\d", 'write times with two digits each: "01:00:00"'),
    (r"0\d", "a number does not begin with 0"),
    (r"\d+ *(ms|s|sec|seconds|min|h|%|days)(\W|$)", "a number has no unit; the key's name says it"),
    (r"\d{1,3}(,\d{3})+\b", "write the number without a thousands separator"),
    (r"[^\"'\[{\d+-]", _TEXT),
)


def syntax_problem(file: Path, text: str, said: str) -> Problem:
    """The problem that tomllib's message stands for.

    Args:
        file: the config file.
        text: what is in it.
        said: the parser's message, which ends in the place.
    """
    lines = text.splitlines() or [""]
    place = re.search(r"\(at line (\d+), column (\d+)\)$", said)
    line, column = (int(place[1]), int(place[2])) if place else (len(lines), None)
    if said.startswith(_TWICE) and (twice := repeated(text)):
        path, first, again = twice[0]
        return Problem(
            file, again.line, dotted(path), "is there twice", f"the first is in line {first.line}"
        )
    if "\r" in text.replace("\r\n", "\n"):
        return Problem(
            file, line, "", "a line ends in a carriage return alone", "save it with LF line ends"
        )
    what, hint = _in_words(said)
    rest = lines[line - 1] if line <= len(lines) else ""
    problem = Problem(file, line, "", what, _better_hint(said, rest) or hint, column)
    return problem if place else _where_it_began(problem, text)


def _where_it_began(problem: Problem, text: str) -> Problem:
    """The end of the file is where it was noticed; the last key is where it went wrong."""
    found = [(path, at) for path, at in locate(text).items() if isinstance(path[-1], str)]
    if not found:
        return problem
    path, position = max(found, key=lambda item: item[1])
    return replace(problem, key=dotted(path), line=position.line)


def _in_words(said: str) -> tuple[str, str]:
    for begins, what, hint in _SAID:
        if said.startswith(begins):
            return what, hint
    return "this is not TOML", ""


def _better_hint(said: str, line: str) -> str:
    """What the shape of the line tells beyond the parser's message."""
    key, equals, value = line.partition("=")
    if said.startswith("Expected '='"):
        if equals and (known := suggest_label(key)):
            return f'did you mean "{known}"?'
        return "use =, not :" if re.match(r"\s*[\w.-]+\s*:", line) else ""
    if said.startswith(("Invalid value", "Expected newline")) and equals:
        found = (hint for shape, hint in _VALUES if re.match(shape, value.strip()))
        return next(found, "")
    return ""

"""PURE: names and texts, quoted for T-SQL; and statements as people read them."""

from __future__ import annotations

import re

_LONGEST = 128
_QUOTED_OR_CLAUSE = re.compile(
    r"(\[(?:[^]]|\]\])*\]|'(?:[^']|'')*')| (?=(?:SET|ENABLE|DISABLE|WITH)\b)|(?<!WITH) (?=\()"
)
"""What is taken as it is, or the blank before a clause."""


def name(*parts: str) -> str:
    """A name in brackets, with its schema before it where there are two.

    Raises:
        ValueError: it is empty, longer than 128 characters, or has a NUL in it.
    """
    for part in parts:
        if not part or len(part) > _LONGEST or "\0" in part:
            raise ValueError(f"{part!r} is no name")
    return ".".join(f"[{part.replace(']', ']]')}]" for part in parts)


def text(value: str) -> str:
    """A Unicode literal, for statements that take no parameters (BACKUP, RESTORE, ALTER)."""
    if "\0" in value:
        raise ValueError("a text with a NUL in it")
    return "N'" + value.replace("'", "''") + "'"


def folded(statement: str, width: int) -> list[str]:
    """The lines of a statement on one line: with each clause on its own where it is too long."""
    whole = f"{statement};"
    if len(whole) <= width:
        return [whole]
    return _QUOTED_OR_CLAUSE.sub(lambda found: found[1] or "\n  ", whole).split("\n")

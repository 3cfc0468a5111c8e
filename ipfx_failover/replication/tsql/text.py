"""PURE: names and texts, quoted for T-SQL."""

from __future__ import annotations

_LONGEST = 128


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

"""One thing that is wrong between two settings."""

from __future__ import annotations

from typing import NamedTuple

Key = tuple[str, ...]


class Conflict(NamedTuple):
    """One contradiction; `message` names every key that it needs, none is implied."""

    keys: tuple[Key, ...]
    """The keys in question, relative to the table. The first that the file sets is blamed."""
    message: str
    suggestion: str = ""

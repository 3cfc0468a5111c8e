"""PURE: which number a copy goes on with, so that it never gives out one of the live server's.

The live server has gone on since the copy was made: rows that it never sent have numbers, too, by
which files and other systems know them.
"""

from __future__ import annotations

from typing import Final

_AHEAD: Final = 100_000
"""Numbers that the live server may have given out since; as many calls as take days."""
_OF_WHAT_IS_LEFT: Final = 10
"""But no more than this part of those that there are yet."""
_RANGES: Final = {
    "tinyint": (0, 2**8 - 1),
    "smallint": (-(2**15), 2**15 - 1),
    "int": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
}


def range_of(kind: str, precision: int) -> tuple[int, int]:
    """The lowest and highest number of an integer type; decimals have them by their precision."""
    largest = 10**precision - 1
    return _RANGES.get(kind, (-largest, largest))


def ahead(last: int, step: int, lowest: int, highest: int) -> int | None:
    """The number to go on behind, where `last` was given out last; None where none is left."""
    left = (highest - last) // step if step > 0 else (last - lowest) // -step
    steps = min(_AHEAD, left // _OF_WHAT_IS_LEFT)
    return last + steps * step if steps > 0 else None

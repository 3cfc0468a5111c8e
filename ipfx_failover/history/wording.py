"""Figures as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

NOTHING = "-"
_SOME = 3
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def duration(seconds: float | None) -> str:
    """`340 ms`, `31.4 s`, `2 h 10 min`, `3 d 4 h`."""
    if seconds is None:
        return NOTHING
    if 0 < seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{_short(seconds, 1)} s"
    whole = round(seconds)
    for place, (length, unit) in enumerate(_UNITS):
        if whole >= length:
            small, small_unit = _UNITS[place + 1]
            rest = whole % length // small
            return f"{whole // length} {unit}" + (f" {rest} {small_unit}" if rest else "")
    return NOTHING


def size(number_bytes: float | None) -> str:
    """`512 B`, `1.2 MiB`."""
    if number_bytes is None:
        return NOTHING
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number_bytes < 1024:
            return f"{_short(number_bytes, 1)} {unit}"
        number_bytes /= 1024
    return f"{_short(number_bytes, 1)} TiB"


def some(names: Sequence[str]) -> str:
    """The first few of them, and how many more there are."""
    more = f" and {len(names) - _SOME} more" if len(names) > _SOME else ""
    return ", ".join(names[:_SOME]) + more


def percentage(value: float | None) -> str:
    """`99.98 %`, `60 %`."""
    return NOTHING if value is None else f"{_short(value, 2)} %"


def milliseconds(number_us: float | None) -> str:
    """`0.42 ms`, `12.3 ms`, `450 ms`."""
    if number_us is None:
        return NOTHING
    number_ms = number_us / 1000
    digits = 2 if number_ms < 10 else 1 if number_ms < 100 else 0
    return f"{number_ms:.{digits}f} ms"


def stamp(at: datetime | None) -> str:
    """Local time to the second."""
    return NOTHING if at is None else f"{at.astimezone():%Y-%m-%d %H:%M:%S}"


def _short(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".rstrip("0").rstrip(".")

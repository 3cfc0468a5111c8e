"""PURE: how the trash is laid out, and what in it is too old.

What a sync overwrites or deletes at its target is kept in `.ipfx-failover-trash/<time>/<path>`
below the target's root, one directory for each pass that had something to keep.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_FORMAT = "%Y-%m-%dT%H-%M-%S.%fZ"


def trash_name(now: datetime) -> str:
    """The directory for what a pass that began at `now` keeps; Windows allows the name."""
    return now.astimezone(UTC).strftime(_FORMAT)


def expired(names: Iterable[str], now: datetime, days: int) -> list[str]:
    """The directories older than `days`; what is not named like one of ours is left alone."""
    oldest = now - timedelta(days=days)
    return sorted(name for name in names if (kept := _kept_at(name)) and kept < oldest)


def _kept_at(name: str) -> datetime | None:
    try:
        return datetime.strptime(name, _FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None

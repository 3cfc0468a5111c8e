"""How old a copy is. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from ipfx_failover.records import Copy, RowState


def whole_as_of(
    copy: Copy | None, rows: RowState | None, *, follows_all: bool, stale: bool
) -> datetime | None:
    """As of when all of a database is: its last full replication, or its rows if all follow.

    `follows_all`: by the config. A stale copy has missed changes that no row brings back.
    """
    counts = follows_all and not stale and rows is not None and not rows.left
    known = (copy, rows if counts else None)
    return max((each.as_of for each in known if each and each.as_of), default=None)

"""A new copy is as old as its backup: it is brought to where the current one is, before the swap.

Else the swap would move a hot standby backwards.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ipfx_failover.replication.rows.follower import Follower
from ipfx_failover.replication.rows.marks import copy_mark, is_there

if TYPE_CHECKING:
    from ipfx_failover.replication.rows.follower import Ends
    from ipfx_failover.replication.rows.marks import CopyMark


def catch_up(ends: Ends, new: str) -> int:
    """Replay into the copy `new` what `ends.copy` has, and all that is newer. Returns the rows.

    Nothing where there is no current copy, or where it is one of another life of the catalog.

    Raises: as `Follower.round`.
    """
    if (gap := _gap(ends, new)) is None:
        return 0
    follower = Follower(replace(ends, copy=new))
    try:
        done = follower.round()
        rows = done.rows
        while done.version < gap.to:
            done = follower.round()
            rows += done.rows
    finally:
        follower.close()
    return rows


def is_behind(ends: Ends, new: str) -> bool:
    """Whether `ends.copy` has what the copy `new` has not; the live server is not asked."""
    gap = _gap(ends, new)
    return gap is not None and gap.since < gap.to


class _Gap(NamedTuple):
    """From where to where rows can lead."""

    since: int
    to: int


def _gap(ends: Ends, new: str) -> _Gap | None:
    current, beside = _mark(ends, ends.copy), _mark(ends, new)
    if current is None or beside is None:
        return None
    since, to = beside.watermark.version, current.watermark.version
    if since is None or to is None:
        return None
    is_same = current.watermark.is_of_the_same_live_as(beside.watermark)
    return _Gap(since, to) if is_same else None


def _mark(ends: Ends, catalog: str) -> CopyMark | None:
    if not is_there(ends.standby, catalog):
        return None
    with ends.standby.open(catalog) as session:
        return copy_mark(session)

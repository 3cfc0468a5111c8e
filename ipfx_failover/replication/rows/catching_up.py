"""A new copy is as old as its backup: it is brought to where the current one is, before the swap.

Else the swap would move a hot standby backwards.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ipfx_failover.errors import Failed
from ipfx_failover.replication.rows.decisions import has_gap
from ipfx_failover.replication.rows.follower import Follower, end_following
from ipfx_failover.replication.rows.marks import copy_mark, is_there, live_mark

if TYPE_CHECKING:
    from ipfx_failover.replication.rows.follower import Ends
    from ipfx_failover.replication.rows.marks import CopyMark


def end_if_over(ends: Ends) -> None:
    """End the current copy's following where the live server keeps another history by now.

    Before a new copy is made: its versions begin anew, and the current one's say nothing of them.

    Raises:
        SqlRefused, Unreachable: so says one of the servers.
    """
    current = _mark(ends, ends.copy)
    if current is None:
        return
    with ends.live.open(ends.catalog) as live:
        is_over = has_gap(current.watermark, live_mark(live))
    if is_over:
        end_following(ends)


def catch_up(ends: Ends, new: str) -> Failed | None:
    """Replay into the copy `new` what `ends.copy` has, and all that is newer.

    Nothing where there is no current copy, or where it is one of another life of the catalog.
    Returns why it cannot be done, where that takes nothing back: the current copy has no more.

    Raises: as `Follower.round`, where it has.
    """
    if (gap := _gap(ends, new)) is None:
        return None
    follower = Follower(replace(ends, copy=new))
    try:
        follower.round()  # to where the live server is: no copy has come further
    except Failed as error:
        current = _mark(ends, ends.copy)  # it may have gone on meanwhile
        latest = current.watermark.version if current else None
        if gap.since < max(gap.to, latest or 0):
            raise
        return error
    finally:
        follower.close()
    return None


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

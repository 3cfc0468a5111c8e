"""A new copy is as old as its backup: it is brought to where the current one is, before the swap.

Else the swap would move a hot standby backwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ipfx_failover.errors import Failed
from ipfx_failover.events import one_line
from ipfx_failover.history.wording import some
from ipfx_failover.replication.rows.decisions import FullNeeded, Outstripped, has_gap
from ipfx_failover.replication.rows.follower import Follower, end_following
from ipfx_failover.replication.rows.marks import copy_mark, is_there, live_mark
from ipfx_failover.replication.sqlserver import record
from ipfx_failover.replication.sqlserver.watermark import Beginning
from ipfx_failover.replication.tsql.taking import FORGET_HOW_FAR

if TYPE_CHECKING:
    from ipfx_failover.replication.rows.follower import Ends
    from ipfx_failover.replication.rows.marks import CopyMark


Begun = Mapping[record.Place, Beginning]
"""Where the histories of a copy's tables began, by schema and name."""


def end_if_over(ends: Ends) -> Begun:
    """End the current copy's following where the live server keeps another history by now.

    Before a new copy is made: its versions begin anew, and the current one's say nothing of them.
    One whose following has ended so far has no more than what is backed up next.

    Returns what the current copy follows, for `catch_up`.

    Raises:
        SqlRefused, Unreachable: so says one of the servers.
    """
    found = _read(ends, ends.copy)
    if found is None:
        return {}
    current = found.mark
    with ends.live.open(ends.catalog) as live:
        is_over = has_gap(current.watermark, live_mark(live))
    if is_over:
        end_following(ends)
    if is_over or current.ended_at is not None:
        with ends.standby.open(ends.copy) as copy:
            copy.run(FORGET_HOW_FAR)
    return found.begun


def catch_up(ends: Ends, new: str, then: Begun) -> Failed | None:
    """Replay into the copy `new` what `ends.copy` has, and all that is newer.

    `then`: what `ends.copy` followed before the new one was backed up (`end_if_over`).

    Nothing where there is no current copy, or where it is one of another life of the catalog.
    Returns why it cannot be done, where that takes nothing back: the current copy has no more.

    Raises:
        Outstripped: it has, or may have, and no rows lead there.
        FailoverError: it has; as `Follower.round`.
    """
    before, gap = _read(ends, new), _gap(ends, new)
    if before is None or gap is None:
        return None
    follower = Follower(replace(ends, copy=new))
    try:
        follower.round()  # to where the live server is: no copy has come further
    except Failed as error:
        if not is_behind(ends, new):  # the current one may have gone on meanwhile
            return error
        if isinstance(error, FullNeeded):
            reason = error.message.removeprefix(f"{ends.server}: ")
            raise Outstripped(ends.server, reason) from error
        raise
    finally:
        follower.close()
    if lost := _lost(ends, new, before, then):
        names = some([one_line(".".join(place)) for place in lost])
        raise Outstripped(ends.server, f"not followed any more: {names}")
    return None


def _lost(ends: Ends, new: str, before: _Copy, then: Begun) -> list[record.Place]:
    """Tables that the new copy does not follow, of which the current one may have newer rows.

    It has followed them since the backup, or for a while: they were altered or dropped, or are
    not tracked any more. Those that it did not follow before either are older in both.
    """
    current, beside = _read(ends, ends.copy), _read(ends, new)
    if current is None or beside is None:
        return []
    since, to = before.mark.has_come_to, current.mark.has_come_to
    if to is None:
        return []
    changed = {at for at, begins in current.begun.items() if begins != then.get(at)}
    has_gone_on = since is None or since < to
    followed = then.keys() & before.begun.keys() if has_gone_on else set()
    return sorted((changed | followed) - beside.begun.keys())


def is_behind(ends: Ends, new: str) -> bool:
    """Whether `ends.copy` has what the copy `new` has not; the live server is not asked."""
    gap = _gap(ends, new)
    return gap is not None and (gap.since < gap.to or gap.is_of_another_history)


class _Gap(NamedTuple):
    """From where to where rows can lead.

    `is_of_another_history`: versions say nothing then. Tables of the current copy have been
    reloaded since; or the new one is of a catalog that was not tracked, and no rows lead on.
    """

    since: int
    to: int
    is_of_another_history: bool


def _gap(ends: Ends, new: str) -> _Gap | None:
    current, beside = _read(ends, ends.copy), _read(ends, new)
    if current is None or beside is None:
        return None
    since, to = beside.mark.has_come_to, current.mark.has_come_to
    if to is None or not current.mark.watermark.is_of_the_same_live_as(beside.mark.watermark):
        return None
    if since is None:
        return _Gap(to, to, is_of_another_history=True)
    is_another = any(
        # One that was not tracked when it was backed up: what has begun before says nothing.
        begins.version >= since if known is None else begins.is_another_than(known)
        for begins, known in (
            (begins, beside.begun.get(at)) for at, begins in current.begun.items()
        )
    )
    return _Gap(since, to, is_another)


class _Copy(NamedTuple):
    """`begun`: where the histories of its tables began, by schema and name."""

    mark: CopyMark
    begun: Begun


def _read(ends: Ends, catalog: str) -> _Copy | None:
    if not is_there(ends.standby, catalog):
        return None
    with ends.standby.open(catalog) as session:
        mark = copy_mark(session)
        return _Copy(mark, record.begun(session)) if mark else None

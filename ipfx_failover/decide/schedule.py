"""When the daily replication is due. Pure.

The state decides, not a timer: a missed night is caught up, and a clock that is put back cannot
double it. What claims to lie in a far future was written while the clock was wrong; it would keep
the replication from being done until then.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

RETRY_AFTER = timedelta(minutes=30)
_LARGEST_STEP_BACK = timedelta(days=1)

InstantOf = Callable[[date, time], datetime]
"""The instant (aware) of a local date and time of day on this machine."""


def last_planned(daily: time, today: date, now: datetime, instant_of: InstantOf) -> datetime:
    """The latest planned instant that is not in the future."""
    planned = instant_of(today, daily)
    return planned if planned <= now else instant_of(today - timedelta(days=1), daily)


def next_planned(daily: time, today: date, now: datetime, instant_of: InstantOf) -> datetime:
    """The first planned instant in the future."""
    planned = instant_of(today, daily)
    return planned if planned > now else instant_of(today + timedelta(days=1), daily)


def is_due(
    *, planned: datetime, copy_as_of: datetime | None, last_begun: datetime | None, now: datetime
) -> bool:
    """Whether the replication planned at `planned` is still to be done.

    Args:
        planned: the latest planned instant that has passed.
        copy_as_of: of when the standby copy is; None without one.
        last_begun: when the replication was last begun, however it ended.
        now: aware.
    """
    latest = now + _LARGEST_STEP_BACK
    if copy_as_of is not None and planned <= copy_as_of <= latest:
        return False
    if last_begun is None or not planned <= last_begun <= latest:
        return True
    return now - last_begun >= RETRY_AFTER

"""A calendar of a place without daylight saving."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipfx_failover.clock import Clock


class FakeLocalTime:
    """The `LocalTime` port, so many hours ahead of UTC."""

    def __init__(self, clock: Clock, *, ahead_h: int = 0) -> None:
        self._clock = clock
        self._zone = timezone(timedelta(hours=ahead_h)) if ahead_h else UTC

    def today(self) -> date:
        return self._clock.now().astimezone(self._zone).date()

    def instant(self, day: date, time_of_day: time) -> datetime:
        return datetime.combine(day, time_of_day, tzinfo=self._zone)

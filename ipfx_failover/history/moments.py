"""Points in time as people type them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from ipfx_failover.errors import UsageError

if TYPE_CHECKING:
    from ipfx_failover.clock import LocalTime

_AGO = re.compile(r"(\d+)\s*([smhdw])", re.IGNORECASE)
_CLOCK = re.compile(r"(\d{1,2})(:\d{2}(?::\d{2})?)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, now: datetime, local: LocalTime) -> datetime:
    """The instant, in UTC: `2d` ago, `03:00` today, `2026-11-20`, `2026-11-20 03:00` here.

    Raises:
        UsageError: it is none of these.
    """
    words = text.strip()
    try:
        if ago := _AGO.fullmatch(words):
            return now - timedelta(**{_UNITS[ago[2].lower()]: int(ago[1])})
        if clock := _CLOCK.fullmatch(words):
            of_day = time.fromisoformat(f"{int(clock[1]):02}{clock[2]}")
            return local.instant(local.today(), of_day).astimezone(UTC)
        found = datetime.fromisoformat(words)
        if found.tzinfo is None:
            found = local.instant(found.date(), found.time())
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is no point in time",
            "such as 1h, 2d, 03:00, 2026-11-20 or '2026-11-20 03:00'",
        ) from None

"""Points in time as people type them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from ipfx_failover.errors import UsageError

if TYPE_CHECKING:
    from ipfx_failover.clock import LocalTime

_AGO = re.compile(r"(?:\d+\s*[smhdw]\s*)+", re.IGNORECASE)
_PART = re.compile(r"(\d+)\s*([smhdw])", re.IGNORECASE)
_CLOCK = re.compile(r"(\d{1,2})(:\d{2}(?::\d{2})?)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, now: datetime, local: LocalTime, *, passed: bool = False) -> datetime:
    """The instant, in UTC: `1d12h` ago, `03:00` today, `2026-11-20`, `2026-11-20 03:00` here.

    `passed`: a time of day that has not come yet is yesterday's.

    Raises:
        UsageError: it is none of these.
    """
    words = text.strip()
    try:
        if _AGO.fullmatch(words):
            parts = ((_UNITS[unit.lower()], int(n)) for n, unit in _PART.findall(words))
            return now - sum((timedelta(**{unit: n}) for unit, n in parts), timedelta())
        if clock := _CLOCK.fullmatch(words):
            of_day = time.fromisoformat(f"{int(clock[1]):02}{clock[2]}")
            found = local.instant(local.today(), of_day)
            if passed and found > now:
                found = local.instant(local.today() - timedelta(days=1), of_day)
            return found.astimezone(UTC)
        found = datetime.fromisoformat(words)
        if found.tzinfo is None:
            found = local.instant(found.date(), found.time())
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is no point in time",
            "such as 1h, 1d12h, 03:00, 2026-11-20 or '2026-11-20 03:00'",
        ) from None

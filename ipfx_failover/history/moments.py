"""Points in time as people type them."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from ipfx_failover.errors import UsageError

if TYPE_CHECKING:
    from ipfx_failover.clock import LocalTime

_AGO = re.compile(r"(\d+)\s*([smhdw])", re.IGNORECASE)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, now: datetime, local: LocalTime) -> datetime:
    """The instant (aware): `2d` ago, `03:00` today, `2026-11-20`, `2026-11-20 03:00` here.

    Raises:
        UsageError: it is none of these.
    """
    words = text.strip()
    try:
        if ago := _AGO.fullmatch(words):
            return now - timedelta(**{_UNITS[ago[2].lower()]: int(ago[1])})
        if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", words):
            return local.instant(local.today(), time.fromisoformat(words.zfill(5)))
        found = datetime.fromisoformat(words)
        return found if found.tzinfo else local.instant(found.date(), found.time())
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is no point in time",
            "such as 1h, 2d, 03:00, 2026-11-20 or '2026-11-20 03:00'",
        ) from None

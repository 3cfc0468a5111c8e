"""The server's clock."""

from __future__ import annotations

from datetime import UTC, datetime


def ticks_now() -> int:
    """UTC, in units of 100 ns since 0001-01-01."""
    now = datetime.now(UTC).replace(tzinfo=None)  # noqa: TID251 - the server's own clock
    since = now - datetime(1, 1, 1)  # noqa: DTZ001 - as above
    return (since.days * 86_400 + since.seconds) * 10_000_000 + since.microseconds * 10


_TICKS_TO_1900 = 693_595 * 864_000_000_000


def datetime_now() -> int:
    """UTC, as a datetime: units of 1/300 s since 1900-01-01."""
    return (ticks_now() - _TICKS_TO_1900) * 3 // 100_000

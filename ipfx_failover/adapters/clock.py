"""The one place that reads the system's clocks."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from datetime import time as time_of_day

from ipfx_failover.adapters.paths import WINDOWS

# Windows' own monotonic clock goes in steps of 16 ms.
monotonic_ns = time.perf_counter_ns if WINDOWS else time.monotonic_ns


class SystemClock:
    """The real clock behind the `Clock` port (ipfx_failover.clock)."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - this is the adapter that the rule points to

    def monotonic_ns(self) -> int:
        return monotonic_ns()

    def sleep(self, duration_s: float) -> None:
        time.sleep(duration_s)  # noqa: TID251 - this is the adapter that the rule points to


class SystemLocalTime:
    """The system's time zone behind the `LocalTime` port."""

    def today(self) -> date:
        return datetime.now().astimezone().date()  # noqa: TID251 - see above

    def instant(self, day: date, time_of_day: time_of_day) -> datetime:
        return datetime.combine(day, time_of_day).astimezone()

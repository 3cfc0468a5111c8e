"""The clock as a port: pure code gets its values, tests bring their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import date, datetime, time


class Clock(Protocol):
    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""
        ...

    def monotonic_ns(self) -> int:
        """Nanoseconds that never jump; only differences mean anything."""
        ...

    def sleep(self, duration_s: float) -> None: ...


class LocalTime(Protocol):
    """The machine's own calendar."""

    def today(self) -> date: ...

    def instant(self, day: date, time_of_day: time) -> datetime:
        """The instant (aware) of a local date and time; the first of two when clocks go back."""
        ...

"""How much of each month a server was there, out of the sums of its pings.

Only what was watched is judged. The rest is not known: no monitor ran, the server was suspended or
stopped, or our own network was down.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ipfx_failover.clock import LocalTime
    from ipfx_failover.records import PingTotals


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the machine's calendar, or what of it lies in the span that is asked for."""

    name: str
    begins_at: datetime
    ends_at: datetime

    @property
    def length_ms(self) -> int:
        return round((self.ends_at - self.begins_at).total_seconds() * 1000)


@dataclass(frozen=True, slots=True)
class Availability:
    """One server's month. `length_ms` is the month's, so far.

    `down_ms`: of `watched_ms`, from the first unanswered ping of a failure to the next answer.
    `served_ms`: of `down_ms`, while the Failover Server stood in.
    """

    server: str
    month: str
    length_ms: int
    watched_ms: int = 0
    down_ms: int = 0
    served_ms: int = 0
    sent: int = 0
    lost: int = 0

    @property
    def watched_percent(self) -> float:
        return percent(min(self.watched_ms, self.length_ms), self.length_ms) or 0.0

    @property
    def available_percent(self) -> float | None:
        """Of what was watched; None: nothing was."""
        return percent(self.watched_ms - self.down_ms, self.watched_ms)

    @property
    def served_percent(self) -> float | None:
        """The same, with the time in which the Failover Server stood in."""
        return percent(self.watched_ms - self.down_ms + self.served_ms, self.watched_ms)

    @property
    def lost_percent(self) -> float | None:
        """Rounded up: 0 is only what lost nothing."""
        kept = percent(self.sent - self.lost, self.sent)
        return None if kept is None else round(100 - kept, 2)


def percent(part: int, whole: int) -> float | None:
    """In hundredths, rounded down: 100 is only what is whole. None of nothing."""
    return part * 10_000 // whole / 100 if whole else None


def months(since: datetime, now: datetime, local: LocalTime, *, cut: bool) -> list[Month]:
    """The local months from that of `since` until now, oldest first.

    The last ends now; with `cut` the first begins at `since`.
    """
    first = local.today().replace(day=1)
    found: list[Month] = []
    end = now
    while end > since:
        begin = local.instant(first, time())
        if begin < end:
            found.append(Month(f"{first:%Y-%m}", max(begin, since) if cut else begin, end))
            end = begin
        first = (first - timedelta(days=1)).replace(day=1)
    return found[::-1]


def availability(
    calendar: Iterable[tuple[Month, Iterable[PingTotals]]], servers: Iterable[str]
) -> list[Availability]:
    """Each server's months, oldest first, from the first in which it was watched.

    `calendar`: the months with their sums. Who is not in `servers` any more comes last.
    """
    found: dict[str, list[Availability]] = {server.casefold(): [] for server in servers}
    for month, totals in calendar:
        sums = {each.server.casefold(): each for each in totals}
        for server in sums:
            found.setdefault(server, [])
        for server, known in found.items():
            if server in sums:
                known.append(_month(month, sums[server]))
            elif known:
                known.append(Availability(known[0].server, month.name, month.length_ms))
    return [each for known in found.values() for each in known]


def _month(month: Month, totals: PingTotals) -> Availability:
    return Availability(
        server=totals.server,
        month=month.name,
        length_ms=month.length_ms,
        watched_ms=totals.watched_ms,
        down_ms=totals.down_ms,
        served_ms=totals.served_ms,
        sent=totals.sent,
        lost=totals.lost,
    )

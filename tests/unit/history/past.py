"""A past to draw: a server that failed and was stood in for, and one that nobody watched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ipfx_failover.history.availability import Availability
from ipfx_failover.history.copies import FileSyncs, Replication
from ipfx_failover.history.failovers import Ending, Failover
from ipfx_failover.history.record import History
from ipfx_failover.records import PingTotals

BEGIN = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def pings(hour: int, *, server: str = "DEMO", lost: int = 0, down: bool = False) -> PingTotals:
    answered = 1800 - lost
    return PingTotals(
        server=server,
        begins_at=BEGIN + hour * HOUR,
        period_s=3600,
        sent=1800,
        lost=lost,
        rtt_min_us=400 if answered else None,
        rtt_sum_us=500 * (hour + 1) * answered,
        rtt_max_us=9000 if answered else None,
        watched_ms=3_600_000,
        down_ms=3_600_000 * down,
        served_ms=0,
    )


def history(server: str = "DEMO") -> History:
    """Ten hours: watched for six, of which one down and one stood in for; then nobody watched."""
    failover = Failover(
        server=server,
        began_at=BEGIN + 4 * HOUR,
        by="monitor",
        why="15 pings in a row failed",
        ending=Ending.GIVEN_BACK,
        stood_in_at=BEGIN + 4.1 * HOUR,
        stopped_at=BEGIN + 4.9 * HOUR,
        ended_at=BEGIN + 5.5 * HOUR,
        outage_s=31.4,
    )
    return History(
        as_of=BEGIN + 10 * HOUR,
        since=BEGIN,
        servers=(server, "QUIET"),
        availability=(
            Availability(server, "2026-03", 36_000_000, 21_600_000, 3_600_000, 0, 10_800, 1810),
        ),
        failovers=(failover,),
        replications=(
            Replication(server, BEGIN, "from-live", "done", 61.0, 3 << 20, ""),
            Replication(server, BEGIN + HOUR, "from-live", "failed", 1.0, None, "no <route>"),
        ),
        file_syncs=(FileSyncs(server, "from-live", 3, 1, 12, 2, 5 << 10, 1.5),),
        pings=(
            pings(0, server=server),
            pings(1, server=server),
            pings(2, server=server, lost=10),
            pings(3, server=server, lost=1800, down=True),
            pings(4, server=server),
            pings(5, server=server),
        ),
        slot_s=3600,
    )

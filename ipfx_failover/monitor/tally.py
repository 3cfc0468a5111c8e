"""The pings of all servers added up, for the history: a batch a minute."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ipfx_failover.decide.liveness import Liveness, ServerLiveness
from ipfx_failover.records import Phase, PingTotals
from ipfx_failover.state.pings import MINUTE_S, add

if TYPE_CHECKING:
    from ipfx_failover.clock import Clock
    from ipfx_failover.decide.fleet import Fleet
    from ipfx_failover.monitor.prober import ProbeRound
    from ipfx_failover.monitor.scribe import Scribe
    from ipfx_failover.monitor.view import View


@dataclass(slots=True)
class _Sums:
    """What a server's pings of one minute come to; as `PingTotals`."""

    sent: int = 0
    lost: int = 0
    watched_ms: int = 0
    down_ms: int = 0
    served_ms: int = 0
    rtts_us: list[int] = field(default_factory=list)


class Tally:
    """Adds up judged rounds. A miss counts once it is known what it meant.

    Until then it may be ours (isolation), a lost packet, or the beginning of a failure.
    """

    def __init__(self, scribe: Scribe, clock: Clock) -> None:
        self._scribe = scribe
        self._clock = clock
        self._minute = 0
        self._sums: dict[tuple[int, str], _Sums] = {}
        self._open_misses: dict[str, list[int]] = {}

    def take(self, view: View, fleet: Fleet, seen: ProbeRound) -> None:
        """Add a judged round, which stands for one interval."""
        minute = int(self._clock.now().timestamp()) // MINUTE_S * MINUTE_S
        if minute != self._minute:
            self.flush()
            self._minute = minute
        stand_in = view.stand_in
        is_standing = stand_in is not None and stand_in.phase is Phase.STANDING_IN
        role = stand_in.server.casefold() if stand_in and is_standing else None
        interval_ms = view.config.network.ping_interval_ms
        for name in view.config.servers:
            is_ours = role is not None and name.casefold() == role
            if name in view.probed_at:
                state = fleet.servers.get(name, ServerLiveness())
                self._add(name, view, state, seen, is_ours=is_ours)
                continue
            self._open_misses.pop(name, None)
            if is_ours:
                # Its address is ours: it cannot be pinged, and the role is not its own.
                self._book(name, minute, interval_ms, is_down=True, is_served=True)

    def flush(self) -> None:
        """Hand over what was added up so far."""
        if self._sums:
            totals = [_totals(server, at, sums) for (at, server), sums in self._sums.items()]
            self._sums = {}
            self._scribe.write(lambda tx: add(tx, totals))

    def _add(
        self, name: str, view: View, state: ServerLiveness, seen: ProbeRound, *, is_ours: bool
    ) -> None:
        address, interval_ms = view.probed_at[name], view.config.network.ping_interval_ms
        if (answered_ns := seen.answered.get(address)) is not None:
            self._settle(name, interval_ms, is_down=False)
            sums = self._book(name, self._minute, interval_ms)
            sums.sent += 1
            if (sent_ns := seen.sent.get(address)) is not None:
                sums.rtts_us.append(max(0, answered_ns - sent_ns) // 1000)
        elif address in seen.missed and not seen.is_spoilt:
            self._missed(name, state, interval_ms, is_served=is_ours)

    def _missed(
        self, name: str, state: ServerLiveness, interval_ms: int, *, is_served: bool
    ) -> None:
        misses = self._open_misses.setdefault(name, [])
        if state.liveness is Liveness.UNKNOWN:
            misses.clear()
            return
        if state.liveness is Liveness.SUSPECT:
            misses.append(self._minute)
            # After a late answer fewer count: what was before it was no failure.
            self._settle(name, interval_ms, is_down=False, keep=state.misses)
            return
        is_down = state.liveness is Liveness.FAILED
        self._settle(name, interval_ms, is_down=is_down)
        self._lost(name, self._minute, interval_ms, is_down=is_down, is_served=is_served)

    def _settle(self, name: str, interval_ms: int, *, is_down: bool, keep: int = 0) -> None:
        """It is known now what the misses meant, but for the last `keep`."""
        misses = self._open_misses.get(name)
        while misses and len(misses) > keep:
            self._lost(name, misses.pop(0), interval_ms, is_down=is_down)

    def _lost(
        self, name: str, minute: int, interval_ms: int, *, is_down: bool, is_served: bool = False
    ) -> None:
        is_served = is_served and is_down
        sums = self._book(name, minute, interval_ms, is_down=is_down, is_served=is_served)
        sums.sent += 1
        sums.lost += 1

    def _book(
        self,
        name: str,
        minute: int,
        interval_ms: int,
        *,
        is_down: bool = False,
        is_served: bool = False,
    ) -> _Sums:
        sums = self._sums.get((minute, name))
        if sums is None:
            sums = self._sums[minute, name] = _Sums()
        sums.watched_ms += interval_ms
        sums.down_ms += interval_ms * is_down
        sums.served_ms += interval_ms * is_served
        return sums


def _totals(server: str, at: int, sums: _Sums) -> PingTotals:
    rtts_us = sums.rtts_us
    return PingTotals(
        server=server,
        begins_at=datetime.fromtimestamp(at, UTC),
        period_s=MINUTE_S,
        sent=sums.sent,
        lost=sums.lost,
        rtt_min_us=min(rtts_us, default=None),
        rtt_sum_us=sum(rtts_us),
        rtt_max_us=max(rtts_us, default=None),
        watched_ms=sums.watched_ms,
        down_ms=sums.down_ms,
        served_ms=sums.served_ms,
    )

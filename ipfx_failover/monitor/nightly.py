"""Starts the daily replication when the state says that it is due (manual, "Replicate daily")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.decide.schedule import is_due, last_planned
from ipfx_failover.records import Authority, Mode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ipfx_failover.clock import Clock, LocalTime
    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.monitor.workers import Worker
    from ipfx_failover.state.reading import Reading

WORK = "replicate-from-live"
"""The name of this work in the store's runs."""
_FAILBACK = "replicate-to-live"
_LOOK_EVERY_NS = 5_000_000_000


@dataclass(slots=True)
class Nightly:
    """Looks every few seconds; `worker` replicates every server that is due, and ends."""

    servers: Mapping[str, ServerSettings]
    worker: Worker
    clock: Clock
    local: LocalTime
    _look_ns: int = 0

    def look(self, store: Reading) -> None:
        now_ns = self.clock.monotonic_ns()
        if now_ns < self._look_ns:
            return
        self._look_ns = now_ns + _LOOK_EVERY_NS
        now = self.clock.now()
        if any(due(server, store, now, self.local) for server in self.servers.values()):
            self.worker.start()


def due(server: ServerSettings, store: Reading, now: datetime, local: LocalTime) -> bool:
    """Whether the server's daily replication is to be done now.

    Never while stopped, and never while the standby holds data that exist nowhere else.
    """
    if server.replicate_daily is None or server.database is None:
        return False
    state = store.server(server.name)
    if state.mode is Mode.STOPPED or state.authority is Authority.STANDBY:
        return False
    copy = store.copy(server.name, "database")
    planned = last_planned(server.replicate_daily, local.today(), now, local.instant)
    return is_due(
        planned=planned,
        copy_as_of=copy.as_of if copy and not state.stale else None,
        last_begun=_last_begun(server.name, store),
        now=now,
    )


def _last_begun(name: str, store: Reading) -> datetime | None:
    """Since the last failback, behind which a hot copy needs another one at once."""
    last, given_back = store.last_run(name, WORK), store.last_run(name, _FAILBACK)
    if last is None or (given_back is not None and last[0] < given_back[0]):
        return None
    return last[0]

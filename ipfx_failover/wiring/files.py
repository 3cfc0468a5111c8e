"""File sync: one pass by hand, or all the time for many servers in one process."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from ipfx_failover.errors import Busy, FailoverError, Interrupted, Refused
from ipfx_failover.files.passes import Passes
from ipfx_failover.files.values import Direction
from ipfx_failover.progress import unreported
from ipfx_failover.wiring.replication import file_sync
from ipfx_failover.wiring.side_by_side import Strand, go_on

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.files.sync import FileSync
    from ipfx_failover.files.values import Plan, SyncResult
    from ipfx_failover.progress import Report
    from ipfx_failover.state.store import Store
    from ipfx_failover.wiring.site import Site

_LONGEST_DELAY_S = 60.0


def planned(site: Site, server: ServerSettings, *, to_live: bool, allow_deletions: bool) -> Plan:
    """What a pass would do now."""
    sync = file_sync(site, server)
    try:
        return sync.plan(_direction(to_live=to_live), allow_deletions=allow_deletions)
    finally:
        sync.close()


def synced_once(
    site: Site,
    store: Store,
    server: ServerSettings,
    *,
    to_live: bool,
    allow_deletions: bool,
    report: Report = unreported,
) -> SyncResult:
    """One pass, by hand; its `problem` is the error to end with, if any."""
    direction = _direction(to_live=to_live)
    passes = Passes(server.name, store, site.locks, site.clock)
    sync = file_sync(site, server, report=report)
    try:
        result = passes.carry_out(
            direction,
            lambda: sync.run(direction, allow_deletions=allow_deletions),
            by_hand=True,
        )
    finally:
        sync.close()
    assert result is not None  # noqa: S101 - only run_if_changed answers None
    return result


def watch_all(
    site: Site,
    servers: list[ServerSettings],
    show: Callable[[ServerSettings, SyncResult], object],
) -> None:
    """Sync from live as changes appear, until interrupted; a thread a server."""
    watches = [_Watch(site, server, show) for server in servers]
    go_on(site.clock, [Strand(f"files of {each.server.name}", each.run) for each in watches])


class _Watch:
    """The passes of one server; what fails is tried again with back-off."""

    def __init__(
        self,
        site: Site,
        server: ServerSettings,
        show: Callable[[ServerSettings, SyncResult], object],
    ) -> None:
        self.server = server
        self._site = site
        self._show = show
        settings = server.files
        self._interval_s = settings.poll_interval_ms / 1000 if settings else _LONGEST_DELAY_S
        self._delay_s = self._interval_s

    def run(self, stop: threading.Event) -> None:
        """Watch until stopped."""
        with ExitStack() as closing, self._site.store() as store:
            passes = Passes(self.server.name, store, self._site.locks, self._site.clock)
            sync: FileSync | None = None
            while not stop.is_set():
                try:
                    if sync is None and passes.refusal(Direction.FROM_LIVE, by_hand=False) is None:
                        sync = file_sync(self._site, self.server, should_stop=stop.is_set)
                        closing.callback(sync.close)
                    if sync is not None:
                        self._pass(passes, sync)
                except (Refused, Busy):
                    self._delay_s = self._interval_s
                stop.wait(self._delay_s)

    def _pass(self, passes: Passes, sync: FileSync) -> None:
        try:
            result = passes.follow(sync.has_changed, sync.run_if_changed)
        except (Refused, Busy, Interrupted):
            raise
        except FailoverError:
            self._delay_s = min(max(self._delay_s, 0.5) * 2, _LONGEST_DELAY_S)
            return
        self._delay_s = self._interval_s
        if result is not None and (result.copied or result.deleted):
            self._show(self.server, result)


def _direction(*, to_live: bool) -> Direction:
    return Direction.TO_LIVE if to_live else Direction.FROM_LIVE

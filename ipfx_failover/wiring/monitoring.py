"""Puts the monitor together, and runs it."""

from __future__ import annotations

import gc
import os
import sys
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

from ipfx_failover.adapters.signals import on_end
from ipfx_failover.monitor.config_watch import ConfigWatch
from ipfx_failover.monitor.hurry import Hurry
from ipfx_failover.monitor.loop import Monitor
from ipfx_failover.monitor.messages import Stop
from ipfx_failover.monitor.threads import Generation
from ipfx_failover.state import locks
from ipfx_failover.wiring import network
from ipfx_failover.wiring.following import Follower
from ipfx_failover.wiring.hooks import hooks_told
from ipfx_failover.wiring.monitor_threads import Workshop
from ipfx_failover.wiring.service import supervisor
from ipfx_failover.wiring.telling import refresh_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfx_failover.monitor.messages import Message
    from ipfx_failover.monitor.supervision import Host, Supervisor
    from ipfx_failover.state.log import Logged
    from ipfx_failover.wiring.site import Site

_SWITCH_INTERVAL_S = 0.0002
_FOLLOW_EVERY_S = 2.0
"""It is told of each commit; only another store in place of this one, or none, is nobody's."""


def run_monitor(
    site: Site,
    show: Callable[[Logged], object],
    say: Callable[[str], None],
    *,
    metrics_at: str | None = None,
    host: Host | None = None,
) -> None:
    """Monitor until SIGTERM or Ctrl-C; `show` is told of every event, `say` of what is no event.

    `metrics_at`: ADDRESS:PORT to serve metrics at. `host`: the Windows service that this is.

    Raises:
        Busy: another monitor of this state directory runs; it is named.
        Refused: a right is missing.
    """
    with site.locks.hold(locks.MONITOR, locks.this_command()), site.store() as store:
        store.renew_ballast()
        messages: SimpleQueue[Message] = SimpleQueue()
        hurry = Hurry(site.clock)
        follower = Follower(site.state_dir, store.last_cursor(), show, say, every_s=_FOLLOW_EVERY_S)
        workshop = Workshop(
            site, network.addresses(), messages, hurry, say, follower.soon, metrics_at
        )
        thread = threading.Thread(target=follower.run, name="follower", daemon=True)
        thread.start()

        def stop(reason: str) -> None:
            messages.put(Stop(reason))

        on_end(stop)
        try:
            with (
                hooks_told(lambda: workshop.site, say),
                supervisor(host, stop) as supervised,
            ):
                monitor, config_watch = _assembled(workshop, supervised)
                monitor.run(config_watch)
        finally:
            follower.stop()
            thread.join(timeout=5)
    # Who may not open the store is to see, too, that nobody watches any more.
    refresh_snapshot(workshop.site)


def _assembled(workshop: Workshop, supervised: Supervisor) -> tuple[Monitor, ConfigWatch]:
    site, adapters, hurry = workshop.site, workshop.adapters, workshop.hurry
    threads = workshop.first()
    monitor = Monitor(
        config=site.config,
        clock=site.clock,
        boot_id=site.boot_id,
        is_ours=lambda address, at_ns: (
            adapters.holder(address) is not None or hurry.was_ours(address, at_ns)
        ),
        messages=workshop.messages,
        threads=threads,
        supervisor=supervised,
    )
    config_watch = ConfigWatch(
        path=site.config_path,
        environ=os.environ,
        in_use=Generation(site.config, threads, monitor.view, lambda: None),
        build=workshop.next,
        standing_in=lambda: monitor.view.stand_in.server if monitor.view.stand_in else None,
        tell=workshop.messages.put,
        hurry=hurry,
    )
    # What is loaded now stays; the collector need not look at it while milliseconds count.
    gc.freeze()
    # By default a thread that is about to take over waits up to 5 ms for one that computes.
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    return monitor, config_watch

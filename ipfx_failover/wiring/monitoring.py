"""Puts the monitor together, and runs it."""

from __future__ import annotations

import gc
import sys
import threading
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING

from ipfx_failover.adapters.signals import on_end
from ipfx_failover.monitor.chores import Chores
from ipfx_failover.monitor.executor import Executor
from ipfx_failover.monitor.hurry import Hurry
from ipfx_failover.monitor.lookout import Lookout
from ipfx_failover.monitor.loop import Monitor, Threads
from ipfx_failover.monitor.mailer import Mailer
from ipfx_failover.monitor.messages import Stop
from ipfx_failover.monitor.nightly import Nightly
from ipfx_failover.monitor.prober import Prober
from ipfx_failover.monitor.scribe import Scribe
from ipfx_failover.monitor.workers import Worker
from ipfx_failover.standin.takeover import Takeover
from ipfx_failover.standin.upkeep import Upkeep
from ipfx_failover.state import locks
from ipfx_failover.wiring import network
from ipfx_failover.wiring.following import Follower
from ipfx_failover.wiring.hooks import hooks_told
from ipfx_failover.wiring.service import supervisor
from ipfx_failover.wiring.standin import desk
from ipfx_failover.wiring.telling import (
    cry,
    deliver_from,
    refresh_snapshot,
    refresh_snapshot_from,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfx_failover.monitor.messages import Message
    from ipfx_failover.monitor.supervision import Supervisor
    from ipfx_failover.net import Address, Addresses
    from ipfx_failover.standin.desk import StandInDesk
    from ipfx_failover.state.reading import Logged
    from ipfx_failover.wiring.site import Site

_SCRIBE_BUSY_S = 5.0
_MAIL_BOUND_S = 30.0
_SWITCH_INTERVAL_S = 0.0002


def run_monitor(
    site: Site,
    show: Callable[[Logged], object],
    say: Callable[[str], None],
    *,
    metrics_at: str | None = None,
) -> None:
    """Monitor until SIGTERM or Ctrl-C; `show` is told of every event, `say` of what is no event.

    `metrics_at`: ADDRESS:PORT to serve metrics at.

    Raises:
        Busy: another monitor of this state directory runs; it is named.
        Refused: a right is missing.
    """
    with site.locks.hold(locks.MONITOR, locks.this_command()), site.store() as store:
        store.renew_ballast()
        follower = Follower(site.state_dir, store.last_cursor(), show, say)
        thread = threading.Thread(target=follower.run, name="follower", daemon=True)
        thread.start()
        messages: SimpleQueue[Message] = SimpleQueue()
        on_end(lambda signal_name: messages.put(Stop(signal_name)))
        try:
            with hooks_told(lambda: site, say), supervisor(site.config.network) as supervised:
                _assemble(site, messages, say, supervised, metrics_at).run()
        finally:
            follower.stop()
            thread.join(timeout=5)
    # Who may not open the store is to see, too, that nobody watches any more.
    refresh_snapshot(site)


def _assemble(
    site: Site,
    messages: SimpleQueue[Message],
    say: Callable[[str], None],
    supervised: Supervisor,
    metrics_at: str | None,
) -> Monitor:
    config = site.config
    adapters = network.addresses()
    hurry = Hurry(site.clock)
    scribe = _scribe(site, hurry, say)
    threads = Threads(
        prober=_prober(site, adapters, messages),
        upkeep=Upkeep(
            addresses=adapters,
            open_arp=network.arp,
            clock=site.clock,
            interval_ms=config.network.management_interval_ms,
            tell=messages.put,
        ),
        executor=Executor(
            config=config,
            open_desk=partial(_warm_desk, site, hurry),
            answers=network.application_answers,
            messages=messages,
            hurry=hurry,
        ),
        scribe=scribe,
        mailer=Mailer(
            open_store=site.store,
            deliver=lambda opened: deliver_from(site, opened, bound_s=_MAIL_BOUND_S),
            say=say,
        ),
        lookout=_lookout(site, adapters, messages, hurry),
        chores=_chores(site, scribe, metrics_at),
    )
    monitor = Monitor(
        config=config,
        clock=site.clock,
        boot_id=site.boot_id,
        is_ours=lambda address, at_ns: (
            adapters.holder(address) is not None or hurry.was_ours(address, at_ns)
        ),
        messages=messages,
        threads=threads,
        supervisor=supervised,
    )
    # What is loaded now stays; the collector need not look at it while milliseconds count.
    gc.freeze()
    # By default a thread that is about to take over waits up to 5 ms for one that computes.
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    return monitor


def _warm_desk(site: Site, hurry: Hurry) -> StandInDesk:
    """A desk that has gone the way of a takeover once: the first time costs 8 ms more."""
    at = desk(site, must_go_on=True, observer=hurry.observe)
    import ipfx_failover.adapters.db.sqlite  # noqa: F401 - what the copy's fingerprint is taken with

    adapter = at.config.network.adapter
    for server in at.config.servers.values():
        at.describe(at.plan_takeover(server, by="monitor"), Takeover(at.ports))
        if server.assume_ip and adapter and at.ports.addresses.holder(server.address) is None:
            # Giving up what is not ours changes nothing, and is how an address is added, too.
            at.ports.addresses.remove(server.address, adapter)
            break
    return at


def _prober(site: Site, adapters: Addresses, messages: SimpleQueue[Message]) -> Prober:
    settings = site.config.network
    takes_addresses = any(server.assume_ip for server in site.config.servers.values())
    return Prober(
        echo=network.echo(),
        arp=network.arp(settings.adapter) if settings.adapter and takes_addresses else None,
        carrier=_carrier(adapters, settings.adapter),
        clock=site.clock,
        interval_ms=settings.ping_interval_ms,
        timeout_ms=settings.ping_timeout_ms,
        tell=messages.put,
    )


def _carrier(adapters: Addresses, adapter: str | None) -> Callable[[], bool]:
    """Reads the cable of our adapter; where none is named, of any."""
    names = [adapter] if adapter else [a.name for a in adapters.adapters() if a.name != "lo"]
    return lambda: any(adapters.carrier(name) for name in names)


def _gateway(adapters: Addresses, adapter: str | None) -> Address | None:
    return adapters.gateway(adapter) if adapter else None


def _scribe(site: Site, hurry: Hurry, say: Callable[[str], None]) -> Scribe:
    return Scribe(
        open_store=partial(site.store, busy_timeout_s=_SCRIBE_BUSY_S),
        clock=site.clock,
        after_commit=partial(refresh_snapshot_from, site),
        say=say,
        cry=partial(cry, site),
        hurry=hurry,
    )


def _lookout(
    site: Site, adapters: Addresses, messages: SimpleQueue[Message], hurry: Hurry
) -> Lookout:
    from ipfx_failover.standin.record import MachineRecord

    return Lookout(
        config=site.config,
        clock=site.clock,
        boot_id=site.boot_id,
        open_store=site.store,
        gateway=partial(_gateway, adapters, site.config.network.adapter),
        note=MachineRecord(site.machine_dir, site.boot_id).read,
        tell=messages.put,
        hurry=hurry,
    )


def _chores(site: Site, scribe: Scribe, metrics_at: str | None) -> Chores:
    workers = []
    if any(server.files and server.files.real_time for server in site.config.servers.values()):
        workers.append(_worker(site, scribe, "sync-files", "--all", "--watch"))
    if metrics_at is not None:
        workers.append(_worker(site, scribe, "metrics", "--listen", metrics_at))
    return Chores(
        open_store=site.store,
        workers=workers,
        nightly=Nightly(
            servers=site.config.servers,
            worker=_worker(site, scribe, "replicate-from-live", "--all", "--if-due"),
            clock=site.clock,
            local=site.local,
        ),
    )


def _worker(site: Site, scribe: Scribe, command: str, *options: str) -> Worker:
    from ipfx_failover.events import EventKind

    def failed(worker: str, reason: str, delay_s: float) -> None:
        scribe.emit(EventKind.WORKER_FAILED, None, worker=worker, reason=reason, delay_s=delay_s)

    def recovered(worker: str) -> None:
        scribe.emit(EventKind.WORKER_RECOVERED, None, worker=worker)

    return Worker(
        [command, *options, "--config", str(site.config_path)],
        keeps_running=not {"--watch", "--listen"}.isdisjoint(options),
        clock=site.clock,
        failed=failed,
        recovered=recovered,
    )

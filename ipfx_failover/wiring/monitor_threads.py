"""The monitor's threads for a config, and for the one that follows it while it runs."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from ipfx_failover.config.secrets_in import without_secrets
from ipfx_failover.events import EventKind
from ipfx_failover.monitor.chores import Chores
from ipfx_failover.monitor.copy_watch import CopyWatch
from ipfx_failover.monitor.executor import Executor
from ipfx_failover.monitor.lookout import Lookout
from ipfx_failover.monitor.mailer import Mailer
from ipfx_failover.monitor.nightly import Nightly
from ipfx_failover.monitor.prober import Prober
from ipfx_failover.monitor.scribe import Scribe
from ipfx_failover.monitor.threads import Generation, Threads
from ipfx_failover.monitor.watched import watched
from ipfx_failover.monitor.workers import Worker
from ipfx_failover.standin.takeover import Takeover
from ipfx_failover.standin.upkeep import Upkeep
from ipfx_failover.wiring import network
from ipfx_failover.wiring.config_in_use import kept
from ipfx_failover.wiring.copy_in_use import copy_obstacles
from ipfx_failover.wiring.rows import sign_of_life
from ipfx_failover.wiring.standin import desk
from ipfx_failover.wiring.telling import cry, deliver_from, refresh_snapshot_from

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from queue import SimpleQueue

    from ipfx_failover.config.models import Config
    from ipfx_failover.monitor.hurry import Hurry
    from ipfx_failover.monitor.messages import Message
    from ipfx_failover.net import Address, Addresses
    from ipfx_failover.standin.desk import StandInDesk
    from ipfx_failover.state.store import Store
    from ipfx_failover.wiring.site import Site

_SCRIBE_BUSY_S = 5.0
_MAIL_BOUND_S = 30.0


@dataclass(slots=True)
class Workshop:
    """Builds the threads. `site`: as it is now; its config may change while the monitor runs.

    `noticed` is called when somebody has committed. `metrics_at`: ADDRESS:PORT to serve metrics at.
    """

    site: Site
    adapters: Addresses
    messages: SimpleQueue[Message]
    hurry: Hurry
    say: Callable[[str], None]
    noticed: Callable[[], None]
    metrics_at: str | None

    def first(self) -> Threads:
        """All threads, for the config that the monitor starts with."""
        site, scribe = self.site, self._scribe()
        return Threads(
            prober=self._prober(site),
            upkeep=self._upkeep(site),
            executor=self._executor(site),
            scribe=scribe,
            mailer=Mailer(
                open_store=site.store,
                deliver=lambda store: deliver_from(self.site, store, bound_s=_MAIL_BOUND_S),
                say=self.say,
            ),
            lookout=self._lookout(site),
            chores=self._chores(site, scribe, None),
            copies=self._copies(site),
        )

    def next(self, config: Config, data: bytes, in_use: Generation) -> Generation:
        """The threads for another config, with its file's content; what serves for it is kept.

        Raises:
            FailoverError: this machine cannot do what it asks for.
        """
        site = replace(self.site, config=config, config_data=data)
        old = in_use.threads
        lookout = self._lookout(site)
        view = lookout.first()
        before = in_use.config
        threads = replace(
            old,
            lookout=lookout,
            chores=self._chores(site, old.scribe, old.chores),
            copies=self._copies(site),
            prober=old.prober if _probes_alike(config, before) else self._prober(site),
            upkeep=old.upkeep if _keeps_alike(config, before) else self._upkeep(site),
        )
        made = Generation(config, threads, view, partial(self._use, site))
        desk_for = in_use.desk_for or before
        if _stands_in_alike(config, desk_for):
            return made
        # While a role is performed, its desk goes on; what it works with was kept from changing.
        if view.stand_in is not None:
            return replace(made, desk_for=desk_for)
        return self._with_new_desk(site, made, in_use)

    def _with_new_desk(self, site: Site, made: Generation, in_use: Generation) -> Generation:
        """It is open before it is needed; when it cannot be opened nothing has happened."""
        executor = self._executor(site)
        thread = watched("stand-in", executor.run, self.messages)
        thread.start()
        try:
            executor.opened.result()
        except BaseException:
            made.discard(in_use)
            raise
        return replace(made, threads=replace(made.threads, executor=executor), started=(thread,))

    def _use(self, site: Site) -> None:
        self.site = site

    def _prober(self, site: Site) -> Prober:
        settings = site.config.network
        takes = _takes_addresses(site.config)
        return Prober(
            carrier=_carrier(self.adapters, settings.adapter),
            arp=network.arp(settings.adapter) if settings.adapter and takes else None,
            echo=network.echo(),
            clock=site.clock,
            interval_ms=settings.ping_interval_ms,
            timeout_ms=settings.ping_timeout_ms,
            tell=self.messages.put,
        )

    def _upkeep(self, site: Site) -> Upkeep:
        return Upkeep(
            addresses=self.adapters,
            open_arp=network.arp,
            clock=site.clock,
            interval_ms=site.config.network.management_interval_ms,
            tell=self.messages.put,
        )

    def _executor(self, site: Site) -> Executor:
        return Executor(
            config=site.config,
            open_desk=partial(_warm_desk, site, self.hurry),
            answers=network.application_answers,
            messages=self.messages,
            hurry=self.hurry,
        )

    def _scribe(self) -> Scribe:
        site = self.site
        return Scribe(
            open_store=partial(site.store, busy_timeout_s=_SCRIBE_BUSY_S),
            clock=site.clock,
            after_commit=self._after_commit,
            say=self.say,
            cry=lambda event: cry(self.site, event),
            hurry=self.hurry,
        )

    def _after_commit(self, store: Store) -> None:
        """What others find of us, who may not read the store, or not the config."""
        refresh_snapshot_from(self.site, store)
        kept(self.site)

    def _lookout(self, site: Site) -> Lookout:
        from ipfx_failover.standin.record import MachineRecord

        return Lookout(
            config=site.config,
            clock=site.clock,
            boot_id=site.boot_id,
            open_store=site.store,
            gateway=partial(_gateway, self.adapters, site.config.network.adapter),
            note=MachineRecord(site.machine_dir, site.boot_id).read,
            tell=self.messages.put,
            noticed=self.noticed,
            hurry=self.hurry,
        )

    def _chores(self, site: Site, scribe: Scribe, before: Chores | None) -> Chores:
        """The children that run all the time are started again: they read the config at start."""
        workers = []
        servers = site.config.servers
        if any(server.files and server.files.real_time for server in servers.values()):
            workers.append(self._worker(scribe, "sync-files", "--all", "--watch"))
        if any(server.real_time != "off" for server in servers.values()):
            sign = sign_of_life(site).seen
            workers.append(self._worker(scribe, "sync-rows", "--all", "--watch", sign=sign))
        if self.metrics_at is not None:
            workers.append(self._worker(scribe, "metrics", "--listen", self.metrics_at))
        replicate = ("replicate-from-live", "--all", "--if-due")
        return Chores(
            open_store=site.store,
            workers=workers,
            nightly=Nightly(
                servers=servers,
                worker=before.nightly.worker if before else self._worker(scribe, *replicate),
                clock=site.clock,
                local=site.local,
            ),
            before=before,
        )

    def _copies(self, site: Site) -> CopyWatch:
        return CopyWatch(
            servers=site.config.servers,
            clock=site.clock,
            open_store=site.store,
            is_held=site.locks.is_held,
            obstacles=partial(copy_obstacles, site),
            hurry=self.hurry,
        )

    def _worker(
        self, scribe: Scribe, command: str, *options: str, sign: Callable[[], object] | None = None
    ) -> Worker:
        """By the config that is in use; `metrics` also tells how the one on disk is.

        Who asks for metrics talks to a process that has no secret.
        """

        def failed(worker: str, reason: str, delay_s: float) -> None:
            scribe.emit(
                EventKind.WORKER_FAILED, None, worker=worker, reason=reason, delay_s=delay_s
            )

        def recovered(worker: str) -> None:
            scribe.emit(EventKind.WORKER_RECOVERED, None, worker=worker)

        return Worker(
            [command, *options],
            config=lambda: self.site.config_path if command == "metrics" else kept(self.site),
            keeps_running=not {"--watch", "--listen"}.isdisjoint(options),
            clock=self.site.clock,
            failed=failed,
            recovered=recovered,
            sign=sign,
            environ=self._without_secrets if command == "metrics" else None,
        )

    def _without_secrets(self) -> Mapping[str, str]:
        return without_secrets(os.environ, self.site.config)


def _takes_addresses(config: Config) -> bool:
    return any(server.assume_ip for server in config.servers.values())


def _probes_alike(one: Config, other: Config) -> bool:
    a, b = one.network, other.network
    return _takes_addresses(one) == _takes_addresses(other) and (
        a.adapter,
        a.ping_interval_ms,
        a.ping_timeout_ms,
    ) == (b.adapter, b.ping_interval_ms, b.ping_timeout_ms)


def _keeps_alike(one: Config, other: Config) -> bool:
    return one.network.management_interval_ms == other.network.management_interval_ms


def _stands_in_alike(one: Config, other: Config) -> bool:
    return (one.failover_server, one.network, one.servers) == (
        other.failover_server,
        other.network,
        other.servers,
    )


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


def _carrier(adapters: Addresses, adapter: str | None) -> Callable[[], bool]:
    """Reads the cable of our adapter; where none is named, of any."""
    names = [adapter] if adapter else [a.name for a in adapters.adapters() if a.name != "lo"]
    return lambda: any(adapters.carrier(name) for name in names)


def _gateway(adapters: Addresses, adapter: str | None) -> Address | None:
    return adapters.gateway(adapter) if adapter else None

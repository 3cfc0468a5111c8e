"""What taking over and giving back work with."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from ipfx_failover.adapters.paths import WINDOWS
from ipfx_failover.config.secrets_in import without_secrets
from ipfx_failover.wiring import network
from ipfx_failover.wiring.copy_in_use import warm_up

if TYPE_CHECKING:
    import psutil

    from ipfx_failover.adapters.application_commands import Enclosure
    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.net import Address, Addresses
    from ipfx_failover.standin.application import Application, Role
    from ipfx_failover.standin.desk import StandInDesk
    from ipfx_failover.standin.standby import Standby
    from ipfx_failover.state.store import Store
    from ipfx_failover.wiring.site import Site
    from ipfx_failover.workflow.ports import Observer

_TAKEOVER_BUSY_S = 1.0
"""How long a stuck writer may hold a takeover up, before it goes on without the store."""
_COMMAND_BUSY_S = 5.0
_EVICTION_GRACE_S = 0.0
"""What copies from live may be killed at any time; a takeover does not wait for its manners."""


def desk(site: Site, *, must_go_on: bool = False, observer: Observer | None = None) -> StandInDesk:
    """Everything that taking over and giving back needs, built and warm; it holds its own store.

    `must_go_on`: a takeover goes on when the store cannot be written (the monitor's).
    """
    from ipfx_failover.standin.desk import StandInDesk
    from ipfx_failover.standin.ports import StandInPorts
    from ipfx_failover.standin.record import MachineRecord
    from ipfx_failover.workflow.committer import Committer
    from ipfx_failover.workflow.ports import silent

    store = site.store(busy_timeout_s=_TAKEOVER_BUSY_S if must_go_on else _COMMAND_BUSY_S)
    config = site.config
    prepared = tuple(server.address for server in config.servers.values() if server.assume_ip)
    sockets = network.ArpSockets(prepared)
    if config.network.adapter and must_go_on and prepared:
        sockets(config.network.adapter)
    if must_go_on:
        warm_up(config.servers.values())
    adapters = network.addresses()
    ports = StandInPorts(
        clock=site.clock,
        boot_id=site.boot_id,
        store=store,
        record=MachineRecord(site.machine_dir, site.boot_id),
        addresses=adapters,
        arp=sockets,
        echo=network.echo,
        application=application(site),
        references=partial(_references, site, store, adapters),
        fence=partial(_fence, site),
        copy=standby(site, store),
    )
    return StandInDesk(
        config=config,
        ports=ports,
        machine_locks=site.machine_locks,
        role_of=partial(_role, site),
        committer=Committer(store, must_go_on=must_go_on),
        observer=observer or silent,
        close_sockets=sockets.close,
    )


def _references(
    site: Site, store: Store, adapters: Addresses, suspect: Address
) -> tuple[Address, ...]:
    from ipaddress import IPv4Address

    from ipfx_failover.decide.references import references

    settings = site.config.network
    return references(
        configured=settings.reference_targets,
        gateway=adapters.gateway(settings.adapter) if settings.adapter else None,
        primaries=(server.address for server in site.config.servers.values()),
        suspect=suspect,
        ours={IPv4Address(held.address) for held in store.held_addresses()},
    )


def application(site: Site) -> Application | None:
    """The Failover Server's own application, as the config has it."""
    settings = site.config.failover_server.application
    if settings.start:
        from ipfx_failover.adapters.application_commands import CommandApplication

        return CommandApplication(
            settings,
            state_dir=site.state_dir,
            run_dir=site.machine_dir,
            boot_id=site.boot_id,
            environ=without_secrets(os.environ, site.config),
            enclosure=_enclosure(),
            clock=site.clock,
        )
    if settings.services and WINDOWS:
        from ipfx_failover.adapters.windows.services import WindowsServices

        return WindowsServices(settings, clock=site.clock)
    if settings.services:
        from ipfx_failover.adapters.linux.systemd import SystemdApplication

        return SystemdApplication(settings, clock=site.clock)
    return None


def _enclosure() -> Enclosure:
    if WINDOWS:
        from ipfx_failover.adapters.windows.enclosure import WindowsEnclosure

        return WindowsEnclosure()
    from ipfx_failover.adapters.linux.enclosure import LinuxEnclosure

    return LinuxEnclosure()


def standby(site: Site, store: Store) -> Standby:
    """The standby's copies, for a stand-in."""
    from ipfx_failover.standin.standby import Standby
    from ipfx_failover.wiring.copy_in_use import (
        copy_fingerprint,
        copy_obstacle,
        give_copy_back,
        take_copy,
    )
    from ipfx_failover.wiring.replication import recover_from_live
    from ipfx_failover.wiring.setting_aside import keep_standby

    return Standby(
        config=site.config,
        store=store,
        locks=site.locks,
        clock=site.clock,
        end_process=partial(_end_process, site),
        recover=partial(recover_from_live, site, store),
        keep=partial(keep_standby, site),
        copy_obstacle=partial(copy_obstacle, site),
        take_copy=partial(take_copy, site),
        give_copy_back=partial(give_copy_back, site),
        database_fingerprint=partial(copy_fingerprint, site),
    )


def _role(site: Site, server: ServerSettings) -> Role:
    from ipfx_failover.standin.standby import role_of

    return role_of(server, site.config.failover_server)


def _fence(site: Site, name: str) -> None:
    from ipfx_failover.adapters.fencing import fence

    server = site.config.servers[name]
    if server.fence is not None:
        fence(server.fence, _role(site, server), without_secrets(os.environ, site.config))


def _end_process(site: Site, pid: int, created_at: float) -> None:
    from ipfx_failover.adapters.processes import Family, end, handle
    from ipfx_failover.standin.application import Process

    def seeds() -> list[psutil.Process]:
        process = handle(Process(pid, created_at))
        return [] if process is None else [process]

    end(Family(seeds).members, site.clock, grace_s=_EVICTION_GRACE_S)

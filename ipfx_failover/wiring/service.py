"""The monitor as a service of the system."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Literal, Protocol

from ipfx_failover.adapters.paths import WINDOWS
from ipfx_failover.monitor.supervision import Host, Supervisor, Unsupervised

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from ipfx_failover.adapters.service.unit_text import Rights
    from ipfx_failover.config.models import Config
    from ipfx_failover.installing import Plan, ServiceState
    from ipfx_failover.wiring.site import Site

_LOCKED = ("usr", "boot", "efi", "etc", "home", "root")


class MonitorService(Protocol):
    """The monitor's service in the service manager of this machine."""

    def installation(self) -> Plan: ...
    def export(self, directory: Path) -> Plan: ...
    def removal(self) -> Plan: ...
    def control(self, verb: Literal["start", "stop"]) -> Plan: ...
    def carry_out(self, plan: Plan) -> ServiceState: ...
    def state(self) -> ServiceState: ...


def supervisor(
    host: Host | None, stop: Callable[[str], object]
) -> AbstractContextManager[Supervisor]:
    """Who is told that the monitor lives, and may `stop` it: who has started us as a service."""
    if host is not None:
        host.stop_with(stop)
        return nullcontext(host)
    if WINDOWS or not os.environ.get("NOTIFY_SOCKET"):
        return nullcontext(Unsupervised())
    from ipfx_failover.adapters.linux.notify import SystemdSupervisor

    return SystemdSupervisor(os.environ)


def monitor_service(site: Site, user: str | None = None) -> MonitorService:
    """The monitor as a service; `user`: who it runs as, None: as installed, else the system.

    Raises:
        UsageError: there is no such user, or none that it could run as.
    """
    if WINDOWS:
        from ipfx_failover.wiring import windows_service

        return windows_service.of(site, user)
    from ipfx_failover.adapters.service.systemd import SystemdService, installed_user
    from ipfx_failover.adapters.service.unit_text import monitor_unit

    argv = _command_line(site.config_path)
    user = installed_user(user)
    return SystemdService(
        monitor_unit(argv, _rights(site, user)), notes=_notes(site, user), instead=_instead(argv)
    )


def service_as_it_is() -> MonitorService:
    """The service, whatever the config says."""
    if WINDOWS:
        from ipfx_failover.wiring import windows_service

        return windows_service.as_it_is()
    from ipfx_failover.adapters.service.systemd import SystemdService

    return SystemdService(None, instead=_instead(_command_line(None)))


def _command_line(config_path: Path | None) -> tuple[str, ...]:
    from ipfx_failover.adapters.own_program import own_program

    config = ("--config", str(config_path.absolute())) if config_path else ()
    return (*own_program(), "monitor", *config)


def _instead(argv: Sequence[str]) -> str:
    return f"have what starts services here run: {' '.join(argv)}"


def job_rights(site: Site) -> Rights:
    """The least that copying alone needs; as the same user as the monitor's service."""
    from ipfx_failover.adapters.service.systemd import installed_user

    return _rights(site, installed_user(None), network=False)


def _rights(site: Site, user: str | None, *, network: bool = True) -> Rights:
    """The least that the monitor needs with this config."""
    from ipfx_failover.adapters.service.unit_text import Rights

    config = site.config
    own = site.state_dir.is_relative_to("/var/lib/ipfx-failover")
    return Rights(
        user=user,
        is_confined=not any(foreign_commands(config)),
        writes=tuple(sorted(set(_forbidden(site)))),
        state_directory="ipfx-failover" if own else None,
        network=network,
    )


def foreign_commands(config: Config) -> Iterator[str]:
    """What the monitor starts that is not our own, and would have its rights."""
    if config.failover_server.application.start:
        yield "the application (start)"
    yield from (f"the fence of {name}" for name, server in config.servers.items() if server.fence)
    yield from (f"the alert command {name}" for name in config.alerts.commands)


def _forbidden(site: Site) -> Iterator[str]:
    """Directories of ours that ProtectSystem=full and ProtectHome=read-only would lock."""
    from ipfx_failover.adapters.paths import nearest_directory

    for path in (site.state_dir, *(each.local_vm_dir for each in site.config.servers.values())):
        if path.parts[1:2] and path.parts[1] in _LOCKED:
            yield str(nearest_directory(path))


def secret_notes(config: Config) -> Iterator[str]:
    """Secrets that come from an environment, or a user's keyring, which a service has not."""
    from ipfx_failover.config.secrets_in import secrets_in

    for key, secret in secrets_in(config):
        if secret.source in {"env", "keyring"}:
            yield (
                f"{key} comes from {secret.source}, which is not there when nobody is "
                'logged in: use { file = "…" }'
            )


def _notes(site: Site, user: str | None) -> Sequence[str]:
    notes = list(secret_notes(site.config))
    if commands := ", ".join(foreign_commands(site.config)):
        notes.append(
            f"The unit has no sandbox: it would confine {commands}, too. It would not confine an "
            "application that is a system service (services)."
        )
    if user is not None:
        notes.append(
            f"{user} has to own {site.state_dir}, the copies and the secret files, and to run the "
            "other commands of ipfx-failover."
        )
        if services := ", ".join(site.config.failover_server.application.services):
            notes.append(f"A polkit rule has to allow {user} to start and stop {services}.")
    return notes

"""One installation: its config, its state directory, its machine."""

from __future__ import annotations

import os
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from ipfx_failover.adapters.clock import SystemClock, SystemLocalTime
from ipfx_failover.adapters.paths import places
from ipfx_failover.config.outline import outline_of
from ipfx_failover.config.problems import ConfigError
from ipfx_failover.errors import FailoverError, UsageError
from ipfx_failover.state.channels import register, routes_of
from ipfx_failover.state.locks import Locks
from ipfx_failover.wiring.boot import boot_id
from ipfx_failover.wiring.looking import CONFIG_IN_USE, LOCKS, noted_at, open_to_read, outline_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ipfx_failover.config.models import Config, ServerSettings
    from ipfx_failover.config.outline import Outline
    from ipfx_failover.state.store import Store


@dataclass(frozen=True)
class Site:
    """One installation: its config, its state directory, its machine.

    `config_data`: the content of the file that the config is of.
    """

    config: Config
    config_path: Path
    warnings: tuple[str, ...]
    config_data: bytes = field(repr=False)
    clock: SystemClock = field(default_factory=SystemClock)
    local: SystemLocalTime = field(default_factory=SystemLocalTime)

    @cached_property
    def state_dir(self) -> Path:
        return self.config.failover_server.state_dir or places(os.environ).state_dir

    @cached_property
    def outline(self) -> Outline:
        return outline_of(self.config)

    @cached_property
    def machine_dir(self) -> Path:
        return places(os.environ).machine_dir

    @cached_property
    def locks(self) -> Locks:
        return Locks(self.state_dir / LOCKS)

    @cached_property
    def machine_locks(self) -> Locks:
        return Locks(self.machine_dir)

    @cached_property
    def boot_id(self) -> str:
        return boot_id()

    def store(self, *, busy_timeout_s: float = 5.0) -> Store:
        """Open the state store; the caller closes it. It knows whom to tell of events."""
        from ipfx_failover.state.store import Store

        store = Store(self.state_dir, busy_timeout_s=busy_timeout_s)
        with suppress(FailoverError):  # whatever is to be written next says it
            register(store, routes_of(self.config.alerts))
        return store

    def server(self, name: str) -> ServerSettings:
        """The server of that name, without regard to case.

        Raises:
            UsageError: there is none; the known ones are listed.
        """
        from ipfx_failover.config.load import find_server

        try:
            return find_server(self.config, name)
        except UsageError as unknown:
            lost = self.lost_server()
            if lost is None or lost.casefold() != name.casefold():
                raise
            raise UsageError(
                f"the config does not name {lost}, which is stood in for",
                f"put [servers.{lost}] back, and try again",
            ) from unknown

    def lost_server(self) -> str | None:
        """The server that is stood in for, if the config does not name it any more."""
        with suppress(FailoverError), closing(open_to_read(self.state_dir)) as store:
            stand_in = store.stand_in() or noted_at(self.state_dir)
            known = {name.casefold() for name in self.config.servers}
            if stand_in is not None and stand_in.server.casefold() not in known:
                return stand_in.server
        return None


def open_site(config_path: Path | None) -> Site:
    """Load the config.

    Raises:
        UsageError: it is not there, or wrong; all that is wrong is listed.
    """
    from ipfx_failover.config.load import load

    loaded = load(config_path, environ=os.environ)
    return Site(loaded.config, loaded.path, loaded.warnings, loaded.data)


def open_site_in_use(config_path: Path | None, say: Callable[[str], object]) -> Site:
    """As `open_site`; of a broken config the one that a monitor took up last, and `say` is told.

    For what must be possible at night, with a typo in the file.

    Raises:
        UsageError: there is no config; or it is broken, and none was taken up.
    """
    try:
        return open_site(config_path)
    except ConfigError as error:
        in_use = outline_at(config_path).state_dir / CONFIG_IN_USE
        try:
            site = open_site(in_use)
        except UsageError:
            raise error from None
        instead = "the one that a monitor took up last is used"
        say(f"warning: {error.warning(instead)}")
        return site

"""Everything that `server test` looks at, in the order in which one thing needs another."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from ipfx_failover.errors import FailoverError, Interrupted
from ipfx_failover.livehost import parent
from ipfx_failover.survey import live, network
from ipfx_failover.survey.check import Check, attempt, failed, not_tried, ok
from ipfx_failover.survey.sqlserver import BACKUP_THERE, SqlTrial

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ipfx_failover.config.models import Config, DatabaseSettings, ServerSettings
    from ipfx_failover.livehost import LiveHost
    from ipfx_failover.survey.ports import DatabaseLook, SurveyPorts

HOST_KEY: Final = "Host key"
SPACE_HERE: Final = "Space here"

_COPIES_HERE: Final = 2
"""The copy that is in use, and the new one beside it."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One server's test; a check runs although an earlier one failed, where it can."""

    config: Config
    server: ServerSettings
    ports: SurveyPorts

    def checks(self) -> Iterator[Check]:
        server, ports = self.server, self.ports
        settings = self.config.network
        yield attempt(network.PING, partial(network.ping, server, settings, ports))
        yield attempt(network.APPLICATION, partial(network.application, server, ports))
        if server.assume_ip and settings.adapter:
            take = partial(network.address, server, settings.adapter, ports)
            yield attempt(network.ADDRESS, take)
        lost: Mapping[str, Check] = {}
        if self._has_sqlserver:
            lost = yield from self._sql_trial(ports.here).connections()
        if server.needs_ssh or not self._has_sqlserver:
            yield from self._by_ssh(server.ssh.user, lost) if server.ssh else ()
        else:
            yield from self._by_path(lost)
        if server.files is not None and server.files.path is not None:
            yield from _vm_directory(ports.here, str(server.files.path))

    def _by_ssh(self, user: str, lost: Mapping[str, Check]) -> Iterator[Check]:
        yield attempt(HOST_KEY, lambda: ok(HOST_KEY, f"{self.ports.trusted_key()} is trusted"))
        try:
            host = self.ports.live()
        except FailoverError as error:
            yield failed(live.LOGIN, error)
            return
        with closing(host):
            logged_in = attempt(live.LOGIN, partial(live.login, host, user))
            yield logged_in
            if logged_in.level == "failed":
                yield from self._not_tried(logged_in)
                return
            if self._has_sqlserver:
                yield from self._sqlserver_files(host, lost)
                return
            yield attempt(live.CLOCK, partial(live.clock, host, self.ports.clock))
            if self.server.database is not None:
                yield from self._database(host, self.server.database, user)

    @property
    def _has_sqlserver(self) -> bool:
        return self.server.database is not None and self.server.database.engine == "sqlserver"

    def _sql_trial(self, host: LiveHost) -> SqlTrial:
        there, here = self.ports.sql_sides(host)
        return SqlTrial(self.server, there, here, self.ports.clock)

    def _by_path(self, lost: Mapping[str, Check]) -> Iterator[Check]:
        """The live server's files are mounted here."""
        try:
            host = self.ports.live()
        except FailoverError as error:
            yield failed(BACKUP_THERE, error)
            return
        with closing(host):
            yield from self._sql_trial(host).directories(lost)

    def _sqlserver_files(self, host: LiveHost, lost: Mapping[str, Check]) -> Iterator[Check]:
        yield from self._sql_trial(host).directories(lost)
        if self.server.live_vm_dir is not None:
            yield from _vm_directory(host, self.server.live_vm_dir)

    def _not_tried(self, login: Check) -> Iterator[Check]:
        names = [live.DATABASE, live.VM_READ, live.VM_WRITE] if self.server.database else []
        for name in names[self._has_sqlserver :]:  # that one was tried by itself
            yield not_tried(name, login)

    def _database(self, host: LiveHost, settings: DatabaseSettings, user: str) -> Iterator[Check]:
        path = settings.data_source
        look: DatabaseLook | None = None
        try:
            look = self.ports.database(host).look(path)
            yield live.database(look, path, self.server.name)
        except Interrupted:
            raise
        except FailoverError as error:
            yield failed(live.DATABASE, error)
        if look is not None and look.problem is None:
            yield live.database_write(look, path, user)
            there = partial(live.space, host, path, look.size_bytes)
            yield attempt(live.SPACE_THERE, there)
            yield attempt(SPACE_HERE, partial(self._space_here, look.size_bytes))
        if settings.vm_dir is not None:
            yield from _vm_directory(host, settings.vm_dir)

    def _space_here(self, size_bytes: int) -> Check:
        here, directory = self.ports.here, str(self.server.local_vm_dir)
        while here.stat(directory) is None and parent(directory) != directory:
            directory = parent(directory)
        return live.room(SPACE_HERE, here, directory, _COPIES_HERE * size_bytes)


def _vm_directory(host: LiveHost, root: str) -> Iterator[Check]:
    yield attempt(live.VM_READ, partial(live.vm_read, host, root))
    yield attempt(live.VM_WRITE, partial(live.vm_write, host, root))

"""A SQL Server and its machine's files, as full replication uses them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from ipfx_failover.errors import Failed, Refused, Unreachable, tolerated
from ipfx_failover.livehost import base_name, join, parent
from ipfx_failover.replication.engine import Backup
from ipfx_failover.replication.sqlserver import fitness, names
from ipfx_failover.replication.sqlserver.session import SqlRefused
from ipfx_failover.replication.sqlserver.swap import Swapper
from ipfx_failover.replication.sqlserver.telling import told
from ipfx_failover.replication.sqlserver.watermark import Watermark
from ipfx_failover.replication.tsql import backup, restore, tracking
from ipfx_failover.replication.tsql import server as asking

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from ipfx_failover.clock import Clock
    from ipfx_failover.livehost import LiveHost
    from ipfx_failover.replication.sqlserver.session import SqlServer, SqlSession

PROGRAM: Final = "ipfx-failover"
"""How our own sessions are called."""
_NOT_COMPRESSED: Final = 1844
_GONE: Final = frozenset({911, 3701})
_DROP_PAUSE_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class SqlServerSide:
    """The `Side` port (ipfx_failover.replication.engine). Backups have paths, catalogs names.

    `before_swap`: a block in which nothing else writes to a catalog that is about to be replaced
    by its argument; which it has brought to where the old one is. `is_copy`: whether its catalogs
    are copies of ours, with our watermark in them. `drop_tries`: how often it is tried, half a
    second apart, to drop a catalog that is being restored or used.
    """

    server: SqlServer
    host: LiveHost
    clock: Clock
    is_copy: bool
    before_swap: Callable[[str], AbstractContextManager[None]]
    drop_tries: int = 20

    @property
    def name(self) -> str:
        return self.server.name

    def exists(self, database: str) -> bool:
        return self.state(database) is not None

    def state(self, catalog: str) -> str | None:
        """Such as ONLINE or RESTORING; None where there is no such catalog."""
        wanted = catalog.casefold()
        return next((s for name, s in self.catalogs().items() if name.casefold() == wanted), None)

    def catalogs(self) -> dict[str, str]:
        """The state of each catalog, by its name."""
        with self.server.open() as session:
            return {str(name): str(state) for name, state in session.rows(asking.CATALOGS)}

    def files_of(self, catalog: str) -> list[str]:
        """The paths of its files, the primary one first."""
        with self.server.open() as session:
            return [str(path) for _, path, _ in session.rows(asking.FILES, catalog)]

    def backup(self, database: str, to: str) -> Backup:
        self.host.make_directory(parent(to))
        title = base_name(to).removesuffix(".bak")
        with (
            told(f"backing up {database} on {self.name}", self.name),
            self.server.open(database) as session,
        ):
            as_of, mark = self.clock.now(), mark_of(session)
            self._back_up(session, database, to, title)
            if names.is_safety_name(database, title):
                session.work(restore.verify(to), phase="verify")
            rows = session.rows(backup.SET_GUID, database, title)
        found = self.host.stat(to)
        if found is None or not rows:
            raise Failed(
                f"{to} is not where the SQL Server of {self.name} has written it",
                "see that backup_dir is a directory of that very machine, not of another",
            )
        return Backup(
            path=to,
            size_bytes=found.size_bytes,
            sha256="",
            as_of=as_of,
            version=str(rows[0][0]),
            mark=mark.as_text(),
        )

    def _back_up(self, session: SqlSession, database: str, to: str, title: str) -> None:
        compress = may_compress(session, self.name)
        try:
            self._write(session, database, to, title, compress=compress)
        except SqlRefused as error:
            if not compress or _NOT_COMPRESSED not in error.numbers:
                raise
            self._write(session, database, to, title, compress=False)

    def _write(
        self, session: SqlSession, database: str, to: str, title: str, *, compress: bool
    ) -> None:
        text = backup.back_up(database, to, title=title, description=database, compress=compress)
        session.work(text, phase="backup")

    def verify(self, database: str) -> None:
        with (
            told(f"checking {database} on {self.name}", self.name),
            self.server.open(database) as session,
        ):
            session.work(restore.CHECK, phase="check")

    def close_down(self, database: str) -> None:
        with self.server.open() as session:
            users = [
                (str(program), str(host)) for program, host in session.rows(asking.USERS, database)
            ]
        others = sorted(
            f"{program or '?'} on {host or '?'}" for program, host in users if program != PROGRAM
        )
        if others:
            raise Refused(
                f"{database} on {self.name} is in use by {', '.join(others)}",
                "end that first, then try again",
            )

    def swap(self, current: str, new: str, previous: str) -> None:
        run_id = names.run_of(new) if self.is_copy else None
        with self.before_swap(new):
            self._swapper.swap(current, new, previous, run_id=run_id)

    def swap_back(self, current: str, new: str, previous: str, *, had_current: bool) -> None:
        self._swapper.swap_back(current, new, previous, had_current=had_current)

    @property
    def _swapper(self) -> Swapper:
        return Swapper(self.server, self.clock.sleep)

    def drop(self, *databases: str) -> None:
        for each in databases:
            self.begin_to_drop(each)()

    def begin_to_drop(self, database: str) -> Callable[[], None]:
        if database != base_name(database):
            return self.host.begin_to_remove(database)
        return partial(self._drop_catalog_after_all, database)

    def _drop_catalog_after_all(self, catalog: str) -> None:
        try:
            self._drop_catalog(catalog)
        except Unreachable:  # one connection was lost; a server that is lost says so again
            self._drop_catalog(catalog)

    def _drop_catalog(self, catalog: str) -> None:
        """Whoever is in it is thrown out; a restore that outlived its client is waited for."""
        files = self.files_of(catalog)
        with told(f"dropping {catalog} on {self.name}", self.name):
            for left in reversed(range(self.drop_tries)):
                try:
                    if (state := self.state(catalog)) is not None:
                        self._drop(catalog, is_online=state == "ONLINE")
                    break
                except SqlRefused as error:
                    if not _GONE.isdisjoint(error.numbers):
                        break
                    if not left:
                        raise
                    self.clock.sleep(_DROP_PAUSE_S)
        # Those of a catalog that was not online stay.
        self.remove_files([path for path in files if names.is_of_a_run(base_name(path))])

    def _drop(self, catalog: str, *, is_online: bool) -> None:
        with self.server.open() as session:
            if is_online:
                with suppress(SqlRefused):  # whether somebody is in it, DROP says
                    session.run(restore.throw_out(catalog))
            session.run(restore.drop(catalog))

    def sweep_catalogs(self, catalog: str) -> None:
        """Remove the catalogs beside `catalog` that killed runs left."""
        for each in names.stray_catalogs(catalog, self.catalogs()):
            self._drop_catalog(each)

    def sweep_files(self, directory: str, catalog: str) -> None:
        """Remove what killed runs left of `catalog`: backups on their way, and nobody's files."""
        found = [entry.name for entry in self.host.list_directory(directory)]
        self.remove_files([join(directory, name) for name in names.stray_files(catalog, found)])

    def remove_files(self, paths: list[str]) -> None:
        """Remove those that no catalog uses; what cannot be removed now the next run removes."""
        for path in self.unused(paths):
            with tolerated():
                self.host.remove(path)

    def unused(self, paths: list[str]) -> list[str]:
        """Those of them that no catalog uses."""
        if not paths:
            return []
        with self.server.open() as session:
            used = {_file_name(path) for (path,) in session.rows(asking.FILES_IN_USE)}
        # By their names alone, which no two share: a directory may be known by two paths.
        return [path for path in paths if _file_name(path) not in used]

    def instance(self) -> fitness.Instance:
        with self.server.open() as session:
            return fitness.Instance.of_row(self.name, session.rows(asking.SERVER)[0])


def may_compress(session: SqlSession, name: str) -> bool:
    """Express never does; another edition that does not says so (1844)."""
    return not fitness.Instance.of_row(name, session.rows(asking.SERVER)[0]).is_express


def _file_name(path: object) -> str:
    return base_name(str(path)).casefold()


def mark_of(session: SqlSession) -> Watermark:
    """How far the session's catalog has come: read before its backup, so that nothing is lost."""
    version, fork, database = session.rows(tracking.live_mark())[0]
    return Watermark(None if version is None else int(version), str(fork), str(database))

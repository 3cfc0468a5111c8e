"""A server's catalogs, logins and history, in its memory and on its disk."""

from __future__ import annotations

import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from tests.sqlserver.drivers import PASSWORD
from tests.sqlserver.engine.catalog import Catalog, File
from tests.sqlserver.engine.durability import image_of, loaded
from tests.sqlserver.engine.remembering import BackupMade, LoginAccount, Memory, keep, recall
from tests.sqlserver.engine.storage import PAGE_BYTES, Storage
from tests.sqlserver.engine.transactions import snapshot_of
from tests.sqlserver.results import Message
from tests.sqlserver.sql.lexer import SqlError

if TYPE_CHECKING:
    from tests.sqlserver.engine.server import ServerProfile
    from tests.sqlserver.engine.session import EngineSession

_SYSTEM = ("master", "tempdb", "model", "msdb")


class Shelf:
    """What a server has; whoever changes it holds `changed`."""

    directory: Path
    profile: ServerProfile
    catalogs: dict[str, Catalog]
    logins: dict[str, LoginAccount]
    sessions: dict[int, EngineSession]
    backups: list[BackupMade]
    restores: list[tuple[int, str, str]]

    def open(self) -> None:
        """Find what was kept, or begin with what a new server has."""
        self.changed = threading.Condition(threading.RLock())
        self._next_database = 1
        self.directory.mkdir(parents=True, exist_ok=True)
        memory = recall(self.directory)
        if memory is not None:
            self._wake(memory)
            return
        for name in _SYSTEM:
            self.create(name, {})
        self.add_login("sa", PASSWORD, sid=b"\x01")

    def _wake(self, memory: Memory) -> None:
        """Be what was kept, with all that was committed."""
        for data, log in memory.online:
            self.add(loaded(Storage.existing(data, log)))
        for catalog in memory.restoring:
            self.add(catalog)
        self.logins, self.backups, self.restores = memory.logins, memory.backups, memory.restores
        self._next_database = memory.next_database

    def remember(self) -> None:
        """Keep which catalogs there are, the logins and msdb."""
        known = self.catalogs.values()
        memory = Memory(
            [(each.storage.data, each.storage.log) for each in known if each.storage is not None],
            [each for each in known if each.storage is None],
            self.logins,
            self.backups,
            self.restores,
            self._next_database,
        )
        keep(self.directory, memory)

    def add_login(
        self,
        name: str,
        password: str,
        *,
        sid: bytes,
        rights: frozenset[str] = frozenset({"sysadmin"}),
    ) -> None:
        self.logins[name.casefold()] = LoginAccount(name, password, sid, rights)
        self.remember()

    def catalog(self, name: str) -> Catalog:
        """A catalog by name.

        Raises:
            SqlError: there is none (911).
        """
        found = self.catalogs.get(name.casefold())
        if found is None:
            text = (
                f"Database '{name}' does not exist. Make sure that the name is entered correctly."
            )
            raise SqlError(Message(911, 16, text))
        return found

    def create(self, name: str, files: dict[str, str]) -> Catalog:
        """Make an empty catalog.

        Raises:
            SqlError: there is one already (1801).
        """
        if name.casefold() in self.catalogs:
            text = f"Database '{name}' already exists. Choose a different database name."
            raise SqlError(Message(1801, 16, text))
        told = files or {
            name: str(self.directory / f"{name}.mdf"),
            f"{name}_log": str(self.directory / f"{name}_log.ldf"),
        }
        made = [
            File(number, logical, path, "LOG" if number == len(told) and number > 1 else "ROWS")
            for number, (logical, path) in enumerate(told.items(), start=1)
        ]
        self.check_files(made)
        catalog = Catalog(name, self._new_number(), made, self.profile.compatibility)
        self.add(catalog)
        self.put_on_disk(catalog)
        return catalog

    def storage_of(self, catalog: Catalog) -> Storage:
        """Where its image and its log are to be; further files only exist."""
        data, *others = [Path(each.path) for each in catalog.files if each.kind != "LOG"]
        logs = [Path(each.path) for each in catalog.files if each.kind == "LOG"]
        for each in (*others, *logs[1:]):
            each.write_bytes(b"")
        return Storage(data, logs[0] if logs else data.with_name(f"{data.name}.log"))

    def put_on_disk(self, catalog: Catalog, storage: Storage | None = None) -> None:
        """From now on a catalog is in its files, which exist already where they are given."""
        if storage is None:
            storage = self.storage_of(catalog)
            for _ in storage.create():
                pass
        catalog.storage = storage
        self.save(catalog)
        self.remember()

    def save(self, catalog: Catalog) -> None:
        """Write what is committed of a catalog into its data file as a whole."""
        if catalog.storage is not None:
            rows = snapshot_of(catalog, list(self.sessions.values())).rows
            catalog.storage.save(image_of(catalog, rows))

    def add(self, catalog: Catalog) -> None:
        self.catalogs[catalog.name.casefold()] = catalog

    def _new_number(self) -> int:
        number = self._next_database
        self._next_database += 1
        return number

    def adopt(self, catalog: Catalog, name: str, files: list[File]) -> None:
        """Take in a restored catalog under a name of its own."""
        catalog.name, catalog.files, catalog.database_id = name, files, self._new_number()
        self.add(catalog)
        self.remember()

    def check_files(self, files: list[File]) -> None:
        """See that nobody uses these files.

        Raises:
            SqlError: another catalog does (1834), or the directory is not there (5133).
        """
        taken = {each.path.casefold() for c in self.catalogs.values() for each in c.files}
        for each in files:
            if each.path.casefold() in taken:
                text = (
                    f"The file '{each.path}' cannot be overwritten. It is being used by database."
                )
                raise SqlError(Message(1834, 16, text))
            if not Path(each.path).parent.is_dir():
                text = f'Directory lookup for the file "{each.path}" failed with error 2.'
                raise SqlError(Message(5133, 16, text))

    def fill(self, catalog: Catalog, size_bytes: int) -> None:
        """Give a catalog pages without rows, which backups carry along."""
        with self.changed:
            self.save(catalog)
            assert catalog.storage is not None
            catalog.storage.fill(size_bytes)
            data = catalog.files[0]
            data.size_pages += (size_bytes - catalog.filler_bytes) // PAGE_BYTES
            catalog.filler_bytes = size_bytes
            self.save(catalog)

    def forget_history(self, catalog: Catalog) -> None:
        """Clean up all changes that were tracked so far, as the retention does."""
        with self.changed:
            for table in catalog.tables.values():
                if table.tracking is not None:
                    table.tracking.forget_before(catalog.version)
            self.save(catalog)

    def fork(self, catalog: Catalog) -> None:
        """A catalog becomes one that was restored from a backup, with the same version."""
        with self.changed:
            catalog.fork_guid, catalog.guid = (str(uuid.uuid4()).upper() for _ in range(2))
            self.save(catalog)

    def drop(self, catalog: Catalog, *, keeps_files: bool = False) -> None:
        """DROP DATABASE: its files go, too, but for those of one that is offline."""
        del self.catalogs[catalog.name.casefold()]
        self.remember()
        if keeps_files:
            return
        for each in catalog.files:
            Path(each.path).unlink(missing_ok=True)
        if catalog.storage is not None:
            catalog.storage.log.unlink(missing_ok=True)

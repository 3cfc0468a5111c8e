"""What is looked at before a catalog is backed up: all that would make its restore fail.

A nightly run that cannot succeed should say so before it has cost an hour, and change nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ipfx_failover.errors import Failed, Refused, tolerated
from ipfx_failover.files.names import OWN_PREFIX
from ipfx_failover.history.wording import size
from ipfx_failover.livehost import join, parent
from ipfx_failover.replication.sqlserver import fitness
from ipfx_failover.replication.sqlserver.session import SqlRefused
from ipfx_failover.replication.sqlserver.side import PROGRAM
from ipfx_failover.replication.sqlserver.telling import told
from ipfx_failover.replication.tsql import restore
from ipfx_failover.replication.tsql import server as asking

if TYPE_CHECKING:
    from ipfx_failover.replication.sqlserver.fitness import CatalogLook
    from ipfx_failover.replication.sqlserver.session import SqlSession
    from ipfx_failover.replication.sqlserver.side import SqlServerSide

_VOLUMES_SINCE: Final = (10, 50)
"""The release in which a server can be asked for its free space."""
_PROBE: Final = f"{OWN_PREFIX}-look.bak"
_NOT_OPENED: Final = 3201
_SYSTEM_ERROR: Final = re.compile(r"\b(\d+)\(")
"""Its number, behind which its text stands in the server's language."""
_NOT_THERE: Final = frozenset({"2", "3"})
"""ERROR_FILE_NOT_FOUND, ERROR_PATH_NOT_FOUND (Windows' system error codes); Linux has 2, too."""


@dataclass(frozen=True, slots=True)
class Preflight:
    """A catalog's way from one server to the other."""

    source: SqlServerSide
    target: SqlServerSide

    def see_that_it_fits(self, database: str, current: str) -> None:
        """See that `database` can be restored in the place of `current`.

        Raises:
            Refused: versions or editions do not fit, or a login may not do its work.
            Failed: there is no such catalog, or it is not usable now.
        """
        if self.source.is_copy and not self.source.exists(database):
            raise self._copy_gone(database)
        source, target = self.source.instance(), self.target.instance()
        if mismatch := fitness.instance_refusal(source, target):
            raise mismatch
        look = look_at(self.source, database)
        if reason := fitness.catalog_refusal(look, source, target):
            raise reason
        if look.is_encrypted:
            self._see_certificate(database)
        self._see_rights(database)
        self._see_place(current)

    def see_exchange(self, backup: str, arrives: str) -> None:
        """See that each server finds what we write to the directory of its backups.

        Else it would write a backup where nobody finds and removes it, night for night: a share
        is not mounted, or leads to another machine.

        Raises:
            Failed: one does not, or we may not write there, so that we could remove nothing.
        """
        for side, directory in ((self.source, parent(backup)), (self.target, parent(arrives))):
            path = join(directory, _PROBE)
            side.host.make_directory(directory)
            side.host.write_file(path, [PROGRAM.encode()])
            try:
                is_found = _finds(side, path)
            finally:
                with tolerated():
                    side.host.remove(path)
            if not is_found:
                raise Failed(
                    f"the SQL Server of {side.name} does not find what we write to {directory}",
                    "see that it is the same directory for both: is the share mounted?",
                )

    def see_room(self, database: str, backup: str, arrives: str, directory: str) -> None:
        """See that there is room for the backup on both sides, and for the copy.

        Raises:
            Failed: there is not.
        """
        look = look_at(self.source, database)
        compressed = not self.source.instance().is_express
        backup_bytes = fitness.bytes_of_backup(look, compressed=compressed)
        _see_free(self.source, backup, backup_bytes)
        copy_bytes = fitness.bytes_of_copy(look)
        if self.target.is_copy:
            _see_free(self.target, arrives, backup_bytes + copy_bytes)
            return
        _see_free(self.target, arrives, backup_bytes)
        free = _free_of_volumes(self.target, database)
        _compare(self.target.name, directory, free, copy_bytes)

    def _copy_gone(self, catalog: str) -> Failed:
        live = self.target.name
        return Failed(
            f"there is no catalog {catalog} on {self.source.name} any more, which had what was "
            "recorded there",
            "attach or restore it there by that name; if it is lost, bring the files with "
            f"ipfx-failover sync-files {live} --to-live, then go on with the Primary's database: "
            f"ipfx-failover replicate-from-live {live} --discard-standby",
        )

    def _see_certificate(self, database: str) -> None:
        with self.source.server.open() as session:
            keys = session.rows(asking.ENCRYPTOR, database)
        with self.target.server.open() as session:
            found = [session.rows(asking.CERTIFICATE, key)[0][0] for (key,) in keys]
        if not all(found):
            raise Refused(
                f"{database} is encrypted (TDE) by a certificate that {self.target.name} lacks "
                "(33111)",
                f"copy the certificate to {self.target.name}: BACKUP CERTIFICATE, then CREATE "
                "CERTIFICATE … FROM FILE",
            )

    def _see_rights(self, database: str) -> None:
        may_back_up = (asking.MAY_BACK_UP, (database,), f"back {database} up")
        may_restore = (asking.MAY_RESTORE, (), "restore a catalog")
        for side, (sql, values, doing) in (
            (self.source, may_back_up),
            (self.target, may_restore),
        ):
            with side.server.open() as session:
                ((may,),) = session.rows(sql, *values)
            if not may:
                raise Refused(
                    f"the login of {side.name} may not {doing}",
                    "give it the role sysadmin there, or use a login that has it",
                )

    def _see_place(self, current: str) -> None:
        state = self.target.state(current)
        if state not in {None, "ONLINE"}:
            raise Failed(
                f"{current} on {self.target.name} is {state}",
                "bring it online, or drop it: a new copy is made then",
            )


def _finds(side: SqlServerSide, path: str) -> bool:
    """Whether a server finds a file; one that is no backup it refuses in another way (3241)."""
    try:
        with side.server.open() as session:
            session.named_rows(restore.file_list(path))
    except SqlRefused as error:
        reasons = _SYSTEM_ERROR.findall(error.message)
        return not (_NOT_OPENED in error.numbers and reasons and reasons[-1] in _NOT_THERE)
    return True


def look_at(side: SqlServerSide, catalog: str) -> CatalogLook:
    """A catalog as its server describes it.

    Raises:
        Failed: there is none of that name.
    """
    with side.server.open() as session:
        rows = session.rows(asking.CATALOG, catalog)
        files = session.rows(asking.FILES, catalog)
    if not rows:
        raise Failed(
            f"there is no catalog {catalog} on {side.name}",
            "correct catalog in the config; see: ipfx-failover config check",
        )
    state, is_read_only, is_encrypted = rows[0]
    used_bytes, features = _inside(side, catalog) if state == "ONLINE" else (0, ())
    return fitness.CatalogLook(
        name=catalog,
        state=str(state),
        is_read_only=bool(is_read_only),
        is_encrypted=bool(is_encrypted),
        data_bytes=fitness.total(files, of_log=False),
        log_bytes=fitness.total(files, of_log=True),
        used_bytes=used_bytes,
        features=features,
    )


def _inside(side: SqlServerSide, catalog: str) -> tuple[int, tuple[str, ...]]:
    with (
        told(f"looking into {catalog} on {side.name}", side.name),
        side.server.open(catalog) as session,
    ):
        ((used_bytes,),) = session.rows(asking.USED_BYTES)
        features = tuple(str(name) for (name,) in session.rows(asking.EDITION_FEATURES))
    return int(used_bytes or 0), features


def data_directory(side: SqlServerSide, catalog: str) -> str:
    """Where a catalog's data lies; where there is none, where its server puts new ones.

    Raises:
        Failed: it does not say (before SQL Server 2012).
    """
    if files := side.files_of(catalog):
        return parent(files[0])
    with side.server.open() as session:
        ((directory,),) = session.rows(asking.DATA_DIRECTORY)
    if not directory:
        raise Failed(
            f"{side.name} has no {catalog}, and does not say where new catalogs lie",
            f"CREATE DATABASE [{catalog}] there first: it is replaced, and its directory is used",
        )
    return str(directory).rstrip("/\\")


def _free_of_volumes(side: SqlServerSide, catalog: str) -> int | None:
    """Free space where a catalog's files lie, as its server sees it; None where it cannot."""
    if side.instance().release < _VOLUMES_SINCE:
        return None
    with side.server.open() as session:
        return _asked(session, catalog)


def _asked(session: SqlSession, catalog: str) -> int | None:
    try:
        rows = session.rows(asking.FREE_BYTES, catalog)
    except SqlRefused:  # 2008 R2 without its first service pack
        return None
    free = rows[0][0] if rows else None
    return None if free is None else int(free)


def _see_free(side: SqlServerSide, path: str, needed: int) -> None:
    side.host.make_directory(parent(path))
    _compare(side.name, parent(path), side.host.free_bytes(parent(path)), needed)


def _compare(name: str, where: str, free: int | None, needed: int) -> None:
    if free is not None and free < needed:
        raise Failed(
            f"{name} has {size(free)} free where {size(needed)} are needed",
            f"make room on {name}, near {where}",
        )

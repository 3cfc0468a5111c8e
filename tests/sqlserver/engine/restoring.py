"""BACKUP and RESTORE: their progress, their errors in pairs, and what a restored catalog is."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine import backup
from tests.sqlserver.engine.catalog import File
from tests.sqlserver.engine.databases import refuse_in_transaction
from tests.sqlserver.engine.durability import from_image, image_of
from tests.sqlserver.engine.expressions import Compiler
from tests.sqlserver.engine.moments import datetime_now
from tests.sqlserver.engine.remembering import BackupMade
from tests.sqlserver.engine.server import Doing
from tests.sqlserver.engine.storage import PAGE_BYTES
from tests.sqlserver.engine.transactions import snapshot_of
from tests.sqlserver.results import Column, Done, Kind, Message, ResultSet, SqlType
from tests.sqlserver.sql import statements as s
from tests.sqlserver.sql.lexer import SqlError, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.sqlserver.engine.catalog import Catalog
    from tests.sqlserver.engine.session import EngineSession
    from tests.sqlserver.engine.storage import Storage
    from tests.sqlserver.results import Result
    from tests.sqlserver.sql.tree import Expression


def _value(session: EngineSession, expression: Expression | None) -> Any:
    return None if expression is None else Compiler(session).compile(expression).run(())


def _backup(session: EngineSession, statement: s.Backup) -> Iterator[Result]:
    server = session.server
    with server.changed:
        refuse_in_transaction(session, "BACKUP", 3021)
        catalog, options = server.catalog(statement.database), statement.options
        try:
            server.check_usable(catalog, session)
        except SqlError as error:
            raise SqlError(*error.messages, backup.terminated("BACKUP DATABASE")) from None
        _check_right(session, "backup", catalog)
        if "COMPRESSION" in options and not server.profile.can_compress:
            text = f"BACKUP DATABASE WITH COMPRESSION is not supported on {server.profile.edition}."
            abnormal = backup.terminated("BACKUP DATABASE")
            raise SqlError(Message(1844, 16, text), abnormal)
        path = str(_value(session, statement.path))
        if not {"INIT", "FORMAT"} & set(options) and Path(path).exists():
            raise unknown("appending to a backup", 1)
        header = {
            "name": str(_value(session, options.get("NAME")) or ""),
            "description": str(_value(session, options.get("DESCRIPTION")) or ""),
            "server": server.profile.server_name,
            "version": server.profile.version,
            "is_copy_only": "COPY_ONLY" in options,
            "has_checksums": "CHECKSUM" in options,
            "is_compressed": "COMPRESSION" in options,
        }
        session.doing = Doing("BACKUP DATABASE")
        begun = datetime_now()
        rows = snapshot_of(catalog, list(server.sessions.values())).rows
        image = image_of(catalog, rows)
    total = len(image) + (catalog.storage.filler_bytes if catalog.storage else 0)
    pieces = backup.write(catalog, image, path, header)
    yield from _progress(session, _Work("BACKUP DATABASE", pieces, total), options)
    made = backup.read_header(path, "BACKUP DATABASE")
    with server.changed:
        server.backups.append(BackupMade(made, path, begun, datetime_now()))
        server.remember()
    pages = max(1, Path(path).stat().st_size // 8192)
    told = (
        f"Processed {pages} pages for database '{catalog.name}', file '{catalog.files[0].logical}'"
    )
    yield Message(4035, 0, f"{told} on file 1.")
    yield Done()
    yield Message(3014, 0, f"BACKUP DATABASE successfully processed {pages} pages in 0.1 seconds.")
    yield Done()


def _check_right(session: EngineSession, right: str, catalog: Catalog) -> None:
    if not session.account.may(right):
        text = f"{right.upper()} DATABASE permission denied in database '{catalog.name}'."
        abnormal = backup.terminated(f"{right.upper()} DATABASE")
        raise SqlError(Message(262, 14, text), abnormal)


@dataclass(frozen=True, slots=True)
class _Work:
    """`done`: the bytes that are done, growing to `total`."""

    command: str
    done: Iterator[int]
    total: int

    def percents(self) -> Iterator[tuple[int, int]]:
        """Each percent once, with the bytes that are done."""
        shown = 0
        for done in self.done:
            for percent in range(shown + 1, done * 100 // self.total + 1):
                shown = percent
                yield percent, done


def _progress(
    session: EngineSession, work: _Work, options: Mapping[str, Expression | None]
) -> Iterator[Result]:
    """Percent as they come; who closes early or calls it off has cancelled it (3204)."""
    step = int(_value(session, options.get("STATS")) or 10)
    shown = 0
    try:
        for percent, done in work.percents():
            assert session.doing is not None
            session.doing.percent, session.doing.moved = percent, done // PAGE_BYTES
            session.server.on_progress(session, percent)
            if session.is_cancelled:
                text = "The backup or restore was aborted."
                raise SqlError(Message(3204, 16, text), backup.terminated(work.command))
            if "STATS" in options and percent >= shown + step:
                shown = percent
                yield Message(3211, 0, f"{percent} percent processed.")
                yield Done()
    finally:
        session.doing = None


def _restore(session: EngineSession, statement: s.Restore) -> Iterator[Result]:
    server, command = session.server, "RESTORE DATABASE"
    with server.changed:
        refuse_in_transaction(session, "RESTORE", 3021)
        path = str(_value(session, statement.path))
        header = backup.read_header(path, command)
        _check_restore(session, statement, header)
        blocks = backup.blocks(path, command)
        image = _read_image(header, blocks)
        catalog = from_image(image)
        moves = {
            str(_value(session, a)).casefold(): str(_value(session, b)) for a, b in statement.moves
        }
        files = _moved(backup.files_of(header), moves)
        _check_files(session, files)
        _check_space(session, files)
        _adopt(session, statement, catalog, files)
        session.doing = Doing(command)
    storage = server.storage_of(catalog)
    work = _Work(command, _restored(header, storage, blocks), header.size_bytes)
    try:
        yield from _progress(session, work, statement.options)
    except GeneratorExit:  # the client has gone: it is finished all the same
        for _ in work.done:
            pass
        _finish_restore(session, catalog, storage)
        raise
    _finish_restore(session, catalog, storage)
    pages = sum(each.size_pages for each in catalog.files)
    told = f"RESTORE DATABASE successfully processed {pages} pages in 0.1 seconds."
    yield Message(3014, 0, told)
    yield Done()


def _read_image(header: backup.Header, blocks: Iterator[bytes]) -> bytes:
    image = b""
    while len(image) < header.image_bytes:
        image += next(blocks)
    return image


def _adopt(
    session: EngineSession, statement: s.Restore, catalog: Catalog, files: list[File]
) -> None:
    catalog.fork_guid, catalog.guid = (str(uuid.uuid4()).upper() for _ in range(2))
    catalog.owner_sid = session.account.sid
    for unsafe in ("TRUSTWORTHY", "DB_CHAINING"):
        catalog.options.pop(unsafe, None)
    catalog.state = "RESTORING"
    catalog.access = "RESTRICTED_USER" if "RESTRICTED_USER" in statement.options else "MULTI_USER"
    session.server.adopt(catalog, statement.database, files)


def _restored(header: backup.Header, storage: Storage, filler: Iterator[bytes]) -> Iterator[int]:
    """Write the data file; the bytes of the backup that are done. The image is read already."""
    for start in range(0, header.image_bytes, header.block_bytes):
        yield min(start + header.block_bytes, header.image_bytes)
    for done in storage.create(filler):
        yield header.image_bytes + done


def _finish_restore(session: EngineSession, catalog: Catalog, storage: Storage) -> None:
    server = session.server
    with server.changed:
        catalog.state = "ONLINE"
        server.restores.append((datetime_now(), catalog.name, session.login_name))
        server.put_on_disk(catalog, storage)
        server.changed.notify_all()


def _check_restore(session: EngineSession, statement: s.Restore, header: backup.Header) -> None:
    server, command = session.server, "RESTORE DATABASE"
    abnormal = backup.terminated(command)
    if not session.account.may("restore"):
        text = "CREATE DATABASE permission denied in database 'master'."
        raise SqlError(Message(262, 14, text), abnormal)
    if header.version[0] > server.profile.version[0]:
        text = (
            f"The database was backed up on a server running version {header.version[0]}. That is "
            f"incompatible with this server, which is running version {server.profile.version[0]}."
        )
        raise SqlError(Message(3169, 16, text), abnormal)
    if "CHECKSUM" in statement.options and not header.has_checksums:
        text = "CHECKSUM cannot be specified: the backup set contains no checksum information."
        raise SqlError(Message(3187, 16, text), abnormal)
    if statement.database.casefold() in server.catalogs:
        if server.catalog(statement.database).family_guid == header.family_guid:
            raise unknown("RESTORE over the catalog itself", 1)
        text = f"The backup set holds another database than the existing '{statement.database}'."
        raise SqlError(Message(3154, 16, text), abnormal)


def _moved(files: list[File], moves: dict[str, str]) -> list[File]:
    unknown_names = set(moves) - {each.logical.casefold() for each in files}
    if unknown_names:
        text = f"Logical file '{sorted(unknown_names)[0]}' is not part of database."
        raise SqlError(Message(3234, 16, text), backup.terminated("RESTORE DATABASE"))
    return [
        File(f.file_id, f.logical, moves.get(f.logical.casefold(), f.path), f.kind, f.size_pages)
        for f in files
    ]


def _check_files(session: EngineSession, files: list[File]) -> None:
    try:
        session.server.check_files(files)
    except SqlError as error:
        raise SqlError(*error.messages, backup.terminated("RESTORE DATABASE")) from None


def _check_space(session: EngineSession, files: list[File]) -> None:
    needed = sum(each.size_pages for each in files) * PAGE_BYTES
    if needed > session.server.free_bytes:
        text = (
            f"There is insufficient free space on disk volume '{Path(files[0].path).parent}' to "
            f"create the database. The database requires {needed} additional free bytes, while "
            f"only {session.server.free_bytes} bytes are available."
        )
        raise SqlError(Message(3257, 16, text), backup.terminated("RESTORE DATABASE"))


_TEXT = SqlType(Kind.NVARCHAR, 260)
_INT = SqlType(Kind.INT)
_GUID = SqlType(Kind.UNIQUEIDENTIFIER)
_SIZE = SqlType(Kind.NUMERIC, precision=20, scale=0)


def _read_backup(session: EngineSession, statement: s.ReadBackup) -> Iterator[Result]:
    path = str(_value(session, statement.path))
    command = f"RESTORE {statement.kind}"
    if statement.kind == "VERIFYONLY":
        backup.verify(path, command)
        yield Message(3262, 0, "The backup set on file 1 is valid.")
        yield Done()
        return
    header = backup.read_header(path, command)
    if statement.kind == "HEADERONLY":
        yield from _header_rows(header)
    elif statement.kind == "FILELISTONLY":
        yield from _file_rows(header)
    else:
        raise unknown(command, 1)


def _header_rows(header: backup.Header) -> Iterator[Result]:
    major, minor, build = header.version
    values: list[tuple[str, SqlType, Any]] = [
        ("BackupName", _TEXT, header.name),
        ("BackupDescription", _TEXT, header.description),
        ("BackupType", _INT, 1),
        ("Compressed", _INT, int(header.is_compressed)),
        ("Position", _INT, 1),
        ("ServerName", _TEXT, header.server),
        ("DatabaseName", _TEXT, header.database),
        ("BackupSize", _SIZE, header.size_bytes),
        ("CompatibilityLevel", _INT, header.compatibility),
        ("SoftwareVersionMajor", _INT, major),
        ("SoftwareVersionMinor", _INT, minor),
        ("SoftwareVersionBuild", _INT, build),
        ("RecoveryForkID", _GUID, uuid.UUID(header.fork_guid)),
        ("HasBackupChecksums", _INT, int(header.has_checksums)),
        ("IsDamaged", _INT, 0),
        ("IsCopyOnly", _INT, int(header.is_copy_only)),
        ("BackupSetGUID", _GUID, uuid.UUID(header.guid)),
    ]
    columns = [Column(name, kind) for name, kind, _ in values]
    yield ResultSet(columns, [[value for _, _, value in values]])
    yield Done(1)


def _file_rows(header: backup.Header) -> Iterator[Result]:
    columns = [
        Column("LogicalName", _TEXT),
        Column("PhysicalName", _TEXT),
        Column("Type", SqlType(Kind.CHAR, 1)),
        Column("FileGroupName", _TEXT),
        Column("Size", _SIZE),
        Column("MaxSize", _SIZE),
        Column("FileId", SqlType(Kind.BIGINT)),
    ]
    rows = []
    for each in backup.files_of(header):
        kind = "L" if each.kind == "LOG" else "D"
        group = None if each.kind == "LOG" else "PRIMARY"
        size = each.size_pages * 8192
        rows.append((each.logical, each.path, kind, group, size, 2**45, each.file_id))
    yield ResultSet(columns, rows)
    yield Done(len(rows))


BACKUPS: dict[type, Callable[[EngineSession, Any], Iterator[Result]]] = {
    s.Backup: _backup,
    s.Restore: _restore,
    s.ReadBackup: _read_backup,
}

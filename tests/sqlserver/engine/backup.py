"""Backup files: what is in a catalog, behind a header; checked as they are read."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine.catalog import File, from_image, image_of
from tests.sqlserver.engine.transactions import snapshot_of
from tests.sqlserver.results import Message
from tests.sqlserver.sql.lexer import SqlError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

    from tests.sqlserver.engine.catalog import Catalog
    from tests.sqlserver.engine.session import EngineSession

_MAGIC = b"SIMULATED SQL SERVER BACKUP 1\n"
PIECES = 20


@dataclass(frozen=True, slots=True)
class Header:
    """What RESTORE HEADERONLY and FILELISTONLY tell."""

    name: str
    description: str
    database: str
    server: str
    version: tuple[int, int, int]
    compatibility: int
    guid: str
    fork_guid: str
    database_guid: str
    family_guid: str
    is_copy_only: bool
    has_checksums: bool
    is_compressed: bool
    files: tuple[dict[str, Any], ...]
    size_bytes: int
    digest: str


def device_error(path: str, reason: str, command: str) -> SqlError:
    """The pair of errors about a backup device that cannot be used."""
    text = f"Cannot open backup device '{path}'. Operating system error {reason}."
    return SqlError(Message(3201, 16, text), terminated(command))


def committed_image(catalog: Catalog, sessions: Iterable[EngineSession]) -> bytes:
    """A catalog without what is not committed, as recovery leaves it after a restore."""
    copy = from_image(image_of(catalog))
    committed = snapshot_of(catalog, sessions).rows
    for table in copy.tables.values():
        table.rows = committed[table.object_id]
    return image_of(copy)


def write(catalog: Catalog, image: bytes, path: str, header: dict[str, Any]) -> Iterator[int]:
    """Write a backup piece by piece; the percent that are done.

    Raises:
        SqlError: the file cannot be written (3201).
    """
    head = Header(
        database=catalog.name,
        compatibility=catalog.compatibility,
        guid=str(uuid.uuid4()).upper(),
        fork_guid=catalog.fork_guid,
        database_guid=catalog.guid,
        family_guid=catalog.family_guid,
        files=tuple(asdict(each) for each in catalog.files),
        size_bytes=len(image),
        digest=hashlib.sha256(image).hexdigest(),
        **header,
    )
    try:
        with Path(path).open("wb") as stream:
            stream.write(_MAGIC + json.dumps(asdict(head)).encode() + b"\n")
            yield from _pieces(stream, image)
    except OSError as error:
        reason = f"{error.errno}({error.strerror})"
        raise device_error(path, reason, "BACKUP DATABASE") from None


def _pieces(stream: BinaryIO, image: bytes) -> Iterator[int]:
    for number in range(PIECES):
        begin, end = (len(image) * each // PIECES for each in (number, number + 1))
        stream.write(image[begin:end])
        stream.flush()
        yield (number + 1) * 100 // PIECES


def read_header(path: str, command: str) -> Header:
    """What a backup file tells of itself.

    Raises:
        SqlError: it is not there (3201), or no backup (3241).
    """
    try:
        with Path(path).open("rb") as stream:
            if stream.read(len(_MAGIC)) != _MAGIC:
                raise _not_a_backup(path, command)
            told = json.loads(stream.readline())
    except OSError as error:
        raise device_error(path, f"{error.errno}({error.strerror})", command) from None
    except ValueError:
        raise _not_a_backup(path, command) from None
    told["version"] = tuple(told["version"])
    told["files"] = tuple(told["files"])
    return Header(**told)


def read(path: str, command: str) -> Catalog:
    """A backup's catalog.

    Raises:
        SqlError: as `read_header`; or it is cut off (3203) or damaged (3183).
    """
    header, image = _body(path, command)
    if hashlib.sha256(image).hexdigest() != header.digest:
        text = "RESTORE detected an error on page (1:8) in database as read from the backup set."
        raise SqlError(Message(3183, 16, text), terminated(command))
    return from_image(image)


def verify(path: str, command: str) -> None:
    """What VERIFYONLY does: damage shows only where the backup has checksums.

    Raises:
        SqlError: as `read`, but 3189 for damage.
    """
    header, image = _body(path, command)
    if header.has_checksums and hashlib.sha256(image).hexdigest() != header.digest:
        text = "Damage to the backup set was detected."
        raise SqlError(Message(3189, 16, text), terminated(command))


def _body(path: str, command: str) -> tuple[Header, bytes]:
    header = read_header(path, command)
    with Path(path).open("rb") as stream:
        stream.read(len(_MAGIC))
        stream.readline()
        image = stream.read()
    if len(image) < header.size_bytes:
        text = f'Read on "{path}" failed: 38(Reached the end of the file.)'
        raise SqlError(Message(3203, 16, text), terminated(command))
    return header, image


def terminated(command: str) -> Message:
    """The last of each pair of errors about backups."""
    return Message(3013, 16, f"{command} is terminating abnormally.")


def files_of(header: Header) -> list[File]:
    return [File(**each) for each in header.files]


def _not_a_backup(path: str, command: str) -> SqlError:
    text = f"The media family on device '{path}' is incorrectly formed."
    return SqlError(Message(3241, 16, text), terminated(command))

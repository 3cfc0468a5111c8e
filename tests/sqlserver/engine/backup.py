"""Backup files: an image of a catalog and its filler pages behind a header, in checked blocks."""

from __future__ import annotations

import json
import struct
import uuid
import zlib
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine.catalog import File
from tests.sqlserver.engine.storage import BLOCK_BYTES, PAGE_BYTES, write_through
from tests.sqlserver.results import Message
from tests.sqlserver.sql.lexer import SqlError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

    from tests.sqlserver.engine.catalog import Catalog

_MAGIC = b"SIMULATED SQL SERVER BACKUP 2\n"
_BLOCK = struct.Struct("<II")
_DISK_FULL = 28


@dataclass(frozen=True, slots=True)
class Header:
    """What RESTORE HEADERONLY and FILELISTONLY tell, and how the blocks behind it are cut."""

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
    image_bytes: int
    filler_bytes: int
    block_bytes: int

    @property
    def size_bytes(self) -> int:
        return self.image_bytes + self.filler_bytes


def device_error(path: str, reason: str, command: str) -> SqlError:
    """The pair of errors about a backup device that cannot be used."""
    text = f"Cannot open backup device '{path}'. Operating system error {reason}."
    return SqlError(Message(3201, 16, text), terminated(command))


def write(catalog: Catalog, image: bytes, path: str, about: dict[str, Any]) -> Iterator[int]:
    """Write a backup block by block; how many bytes are in it.

    Raises:
        SqlError: the file cannot be opened (3201), or not be written (3202).
    """
    filler = catalog.storage.filler_bytes if catalog.storage is not None else 0
    header = _header(catalog, len(image), filler, about)
    try:
        stream = Path(path).open("wb")  # noqa: SIM115 - closed below, after its own errors
    except OSError as error:
        reason = f"{error.errno}({error.strerror})"
        raise device_error(path, reason, "BACKUP DATABASE") from None
    pages = catalog.storage.filler() if catalog.storage is not None else ()
    try:
        with stream:
            stream.write(_MAGIC + json.dumps(asdict(header)).encode() + b"\n")
            yield from _written(stream, header, chain(_cut(image, header.block_bytes), pages))
    except OSError as error:
        reason = "112(There is not enough space on the disk.)"
        if error.errno != _DISK_FULL:
            reason = f"{error.errno}({error.strerror})"
        text = f'Write on "{path}" failed: {reason}'
        raise SqlError(Message(3202, 16, text), terminated("BACKUP DATABASE")) from None


def _header(catalog: Catalog, image: int, filler: int, about: dict[str, Any]) -> Header:
    return Header(
        database=catalog.name,
        compatibility=catalog.compatibility,
        guid=str(uuid.uuid4()).upper(),
        fork_guid=catalog.fork_guid,
        database_guid=catalog.guid,
        family_guid=catalog.family_guid,
        files=tuple(asdict(each) for each in catalog.files),
        image_bytes=image,
        filler_bytes=filler,
        # Small ones have a hundred blocks, too: each percent is told when it is done.
        block_bytes=max(1, min(BLOCK_BYTES, -(-(image + filler) // 100))),
        **about,
    )


def _cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def _written(stream: BinaryIO, header: Header, blocks: Iterable[bytes]) -> Iterator[int]:
    done = 0
    for block in blocks:
        is_checked = header.has_checksums or done < header.image_bytes
        stream.write(_BLOCK.pack(len(block), zlib.crc32(block) if is_checked else 0))
        stream.write(block)
        stream.flush()
        done += len(block)
        yield done
    if header.filler_bytes:
        write_through(stream)


def read_header(path: str, command: str) -> Header:
    """What a backup file tells of itself.

    Raises:
        SqlError: it is not there (3201), or no backup (3241).
    """
    try:
        with Path(path).open("rb") as stream:
            return _read_header(stream, path, command)
    except OSError as error:
        raise device_error(path, f"{error.errno}({error.strerror})", command) from None


def _read_header(stream: BinaryIO, path: str, command: str) -> Header:
    try:
        if stream.read(len(_MAGIC)) != _MAGIC:
            raise ValueError
        told = json.loads(stream.readline())
        told["version"] = tuple(told["version"])
        told["files"] = tuple(told["files"])
        return Header(**told)
    except (ValueError, TypeError, KeyError):
        text = f"The media family on device '{path}' is incorrectly formed."
        raise SqlError(Message(3241, 16, text), terminated(command)) from None


def blocks(path: str, command: str, damage: int = 3183) -> Iterator[bytes]:
    """What stands behind the header: first the image, then filler pages.

    The image is checked without checksums, too, when it is to be used.

    Raises:
        SqlError: it is cut off (3203), or damaged (3183, or the number that is given).
    """
    with Path(path).open("rb") as stream:
        header = _read_header(stream, path, command)
        done = 0
        while done < header.size_bytes:
            block, is_whole = _block(stream)
            if not block:
                text = f'Read on "{path}" failed: 38(Reached the end of the file.)'
                raise SqlError(Message(3203, 16, text), terminated(command))
            is_used_image = damage == 3183 and done < header.image_bytes
            if not is_whole and (header.has_checksums or is_used_image):
                raise _damaged(damage, done // PAGE_BYTES, command)
            done += len(block)
            yield block


def _block(stream: BinaryIO) -> tuple[bytes, bool]:
    """The next block, none at the end, and whether it is as it was written."""
    head = stream.read(_BLOCK.size)
    if len(head) < _BLOCK.size:
        return b"", False
    size, checksum = _BLOCK.unpack(head)
    block = stream.read(min(size, BLOCK_BYTES))
    if len(block) < size <= BLOCK_BYTES:
        return b"", False
    return block, zlib.crc32(block) == checksum


def _damaged(number: int, page: int, command: str) -> SqlError:
    text = f"RESTORE detected an error on page (1:{page}) in database as read from the backup set."
    if number == 3189:
        text = "Damage to the backup set was detected."
    return SqlError(Message(number, 16, text), terminated(command))


def verify(path: str, command: str) -> None:
    """What VERIFYONLY does: reads all; without checksums most damage is not seen.

    Raises:
        SqlError: as `blocks`, but 3189 for damage.
    """
    read_header(path, command)
    for _ in blocks(path, command, damage=3189):
        pass


def terminated(command: str) -> Message:
    """The last of each pair of errors about backups."""
    return Message(3013, 16, f"{command} is terminating abnormally.")


def files_of(header: Header) -> list[File]:
    return [File(**each) for each in header.files]

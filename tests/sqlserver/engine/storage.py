"""A catalog's files: an image of it with filler pages behind a header, and a log of what followed.

Header, filler, image. A new image is written where the old one is not, then the header is; the log
belongs to the header's generation. So whoever is killed finds what was committed.
"""

from __future__ import annotations

import os
import random
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

PAGE_BYTES = 8192
BLOCK_BYTES = 2**20
_MAGIC = b"SIMULATED SQL SERVER DATA FILE"
_HEADER = struct.Struct("<30sQQQQ")
_RECORD = struct.Struct("<QII")


class DamagedError(Exception):
    """A data file is not what was written."""


@dataclass(slots=True)
class Storage:
    """The first data file and the log of a catalog. `written_bytes`: to the log, since it began."""

    data: Path
    log: Path
    filler_bytes: int = 0
    written_bytes: int = 0
    _generation: int = 0
    _image_at: int = 0
    _image_bytes: int = 0

    @classmethod
    def existing(cls, data: Path, log: Path) -> Storage:
        """What was written there before.

        Raises:
            DamagedError: it is no data file.
        """
        with data.open("rb") as stream:
            head = stream.read(_HEADER.size)
        if len(head) < _HEADER.size or not head.startswith(_MAGIC):
            raise DamagedError(f"{data} is no data file")
        _, generation, filler, at, size = _HEADER.unpack(head)
        return cls(data, log, filler, 0, generation, at, size)

    def create(self, filler: Iterable[bytes] = ()) -> Iterator[int]:
        """Make both files, with filler pages if any; the bytes of them that are done."""
        self.log.write_bytes(b"")
        with self.data.open("wb") as stream:
            stream.seek(PAGE_BYTES)
            for block in filler:
                stream.write(block)
                self.filler_bytes += len(block)
                yield self.filler_bytes
            if self.filler_bytes:
                write_through(stream)

    def save(self, image: bytes) -> None:
        """Write an image; the log begins anew."""
        base = PAGE_BYTES + self.filler_bytes
        at = base if base + len(image) <= self._image_at else self._image_at + self._image_bytes
        self._image_at, self._image_bytes = max(at, base), len(image)
        self._generation += 1
        where = (self._generation, self.filler_bytes, self._image_at, self._image_bytes)
        with self.data.open("r+b") as stream:
            stream.seek(self._image_at)
            stream.write(image)
            stream.flush()
            stream.seek(0)
            stream.write(_HEADER.pack(_MAGIC, *where))
        self.log.write_bytes(b"")

    def image(self) -> bytes:
        with self.data.open("rb") as stream:
            stream.seek(self._image_at)
            return stream.read(self._image_bytes)

    def append(self, record: bytes) -> None:
        """Add to the log."""
        head = _RECORD.pack(self._generation, len(record), zlib.crc32(record))
        with self.log.open("ab") as stream:
            stream.write(head + record)
        self.written_bytes += len(head) + len(record)

    def records(self) -> Iterator[bytes]:
        """What was added since the image; the last may be incomplete, and is none then."""
        with self.log.open("rb") as stream:
            while len(head := stream.read(_RECORD.size)) == _RECORD.size:
                generation, size, checksum = _RECORD.unpack(head)
                record = stream.read(size)
                if zlib.crc32(record) != checksum:
                    return
                if generation == self._generation:
                    yield record

    def filler(self) -> Iterator[bytes]:
        """The filler pages, block by block."""
        left = self.filler_bytes
        with self.data.open("rb") as stream:
            stream.seek(PAGE_BYTES)
            while left and (block := stream.read(min(left, BLOCK_BYTES))):
                left -= len(block)
                yield block

    def fill(self, size_bytes: int) -> None:
        """Give the catalog so many bytes of filler pages instead of those that it has."""
        image = self.image()
        self.filler_bytes = 0
        for _ in self.create(made_up(size_bytes)):
            pass
        self._image_at = self._image_bytes = 0
        self.save(image)


def write_through(stream: BinaryIO) -> None:
    """A server writes past the cache: what it has done is on the disk when it says so."""
    stream.flush()
    os.fsync(stream.fileno())


def made_up(size_bytes: int) -> Iterator[bytes]:
    """Blocks that cannot be compressed, and are not all the same."""
    noise = memoryview(random.Random(size_bytes).randbytes(BLOCK_BYTES + PAGE_BYTES))
    for start in range(0, size_bytes, BLOCK_BYTES):
        begin = start // BLOCK_BYTES * 8 % PAGE_BYTES
        yield bytes(noise[begin : begin + min(BLOCK_BYTES, size_bytes - start)])

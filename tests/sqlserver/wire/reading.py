"""A cursor over the bytes of a message."""

from __future__ import annotations

import struct
from typing import Any


class MalformedError(Exception):
    """The client sent what the protocol does not allow, or what is not known here."""


class Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def is_at_end(self) -> bool:
        return self._at >= len(self._data)

    def take(self, size: int) -> bytes:
        """The next bytes.

        Raises:
            MalformedError: there are not so many.
        """
        piece = self._data[self._at : self._at + size]
        if len(piece) < size:
            raise MalformedError(f"{size} bytes expected at {self._at} of {len(self._data)}")
        self._at += size
        return piece

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._at)

    def peek(self) -> int:
        return self._data[self._at]

    def number(self, form: str) -> Any:
        """A little-endian number in the format of `struct`."""
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))[0]

    def unsigned(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def signed(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little", signed=True)

    def short_text(self) -> str:
        """B_VARCHAR: its length in characters in one byte."""
        return self.take(2 * self.unsigned(1)).decode("utf-16-le")

    def text(self) -> str:
        """US_VARCHAR: its length in characters in two bytes."""
        return self.take(2 * self.unsigned(2)).decode("utf-16-le")

"""Results become tokens ([MS-TDS] 2.2.7)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from tests.sqlserver.results import (
    DatabaseChanged,
    Done,
    Message,
    ResultSet,
    ReturnStatus,
    ReturnValue,
)
from tests.sqlserver.wire.types import encoded, is_large_object, type_info, user_type

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.sqlserver.results import Column, OpenTransaction, Result, Welcome

_DONE, _DONE_PROCEDURE, _DONE_IN_PROCEDURE = 0xFD, 0xFE, 0xFF
_MORE, _ERROR, _COUNT, _ATTENTION = 0x01, 0x02, 0x10, 0x20
_SELECT, _CHANGE = 0xC1, 0xC5
_DATABASE, _PACKET_SIZE, _COLLATION = 1, 4, 7
_NULLABLE, _IDENTITY, _COMPUTED = 0x01, 0x10, 0x20
_LANGUAGE = 2
_BEGUN, _COMMITTED, _ROLLED_BACK = 8, 9, 10


def short_text(text: str) -> bytes:
    return bytes([len(text)]) + text.encode("utf-16-le")


def _text(text: str) -> bytes:
    raw = text.encode("utf-16-le")
    return struct.pack("<H", len(raw) // 2) + raw


def done(
    *, status: int = 0, rows: int | None = None, token: int = _DONE, command: int = 0
) -> bytes:
    if rows is not None:
        status |= _COUNT
    return struct.pack("<BHHQ", token, status, command, rows or 0)


def acknowledged_attention() -> bytes:
    return done(status=_ATTENTION)


def message(told: Message, server: str) -> bytes:
    """ERROR or INFO."""
    body = struct.pack("<iBB", told.number, told.state, told.severity)
    body += _text(told.text) + short_text(server) + short_text(told.procedure)
    body += struct.pack("<i", told.line)
    return struct.pack("<BH", 0xAA if told.is_error else 0xAB, len(body)) + body


def environment(kind: int, new: str | bytes, old: str | bytes) -> bytes:
    """ENVCHANGE."""
    body = bytes([kind])
    for value in (new, old):
        body += short_text(value) if isinstance(value, str) else bytes([len(value)]) + value
    return struct.pack("<BH", 0xE3, len(body)) + body


def transaction_change(before: OpenTransaction, now: OpenTransaction) -> bytes:
    """That a transaction has begun, or has ended; drivers in manual commit mode live by it."""
    old, new = (each.number.to_bytes(8, "little") for each in (before, now))
    told = b""
    if before.number:
        told += environment(_ROLLED_BACK if now.was_rolled_back else _COMMITTED, b"", old)
    return told + (environment(_BEGUN, new, b"") if now.number else b"")


def login_answer(welcome: Welcome, tds_version: int, packet_bytes: int) -> bytes:
    """What follows a login that is let in."""
    server, database = welcome.server_name, welcome.database
    major, minor, build = welcome.version
    version = struct.pack(">I", tds_version)
    program = short_text("Microsoft SQL Server") + struct.pack(">BBH", major, minor, build)
    body = b"\x01" + version + program
    return b"".join(
        (
            environment(_DATABASE, database, "master"),
            *(message(each, server) for each in welcome.told),
            environment(_COLLATION, welcome.collation, b""),
            environment(_LANGUAGE, welcome.language, ""),
            struct.pack("<BH", 0xAD, len(body)) + body,
            environment(_PACKET_SIZE, str(packet_bytes), "4096"),
            done(),
        )
    )


class Answer:
    """Turns results into tokens, and gives them away piece by piece.

    `in_procedure`: it answers an RPC. The last DONE is kept back, for only it says that no more
    comes.
    """

    def __init__(
        self, give: Callable[[bytes], None], welcome: Welcome, *, in_procedure: bool = False
    ) -> None:
        self._give = give
        self._welcome = welcome
        self._in_procedure = in_procedure
        self._kept: Done | None = None
        self._command = _CHANGE
        self._status = 0
        self._outputs: list[ReturnValue] = []

    def put(self, result: Result) -> None:
        """Answer with a result; a message is with the client at once."""
        match result:
            case ResultSet():
                self._release()
                self._give(_columns(result.columns, self._welcome.collation))
                self._rows(result)
                self._command = _SELECT
            case Done():
                self._release()
                self._kept = result
            case Message():
                self._release()
                self._give(message(result, self._welcome.server_name))
            case DatabaseChanged():
                self._release()
                self._give(environment(_DATABASE, result.new, result.old))
            case ReturnStatus():
                self._status = result.value
            case ReturnValue():
                self._outputs.append(result)

    def tell(self, environment_change: bytes) -> None:
        """Say before the end of the statement what it has changed."""
        self._give(environment_change)

    def end(self, *, is_cancelled: bool = False) -> bytes:
        """The last bytes of the message."""
        if self._in_procedure:
            self._release()
            last = struct.pack("<Bi", 0x79, self._status)
            last += b"".join(self._output(each) for each in self._outputs)
            last += done(token=_DONE_PROCEDURE)
        else:
            kept = self._kept or Done()
            status = _ERROR if kept.is_error else 0
            last = done(status=status, rows=kept.rows, command=self._command)
        if not is_cancelled:
            return last
        self._release()
        return done(status=_ERROR) + acknowledged_attention()

    def _release(self) -> None:
        """What is kept was not the last."""
        if self._kept is not None:
            status = _MORE | (_ERROR if self._kept.is_error else 0)
            token = _DONE_IN_PROCEDURE if self._in_procedure else _DONE
            rows = self._kept.rows
            self._give(done(status=status, rows=rows, token=token, command=self._command))
            self._kept, self._command = None, _CHANGE

    def _rows(self, result: ResultSet) -> None:
        collation = self._welcome.collation
        for row in result.rows:
            values = zip(result.columns, row, strict=True)
            self._give(b"\xd1" + b"".join(encoded(c.type, v, collation) for c, v in values))

    def _output(self, value: ReturnValue) -> bytes:
        collation = self._welcome.collation
        head = struct.pack("<BH", 0xAC, 0) + short_text(value.name) + b"\x01"
        head += struct.pack("<IH", user_type(value.type), _NULLABLE)
        return head + type_info(value.type, collation) + encoded(value.type, value.value, collation)


def _columns(columns: Sequence[Column], collation: bytes) -> bytes:
    described = b"".join(_column(column, collation) for column in columns)
    return struct.pack("<BH", 0x81, len(columns)) + described


def _column(column: Column, collation: bytes) -> bytes:
    flags = _NULLABLE if column.is_nullable else 0
    flags |= _IDENTITY if column.is_identity else 0
    flags |= _COMPUTED if column.is_computed else 0
    described = struct.pack("<IH", user_type(column.type), flags)
    described += type_info(column.type, collation)
    if is_large_object(column.type):
        described += b"\x01" + _text("table")
    return described + short_text(column.name)

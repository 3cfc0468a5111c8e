"""What a client asks for: batches, remote procedure calls, transactions ([MS-TDS] 2.2.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.sqlserver.results import Parameter
from tests.sqlserver.wire.reading import MalformedError, Reader
from tests.sqlserver.wire.types import read_type, read_value

if TYPE_CHECKING:
    from collections.abc import Sequence

_BY_NUMBER = 0xFFFF
_BY_REFERENCE = 0x01
_ANOTHER_CALL = {0x80, 0xFE, 0xFF}
_PROCEDURES = {
    1: "sp_cursor",
    2: "sp_cursoropen",
    3: "sp_cursorprepare",
    4: "sp_cursorexecute",
    5: "sp_cursorprepexec",
    6: "sp_cursorunprepare",
    7: "sp_cursorfetch",
    8: "sp_cursoroption",
    9: "sp_cursorclose",
    10: "sp_executesql",
    11: "sp_prepare",
    12: "sp_execute",
    13: "sp_prepexec",
    14: "sp_prepexecrpc",
    15: "sp_unprepare",
}
_BEGIN = 5
_TRANSACTIONS = {
    _BEGIN: "BEGIN TRANSACTION",
    7: "COMMIT TRANSACTION",
    8: "ROLLBACK TRANSACTION",
}


@dataclass(frozen=True, slots=True)
class Call:
    """A procedure with its arguments."""

    procedure: str
    parameters: Sequence[Parameter]


def parse_batch(body: bytes) -> str:
    reader = Reader(body)
    _skip_headers(reader)
    return reader.rest().decode("utf-16-le", "surrogatepass")


def parse_calls(body: bytes) -> list[Call]:
    """The calls of an RPC message.

    Raises:
        MalformedError: it is none.
    """
    reader = Reader(body)
    _skip_headers(reader)
    calls = []
    while not reader.is_at_end:
        calls.append(_call(reader))
        if not reader.is_at_end:
            reader.unsigned(1)
    return calls


def parse_transaction(body: bytes) -> str:
    """The statement that does what a transaction manager request asks for.

    Raises:
        MalformedError: a request that is not known here.
    """
    reader = Reader(body)
    _skip_headers(reader)
    kind = reader.unsigned(2)
    if kind not in _TRANSACTIONS:
        raise MalformedError(f"transaction manager request {kind} is not known here")
    wanted = _TRANSACTIONS[kind]
    if kind == _BEGIN:
        return wanted
    reader.take(reader.unsigned(1))  # its name
    begins_another = bool(reader.unsigned(1) & 1)
    return f"{wanted}; {_TRANSACTIONS[_BEGIN]}" if begins_another else wanted


def _skip_headers(reader: Reader) -> None:
    reader.take(reader.unsigned(4) - 4)


def _call(reader: Reader) -> Call:
    size = reader.unsigned(2)
    if size == _BY_NUMBER:
        number = reader.unsigned(2)
        if number not in _PROCEDURES:
            raise MalformedError(f"procedure {number} is not known here")
        name = _PROCEDURES[number]
    else:
        name = reader.take(2 * size).decode("utf-16-le")
    reader.unsigned(2)
    parameters = []
    while not reader.is_at_end and reader.peek() not in _ANOTHER_CALL:
        parameters.append(_parameter(reader))
    return Call(name, parameters)


def _parameter(reader: Reader) -> Parameter:
    name = reader.short_text()
    status = reader.unsigned(1)
    kind = read_type(reader)
    return Parameter(name, kind, read_value(kind, reader), bool(status & _BY_REFERENCE))

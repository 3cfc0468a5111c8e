"""Scalar functions. Those that ask for the session or a catalog are in `session_functions`."""

from __future__ import annotations

import hashlib
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine.comparing import DEFAULT_COLLATION, collation_of, common_type, folded
from tests.sqlserver.engine.compiled import INT, Compiled, Rows
from tests.sqlserver.engine.conversion import (
    BINARIES,
    TEXTS,
    TICKS_A_DAY,
    as_text,
    converted,
    moment,
)
from tests.sqlserver.engine.moments import ticks_now
from tests.sqlserver.results import MAX, Kind, Message, SqlType
from tests.sqlserver.sql.lexer import SqlError, unknown
from tests.sqlserver.wire.types import CODE_PAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NVARCHAR = SqlType(Kind.NVARCHAR, 4000)
VARCHAR = SqlType(Kind.VARCHAR, 8000)
BIGINT = SqlType(Kind.BIGINT)
_DATETIME = SqlType(Kind.DATETIME)
_DATETIME2 = SqlType(Kind.DATETIME2, scale=7)
_OFFSET = SqlType(Kind.DATETIMEOFFSET, scale=7)
_GUID = SqlType(Kind.UNIQUEIDENTIFIER)


def _of_values(
    kind: SqlType | None, compute: Callable[..., Any], *, nulls: bool = False
) -> Callable[[Sequence[Compiled]], Compiled]:
    """A function that is NULL where an argument is; without a type it has its first argument's."""

    def build(arguments: Sequence[Compiled]) -> Compiled:
        collation = ""
        for each in arguments:
            if each.type.kind in TEXTS and not each.is_null:
                collation = collation_of(collation, each.collation)

        def run(rows: Rows) -> Any:
            values = [each.run(rows) for each in arguments]
            if not nulls and any(value is None for value in values):
                return None
            return compute(*values)

        return Compiled(kind or arguments[0].type, run, collation)

    return build


def _text_of(argument: Compiled) -> Callable[[Rows], str | None]:
    def run(rows: Rows) -> str | None:
        value = argument.run(rows)
        return None if value is None else as_text(value, argument.type, 0)

    return run


def _length(arguments: Sequence[Compiled]) -> Compiled:
    read = _text_of(arguments[0])

    def run(rows: Rows) -> Any:
        text = read(rows)
        return None if text is None else len(text.rstrip(" "))

    return Compiled(INT, run)


def _data_length(arguments: Sequence[Compiled]) -> Compiled:
    of = arguments[0].type
    sizes = {Kind.BIT: 1, Kind.TINYINT: 1, Kind.SMALLINT: 2, Kind.INT: 4, Kind.BIGINT: 8}

    def run(rows: Rows) -> Any:
        value = arguments[0].run(rows)
        if value is None:
            return None
        if of.kind in BINARIES:
            return len(value)
        if of.kind in TEXTS:
            wide = of.kind in {Kind.NCHAR, Kind.NVARCHAR, Kind.NTEXT}
            return len(value.encode("utf-16-le" if wide else CODE_PAGE, "replace"))
        return sizes.get(of.kind, 8)

    return Compiled(INT, run)


def _substring(value: Any, start: int, length: int) -> Any:
    if length < 0:
        raise SqlError(
            Message(537, 16, "Invalid length parameter passed to the SUBSTRING function.")
        )
    begin = max(start, 1)
    return value[begin - 1 : max(begin - 1, start - 1 + length)]


def _stuff(value: str, start: int, length: int, put: str) -> str | None:
    if start < 1 or start > len(value) or length < 0:
        return None
    return value[: start - 1] + put + value[start - 1 + length :]


def _replace(arguments: Sequence[Compiled]) -> Compiled:
    reads = [_text_of(each) for each in arguments]
    collation = ""
    for each in arguments:
        collation = collation_of(collation, each.collation)

    def run(rows: Rows) -> Any:
        text, wanted, put = (read(rows) for read in reads)
        if text is None or wanted is None or put is None:
            return None
        return _replaced(text, wanted, put, collation.lstrip("!") or DEFAULT_COLLATION)

    wide = any(each.type.kind in {Kind.NVARCHAR, Kind.NCHAR} for each in arguments)
    longest = MAX in {each.type.length for each in arguments[:1]}
    kind = SqlType(Kind.NVARCHAR if wide else Kind.VARCHAR, MAX if longest else 4000)
    return Compiled(kind, run, collation)


def _replaced(text: str, wanted: str, put: str, collation: str) -> str:
    if not wanted:
        return text
    found, at = "", 0
    size = len(wanted)
    while at < len(text):
        if folded(text[at : at + size] + ".", collation) == folded(wanted + ".", collation):
            found += put
            at += size
        else:
            found += text[at]
            at += 1
    return found


def _char_index(arguments: Sequence[Compiled]) -> Compiled:
    wanted, text = (_text_of(each) for each in arguments[:2])
    start = arguments[2] if len(arguments) > 2 else None

    def run(rows: Rows) -> Any:
        what, where = wanted(rows), text(rows)
        if what is None or where is None:
            return None
        begin = max(int(start.run(rows)) if start else 1, 1) - 1
        return where.casefold().find(what.casefold(), begin) + 1

    return Compiled(INT, run)


def _is_null(arguments: Sequence[Compiled]) -> Compiled:
    first, second = arguments
    kind = second.type if first.is_null else first.type

    def run(rows: Rows) -> Any:
        value = first.run(rows)
        return value if value is not None else converted(second.run(rows), second.type, kind)

    return Compiled(kind, run, first.collation)


def _coalesce(arguments: Sequence[Compiled]) -> Compiled:
    known = [each for each in arguments if not each.is_null]
    kind = known[0].type
    for each in known[1:]:
        kind = common_type(kind, each.type)

    def run(rows: Rows) -> Any:
        for each in arguments:
            if (value := each.run(rows)) is not None:
                return converted(value, each.type, kind)
        return None

    return Compiled(kind, run, known[0].collation)


def _concat(arguments: Sequence[Compiled]) -> Compiled:
    reads = [_text_of(each) for each in arguments]
    return Compiled(NVARCHAR, lambda rows: "".join(read(rows) or "" for read in reads))


def _quote_name(text: str, quote: str = "[") -> str | None:
    if len(text) > 128:
        return None
    closing = {"[": "]", "]": "]"}.get(quote, quote)
    opening = {"]": "["}.get(quote, quote)
    return opening + text.replace(closing, closing * 2) + closing


def _now(kind: SqlType) -> Callable[[Sequence[Compiled]], Compiled]:
    return lambda _: Compiled(kind, lambda _: converted(ticks_now(), _DATETIME2, kind))


def _date_add(arguments: Sequence[Compiled]) -> Compiled:
    part, number, when = arguments
    unit = _unit(part)

    def run(rows: Rows) -> Any:
        by, at = number.run(rows), when.run(rows)
        if by is None or at is None:
            return None
        days, ticks, _ = moment(at, when.type)
        total = days * TICKS_A_DAY + ticks + by * unit
        return converted(total, _DATETIME2, kind)

    kind = _DATETIME if when.type.kind in TEXTS else when.type
    return Compiled(kind, run)


def _date_diff(arguments: Sequence[Compiled]) -> Compiled:
    part, begin, end = arguments
    unit = _unit(part)

    def run(rows: Rows) -> Any:
        one, other = begin.run(rows), end.run(rows)
        if one is None or other is None:
            return None
        first, second = (
            days * TICKS_A_DAY + ticks
            for days, ticks, _ in (moment(one, begin.type), moment(other, end.type))
        )
        return second // unit - first // unit

    return Compiled(INT, run)


_UNITS = {"DAY": TICKS_A_DAY, "HOUR": 36_000_000_000, "MINUTE": 600_000_000}
_UNITS |= {"SECOND": 10_000_000, "MILLISECOND": 10_000, "DD": TICKS_A_DAY, "SS": 10_000_000}


def _unit(part: Compiled) -> int:
    name = str(part.run(())).upper()
    if name not in _UNITS:
        raise unknown(f"the date part {name}", 1)
    return _UNITS[name]


def _hash_bytes(arguments: Sequence[Compiled]) -> Compiled:
    algorithm, data = arguments
    raw = SqlType(Kind.VARBINARY, MAX)

    def run(rows: Rows) -> Any:
        value = converted(data.run(rows), data.type, raw)
        name = str(algorithm.run(rows)).lower().replace("sha2_", "sha")
        return None if value is None else hashlib.new(name, value).digest()

    return Compiled(SqlType(Kind.VARBINARY, 8000), run)


def _null_if(arguments: Sequence[Compiled]) -> Compiled:
    first, second = arguments

    def run(rows: Rows) -> Any:
        value = first.run(rows)
        return None if value == second.run(rows) else value

    return Compiled(first.type, run, first.collation)


def _round(value: Any, digits: int) -> Any:
    if isinstance(value, Decimal):
        return round(value, digits)
    return round(float(value), digits) if isinstance(value, float) else int(round(value, digits))


SINCE = {"CONCAT": 11}
"""The major version that has a function first."""

FUNCTIONS: dict[str, Callable[[Sequence[Compiled]], Compiled]] = {
    "LEN": _length,
    "DATALENGTH": _data_length,
    "SUBSTRING": _of_values(None, _substring),
    "LEFT": _of_values(None, lambda text, size: _substring(text, 1, size)),
    "RIGHT": _of_values(None, lambda text, size: text[-size:] if size > 0 else text[:0]),
    "UPPER": _of_values(None, lambda text: text.upper()),
    "LOWER": _of_values(None, lambda text: text.lower()),
    "LTRIM": _of_values(None, lambda text: text.lstrip(" ")),
    "RTRIM": _of_values(None, lambda text: text.rstrip(" ")),
    "REVERSE": _of_values(None, lambda text: text[::-1]),
    "REPLICATE": _of_values(None, lambda text, times: text * times),
    "STUFF": _of_values(None, _stuff),
    "REPLACE": _replace,
    "CHARINDEX": _char_index,
    "QUOTENAME": _of_values(SqlType(Kind.NVARCHAR, 258), _quote_name),
    "CHAR": _of_values(SqlType(Kind.CHAR, 1), lambda code: bytes([code]).decode(CODE_PAGE)),
    "NCHAR": _of_values(SqlType(Kind.NCHAR, 1), chr),
    "ASCII": _of_values(INT, lambda text: text.encode(CODE_PAGE, "replace")[0] if text else None),
    "UNICODE": _of_values(INT, lambda text: ord(text[0]) if text else None),
    "ISNULL": _is_null,
    "COALESCE": _coalesce,
    "NULLIF": _null_if,
    "CONCAT": _concat,
    "ABS": _of_values(None, abs),
    "SIGN": _of_values(None, lambda value: (value > 0) - (value < 0)),
    "ROUND": _of_values(None, _round),
    "GETDATE": _now(_DATETIME),
    "GETUTCDATE": _now(_DATETIME),
    "SYSDATETIME": _now(_DATETIME2),
    "SYSUTCDATETIME": _now(_DATETIME2),
    "SYSDATETIMEOFFSET": _now(_OFFSET),
    "CURRENT_TIMESTAMP": _now(_DATETIME),
    "DATEADD": _date_add,
    "DATEDIFF": _date_diff,
    "NEWID": lambda _: Compiled(_GUID, lambda _: uuid.uuid4()),
    "HASHBYTES": _hash_bytes,
}

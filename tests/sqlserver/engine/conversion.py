"""Values change their type, as CAST and assignments have it; what does not fit is an error."""

from __future__ import annotations

import re
import struct
import uuid
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from tests.sqlserver.results import MAX, OF_CLR, Kind, Message, SqlType
from tests.sqlserver.sql.lexer import SqlError, unknown
from tests.sqlserver.wire.types import CODE_PAGE

if TYPE_CHECKING:
    from collections.abc import Callable

INTEGERS = {Kind.TINYINT: (0, 255), Kind.SMALLINT: (-(2**15), 2**15 - 1)}
INTEGERS |= {Kind.INT: (-(2**31), 2**31 - 1), Kind.BIGINT: (-(2**63), 2**63 - 1)}
DECIMALS = {Kind.DECIMAL, Kind.NUMERIC}
MONEYS = {Kind.MONEY, Kind.SMALLMONEY}
FLOATS = {Kind.REAL, Kind.FLOAT}
NARROW = {Kind.CHAR, Kind.VARCHAR, Kind.TEXT}
WIDE = {Kind.NCHAR, Kind.NVARCHAR, Kind.NTEXT, Kind.XML}
TEXTS = NARROW | WIDE
BINARIES = {Kind.BINARY, Kind.VARBINARY, Kind.IMAGE, Kind.TIMESTAMP}
NUMBERS = {Kind.BIT, *INTEGERS, *DECIMALS, *MONEYS, *FLOATS}
TIMES = {Kind.DATE, Kind.TIME, Kind.SMALLDATETIME, Kind.DATETIME, Kind.DATETIME2}
TIMES |= {Kind.DATETIMEOFFSET}

TICKS_A_DAY = 864_000_000_000
_UNITS_A_DAY = 300 * 86_400
_EXACT = Context(prec=80)
"""A decimal(38) has more digits than Python computes with by itself."""
_EPOCH_1900 = date(1900, 1, 1).toordinal() - 1
_FIRST_DATETIME = date(1753, 1, 1).toordinal() - 1
_PADDED = {Kind.CHAR, Kind.NCHAR, Kind.BINARY}
_MOMENT = re.compile(
    r"\s*(?:(?P<y>\d{4})-?(?P<m>\d\d)-?(?P<d>\d\d))?"
    r"(?:[ T]?(?P<h>\d\d?):(?P<min>\d\d)(?::(?P<s>\d\d)(?:\.(?P<f>\d{1,7}))?)?)?"
    r"\s*(?P<o>Z|[+-]\d\d:\d\d)?\s*"
)


def _failed(number: int, text: str, severity: int = 16) -> SqlError:
    return SqlError(Message(number, severity, text))


def overflow(of: SqlType) -> SqlError:
    return _failed(8115, f"Arithmetic overflow error converting expression to data type {of.kind}.")


_FILLED_UP = {Kind.CHAR, Kind.NCHAR, Kind.BINARY}


def converted(value: Any, source: SqlType, target: SqlType, style: int = 0) -> Any:
    """CAST or CONVERT: text is cut, numbers are rounded.

    Raises:
        SqlError: it cannot be converted (245, 8114, 241), or does not fit (220, 8115).
    """
    if value is None or (source == target and source.kind not in _FILLED_UP):
        return value
    if source.kind is Kind.SQL_VARIANT and target.kind is not Kind.SQL_VARIANT:
        source, value = value
    if target.kind is Kind.SQL_VARIANT:
        return value if source.kind is Kind.SQL_VARIANT else (source, value)
    if target.kind in TEXTS:
        return _cut(as_text(value, source, style), target)
    if target.kind in BINARIES:
        return _cut_binary(_as_binary(value, source), target)
    for kinds, convert in _CONVERSIONS:
        if target.kind in kinds:
            return convert(value, source, target)
    raise _failed(529, f"Explicit conversion to {target.kind} is not allowed.")


def assigned(value: Any, source: SqlType, target: SqlType, column: str, table: str) -> Any:
    """A value for a column: what is longer than it is not cut.

    Raises:
        SqlError: it does not fit (2628, or 8152 as older servers say it).
    """
    if value is None:
        return None
    if (target.kind in OF_CLR or source.kind in OF_CLR) and source.kind is not target.kind:
        text = f"Operand type clash: {source.kind} is incompatible with {target.kind}"
        raise _failed(206, text)
    if target.kind in TEXTS and target.length != MAX and target.kind not in {Kind.XML}:
        text = as_text(value, source, 0)
        if target.length and len(text.rstrip(" ")) > target.length:
            raise _truncated(column, table, text[: target.length])
    if target.kind in BINARIES and target.length not in {MAX, 0}:
        raw = _as_binary(value, source)
        if len(raw) > target.length:
            raise _truncated(column, table, "")
    return converted(value, source, target)


def _truncated(column: str, table: str, beginning: str) -> SqlError:
    text = (
        f"String or binary data would be truncated in table '{table}', column '{column}'. "
        f"Truncated value: '{beginning}'."
    )
    return SqlError(Message(2628, 16, text), Message(3621, 0, "The statement has been terminated."))


def _cut(text: str, target: SqlType) -> str:
    if target.length == MAX or not target.length:
        return text
    cut = text[: target.length]
    return cut.ljust(target.length) if target.kind in _PADDED else cut


def _cut_binary(raw: bytes, target: SqlType) -> bytes:
    if target.kind is Kind.TIMESTAMP:
        return raw[-8:].rjust(8, b"\0")
    if target.length == MAX or not target.length:
        return raw
    cut = raw[: target.length]
    return cut.ljust(target.length, b"\0") if target.kind in _PADDED else cut


def as_text(value: Any, source: SqlType, style: int) -> str:  # noqa: C901, PLR0911 - a table of types
    kind = source.kind
    if kind in TEXTS:
        return str(value)
    if kind is Kind.BIT:
        return str(int(bool(value)))
    if kind in MONEYS:
        return f"{Decimal(value):.2f}"
    if kind in DECIMALS:
        return f"{Decimal(value):.{source.scale}f}"
    if kind in FLOATS:
        mantissa, e, exponent = f"{value:.6g}".partition("e")
        return f"{mantissa}e{exponent[0]}{int(exponent[1:]):03d}" if e else mantissa
    if kind is Kind.UNIQUEIDENTIFIER:
        return str(value).upper()
    if kind in BINARIES:
        if style == 1:
            return f"0x{value.hex().upper()}"
        return f"{value.hex().upper()}" if style == 2 else str(value, CODE_PAGE, "replace")
    if kind in TIMES:
        return _moment_text(value, source, style)
    if kind in OF_CLR:
        raise unknown(f"{kind} as text", 1)
    return str(value)


def _moment_text(value: Any, source: SqlType, style: int) -> str:
    days, ticks, offset = moment(value, source)
    day = date(1, 1, 1) + timedelta(days)
    if not style and source.kind in {Kind.DATETIME, Kind.SMALLDATETIME}:
        hour, minute = divmod(ticks // 600_000_000, 60)
        clock = f"{hour % 12 or 12:2d}:{minute:02d}{'AM' if hour < 12 else 'PM'}"
        return f"{_MONTHS[day.month - 1]} {day.day:2d} {day.year} {clock}"
    if style not in _STYLES:
        raise unknown(f"the style {style} of {source.kind}", 1)
    shown = []
    if source.kind is not Kind.TIME:
        shown.append(day.isoformat())
    if source.kind is not Kind.DATE:
        shown.append(_clock_text(ticks, 0 if style == 120 else _scale_of(source)))
    if source.kind is Kind.DATETIMEOFFSET:
        shown.append(f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}")
    return _STYLES[style].join(shown)


_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
# What stands between day and time.
_STYLES = {0: " ", 120: " ", 121: " ", 126: "T"}


def _scale_of(source: SqlType) -> int:
    return {Kind.DATETIME: 3, Kind.SMALLDATETIME: 0}.get(source.kind, source.scale)


def _clock_text(ticks: int, scale: int) -> str:
    seconds, fraction = divmod(_rounded(ticks, scale) if scale == 3 else ticks, 10_000_000)
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return clock + (f".{fraction:07d}"[: scale + 1] if scale else "")


def _as_binary(value: Any, source: SqlType) -> bytes:
    kind = source.kind
    if kind in BINARIES | OF_CLR:
        return bytes(value)
    if kind in WIDE | NARROW:
        encoding = ("utf-16-le", "surrogatepass") if kind in WIDE else (CODE_PAGE, "replace")
        return str(value).encode(*encoding)
    if kind in INTEGERS:
        size = {Kind.TINYINT: 1, Kind.SMALLINT: 2, Kind.INT: 4, Kind.BIGINT: 8}[kind]
        return int(value).to_bytes(size, "big", signed=kind is not Kind.TINYINT)
    if kind is Kind.BIT:
        return bytes([bool(value)])
    if kind is Kind.UNIQUEIDENTIFIER:
        return uuid.UUID(str(value)).bytes_le
    if kind is Kind.DATETIME:
        return struct.pack(">iI", *divmod(value, _UNITS_A_DAY))
    raise _failed(529, f"Explicit conversion from {kind} to binary is not known here.")


_SRID_BYTES = 4
_SERIALIZATIONS = {1, 2}
"""Of [MS-SSCLRT]: the byte behind the number of the reference system."""


def _of_clr(value: Any, source: SqlType, target: SqlType) -> bytes:
    """From what CONVERT (varbinary(max), …) made of one."""
    if source.kind not in BINARIES:
        raise unknown(f"{target.kind} from {source.kind}", 1)
    raw = bytes(value)
    is_place = target.kind is not Kind.HIERARCHYID
    if is_place and (len(raw) <= _SRID_BYTES + 1 or raw[_SRID_BYTES] not in _SERIALIZATIONS):
        text = "A .NET Framework error occurred during execution of user-defined routine or "
        raise _failed(6522, text + f'aggregate "{target.kind}".')
    return raw


def _to_bit(value: Any, source: SqlType, target: SqlType) -> int:
    if source.kind in TEXTS and str(value).strip().lower() in {"true", "false"}:
        return int(str(value).strip().lower() == "true")
    return int(bool(_to_number(value, source, target)))


def _to_integer(value: Any, source: SqlType, target: SqlType) -> int:
    if source.kind in BINARIES:
        whole = int.from_bytes(value[-8:], "big")
    else:
        whole = int(_to_number(value, source, target))
    low, high = INTEGERS[target.kind]
    if low <= whole <= high:
        return whole
    if source.kind in TEXTS:
        text = f"The conversion of the {source.kind} value '{value}' overflowed an int column."
        raise _failed(248, text)
    if target.kind in {Kind.TINYINT, Kind.SMALLINT}:
        text = f"Arithmetic overflow error for data type {target.kind}, value = {whole}."
        raise _failed(220, text)
    raise overflow(target)


def _to_decimal(value: Any, source: SqlType, target: SqlType) -> Decimal:
    number = Decimal(str(_to_number(value, source, target)))
    scale = 4 if target.kind in MONEYS else target.scale
    rounded = number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, _EXACT)
    most = 19 if target.kind in MONEYS else target.precision
    if len(rounded.as_tuple().digits) > max(most, scale):
        raise overflow(target)
    return rounded


def _to_float(value: Any, source: SqlType, target: SqlType) -> float:
    number = float(_to_number(value, source, target))
    return (
        float(struct.unpack("f", struct.pack("f", number))[0])
        if target.kind is Kind.REAL
        else number
    )


def _to_number(value: Any, source: SqlType, target: SqlType) -> Any:
    if source.kind in NUMBERS:
        return value
    if source.kind in TEXTS:
        return _number_in(str(value), source, target)
    if source.kind is Kind.DATETIME and target.kind in FLOATS:
        return value / _UNITS_A_DAY
    text = f"Implicit conversion from data type {source.kind} to {target.kind} is not allowed."
    raise _failed(257, text)


def _number_in(text: str, source: SqlType, target: SqlType) -> Any:
    try:
        number = Decimal(text.strip() or "0")
        if target.kind in INTEGERS and number != number.to_integral_value():
            raise InvalidOperation
    except InvalidOperation:
        if target.kind in INTEGERS or target.kind is Kind.BIT:
            said = (
                f"Conversion failed when converting the {source.kind} value '{text}' to data type "
            )
            raise _failed(245, said + f"{target.kind}.") from None
        said = f"Error converting data type {source.kind} to {target.kind}."
        raise _failed(8114, said) from None
    return number


def _to_guid(value: Any, source: SqlType, target: SqlType) -> uuid.UUID:  # noqa: ARG001 - as the others
    if isinstance(value, uuid.UUID):
        return value
    try:
        return uuid.UUID(bytes_le=value) if isinstance(value, bytes) else uuid.UUID(str(value))
    except ValueError:
        text = "Conversion failed when converting from a character string to uniqueidentifier."
        raise _failed(8169, text) from None


def moment(value: Any, source: SqlType) -> tuple[int, int, int]:
    """Days since 0001-01-01, units of 100 ns in the day, minutes of offset: in local time."""
    read = _MOMENTS.get(source.kind)
    return read(value) if read else _moment_in(str(value), source)


def _moment_of_minutes(value: int) -> tuple[int, int, int]:
    days, minutes = divmod(value, 1440)
    return _EPOCH_1900 + days, minutes * 600_000_000, 0


def _moment_of_datetime(value: int) -> tuple[int, int, int]:
    """To all digits, as from compatibility level 130 on."""
    days, units = divmod(value, _UNITS_A_DAY)
    return _EPOCH_1900 + days, (units * 10_000_000 + 150) // 300, 0


def _moment_with_offset(value: tuple[int, int]) -> tuple[int, int, int]:
    utc, offset = value
    return *divmod(utc + offset * 600_000_000, TICKS_A_DAY), offset


_MOMENTS: dict[Kind, Callable[[Any], tuple[int, int, int]]] = {
    Kind.DATE: lambda value: (value, 0, 0),
    Kind.TIME: lambda value: (_EPOCH_1900, value, 0),
    Kind.SMALLDATETIME: _moment_of_minutes,
    Kind.DATETIME: _moment_of_datetime,
    Kind.DATETIME2: lambda value: (*divmod(value, TICKS_A_DAY), 0),
    Kind.DATETIMEOFFSET: _moment_with_offset,
}


def _moment_in(text: str, source: SqlType) -> tuple[int, int, int]:
    found = _MOMENT.fullmatch(text)
    if found is None or source.kind not in TEXTS:
        said = "Conversion failed when converting date and/or time from character string."
        raise _failed(241, said)
    part = found.groupdict()
    try:
        day = date(int(part["y"] or 1900), int(part["m"] or 1), int(part["d"] or 1))
    except ValueError:
        raise _failed(241, "Conversion failed when converting date and/or time.") from None
    seconds = int(part["h"] or 0) * 3600 + int(part["min"] or 0) * 60 + int(part["s"] or 0)
    ticks = seconds * 10_000_000 + int((part["f"] or "0").ljust(7, "0"))
    offset = 0
    if (shift := part["o"]) and shift != "Z":
        offset = (int(shift[1:3]) * 60 + int(shift[4:])) * (-1 if shift[0] == "-" else 1)
    return day.toordinal() - 1, ticks, offset


def _to_moment(value: Any, source: SqlType, target: SqlType) -> Any:
    if source.kind not in TIMES | TEXTS:
        text = f"Operand type clash: {source.kind} is incompatible with {target.kind}"
        raise _failed(206, text)
    days, ticks, offset = moment(value, source)
    total = days * TICKS_A_DAY + ticks
    match target.kind:
        case Kind.DATE:
            found: Any = days
        case Kind.TIME:
            found = _rounded(ticks, target.scale) % TICKS_A_DAY
        case Kind.SMALLDATETIME:
            found = (days - _EPOCH_1900) * 1440 + round(ticks / 600_000_000)
        case Kind.DATETIME:
            found = _to_datetime(days, ticks)
        case Kind.DATETIME2:
            found = _rounded(total, target.scale)
        case _:
            found = _rounded(total - offset * 600_000_000, target.scale), offset
    return found


def _to_datetime(days: int, ticks: int) -> int:
    if days < _FIRST_DATETIME:
        raise _failed(242, "The conversion resulted in an out-of-range value.")
    units = int(Decimal(ticks * 300).scaleb(-7).quantize(Decimal(1), ROUND_HALF_UP))
    return (days - _EPOCH_1900) * _UNITS_A_DAY + units


def _rounded(ticks: int, scale: int) -> int:
    unit: int = 10 ** (7 - scale)
    return (ticks + unit // 2) // unit * unit


_CONVERSIONS: list[tuple[set[Kind], Callable[[Any, SqlType, SqlType], Any]]] = [
    ({Kind.BIT}, _to_bit),
    (set(INTEGERS), _to_integer),
    (DECIMALS | MONEYS, _to_decimal),
    (FLOATS, _to_float),
    ({Kind.UNIQUEIDENTIFIER}, _to_guid),
    (TIMES, _to_moment),
    (set(OF_CLR), _of_clr),
]

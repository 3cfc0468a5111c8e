"""Types and values on the wire, both ways ([MS-TDS] 2.2.5.4 to 2.2.5.6)."""

from __future__ import annotations

import struct
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.sqlserver.results import MAX, OF_CLR, Kind, SqlType
from tests.sqlserver.wire.reading import MalformedError

if TYPE_CHECKING:
    from tests.sqlserver.wire.reading import Reader

CODE_PAGE = "cp1252"
_PLP = 0xFFFF
_HIERARCHYID_BYTES = 892
_NO_LENGTH = 0xFFFFFFFFFFFFFFFE
_NULL_LENGTH = 0xFFFFFFFFFFFFFFFF
_LARGEST = 0x7FFFFFFF
_INTEGERS = {Kind.TINYINT: 1, Kind.SMALLINT: 2, Kind.INT: 4, Kind.BIGINT: 8}
_FLOATS = {Kind.REAL: "f", Kind.FLOAT: "d"}
_MONEYS = {Kind.SMALLMONEY: 4, Kind.MONEY: 8}
_DECIMALS = {Kind.DECIMAL: 0x6A, Kind.NUMERIC: 0x6C}
_OLD_TIMES = {Kind.SMALLDATETIME: 4, Kind.DATETIME: 8}
_SCALED = {Kind.TIME: 0x29, Kind.DATETIME2: 0x2A, Kind.DATETIMEOFFSET: 0x2B}
_BYTES = {Kind.BINARY: 0xAD, Kind.VARBINARY: 0xA5}
_TEXTS = {Kind.CHAR: 0xAF, Kind.VARCHAR: 0xA7, Kind.NCHAR: 0xEF, Kind.NVARCHAR: 0xE7}
_LARGE = {Kind.IMAGE: 0x22, Kind.TEXT: 0x23, Kind.NTEXT: 0x63}
_WIDE = {Kind.NCHAR, Kind.NVARCHAR, Kind.NTEXT, Kind.XML}
_ALWAYS_IN_PIECES = {Kind.XML, *OF_CLR}
_USER_TYPES = {Kind.TIMESTAMP: 80}
_TEXT_POINTER = bytes([16]) + b"pointer to text." + b"\0" * 8
_TICKS_A_DAY = 864_000_000_000
_UNITS_A_DAY = 300 * 86_400
_MINUTES_A_DAY = 1440


def user_type(of: SqlType) -> int:
    """What tells a timestamp from a binary(8)."""
    return _USER_TYPES.get(of.kind, 0)


def is_large_object(of: SqlType) -> bool:
    """Whether it is of the old kind, whose columns tell their table."""
    return of.kind in _LARGE


def encoded_text(kind: Kind, value: str) -> bytes:
    if kind in _WIDE:
        return value.encode("utf-16-le", "surrogatepass")
    return value.encode(CODE_PAGE, "replace")


def decimal_bytes(precision: int) -> int:
    """How many bytes a decimal of this precision takes, its sign included."""
    return next(size for most, size in ((9, 5), (19, 9), (28, 13), (38, 17)) if precision <= most)


def type_info(of: SqlType, collation: bytes) -> bytes:  # noqa: C901, PLR0911, PLR0912 - a table of types
    """TYPE_INFO: what stands before values of a type."""
    kind = of.kind
    if kind is Kind.BIT:
        return bytes([0x68, 1])
    if kind in _INTEGERS:
        return bytes([0x26, _INTEGERS[kind]])
    if kind in _FLOATS:
        return bytes([0x6D, struct.calcsize(_FLOATS[kind])])
    if kind in _MONEYS:
        return bytes([0x6E, _MONEYS[kind]])
    if kind in _DECIMALS:
        return bytes([_DECIMALS[kind], decimal_bytes(of.precision), of.precision, of.scale])
    if kind in _OLD_TIMES:
        return bytes([0x6F, _OLD_TIMES[kind]])
    if kind is Kind.DATE:
        return bytes([0x28])
    if kind in _SCALED:
        return bytes([_SCALED[kind], of.scale])
    if kind is Kind.UNIQUEIDENTIFIER:
        return bytes([0x24, 16])
    if kind is Kind.TIMESTAMP:
        return struct.pack("<BH", 0xAD, 8)
    if kind in _BYTES:
        return struct.pack("<BH", _BYTES[kind], _PLP if of.length == MAX else of.length)
    if kind in _TEXTS:
        return struct.pack("<BH", _TEXTS[kind], _length_in_bytes(of)) + collation
    if kind in _LARGE:
        return struct.pack("<BI", _LARGE[kind], _LARGEST) + (
            b"" if kind is Kind.IMAGE else collation
        )
    if kind is Kind.XML:
        return bytes([0xF1, 0])
    if kind in OF_CLR:
        return _udt_info(kind)
    return struct.pack("<BI", 0x62, 8009)


_CLASSES = {
    Kind.HIERARCHYID: "SqlHierarchyId",
    Kind.GEOMETRY: "SqlGeometry",
    Kind.GEOGRAPHY: "SqlGeography",
}


def _udt_info(kind: Kind) -> bytes:
    """UDT_INFO in COLMETADATA ([MS-TDS] 2.2.5.5.2)."""
    told = f"Microsoft.SqlServer.Types.{_CLASSES[kind]}, Microsoft.SqlServer.Types, "
    told += "Version=11.0.0.0, Culture=neutral, PublicKeyToken=89845dcd8080cc91"
    names = b"".join(
        bytes([len(each)]) + each.encode("utf-16-le") for each in ("master", "sys", str(kind))
    )
    size = _HIERARCHYID_BYTES if kind is Kind.HIERARCHYID else _PLP
    assembly = struct.pack("<H", len(told)) + told.encode("utf-16-le")
    return struct.pack("<BH", 0xF0, size) + names + assembly


def _length_in_bytes(of: SqlType) -> int:
    if of.length == MAX:
        return _PLP
    return of.length * (2 if of.kind in _WIDE else 1)


def encoded(of: SqlType, value: Any, collation: bytes) -> bytes:  # noqa: PLR0911 - a table of types
    """A value behind its type."""
    kind = of.kind
    if kind in _BYTES or kind in _TEXTS or kind in _ALWAYS_IN_PIECES:
        return _with_length(of, _raw(of, value))
    if kind in _LARGE:
        if value is None:
            return b"\0"
        raw = _raw(of, value)
        assert raw is not None
        return _TEXT_POINTER + struct.pack("<I", len(raw)) + raw
    if kind is Kind.TIMESTAMP:
        return struct.pack("<H", _PLP) if value is None else struct.pack("<H", 8) + value
    if kind is Kind.SQL_VARIANT:
        return _variant(value, collation)
    if value is None:
        return b"\0"
    packed = fixed(of, value)
    return bytes([len(packed)]) + packed


def _raw(of: SqlType, value: Any) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    return encoded_text(of.kind, value)


def _with_length(of: SqlType, raw: bytes | None) -> bytes:
    if of.length != MAX and of.kind not in _ALWAYS_IN_PIECES:
        return struct.pack("<H", _PLP) if raw is None else struct.pack("<H", len(raw)) + raw
    if raw is None:
        return struct.pack("<Q", _NULL_LENGTH)
    chunk = struct.pack("<I", len(raw)) + raw if raw else b""
    return struct.pack("<Q", len(raw)) + chunk + struct.pack("<I", 0)


def fixed(of: SqlType, value: Any) -> bytes:  # noqa: PLR0911 - a table of types
    """The bytes of a value that is neither text, binary nor NULL."""
    kind = of.kind
    if kind is Kind.BIT:
        return bytes([bool(value)])
    if kind in _INTEGERS:
        return int(value).to_bytes(_INTEGERS[kind], "little", signed=kind is not Kind.TINYINT)
    if kind in _FLOATS:
        return struct.pack("<" + _FLOATS[kind], value)
    if kind in _DECIMALS:
        return _decimal(of, value)
    if kind in _MONEYS:
        return _money(kind, value)
    if kind is Kind.UNIQUEIDENTIFIER:
        return uuid.UUID(str(value)).bytes_le
    return _time(of, value)


def _decimal(of: SqlType, value: Decimal) -> bytes:
    magnitude = int(abs(Decimal(value)).scaleb(of.scale))
    size = decimal_bytes(of.precision) - 1
    return bytes([value >= 0]) + magnitude.to_bytes(size, "little")


def _money(kind: Kind, value: Decimal) -> bytes:
    units = int(Decimal(value).scaleb(4))
    if kind is Kind.SMALLMONEY:
        return struct.pack("<i", units)
    return struct.pack("<iI", units >> 32, units & 0xFFFFFFFF)


def _time(of: SqlType, value: Any) -> bytes:
    match of.kind:
        case Kind.SMALLDATETIME:
            return struct.pack("<HH", *divmod(value, _MINUTES_A_DAY))
        case Kind.DATETIME:
            return struct.pack("<iI", *divmod(value, _UNITS_A_DAY))
        case Kind.DATE:
            return _days(value)
        case Kind.TIME:
            return _ticks(value, of.scale)
        case Kind.DATETIME2:
            days, ticks = divmod(value, _TICKS_A_DAY)
            return _ticks(ticks, of.scale) + _days(days)
        case _:
            utc, offset = value
            days, ticks = divmod(utc, _TICKS_A_DAY)
            return _ticks(ticks, of.scale) + _days(days) + struct.pack("<h", offset)


def _days(value: int) -> bytes:
    return value.to_bytes(3, "little")


def _ticks(value: int, scale: int) -> bytes:
    units: int = value // 10 ** (7 - scale)
    return units.to_bytes(_time_bytes(scale), "little")


def _time_bytes(scale: int) -> int:
    return 3 if scale <= 2 else 4 if scale <= 4 else 5


def _variant(value: tuple[SqlType, Any] | None, collation: bytes) -> bytes:
    if value is None or value[1] is None:
        return struct.pack("<I", 0)
    of, inner = value
    if of.kind in _TEXTS:
        raw = encoded_text(of.kind, inner)
        properties = collation + struct.pack("<H", max(len(raw), 1))
        token = _TEXTS[of.kind]
    elif of.kind in _BYTES:
        raw, properties, token = inner, struct.pack("<H", max(len(inner), 1)), _BYTES[of.kind]
    else:
        raw = fixed(of, inner)
        token, properties = _variant_head(of)
    body = bytes([token, len(properties)]) + properties + raw
    return struct.pack("<I", len(body)) + body


# In a variant the types of a fixed length have tokens of their own.
_VARIANT_TOKENS = {
    Kind.BIT: 0x32,
    Kind.TINYINT: 0x30,
    Kind.SMALLINT: 0x34,
    Kind.INT: 0x38,
    Kind.BIGINT: 0x7F,
    Kind.REAL: 0x3B,
    Kind.FLOAT: 0x3E,
    Kind.SMALLMONEY: 0x7A,
    Kind.MONEY: 0x3C,
    Kind.SMALLDATETIME: 0x3A,
    Kind.DATETIME: 0x3D,
    Kind.DATE: 0x28,
    Kind.UNIQUEIDENTIFIER: 0x24,
}


def _variant_head(of: SqlType) -> tuple[int, bytes]:
    if of.kind in _DECIMALS:
        return _DECIMALS[of.kind], bytes([of.precision, of.scale])
    if of.kind in _SCALED:
        return _SCALED[of.kind], bytes([of.scale])
    return _VARIANT_TOKENS[of.kind], b""


_FIXED_TOKENS = {
    token: kind for kind, token in _VARIANT_TOKENS.items() if token not in {0x24, 0x28}
}
_BY_SIZE = {
    0x26: {size: kind for kind, size in _INTEGERS.items()},
    0x68: {1: Kind.BIT},
    0x6D: {4: Kind.REAL, 8: Kind.FLOAT},
    0x6E: {size: kind for kind, size in _MONEYS.items()},
    0x6F: {size: kind for kind, size in _OLD_TIMES.items()},
    0x24: {16: Kind.UNIQUEIDENTIFIER},
}
_BY_TOKEN = {token: kind for table in (_SCALED, _BYTES, _TEXTS) for kind, token in table.items()}
_BY_TOKEN |= {token: kind for kind, token in _LARGE.items()}
_BY_TOKEN |= {token: kind for kind, token in _DECIMALS.items()}


def read_type(reader: Reader) -> SqlType:
    """TYPE_INFO of a parameter.

    Raises:
        MalformedError: a type that is not known here.
    """
    token = reader.unsigned(1)
    if token in _FIXED_TOKENS:
        return SqlType(_FIXED_TOKENS[token], precision=-1)
    if token in _BY_SIZE:
        return SqlType(_BY_SIZE[token][reader.unsigned(1)])
    if token == 0x28:
        return SqlType(Kind.DATE)
    if token == 0x62:
        reader.unsigned(4)
        return SqlType(Kind.SQL_VARIANT)
    if token == 0xF1:
        if reader.unsigned(1):
            raise MalformedError("typed XML is not known here")
        return SqlType(Kind.XML, MAX)
    if token not in _BY_TOKEN:
        raise MalformedError(f"type 0x{token:02X} is not known here")
    return _read_rest(_BY_TOKEN[token], reader)


def _read_rest(kind: Kind, reader: Reader) -> SqlType:
    if kind in _SCALED:
        return SqlType(kind, scale=reader.unsigned(1))
    if kind in _DECIMALS:
        _, precision, scale = reader.take(3)
        return SqlType(kind, precision=precision, scale=scale)
    if kind in _LARGE:
        reader.unsigned(4)
        reader.take(0 if kind is Kind.IMAGE else 5)
        return SqlType(kind)
    size = reader.unsigned(2)
    if kind in _TEXTS:
        reader.take(5)
    if size == _PLP:
        return SqlType(kind, MAX)
    return SqlType(kind, size // (2 if kind in _WIDE else 1))


def read_value(of: SqlType, reader: Reader) -> Any:
    """A parameter's value behind its type."""
    raw = _read_raw(of, reader)
    if raw is None:
        return None
    if of.kind is Kind.SQL_VARIANT:
        raise MalformedError("a parameter of type sql_variant is not known here")
    if of.kind in _WIDE:
        return raw.decode("utf-16-le", "surrogatepass")
    if of.kind in _TEXTS or of.kind is Kind.TEXT:
        return raw.decode(CODE_PAGE, "replace")
    if of.kind in _BYTES or of.kind is Kind.IMAGE:
        return raw
    return from_fixed(of, raw)


def _read_raw(of: SqlType, reader: Reader) -> bytes | None:
    if of.precision < 0:
        return reader.take(len(fixed(of, 0)))
    if of.length == MAX:
        return _read_pieces(reader)
    if of.kind in _BYTES or of.kind in _TEXTS:
        size = reader.unsigned(2)
        return None if size == _PLP else reader.take(size)
    if of.kind in _LARGE or of.kind is Kind.SQL_VARIANT:
        size = reader.signed(4)
        empty = of.kind is Kind.SQL_VARIANT and size == 0
        return None if size < 0 or empty else reader.take(size)
    size = reader.unsigned(1)
    return reader.take(size) if size else None


def _read_pieces(reader: Reader) -> bytes | None:
    total = reader.unsigned(8)
    if total == _NULL_LENGTH:
        return None
    pieces = []
    while size := reader.unsigned(4):
        pieces.append(reader.take(size))
    raw = b"".join(pieces)
    if total not in {_NO_LENGTH, len(raw)}:
        raise MalformedError(f"{total} bytes were announced, {len(raw)} came")
    return raw


def from_fixed(of: SqlType, raw: bytes) -> Any:  # noqa: PLR0911 - a table of types
    """The value in bytes that are neither text nor binary."""
    kind = of.kind
    if kind is Kind.BIT:
        return int(raw[0] != 0)
    if kind in _INTEGERS:
        return int.from_bytes(raw, "little", signed=kind is not Kind.TINYINT)
    if kind in _FLOATS:
        return struct.unpack("<" + _FLOATS[kind], raw)[0]
    if kind in _DECIMALS:
        magnitude = Decimal(int.from_bytes(raw[1:], "little"))
        return (magnitude if raw[0] else -magnitude).scaleb(-of.scale)
    if kind in _MONEYS:
        return Decimal(_money_units(raw)).scaleb(-4)
    if kind is Kind.UNIQUEIDENTIFIER:
        return uuid.UUID(bytes_le=raw)
    return _from_time(of, raw)


def _money_units(raw: bytes) -> int:
    if len(raw) == 4:
        return int.from_bytes(raw, "little", signed=True)
    high, low = struct.unpack("<iI", raw)
    return int(high << 32 | low)


def _from_time(of: SqlType, raw: bytes) -> Any:
    match of.kind:
        case Kind.SMALLDATETIME:
            days, minutes = struct.unpack("<HH", raw)
            return days * _MINUTES_A_DAY + minutes
        case Kind.DATETIME:
            days, units = struct.unpack("<iI", raw)
            return days * _UNITS_A_DAY + units
        case Kind.DATE:
            return int.from_bytes(raw, "little")
        case Kind.TIME:
            return _from_ticks(raw, of.scale)
        case Kind.DATETIME2:
            return _from_days_and_ticks(raw, of.scale)
        case _:
            return _from_days_and_ticks(raw[:-2], of.scale), struct.unpack("<h", raw[-2:])[0]


def _from_ticks(raw: bytes, scale: int) -> int:
    return int(int.from_bytes(raw, "little") * 10 ** (7 - scale))


def _from_days_and_ticks(raw: bytes, scale: int) -> int:
    return int.from_bytes(raw[-3:], "little") * _TICKS_A_DAY + _from_ticks(raw[:-3], scale)

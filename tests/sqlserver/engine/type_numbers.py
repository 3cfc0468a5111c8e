"""What sys.types and sys.columns tell of a type: its number, bytes, precision and scale."""

from __future__ import annotations

from tests.sqlserver.results import MAX, OF_CLR, Kind, SqlType

TYPE_IDS = {
    Kind.IMAGE: 34,
    Kind.TEXT: 35,
    Kind.UNIQUEIDENTIFIER: 36,
    Kind.DATE: 40,
    Kind.TIME: 41,
    Kind.DATETIME2: 42,
    Kind.DATETIMEOFFSET: 43,
    Kind.TINYINT: 48,
    Kind.SMALLINT: 52,
    Kind.INT: 56,
    Kind.SMALLDATETIME: 58,
    Kind.REAL: 59,
    Kind.MONEY: 60,
    Kind.DATETIME: 61,
    Kind.FLOAT: 62,
    Kind.SQL_VARIANT: 98,
    Kind.NTEXT: 99,
    Kind.BIT: 104,
    Kind.DECIMAL: 106,
    Kind.NUMERIC: 108,
    Kind.SMALLMONEY: 122,
    Kind.BIGINT: 127,
    Kind.VARBINARY: 165,
    Kind.VARCHAR: 167,
    Kind.BINARY: 173,
    Kind.CHAR: 175,
    Kind.TIMESTAMP: 189,
    Kind.NVARCHAR: 231,
    Kind.NCHAR: 239,
    Kind.XML: 241,
    Kind.HIERARCHYID: 128,
    Kind.GEOMETRY: 129,
    Kind.GEOGRAPHY: 130,
}
"""user_type_id, which is system_type_id too, but for types of the CLR."""
_SYSTEM_ID_OF_CLR = 240

# Bytes, precision, scale. Those with a length have their largest.
_SIZES = {
    Kind.IMAGE: (16, 0, 0),
    Kind.TEXT: (16, 0, 0),
    Kind.NTEXT: (16, 0, 0),
    Kind.UNIQUEIDENTIFIER: (16, 0, 0),
    Kind.DATE: (3, 10, 0),
    Kind.TIME: (5, 16, 7),
    Kind.DATETIME2: (8, 27, 7),
    Kind.DATETIMEOFFSET: (10, 34, 7),
    Kind.TINYINT: (1, 3, 0),
    Kind.SMALLINT: (2, 5, 0),
    Kind.INT: (4, 10, 0),
    Kind.BIGINT: (8, 19, 0),
    Kind.SMALLDATETIME: (4, 16, 0),
    Kind.REAL: (4, 24, 0),
    Kind.MONEY: (8, 19, 4),
    Kind.SMALLMONEY: (4, 10, 4),
    Kind.DATETIME: (8, 23, 3),
    Kind.FLOAT: (8, 53, 0),
    Kind.SQL_VARIANT: (8016, 0, 0),
    Kind.BIT: (1, 1, 0),
    Kind.DECIMAL: (17, 38, 38),
    Kind.NUMERIC: (17, 38, 38),
    Kind.TIMESTAMP: (8, 0, 0),
    Kind.XML: (-1, 0, 0),
    Kind.HIERARCHYID: (892, 0, 0),
    Kind.GEOMETRY: (-1, 0, 0),
    Kind.GEOGRAPHY: (-1, 0, 0),
}
_LONGEST = (8000, 0, 0)
# Bytes and precision without a fraction; the fraction adds its digits and a point.
_TIMES = {Kind.TIME: (3, 8), Kind.DATETIME2: (6, 19), Kind.DATETIMEOFFSET: (8, 26)}


def system_id(kind: Kind) -> int:
    """system_type_id: what it is made of."""
    return _SYSTEM_ID_OF_CLR if kind in OF_CLR else TYPE_IDS[kind]


def fixed_sizes(kind: Kind) -> tuple[int, int, int]:
    """As sys.types has them."""
    return _SIZES.get(kind, _LONGEST)


def sizes(of: SqlType) -> tuple[int, int, int]:
    """As sys.columns has them."""
    if of.kind in _TIMES:
        length, precision = _TIMES[of.kind]
        digits = of.scale + 1 if of.scale else 0
        return length + (of.scale > 2) + (of.scale > 4), precision + digits, of.scale
    if of.kind in {Kind.DECIMAL, Kind.NUMERIC}:
        length = next(size for most, size in _DECIMALS if of.precision <= most)
        return length, of.precision, of.scale
    if of.kind in _SIZES:
        return _SIZES[of.kind]
    wide = of.kind in {Kind.NCHAR, Kind.NVARCHAR} and of.length != MAX
    return of.length * 2 if wide else of.length, 0, 0


_DECIMALS = ((9, 5), (19, 9), (28, 13), (38, 17))

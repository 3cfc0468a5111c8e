"""Values compared and ordered: types meet at the higher one, text by its collation."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

from tests.sqlserver.engine.conversion import (
    BINARIES,
    DECIMALS,
    MONEYS,
    TEXTS,
    converted,
)
from tests.sqlserver.results import MAX, Kind, Message, SqlType
from tests.sqlserver.sql.lexer import SqlError, unknown

DEFAULT_COLLATION = "SQL_Latin1_General_CP1_CI_AS"
# Data type precedence, the highest first.
_PRECEDENCE = [
    Kind.HIERARCHYID,
    Kind.GEOMETRY,
    Kind.GEOGRAPHY,
    Kind.SQL_VARIANT,
    Kind.XML,
    Kind.DATETIMEOFFSET,
    Kind.DATETIME2,
    Kind.DATETIME,
    Kind.SMALLDATETIME,
    Kind.DATE,
    Kind.TIME,
    Kind.FLOAT,
    Kind.REAL,
    Kind.DECIMAL,
    Kind.NUMERIC,
    Kind.MONEY,
    Kind.SMALLMONEY,
    Kind.BIGINT,
    Kind.INT,
    Kind.SMALLINT,
    Kind.TINYINT,
    Kind.BIT,
    Kind.NTEXT,
    Kind.TEXT,
    Kind.IMAGE,
    Kind.TIMESTAMP,
    Kind.UNIQUEIDENTIFIER,
    Kind.NVARCHAR,
    Kind.NCHAR,
    Kind.VARCHAR,
    Kind.CHAR,
    Kind.VARBINARY,
    Kind.BINARY,
]
_INTEGER_DIGITS = {Kind.BIT: 1, Kind.TINYINT: 3, Kind.SMALLINT: 5, Kind.INT: 10, Kind.BIGINT: 19}


def common_type(left: SqlType, right: SqlType) -> SqlType:
    """The type at which two values meet."""
    higher, lower = sorted((left, right), key=lambda of: _PRECEDENCE.index(of.kind))
    if higher.kind in DECIMALS:
        return _common_decimal(higher, lower)
    if higher.kind in TEXTS | BINARIES and lower.kind in TEXTS | BINARIES:
        lengths = (higher.length, lower.length)
        return SqlType(higher.kind, MAX if MAX in lengths else max(lengths))
    if higher.kind is lower.kind:
        return SqlType(higher.kind, scale=max(higher.scale, lower.scale))
    return higher


def _common_decimal(higher: SqlType, lower: SqlType) -> SqlType:
    precision, scale = as_decimal(lower)
    whole = max(higher.precision - higher.scale, precision - scale)
    scale = max(higher.scale, scale)
    return SqlType(higher.kind, precision=min(whole + scale, 38), scale=scale)


def as_decimal(of: SqlType) -> tuple[int, int]:
    """Precision and scale of a number as a decimal."""
    if of.kind in DECIMALS:
        return of.precision, of.scale
    if of.kind in MONEYS:
        return (19, 4) if of.kind is Kind.MONEY else (10, 4)
    return _INTEGER_DIGITS.get(of.kind, 1), 0


def comparable(value: Any, of: SqlType, collation: str) -> Any:
    """What a value is compared and hashed by, among others of its type."""
    if of.kind in TEXTS:
        return folded(value, collation)
    if of.kind in BINARIES:
        return value.rstrip(b"\0")
    if of.kind is Kind.UNIQUEIDENTIFIER:
        raw = value.bytes_le  # the last six bytes count most
        return raw[10:], raw[8:10], raw[6:8], raw[4:6], raw[:4]
    if of.kind is Kind.DATETIMEOFFSET:
        return value[0]
    if of.kind is Kind.SQL_VARIANT:
        inner, held = value
        return str(inner.kind), comparable(held, inner, collation)
    return value


_KNOWN_COLLATION = re.compile(
    r"(SQL_)?(Latin1_General|Danish_Norwegian|Finnish_Swedish|French|German_PhoneBook|Turkish)"
    r"(_CP1|_100)?_(BIN2?|C[IS]_A[IS])(_[KW]S)*",
    re.IGNORECASE,
)


def check_collation(name: str) -> None:
    """See that a collation is one whose rules are known here.

    Raises:
        SqlError: it is not.
    """
    if not _KNOWN_COLLATION.fullmatch(name) and name.upper() not in {"", "DATABASE_DEFAULT"}:
        raise unknown(f"the collation {name}", 1)


@lru_cache(maxsize=65536)
def folded(text: str, collation: str) -> str:
    """Text as a collation compares it; trailing blanks never count."""
    text = text.rstrip(" ")
    upper = collation.upper()
    if "_BIN" in upper:
        return text
    if "_AI" in upper:
        split = unicodedata.normalize("NFD", text)
        text = "".join(each for each in split if not unicodedata.combining(each))
    return text if "_CS" in upper else text.casefold()


def meet(left: Any, one: SqlType, right: Any, other: SqlType) -> tuple[Any, Any, SqlType]:
    """Two values as ones of their common type.

    Raises:
        SqlError: one of them cannot become that.
    """
    common = common_type(one, other)
    return converted(left, one, common), converted(right, other, common), common


def collation_of(left: str, right: str) -> str:
    """The collation in which two texts meet; an explicit one begins with `!`.

    Raises:
        SqlError: two columns disagree (468).
    """
    if not left or not right or left == right:
        return left or right
    explicit = [each for each in (left, right) if each.startswith("!")]
    if len(explicit) == 1:
        return explicit[0]
    said = f'between "{left.lstrip("!")}" and "{right.lstrip("!")}"'
    text = f"Cannot resolve the collation conflict {said} in the equal to operation."
    raise SqlError(Message(468, 16, text))


@lru_cache(maxsize=1024)
def like(pattern: str, escape: str, collation: str) -> re.Pattern[str]:
    """A LIKE pattern as a regular expression."""
    found, at = "", 0
    while at < len(pattern):
        character = pattern[at]
        if escape and character == escape and at + 1 < len(pattern):
            at += 1
            found += re.escape(pattern[at])
        elif character == "%":
            found += ".*"
        elif character == "_":
            found += "."
        elif character == "[" and (end := pattern.find("]", at + 1)) > 0:
            found += "[" + pattern[at + 1 : end].replace("\\", "\\\\") + "]"
            at = end
        else:
            found += re.escape(character)
        at += 1
    sensitive = "_CS" in collation.upper() or "_BIN" in collation.upper()
    return re.compile(found, re.DOTALL | (re.NOFLAG if sensitive else re.IGNORECASE))

"""PURE: a copy comes into use: its numbers go on beyond the live server's, following ends."""

from __future__ import annotations

from ipfx_failover.replication.tsql.preparing import NUMBERS_LEFT
from ipfx_failover.replication.tsql.text import name, text
from ipfx_failover.replication.tsql.tracking import SCHEMA

_COPY = name(SCHEMA, "copy")
_WATERMARK = name(SCHEMA, "watermark")

WAIT_BRIEFLY = "SET LOCK_TIMEOUT 500"
"""Whoever still reads the copy must not hold a takeover up (1222)."""

ACCESS = "SELECT user_access_desc FROM sys.databases WHERE database_id = DB_ID()"

IDENTITIES = (
    "SELECT s.name, t.name, y.name, CONVERT(int, c.precision), "
    "CAST(ISNULL(c.last_value, c.seed_value) AS decimal(38, 0)), "
    "CAST(c.increment_value AS decimal(38, 0)) FROM sys.identity_columns c "
    "JOIN sys.tables t ON t.object_id = c.object_id "
    "JOIN sys.schemas s ON s.schema_id = t.schema_id "
    "JOIN sys.types y ON y.user_type_id = c.system_type_id"
)
"""schema, table, type, precision, last value, step of each."""

HAS_SEQUENCES = "SELECT OBJECT_ID(N'sys.sequences')"
"""NULL before SQL Server 2012."""

SEQUENCES = (
    "SELECT s.name, q.name, CAST(q.current_value AS decimal(38, 0)), "
    "CAST(q.increment AS decimal(38, 0)), CAST(q.minimum_value AS decimal(38, 0)), "
    "CAST(q.maximum_value AS decimal(38, 0)) FROM sys.sequences q "
    "JOIN sys.schemas s ON s.schema_id = q.schema_id"
)
"""schema, name, last value, step, lowest and highest value of each."""


def reseed(schema: str, table: str, value: int) -> str:
    """The next row gets what comes behind `value`."""
    return f"DBCC CHECKIDENT ({text(name(schema, table))}, RESEED, {value}) WITH NO_INFOMSGS"


def restart(schema: str, sequence: str, value: int) -> str:
    return f"ALTER SEQUENCE {name(schema, sequence)} RESTART WITH {value}"


def bring_along(schema: str, sequence: str, value: int) -> str:
    """The same in a copy that follows; in one that is in use it has come further."""
    follows = f"EXISTS (SELECT 1 FROM {_WATERMARK} WHERE version IS NOT NULL)"  # noqa: S608 - a constant
    return f"IF {follows} {restart(schema, sequence, value)}"


KEEPS_NUMBERS_LEFT = f"SELECT OBJECT_ID({text(NUMBERS_LEFT)})"
"""NULL in a copy that an earlier version has made."""

NUMBERS_STILL_LEFT = f"SELECT schema_name, name FROM {NUMBERS_LEFT}"  # noqa: S608 - a constant

FORGET_NUMBERS_LEFT = f"DELETE FROM {NUMBERS_LEFT}"  # noqa: S608 - a constant


def leave_number(schema: str, of: str) -> str:
    """Of a table or a sequence: they share their names."""
    return f"INSERT INTO {NUMBERS_LEFT} VALUES ({text(schema)}, {text(of)})"  # noqa: S608 - quoted


TAKE = (
    f"UPDATE {_COPY} SET taken_at = SYSUTCDATETIME(), "  # noqa: S608 - constants
    f"version = (SELECT MAX(version) FROM {_WATERMARK}) WHERE taken_at IS NULL"
)
"""The copy is in use; its watermark is kept aside, in case nothing is written."""

FOLLOW_NO_MORE = (
    f"UPDATE {_COPY} SET version = (SELECT MAX(version) FROM {_WATERMARK}) "  # noqa: S608 - constants
    f"WHERE taken_at IS NULL AND EXISTS (SELECT 1 FROM {_WATERMARK} WHERE version IS NOT NULL); "
    f"UPDATE {_WATERMARK} SET version = NULL"
)
"""It cannot follow the live server any more, but after a full replication.

How far it had come is kept aside: a copy that is being made must not be put in its place with less.
"""

FORGET_HOW_FAR = f"UPDATE {_COPY} SET version = NULL WHERE taken_at IS NULL"  # noqa: S608 - a constant
"""Whatever is backed up from now on has all that it has."""

FOLLOW_AGAIN = (
    f"UPDATE {_WATERMARK} SET version = (SELECT version FROM {_COPY}) "  # noqa: S608 - constants
    f"WHERE EXISTS (SELECT 1 FROM {_COPY} WHERE taken_at IS NOT NULL)"
)

GIVE_BACK = f"UPDATE {_COPY} SET taken_at = NULL, version = NULL"  # noqa: S608 - a constant

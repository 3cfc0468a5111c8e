"""PURE: change tracking on a live server, and the watermark in a copy of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.replication.tsql.text import name, text

if TYPE_CHECKING:
    from ipfx_failover.replication.sqlserver.watermark import Beginning, Watermark

SCHEMA = "ipfx_failover"
"""Our own schema in a copy; the live catalog has none."""

_WATERMARK = name(SCHEMA, "watermark")
_TRACKED = name(SCHEMA, "tracked")
OUR_RETENTION = "7 DAYS"
"""How long the live server keeps its history: so long may the Failover Server be away."""

# The watermark: one row, written in the transaction that converts the paths, and from then on in
# each transaction that applies rows (exactly once).


def create_schema() -> str:
    """Our schema, if it is not there. A CREATE SCHEMA must stand alone in its batch."""
    created = text(f"CREATE SCHEMA {name(SCHEMA)}")
    return f"IF SCHEMA_ID({text(SCHEMA)}) IS NULL EXEC ({created})"


def create_watermark() -> str:
    """Its table, if it is not there; the schema must be."""
    return (
        f"IF OBJECT_ID({text(_WATERMARK)}) IS NULL CREATE TABLE {_WATERMARK} ("
        "id int NOT NULL PRIMARY KEY, version bigint NULL, "
        "recovery_fork_guid uniqueidentifier NOT NULL, database_guid uniqueidentifier NOT NULL, "
        "run_id nvarchar(64) NOT NULL, converted_at datetime2(3) NOT NULL)"
    )


def write_watermark(mark: Watermark, run_id: str) -> str:
    """Put the one row there, in place of any other: the paths of this copy are converted."""
    version = "NULL" if mark.version is None else str(mark.version)
    return (
        f"DELETE FROM {_WATERMARK}; INSERT INTO {_WATERMARK} "  # noqa: S608 - quoted
        "(id, version, recovery_fork_guid, database_guid, run_id, converted_at) VALUES "
        f"(1, {version}, {text(mark.recovery_fork_guid)}, {text(mark.database_guid)}, "
        f"{text(run_id)}, SYSUTCDATETIME())"
    )


def has_watermark() -> str:
    """One value: NULL if there is no table for it."""
    return f"SELECT OBJECT_ID({text(_WATERMARK)})"


def read_watermark() -> str:
    """version, recovery_fork_guid, database_guid, run_id."""
    return (
        "SELECT version, CONVERT(nvarchar(36), recovery_fork_guid), "  # noqa: S608 - quoted
        f"CONVERT(nvarchar(36), database_guid), run_id FROM {_WATERMARK}"
    )


def move_watermark(mark: Watermark, run_id: str, to: int) -> str:
    """From this very mark to a later version: exactly one row, else somebody else was faster."""
    return (
        f"UPDATE {_WATERMARK} SET version = {to} WHERE version = {mark.version} "  # noqa: S608 - quoted
        f"AND recovery_fork_guid = {text(mark.recovery_fork_guid)} "
        f"AND database_guid = {text(mark.database_guid)} AND run_id = {text(run_id)}"
    )


def drop_watermark() -> str:
    """Of what is no copy any more, such as a catalog that was given back to the live server."""
    return f"IF OBJECT_ID({text(_WATERMARK)}) IS NOT NULL DROP TABLE {_WATERMARK}"


# Where the history of each table began when the copy was made, or the table reloaded: one that was
# switched off and on again has another one, and what changed in between is in none. Of one that is
# left while others go on nothing is known: it is reloaded when it is followed again.


def create_tracked() -> str:
    """Its table, if it is not there; the schema must be."""
    return (
        f"IF OBJECT_ID({text(_TRACKED)}) IS NULL CREATE TABLE {_TRACKED} ("
        "schema_name nvarchar(128) NOT NULL, table_name nvarchar(128) NOT NULL, "
        "begin_version bigint NOT NULL, keeper nvarchar(64) NOT NULL)"
    )


def remember_tracked(schema: str, table: str, begins: Beginning) -> str:
    """In place of what was remembered of this table."""
    return (
        f"{forget_tracked(schema, table)}; INSERT INTO {_TRACKED} "  # noqa: S608 - quoted
        f"VALUES ({text(schema)}, {text(table)}, {begins.version}, {text(begins.keeper)})"
    )


def forget_tracked(schema: str, table: str) -> str:
    return (
        f"DELETE FROM {_TRACKED} WHERE schema_name = {text(schema)} "  # noqa: S608 - quoted
        f"AND table_name = {text(table)}"
    )


def has_tracked() -> str:
    """One value: NULL if there is no table for it."""
    return f"SELECT OBJECT_ID({text(_TRACKED)})"


def read_tracked() -> str:
    return f"SELECT schema_name, table_name, begin_version, keeper FROM {_TRACKED}"  # noqa: S608 - a constant


def drop_tracked() -> str:
    return f"IF OBJECT_ID({text(_TRACKED)}) IS NOT NULL DROP TABLE {_TRACKED}"


def drop_schema() -> str:
    """When nothing of ours is left in it."""
    return f"IF SCHEMA_ID({text(SCHEMA)}) IS NOT NULL DROP SCHEMA {name(SCHEMA)}"


# The live server.


def live_mark() -> str:
    """Version (NULL: tracking is off), recovery_fork_guid, database_guid of the catalog in use."""
    return (
        "SELECT CHANGE_TRACKING_CURRENT_VERSION(), CONVERT(nvarchar(36), recovery_fork_guid), "
        "CONVERT(nvarchar(36), database_guid) FROM sys.database_recovery_status "
        "WHERE database_id = DB_ID()"
    )


def tracking_state() -> str:
    """Of the catalog in use: tracked (0, 1), snapshots allowed (0, 1).

    Of a change of the latter that waits for transactions to end, only the end counts (state 1).
    """
    return (
        "SELECT CASE WHEN t.database_id IS NULL THEN 0 ELSE 1 END, "
        "CASE WHEN d.snapshot_isolation_state = 1 THEN 1 ELSE 0 END FROM sys.databases d "
        "LEFT JOIN sys.change_tracking_databases t ON t.database_id = d.database_id "
        "WHERE d.database_id = DB_ID()"
    )


MAY_SEE_DEFINITIONS = "SELECT HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'VIEW DEFINITION')"
"""0: then neither internal tables (`tracked_tables`) nor security policies are shown."""


def retention() -> str:
    """Of the catalog in use: period, its unit (1 minutes, 2 hours, 3 days), cleanup (0, 1)."""
    return (
        "SELECT retention_period, CONVERT(int, retention_period_units), "
        "CONVERT(int, is_auto_cleanup_on) FROM sys.change_tracking_databases "
        "WHERE database_id = DB_ID()"
    )


def enable_tracking(
    catalog: str, retention: str = OUR_RETENTION, *, is_cleaned_up: bool = True
) -> str:
    """`retention`: such as 2 HOURS."""
    return (
        f"ALTER DATABASE {name(catalog)} SET CHANGE_TRACKING = ON "
        f"(CHANGE_RETENTION = {retention}, AUTO_CLEANUP = {_on(is_cleaned_up)})"
    )


def _on(value: bool) -> str:  # noqa: FBT001 - it is nothing else
    return "ON" if value else "OFF"


def disable_tracking(catalog: str) -> str:
    """Refused (22115) as long as a table is tracked."""
    return f"ALTER DATABASE {name(catalog)} SET CHANGE_TRACKING = OFF"


def allow_snapshots(catalog: str) -> str:
    """It waits for the transactions that are open; nobody is thrown out."""
    return f"ALTER DATABASE {name(catalog)} SET ALLOW_SNAPSHOT_ISOLATION ON"


def forbid_snapshots(catalog: str) -> str:
    """It waits for the transactions that are open, and for those that read snapshots."""
    return f"ALTER DATABASE {name(catalog)} SET ALLOW_SNAPSHOT_ISOLATION OFF"


def track_table(schema: str, table: str, *, columns: bool = False) -> str:
    """For us its keys alone: whole rows are read anyway; columns cost the application more."""
    return (
        f"ALTER TABLE {name(schema, table)} ENABLE CHANGE_TRACKING "
        f"WITH (TRACK_COLUMNS_UPDATED = {_on(columns)})"
    )


def untrack_table(schema: str, table: str) -> str:
    return f"ALTER TABLE {name(schema, table)} DISABLE CHANGE_TRACKING"


def tracked_tables() -> str:
    """schema, table, begin_version, keeper, min_valid_version of all that are tracked.

    `begin_version` is raised by TRUNCATE TABLE, `min_valid_version` also by the cleanup.
    """
    return (
        "SELECT s.name, t.name, c.begin_version, ISNULL(CONVERT(nvarchar(11), i.object_id) + N' ' "
        "+ CONVERT(nvarchar(23), i.create_date, 126), N''), c.min_valid_version "
        "FROM sys.change_tracking_tables c JOIN sys.tables t ON t.object_id = c.object_id "
        "JOIN sys.schemas s ON s.schema_id = t.schema_id "
        "LEFT JOIN sys.internal_tables i ON i.parent_id = c.object_id "
        "AND i.internal_type = 209"  # those of change tracking
    )


TRACKED_COLUMNS = (
    "SELECT s.name, t.name, CONVERT(int, c.is_track_columns_updated_on) "
    "FROM sys.change_tracking_tables c JOIN sys.tables t ON t.object_id = c.object_id "
    "JOIN sys.schemas s ON s.schema_id = t.schema_id"
)
"""schema, table, whether it is kept which columns were changed (0, 1), of all that are tracked."""

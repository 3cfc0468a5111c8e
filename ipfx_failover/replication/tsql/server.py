"""PURE: what a SQL Server is asked about itself, its catalogs, and who uses them.

Everything here is understood from SQL Server 2008 on, but for what says otherwise.
"""

from __future__ import annotations

SERVER = (
    "SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)), "
    "CAST(SERVERPROPERTY('Edition') AS nvarchar(128)), "
    "CAST(SERVERPROPERTY('EngineEdition') AS int)"
)
"""Version, edition, engine edition (4: Express)."""

CATALOGS = "SELECT name, state_desc FROM sys.databases"

CATALOG = "SELECT state_desc, is_read_only, is_encrypted FROM sys.databases WHERE name = ?"

FILES = (
    "SELECT type, physical_name, CAST(size AS bigint) * 8192 FROM sys.master_files "
    "WHERE database_id = DB_ID(?) ORDER BY file_id"
)
"""Type (0 rows, 1 log), path and size in bytes of each of a catalog's files."""

FILES_IN_USE = "SELECT physical_name FROM sys.master_files"

USED_BYTES = (
    "SELECT SUM(CAST(FILEPROPERTY(name, 'SpaceUsed') AS bigint)) * 8192 FROM sys.database_files "
    "WHERE type = 0"
)
"""Of the session's catalog, without its log."""

DATA_DIRECTORY = "SELECT CAST(SERVERPROPERTY('InstanceDefaultDataPath') AS nvarchar(260))"
"""Where new catalogs lie; NULL before SQL Server 2012."""

FREE_BYTES = (
    "SELECT MIN(v.available_bytes) FROM sys.master_files AS f "
    "CROSS APPLY sys.dm_os_volume_stats(f.database_id, f.file_id) AS v "
    "WHERE f.database_id = DB_ID(?)"
)
"""Where a catalog's files lie; from SQL Server 2008 R2 SP1 on."""

ANY_TABLE = "SELECT TOP (1) name FROM sys.tables WHERE is_ms_shipped = 0"

EDITION_FEATURES = "SELECT feature_name FROM sys.dm_db_persisted_sku_features"
"""What of the session's catalog a smaller edition refuses (909)."""

ENCRYPTOR = (
    "SELECT encryptor_thumbprint FROM sys.dm_database_encryption_keys WHERE database_id = DB_ID(?)"
)

CERTIFICATE = "SELECT COUNT(*) FROM master.sys.certificates WHERE thumbprint = ?"

MAY_BACK_UP = "SELECT HAS_PERMS_BY_NAME(?, 'DATABASE', 'BACKUP DATABASE')"

MAY_RESTORE = "SELECT HAS_PERMS_BY_NAME(NULL, NULL, 'CREATE ANY DATABASE')"

# dm_exec_sessions knows no catalog before SQL Server 2012.
USERS = (
    "SELECT DISTINCT RTRIM(program_name), RTRIM(hostname) FROM sys.sysprocesses "
    "WHERE dbid = DB_ID(?) AND spid > 50 AND spid <> @@SPID"
)
"""Program and host of those who are in a catalog."""

LOG_BYTES_WRITTEN = (
    "SELECT SUM(v.num_of_bytes_written) FROM sys.master_files AS f "
    "CROSS APPLY sys.dm_io_virtual_file_stats(f.database_id, f.file_id) AS v "
    "WHERE f.database_id = DB_ID(?) AND f.type = 1"
)
"""Grows with whatever is committed in a catalog, as long as its server runs."""

"""Views of the catalog, computed when they are asked for: sys.databases and its like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine.compiled import Field
from tests.sqlserver.engine.functions import BIGINT, NVARCHAR
from tests.sqlserver.engine.view_rows import (
    backup_sets,
    check_constraints,
    columns,
    database_files,
    databases,
    foreign_key_columns,
    foreign_keys,
    index_columns,
    indexes,
    key_constraints,
    master_files,
    principals,
    recovery_status,
    requests,
    schemas,
    server_principals,
    sessions,
    tables,
    tracking_databases,
    tracking_tables,
    triggers,
    types,
)
from tests.sqlserver.results import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.sqlserver.engine.catalog import Catalog
    from tests.sqlserver.engine.server import SimulatedServer


_NAME = SqlType(Kind.NVARCHAR, 128)
_INT = SqlType(Kind.INT)
_BIT = SqlType(Kind.BIT)
_TINYINT = SqlType(Kind.TINYINT)
_GUID = SqlType(Kind.UNIQUEIDENTIFIER)
_SID = SqlType(Kind.VARBINARY, 85)

View = tuple[list[Field], "Callable[[SimulatedServer, Catalog], Iterator[tuple[Any, ...]]]"]


def _fields(**columns: SqlType) -> list[Field]:
    return [Field("", name, kind) for name, kind in columns.items()]


VIEWS: dict[str, View] = {
    "dbo.backupset": (
        _fields(
            backup_set_id=_INT,
            backup_set_uuid=_GUID,
            name=_NAME,
            database_name=_NAME,
            is_copy_only=_BIT,
            type=SqlType(Kind.CHAR, 1),
        ),
        backup_sets,
    ),
    "sys.foreign_key_columns": (
        _fields(
            constraint_object_id=_INT,
            constraint_column_id=_INT,
            parent_object_id=_INT,
            parent_column_id=_INT,
            referenced_object_id=_INT,
            referenced_column_id=_INT,
        ),
        foreign_key_columns,
    ),
    "sys.databases": (
        _fields(
            name=_NAME,
            database_id=_INT,
            owner_sid=_SID,
            compatibility_level=_TINYINT,
            collation_name=_NAME,
            state=_TINYINT,
            state_desc=_NAME,
            user_access=_TINYINT,
            user_access_desc=_NAME,
            recovery_model_desc=_NAME,
            is_auto_close_on=_BIT,
            snapshot_isolation_state=_TINYINT,
            is_read_committed_snapshot_on=_BIT,
            is_read_only=_BIT,
            is_encrypted=_BIT,
        ),
        databases,
    ),
    "sys.master_files": (
        _fields(
            database_id=_INT,
            file_id=_INT,
            type=_TINYINT,
            type_desc=_NAME,
            name=_NAME,
            physical_name=NVARCHAR,
            size=_INT,
        ),
        master_files,
    ),
    "sys.database_files": (
        _fields(
            file_id=_INT,
            type=_TINYINT,
            type_desc=_NAME,
            name=_NAME,
            physical_name=NVARCHAR,
            size=_INT,
        ),
        database_files,
    ),
    "sys.schemas": (_fields(name=_NAME, schema_id=_INT), schemas),
    "sys.tables": (
        _fields(
            name=_NAME,
            object_id=_INT,
            schema_id=_INT,
            type=SqlType(Kind.CHAR, 2),
            is_ms_shipped=_BIT,
        ),
        tables,
    ),
    "sys.columns": (
        _fields(
            object_id=_INT,
            name=_NAME,
            column_id=_INT,
            system_type_id=_TINYINT,
            user_type_id=_INT,
            max_length=SqlType(Kind.SMALLINT),
            precision=_TINYINT,
            scale=_TINYINT,
            collation_name=_NAME,
            is_nullable=_BIT,
            is_identity=_BIT,
            is_computed=_BIT,
        ),
        columns,
    ),
    "sys.types": (_fields(name=_NAME, system_type_id=_TINYINT, user_type_id=_INT), types),
    "sys.indexes": (
        _fields(
            object_id=_INT,
            name=_NAME,
            index_id=_INT,
            type=_TINYINT,
            is_unique=_BIT,
            is_primary_key=_BIT,
            is_unique_constraint=_BIT,
        ),
        indexes,
    ),
    "sys.index_columns": (
        _fields(
            object_id=_INT,
            index_id=_INT,
            index_column_id=_INT,
            column_id=_INT,
            key_ordinal=_TINYINT,
            is_included_column=_BIT,
        ),
        index_columns,
    ),
    "sys.key_constraints": (
        _fields(
            name=_NAME,
            object_id=_INT,
            parent_object_id=_INT,
            type=SqlType(Kind.CHAR, 2),
            unique_index_id=_INT,
        ),
        key_constraints,
    ),
    "sys.foreign_keys": (
        _fields(
            name=_NAME,
            object_id=_INT,
            parent_object_id=_INT,
            referenced_object_id=_INT,
            is_disabled=_BIT,
            is_not_trusted=_BIT,
        ),
        foreign_keys,
    ),
    "sys.check_constraints": (
        _fields(
            name=_NAME,
            object_id=_INT,
            parent_object_id=_INT,
            is_disabled=_BIT,
            is_not_trusted=_BIT,
        ),
        check_constraints,
    ),
    "sys.triggers": (
        _fields(
            name=_NAME,
            object_id=_INT,
            parent_class=_TINYINT,
            parent_class_desc=_NAME,
            parent_id=_INT,
            is_disabled=_BIT,
            is_ms_shipped=_BIT,
        ),
        triggers,
    ),
    "sys.change_tracking_databases": (
        _fields(
            database_id=_INT,
            is_auto_cleanup_on=_BIT,
            retention_period=_INT,
            retention_period_units=_TINYINT,
        ),
        tracking_databases,
    ),
    "sys.change_tracking_tables": (
        _fields(
            object_id=_INT,
            is_track_columns_updated_on=_BIT,
            min_valid_version=BIGINT,
            begin_version=BIGINT,
            cleanup_version=BIGINT,
        ),
        tracking_tables,
    ),
    "sys.database_recovery_status": (
        _fields(database_id=_INT, database_guid=_GUID, family_guid=_GUID, recovery_fork_guid=_GUID),
        recovery_status,
    ),
    "sys.database_principals": (
        _fields(
            name=_NAME,
            principal_id=_INT,
            type=SqlType(Kind.CHAR, 1),
            type_desc=_NAME,
            sid=_SID,
            authentication_type_desc=_NAME,
        ),
        principals,
    ),
    "sys.server_principals": (
        _fields(
            name=_NAME,
            principal_id=_INT,
            sid=_SID,
            type=SqlType(Kind.CHAR, 1),
            type_desc=_NAME,
            is_disabled=_BIT,
        ),
        server_principals,
    ),
    "sys.dm_exec_sessions": (
        _fields(
            session_id=SqlType(Kind.SMALLINT),
            login_name=_NAME,
            host_name=_NAME,
            program_name=_NAME,
            database_id=SqlType(Kind.SMALLINT),
            is_user_process=_BIT,
        ),
        sessions,
    ),
    "sys.dm_exec_requests": (
        _fields(
            session_id=SqlType(Kind.SMALLINT),
            command=SqlType(Kind.NVARCHAR, 32),
            percent_complete=SqlType(Kind.REAL),
            wait_type=SqlType(Kind.NVARCHAR, 60),
            reads=BIGINT,
        ),
        requests,
    ),
}

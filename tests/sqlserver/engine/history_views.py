"""What msdb remembers of backups and restores."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from tests.sqlserver.engine.view_registry import (
    BIT,
    BYTES,
    DATETIME,
    GUID,
    INT,
    NAME,
    PATH,
    TINYINT,
    fixed_text,
    view,
)
from tests.sqlserver.results import Message
from tests.sqlserver.sql.lexer import SqlError

if TYPE_CHECKING:
    from tests.sqlserver.engine.catalog import Catalog
    from tests.sqlserver.engine.server import SimulatedServer
    from tests.sqlserver.engine.view_registry import Rows


def _check_home(catalog: Catalog, name: str) -> None:
    if catalog.name != "msdb":
        raise SqlError(Message(208, 16, f"Invalid object name 'dbo.{name}'."))


@view(
    "dbo.backupset",
    backup_set_id=INT,
    backup_set_uuid=GUID,
    media_set_id=INT,
    name=NAME,
    description=NAME,
    database_name=NAME,
    server_name=NAME,
    type=fixed_text(1),
    backup_start_date=DATETIME,
    backup_finish_date=DATETIME,
    backup_size=BYTES,
    compressed_backup_size=BYTES,
    software_major_version=TINYINT,
    compatibility_level=TINYINT,
    family_guid=GUID,
    is_copy_only=BIT,
    is_damaged=BIT,
    has_backup_checksums=BIT,
)
def _backup_sets(server: SimulatedServer, catalog: Catalog) -> Rows:
    _check_home(catalog, "backupset")
    for number, made in enumerate(server.backups, start=1):
        each = made.header
        yield (
            *(number, UUID(each.guid), number, each.name, each.description, each.database),
            *(each.server, "D", made.begun, made.ended, each.size_bytes, each.size_bytes),
            *(each.version[0], each.compatibility, UUID(each.family_guid)),
            *(int(each.is_copy_only), 0, int(each.has_checksums)),
        )


@view("dbo.backupmediafamily", media_set_id=INT, family_sequence_number=TINYINT,
      physical_device_name=PATH, device_type=TINYINT)  # fmt: skip
def _media_families(server: SimulatedServer, catalog: Catalog) -> Rows:
    _check_home(catalog, "backupmediafamily")
    return ((number, 1, made.path, 2) for number, made in enumerate(server.backups, start=1))


@view(
    "dbo.restorehistory",
    restore_history_id=INT,
    restore_date=DATETIME,
    destination_database_name=NAME,
    user_name=NAME,
    backup_set_id=INT,
    restore_type=fixed_text(1),
    replace=BIT,
    recovery=BIT,
    restart=BIT,
)
def _restores(server: SimulatedServer, catalog: Catalog) -> Rows:
    _check_home(catalog, "restorehistory")
    for number, (when, name, user) in enumerate(server.restores, start=1):
        yield number, when, name, user, number, "D", 0, 1, 0

"""Functions that find rows about the files of catalogs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine.compiled import Field
from tests.sqlserver.engine.expressions import Compiler
from tests.sqlserver.engine.queries import Relation
from tests.sqlserver.engine.view_registry import BIGINT, INT, SMALLINT
from tests.sqlserver.results import Kind, Message, SqlType
from tests.sqlserver.sql.lexer import SqlError, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.sqlserver.engine.catalog import Catalog, File
    from tests.sqlserver.engine.compiled import Rows, Scope
    from tests.sqlserver.engine.server import SimulatedServer
    from tests.sqlserver.engine.session import EngineSession
    from tests.sqlserver.sql import tree

_TEXT = SqlType(Kind.NVARCHAR, 256)
_VOLUME_COLUMNS = {
    "database_id": INT,
    "file_id": INT,
    "volume_mount_point": _TEXT,
    "volume_id": _TEXT,
    "logical_volume_name": _TEXT,
    "file_system_type": _TEXT,
    "total_bytes": BIGINT,
    "available_bytes": BIGINT,
}
_IO_COLUMNS = {
    "database_id": SMALLINT,
    "file_id": SMALLINT,
    "sample_ms": INT,
    "num_of_reads": BIGINT,
    "num_of_bytes_read": BIGINT,
    "num_of_writes": BIGINT,
    "num_of_bytes_written": BIGINT,
    "size_on_disk_bytes": BIGINT,
}


def _volume(server: SimulatedServer, _: Catalog, __: File) -> tuple[Any, ...]:
    return "C:\\", "{0}", "", "NTFS", server.total_bytes, server.free_bytes


def _io(_: SimulatedServer, catalog: Catalog, file: File) -> tuple[Any, ...]:
    """Only what goes to the log is counted."""
    is_log = file.kind == "LOG" and catalog.storage is not None
    written = catalog.storage.written_bytes if is_log and catalog.storage else 0
    return 0, 0, 0, written // 512, written, file.size_pages * 8192


# Columns, what is told of a file, and the first version that has it (2008 R2 SP1).
_FUNCTIONS: dict[str, tuple[dict[str, SqlType], Callable[..., tuple[Any, ...]], tuple[int, ...]]]
_FUNCTIONS = {
    "sys.dm_os_volume_stats": (_VOLUME_COLUMNS, _volume, (10, 50, 2500)),
    "sys.dm_io_virtual_file_stats": (_IO_COLUMNS, _io, (10,)),
}


def function_rows(
    session: EngineSession, source: tree.FunctionSource, outer: Scope | None
) -> Relation:
    """The rows of a function of a catalog's and a file's number; NULL stands for all.

    Raises:
        SqlError: it is not known here, or not to this version (208).
    """
    server, name = session.server, str(source.name).casefold()
    if name not in _FUNCTIONS or len(source.arguments) != 2:
        raise unknown(f"the function {source.name}", 1)
    columns, told, since = _FUNCTIONS[name]
    if server.profile.version < since:
        raise SqlError(Message(208, 16, f"Invalid object name '{source.name}'."))
    database, file = (Compiler(session, outer).compile(each) for each in source.arguments)
    alias = source.alias or source.name.last
    fields = [Field(alias, each, kind) for each, kind in columns.items()]

    def rows(outside: Rows) -> Iterator[tuple[Any, ...]]:
        catalog_id, file_id = database.run(outside), file.run(outside)
        for catalog in server.catalogs.values():
            for each in catalog.files:
                numbers = catalog.database_id, each.file_id
                if catalog_id in {None, numbers[0]} and file_id in {None, numbers[1]}:
                    yield *numbers, *told(server, catalog, each)

    return Relation(fields, rows)

"""The rows of the catalog's views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from tests.sqlserver.engine.catalog import table_key
from tests.sqlserver.results import Kind, Message, SqlType
from tests.sqlserver.sql.lexer import SqlError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sqlserver.engine.catalog import Catalog
    from tests.sqlserver.engine.server import SimulatedServer
    from tests.sqlserver.engine.tables import Table
_TYPE_IDS = {
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
}
_MAX_LENGTHS = {
    Kind.BIT: 1,
    Kind.TINYINT: 1,
    Kind.SMALLINT: 2,
    Kind.INT: 4,
    Kind.BIGINT: 8,
    Kind.TIMESTAMP: 8,
    Kind.UNIQUEIDENTIFIER: 16,
}
_FILE_TYPES = {"ROWS": 0, "LOG": 1}
_ACCESS = {"MULTI_USER": 0, "SINGLE_USER": 1, "RESTRICTED_USER": 2}
_STATES = {"ONLINE": 0, "RESTORING": 1, "RECOVERING": 2, "SUSPECT": 4, "OFFLINE": 6}


def databases(server: SimulatedServer, _: Catalog) -> Iterator[tuple[Any, ...]]:
    for catalog in server.catalogs.values():
        yield (
            catalog.name,
            catalog.database_id,
            catalog.owner_sid,
            catalog.compatibility,
            catalog.collation,
            _STATES[catalog.state],
            catalog.state,
            _ACCESS[catalog.access],
            catalog.access,
            catalog.options.get("RECOVERY", "FULL"),
            int(catalog.options.get("AUTO_CLOSE") == "ON"),
            int(catalog.options.get("ALLOW_SNAPSHOT_ISOLATION") == "ON"),
            int(catalog.options.get("READ_COMMITTED_SNAPSHOT") == "ON"),
            int("READ_ONLY" in catalog.options),
            0,
        )


def master_files(server: SimulatedServer, _: Catalog) -> Iterator[tuple[Any, ...]]:
    for catalog in server.catalogs.values():
        for each in catalog.files:
            kind = _FILE_TYPES[each.kind]
            yield (
                catalog.database_id,
                each.file_id,
                kind,
                each.kind,
                each.logical,
                each.path,
                each.size_pages,
            )


def database_files(server: SimulatedServer, catalog: Catalog) -> Iterator[tuple[Any, ...]]:
    return (row[1:] for row in master_files(server, catalog) if row[0] == catalog.database_id)


def schemas(_: SimulatedServer, catalog: Catalog) -> Iterator[tuple[Any, ...]]:
    return ((name, schema_id(catalog, name)) for name in sorted(catalog.schemas))


def schema_id(catalog: Catalog, name: str) -> int:
    fixed = {"dbo": 1, "sys": 4}
    return fixed.get(name) or 5 + sorted(catalog.schemas).index(name)


def tables(_: SimulatedServer, catalog: Catalog) -> Iterator[tuple[Any, ...]]:
    for table in catalog.tables.values():
        yield table.name, table.object_id, schema_id(catalog, table.schema), "U ", 0


def columns(_: SimulatedServer, catalog: Catalog) -> Iterator[tuple[Any, ...]]:
    for table in catalog.tables.values():
        for position, column in enumerate(table.columns, start=1):
            of = column.type
            yield (
                table.object_id,
                column.name,
                position,
                _TYPE_IDS[of.kind],
                _TYPE_IDS[of.kind],
                _max_length(of),
                of.precision,
                of.scale,
                column.collation if of.kind in _WITH_COLLATION else None,
                int(column.is_nullable),
                int(column.identity is not None),
                int(column.computed is not None),
            )


_WITH_COLLATION = {Kind.CHAR, Kind.VARCHAR, Kind.TEXT, Kind.NCHAR, Kind.NVARCHAR, Kind.NTEXT}


def _max_length(of: SqlType) -> int:
    if of.kind in {Kind.NCHAR, Kind.NVARCHAR} and of.length > 0:
        return of.length * 2
    return of.length or _MAX_LENGTHS.get(of.kind, 8)


def types(_: SimulatedServer, __: Catalog) -> Iterator[tuple[Any, ...]]:
    return ((str(kind), number, number) for kind, number in _TYPE_IDS.items())


def _each_key(catalog: Catalog) -> Iterator[tuple[Table, int, Any]]:
    for table in catalog.tables.values():
        for number, key in enumerate(table.keys, start=1):
            yield table, number, key


def indexes(_: SimulatedServer, catalog: Catalog) -> Iterator[tuple[Any, ...]]:
    for table, number, key in _each_key(catalog):
        yield (
            table.object_id,
            key.name,
            number,
            1,
            1,
            int(key.is_primary),
            int(key.is_constraint and not key.is_primary),
        )


def index_columns(_: SimulatedServer, catalog: Catalog) -> Iterator[tuple[Any, ...]]:
    for table, number, key in _each_key(catalog):
        for ordinal, at in enumerate(key.columns, start=1):
            yield table.object_id, number, ordinal, at + 1, ordinal, 0


def key_constraints(_: SimulatedServer, catalog: Catalog) -> Iterator[tuple[Any, ...]]:
    for table, number, key in _each_key(catalog):
        kind = "PK" if key.is_primary else "UQ"
        yield key.name, key.object_id, table.object_id, kind, number


def foreign_keys(_: SimulatedServer, catalog: Catalog) -> Iterator[tuple[Any, ...]]:
    for table in catalog.tables.values():
        for key in table.foreign_keys:
            there = catalog.tables[table_key(key.schema, key.table)].object_id
            disabled, untrusted = int(not key.is_enabled), int(not key.is_trusted)
            yield key.name, key.object_id, table.object_id, there, disabled, untrusted


def check_constraints(_: SimulatedServer, catalog: Catalog) -> Iterator[tuple[Any, ...]]:
    for table in catalog.tables.values():
        for check in table.checks:
            disabled, untrusted = int(not check.is_enabled), int(not check.is_trusted)
            yield check.name, check.object_id, table.object_id, disabled, untrusted


def triggers(_: SimulatedServer, catalog: Catalog) -> Iterator[tuple[Any, ...]]:
    for trigger in catalog.triggers:
        yield trigger.name, trigger.object_id, 0, "DATABASE", 0, int(not trigger.is_enabled), 0
    for table in catalog.tables.values():
        for trigger in table.triggers:
            disabled = int(not trigger.is_enabled)
            yield (
                trigger.name,
                trigger.object_id,
                1,
                "OBJECT_OR_COLUMN",
                table.object_id,
                disabled,
                0,
            )


def tracking_databases(server: SimulatedServer, _: Catalog) -> Iterator[tuple[Any, ...]]:
    for catalog in server.catalogs.values():
        if catalog.is_tracking:
            yield catalog.database_id, 1, 2, 3


def tracking_tables(_: SimulatedServer, catalog: Catalog) -> Iterator[tuple[Any, ...]]:
    for table in catalog.tables.values():
        if (tracking := table.tracking) is not None:
            columns = int(tracking.tracks_columns)
            begin, low = tracking.begin_version, tracking.min_valid_version
            yield table.object_id, columns, low, begin, low


def recovery_status(server: SimulatedServer, _: Catalog) -> Iterator[tuple[Any, ...]]:
    for catalog in server.catalogs.values():
        guid, family, fork = map(UUID, (catalog.guid, catalog.family_guid, catalog.fork_guid))
        yield catalog.database_id, guid, family, fork


def principals(_: SimulatedServer, catalog: Catalog) -> Iterator[tuple[Any, ...]]:
    yield "dbo", 1, "S", "SQL_USER", catalog.owner_sid, "INSTANCE"
    for number, user in enumerate(catalog.users.values(), start=5):
        yield user.name, number, "S", user.kind, user.sid, "INSTANCE"


def server_principals(server: SimulatedServer, _: Catalog) -> Iterator[tuple[Any, ...]]:
    for number, login in enumerate(server.logins.values(), start=1):
        yield login.name, number, login.sid, "S", "SQL_LOGIN", 0


def sessions(server: SimulatedServer, _: Catalog) -> Iterator[tuple[Any, ...]]:
    for session in server.sessions.values():
        catalog = server.catalogs.get(session.database.casefold())
        number = catalog.database_id if catalog else 0
        yield session.number, session.login_name, session.host, session.program, number, 1


def requests(server: SimulatedServer, _: Catalog) -> Iterator[tuple[Any, ...]]:
    for session in list(server.sessions.values()):
        if (doing := session.doing) is not None:
            yield session.number, doing.command, doing.percent, doing.wait, doing.moved


def backup_sets(server: SimulatedServer, catalog: Catalog) -> Iterator[tuple[Any, ...]]:
    if catalog.name != "msdb":
        raise SqlError(Message(208, 16, "Invalid object name 'dbo.backupset'."))
    for number, each in enumerate(server.backups, start=1):
        yield number, UUID(each.guid), each.name, each.database, int(each.is_copy_only), "D"


def foreign_key_columns(_: SimulatedServer, catalog: Catalog) -> Iterator[tuple[Any, ...]]:
    for table in catalog.tables.values():
        for key in table.foreign_keys:
            there = catalog.tables[table_key(key.schema, key.table)]
            pairs = zip(key.columns, key.referenced, strict=True)
            for number, (here, name) in enumerate(pairs, start=1):
                ids = (key.object_id, number, table.object_id, here + 1)
                yield (*ids, there.object_id, there.position(name) + 1)

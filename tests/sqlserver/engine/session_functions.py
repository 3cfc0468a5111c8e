"""Functions that ask for the session, its catalog or the server; and the @@variables."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine.comparing import DEFAULT_COLLATION
from tests.sqlserver.engine.compiled import INT, Compiled
from tests.sqlserver.engine.functions import BIGINT, NVARCHAR
from tests.sqlserver.engine.permissions import may
from tests.sqlserver.engine.schema_views import schema_id
from tests.sqlserver.engine.type_numbers import TYPE_IDS
from tests.sqlserver.engine.view_registry import VIEWS
from tests.sqlserver.results import Kind, SqlType
from tests.sqlserver.sql.cursor import Cursor
from tests.sqlserver.sql.lexer import unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.sqlserver.engine.catalog import Catalog
    from tests.sqlserver.engine.session import EngineSession
    from tests.sqlserver.engine.tables import Table

_VARIANT = SqlType(Kind.SQL_VARIANT)
_NUMERIC = SqlType(Kind.NUMERIC, precision=38, scale=0)
_NAMES = {10: "2008 R2", 11: "2012", 12: "2014", 13: "2016", 14: "2017", 15: "2019", 16: "2022"}


def version_text(session: EngineSession) -> str:
    profile = session.server.profile
    number = ".".join(map(str, profile.version))
    name = _NAMES[profile.version[0]]
    return f"Microsoft SQL Server {name} - {number}.0 (simulated)\n\t{profile.edition}"


def system_variable(session: EngineSession, name: str) -> tuple[SqlType, Any]:
    """A variable that begins with @@.

    Raises:
        SqlError: one that is not known here.
    """
    found = _VARIABLES.get(name.upper())
    if found is None:
        raise unknown(f"the variable {name}", 1)
    kind, read = found
    return kind, read(session)


def _packed_version(session: EngineSession) -> int:
    major, minor, build = session.server.profile.version
    return major << 24 | minor << 16 | build


_VARIABLES: dict[str, tuple[SqlType, Callable[[EngineSession], Any]]] = {
    "@@VERSION": (NVARCHAR, version_text),
    "@@SERVERNAME": (NVARCHAR, lambda session: session.server.profile.server_name),
    "@@SPID": (SqlType(Kind.SMALLINT), lambda session: session.number),
    "@@TRANCOUNT": (INT, lambda session: session.transaction.depth),
    "@@ROWCOUNT": (INT, lambda session: session.row_count),
    "@@ERROR": (INT, lambda session: session.last_error),
    "@@IDENTITY": (_NUMERIC, lambda session: session.last_identity),
    "@@MICROSOFTVERSION": (INT, _packed_version),
}


def session_function(
    session: EngineSession, name: str, arguments: Sequence[Compiled]
) -> Compiled | None:
    """One of the functions of this module."""
    if name not in _FUNCTIONS:
        return None
    kind, compute = _FUNCTIONS[name]

    def run(rows: Any) -> Any:
        return compute(session, *[each.run(rows) for each in arguments])

    return Compiled(kind, run)


def _database_id(session: EngineSession, name: str | None = None) -> int | None:
    wanted = session.database if name is None else name
    found = session.server.catalogs.get(wanted.casefold())
    return found.database_id if found else None


def _database_name(session: EngineSession, number: int | None = None) -> str | None:
    if number is None:
        return session.database
    found = (c.name for c in session.server.catalogs.values() if c.database_id == number)
    return next(found, None)


def _object_id(session: EngineSession, name: str, _: str | None = None) -> int | None:
    parsed = Cursor(name).name()
    if parsed.last.startswith("#"):
        found = session.temporary.find(parsed)
        return found.object_id if found else None
    catalog = session.catalog_of(parsed)
    table = catalog.find(parsed)
    if table is not None:
        return table.object_id
    if (sequence := catalog.find_sequence(parsed)) is not None:
        return sequence.object_id
    if parsed.schema.casefold() == "sys":
        return _system_object_id(session, f"sys.{parsed.last.casefold()}")
    wanted = parsed.last.casefold()
    for each in catalog.tables.values():
        inside: tuple[Any, ...]
        inside = (*each.keys, *each.foreign_keys, *each.checks, *each.triggers)
        for one in inside:
            if one.name.casefold() == wanted:
                number: int = one.object_id
                return number
    return None


def _system_object_id(session: EngineSession, name: str) -> int | None:
    """Below zero; another number than the server's."""
    view = VIEWS.get(name)
    is_there = view is not None and view.since <= session.server.profile.version[0]
    return -1 - list(VIEWS).index(name) if is_there else None


def _by_id(session: EngineSession, number: int | None) -> tuple[Catalog, Table | None]:
    catalog = session.catalog
    found = (each for each in catalog.tables.values() if each.object_id == number)
    return catalog, next(found, None)


def _object_name(session: EngineSession, number: int | None, _: int | None = None) -> str | None:
    table = _by_id(session, number)[1]
    return table.name if table else None


def _object_schema(session: EngineSession, number: int | None) -> str | None:
    table = _by_id(session, number)[1]
    return table.schema if table else None


def _schema_id(session: EngineSession, name: str | None = None) -> int | None:
    wanted = (name or "dbo").casefold()
    found = (each for each in session.catalog.schemas if each.casefold() == wanted)
    return next((schema_id(session.catalog, each) for each in found), None)


def _schema_name(session: EngineSession, number: int | None = None) -> str | None:
    catalog = session.catalog
    found = (name for name in catalog.schemas if schema_id(catalog, name) == (number or 1))
    return next(found, None)


def _server_property(session: EngineSession, name: str) -> Any:
    profile = session.server.profile
    text = ".".join(map(str, profile.version)) + ".0"
    values: dict[str, Any] = {
        "PRODUCTVERSION": text,
        "PRODUCTMAJORVERSION": str(profile.version[0]),
        "PRODUCTLEVEL": profile.level,
        "EDITION": profile.edition,
        "SERVERNAME": profile.server_name,
        "MACHINENAME": profile.server_name.partition("\\")[0],
        "INSTANCENAME": profile.server_name.partition("\\")[2] or None,
        "COLLATION": DEFAULT_COLLATION,
        "INSTANCEDEFAULTDATAPATH": f"{session.server.directory}/",
        "INSTANCEDEFAULTLOGPATH": f"{session.server.directory}/",
        "INSTANCEDEFAULTBACKUPPATH": f"{session.server.directory}/",
        "COMPUTERNAMEPHYSICALNETBIOS": profile.server_name.partition("\\")[0],
        "ENGINEEDITION": 4 if profile.is_express else 3,
        "ISCLUSTERED": 0,
        "ISINTEGRATEDSECURITYONLY": 0,
        "ISHADRENABLED": 0,
        "ISFULLTEXTINSTALLED": 0,
        "ISSINGLEUSER": 0,
        "PROCESSID": os.getpid(),
        "LCID": 1033,
    }
    if profile.version[0] < _PROPERTY_SINCE.get(name.upper(), 0):
        return None
    found = values.get(name.upper())
    if found is None:
        return None
    return (INT if isinstance(found, int) else SqlType(Kind.NVARCHAR, 128)), found


_PROPERTY_SINCE = {
    "INSTANCEDEFAULTDATAPATH": 11,
    "INSTANCEDEFAULTLOGPATH": 11,
    "INSTANCEDEFAULTBACKUPPATH": 15,
    "ISHADRENABLED": 11,
    "PRODUCTMAJORVERSION": 11,
}
# What a role or a permission needs here; who may not even that may still read and write.
_RIGHTS = {
    "DBCREATOR": "restore",
    "CREATE DATABASE": "restore",
    "CREATE ANY DATABASE": "restore",
    "DB_BACKUPOPERATOR": "backup",
    "BACKUP DATABASE": "backup",
    "ALTER": "alter",
    "ALTER ANY DATABASE": "alter",
    "CONTROL": "alter",
    "DB_OWNER": "alter",
    "DB_DDLADMIN": "alter",
}
_FREE = {"SELECT", "INSERT", "UPDATE", "DELETE", "CONNECT", "CONNECT SQL", "VIEW ANY DATABASE"}
_FREE |= {"DB_DATAREADER", "DB_DATAWRITER", "PUBLIC"}


def _has_right(session: EngineSession, role: str, _: str | None = None) -> int:
    word = role.upper()
    return int(word in _FREE or session.account.may(_RIGHTS.get(word, role.lower())))


def _has_permission(
    session: EngineSession,
    of: str | None,
    kind: str | None,
    permission: str,
    column: str = "",
    _: str = "",
) -> int | None:
    if (kind or "").upper() == "OBJECT" and of is not None:
        told = Cursor(of).name()
        catalog = session.catalog_of(told)
        table = catalog.find(told)
        return None if table is None else int(may(session, catalog, table, permission, column))
    if (kind or "").upper() == "DATABASE" and of is not None:
        name = of.strip("[]").casefold()
        if name not in session.server.catalogs:
            return None
    return _has_right(session, permission)


def _type_name(_: EngineSession, number: int | None) -> str | None:
    return next((str(kind) for kind, each in TYPE_IDS.items() if each == number), None)


def _column_name(session: EngineSession, table: int | None, position: int | None) -> str | None:
    found = _by_id(session, table)[1]
    if found is None or not position or position > len(found.columns):
        return None
    return found.columns[position - 1].name


def _column_property(session: EngineSession, _: int | None, __: str, wanted: str) -> int | None:
    """GeneratedAlwaysType, from 2016 on; there are no temporal tables here."""
    if wanted.upper() != "GENERATEDALWAYSTYPE":
        raise unknown(f"the property {wanted} of a column", 1)
    return 0 if session.server.profile.version[0] >= 13 else None


def _file_property(session: EngineSession, name: str, wanted: str) -> int | None:
    """SpaceUsed, in pages."""
    found = (f for f in session.catalog.files if f.logical.casefold() == name.casefold())
    file = next(found, None)
    return file.size_pages if file is not None and wanted.upper() == "SPACEUSED" else None


def _database_property(session: EngineSession, name: str, key: str) -> Any:
    found = session.server.catalogs.get(name.casefold())
    if found is None:
        return None
    values = {
        "STATUS": found.state,
        "RECOVERY": found.options.get("RECOVERY", "FULL"),
        "USERACCESS": found.access,
        "COLLATION": found.collation,
        "UPDATEABILITY": "READ_ONLY" if "READ_ONLY" in found.options else "READ_WRITE",
    }
    value = values.get(key.upper())
    return None if value is None else (SqlType(Kind.NVARCHAR, 128), value)


def _current_version(session: EngineSession) -> int | None:
    catalog = session.catalog
    return session.version_of(catalog) if catalog.is_tracking else None


def _min_valid_version(session: EngineSession, number: int | None) -> int | None:
    table = _by_id(session, number)[1]
    return table.tracking.min_valid_version if table and table.tracking else None


def _identity_of(session: EngineSession, name: str) -> Any:
    table = session.table(Cursor(name).name())
    column = next((each for each in table.columns if each.identity), None)
    if column is None or column.identity is None:
        return None
    return table.identity if table.identity is not None else column.identity[0]


def _login_of(session: EngineSession, sid: bytes | None = None) -> str | None:
    wanted = session.account.sid if sid is None else sid
    found = (each.name for each in session.server.logins.values() if each.sid == wanted)
    return next(found, None)


def _error(field: str) -> Callable[[EngineSession], Any]:
    def read(session: EngineSession) -> Any:
        caught = session.caught
        return None if caught is None else getattr(caught, field)

    return read


_FUNCTIONS: dict[str, tuple[SqlType, Callable[..., Any]]] = {
    "DB_ID": (INT, _database_id),
    "DB_NAME": (NVARCHAR, _database_name),
    "OBJECT_ID": (INT, _object_id),
    "OBJECT_NAME": (NVARCHAR, _object_name),
    "OBJECT_SCHEMA_NAME": (NVARCHAR, _object_schema),
    "SCHEMA_ID": (INT, _schema_id),
    "SCHEMA_NAME": (NVARCHAR, _schema_name),
    "SERVERPROPERTY": (_VARIANT, _server_property),
    "DATABASEPROPERTYEX": (_VARIANT, _database_property),
    "HAS_PERMS_BY_NAME": (INT, _has_permission),
    "TYPE_NAME": (NVARCHAR, _type_name),
    "COL_NAME": (NVARCHAR, _column_name),
    "COLUMNPROPERTY": (INT, _column_property),
    "FILEPROPERTY": (INT, _file_property),
    "IS_SRVROLEMEMBER": (INT, _has_right),
    "IS_ROLEMEMBER": (INT, _has_right),
    "IS_MEMBER": (INT, _has_right),
    "CHANGE_TRACKING_CURRENT_VERSION": (BIGINT, _current_version),
    "CHANGE_TRACKING_MIN_VALID_VERSION": (BIGINT, _min_valid_version),
    "SUSER_SNAME": (NVARCHAR, _login_of),
    "SUSER_NAME": (NVARCHAR, lambda session, *_: session.login_name),
    "ORIGINAL_LOGIN": (NVARCHAR, lambda session: session.login_name),
    "SUSER_SID": (SqlType(Kind.VARBINARY, 85), lambda session, *_: session.account.sid),
    "USER_NAME": (NVARCHAR, lambda *_: "dbo"),
    "HOST_NAME": (NVARCHAR, lambda session: session.host),
    "APP_NAME": (NVARCHAR, lambda session: session.program),
    "XACT_STATE": (
        SqlType(Kind.SMALLINT),
        lambda session: -1 if session.transaction.is_doomed else int(session.transaction.depth > 0),
    ),
    "SCOPE_IDENTITY": (_NUMERIC, lambda session: session.last_identity),
    "IDENT_CURRENT": (_NUMERIC, _identity_of),
    "ROWCOUNT_BIG": (BIGINT, lambda session: session.row_count),
    "ERROR_NUMBER": (INT, _error("number")),
    "ERROR_MESSAGE": (NVARCHAR, _error("text")),
    "ERROR_SEVERITY": (INT, _error("severity")),
    "ERROR_STATE": (INT, _error("state")),
}

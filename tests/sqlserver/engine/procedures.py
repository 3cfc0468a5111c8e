"""System procedures that drivers and people call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sqlserver.engine.comparing import DEFAULT_COLLATION
from tests.sqlserver.engine.moments import datetime_now
from tests.sqlserver.results import (
    Column,
    Done,
    Kind,
    Message,
    ResultSet,
    ReturnStatus,
    ReturnValue,
    SqlType,
)
from tests.sqlserver.sql.lexer import SqlError, Token, tokens, unknown
from tests.sqlserver.sql.tree import Name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.sqlserver.engine.session import EngineSession
    from tests.sqlserver.engine.tables import Column as TableColumn
    from tests.sqlserver.engine.tables import Table
    from tests.sqlserver.results import Parameter, Result

_NAME = SqlType(Kind.NVARCHAR, 128)
_INT = SqlType(Kind.INT)
_SMALLINT = SqlType(Kind.SMALLINT)
# What ODBC knows a type by, its precision, and what stands around its constants.
_TYPE_INFO = {
    12: [("varchar", 8000, "'")],
    -9: [("nvarchar", 4000, "N'")],
    -3: [("varbinary", 8000, "0x")],
    93: [("datetime2", 27, "'"), ("datetime", 23, "'")],
}


def call_procedure(
    session: EngineSession, name: str, parameters: Sequence[Parameter]
) -> Iterator[Result]:
    """Run a system procedure.

    Raises:
        SqlError: there is none of this name (2812).
    """
    found = _PROCEDURES.get(name.lower())
    if found is None and name.lower().startswith(("sp_", "xp_")):
        raise unknown(f"the procedure {name}", 1)
    if found is None:
        raise SqlError(Message(2812, 16, f"Could not find stored procedure '{name}'."))
    yield from found(session, parameters)
    yield ReturnStatus(0)


def _type_info(_: EngineSession, parameters: Sequence[Parameter]) -> Iterator[Result]:
    wanted = int(parameters[0].value)
    columns = [
        Column("TYPE_NAME", _NAME),
        Column("DATA_TYPE", _SMALLINT),
        Column("PRECISION", _INT),
        Column("LITERAL_PREFIX", SqlType(Kind.VARCHAR, 32)),
        Column("LITERAL_SUFFIX", SqlType(Kind.VARCHAR, 32)),
        Column("CREATE_PARAMS", SqlType(Kind.VARCHAR, 32)),
        Column("NULLABLE", _SMALLINT),
        Column("CASE_SENSITIVE", _SMALLINT),
        Column("SEARCHABLE", _SMALLINT),
        Column("UNSIGNED_ATTRIBUTE", _SMALLINT),
        Column("MONEY", _SMALLINT),
        Column("AUTO_INCREMENT", _SMALLINT),
        Column("LOCAL_TYPE_NAME", _NAME),
        Column("MINIMUM_SCALE", _SMALLINT),
        Column("MAXIMUM_SCALE", _SMALLINT),
        Column("SQL_DATA_TYPE", _SMALLINT),
        Column("SQL_DATETIME_SUB", _SMALLINT),
        Column("NUM_PREC_RADIX", _INT),
        Column("INTERVAL_PRECISION", _SMALLINT),
        Column("USERTYPE", _SMALLINT),
    ]
    rows = []
    for name, precision, around in _TYPE_INFO.get(wanted, []):
        head = (name, wanted, precision, around, around[-1], None, 1, 0, 3, None, 0, None, name)
        rows.append((*head, None, None, wanted, None, None, None, 0))
    yield ResultSet(columns, rows)
    yield Done(len(rows))


def _undeclared_parameters(
    session: EngineSession, parameters: Sequence[Parameter]
) -> Iterator[Result]:
    """What a driver asks before it binds a NULL: each is told to be an nvarchar."""
    sql = str(parameters[0].value)
    names = list(dict.fromkeys(t.text for t in tokens(sql) if t.token is Token.VARIABLE))
    wanted = [name for name in names if not name.startswith("@@")]
    columns = [
        Column("parameter_ordinal", _INT, is_nullable=False),
        Column("name", _NAME, is_nullable=False),
        Column("suggested_system_type_id", _INT, is_nullable=False),
        Column("suggested_system_type_name", _NAME),
        Column("suggested_max_length", _SMALLINT, is_nullable=False),
        Column("suggested_precision", SqlType(Kind.TINYINT), is_nullable=False),
        Column("suggested_scale", SqlType(Kind.TINYINT), is_nullable=False),
    ]
    rows = [
        (number, name, 231, "nvarchar(4000)", 8000, 0, 0)
        for number, name in enumerate(wanted, start=1)
    ]
    del session
    yield ResultSet(columns, rows)
    yield Done(len(rows))


def _server_info(session: EngineSession, _: Sequence[Parameter]) -> Iterator[Result]:
    columns = [Column("attribute_id", _INT), Column("attribute_name", _NAME)]
    columns.append(Column("attribute_value", SqlType(Kind.VARCHAR, 255)))
    version = ".".join(map(str, session.server.profile.version))
    rows = [
        (1, "DBMS_NAME", "Microsoft SQL Server"),
        (2, "DBMS_VER", version),
        (18, "COLLATION_SEQ", DEFAULT_COLLATION),
    ]
    yield ResultSet(columns, rows)
    yield Done(len(rows))


def _fixed_drives(session: EngineSession, _: Sequence[Parameter]) -> Iterator[Result]:
    columns = [Column("drive", SqlType(Kind.CHAR, 1)), Column("MB free", _INT)]
    yield ResultSet(columns, [("C", min(session.server.free_bytes // 2**20, 2**31 - 1))])
    yield Done(1)


def _registry(session: EngineSession, parameters: Sequence[Parameter]) -> Iterator[Result]:
    """The values that say where an instance puts its files; others are not there."""
    wanted = str(parameters[2].value).casefold()
    known = {"backupdirectory", "defaultdata", "defaultlog"}
    value = str(session.server.directory) if wanted in known else None
    kind = SqlType(Kind.NVARCHAR, 512)
    if len(parameters) > 3:
        yield ReturnValue(parameters[3].name or "3", kind, value)
    elif value is not None:
        yield ResultSet([Column("Value", kind), Column("Data", kind)], [(wanted, value)])
        yield Done(1)


def _fill(session: EngineSession, parameters: Sequence[Parameter]) -> Iterator[Result]:
    """Our own: EXEC sim_filler 'catalog', MiB gives a catalog pages without rows."""
    catalog = session.server.catalog(str(parameters[0].value))
    session.server.fill(catalog, int(parameters[1].value) * 2**20)
    yield Done()


def _forget(session: EngineSession, parameters: Sequence[Parameter]) -> Iterator[Result]:
    """Our own: EXEC sim_forget 'catalog' cleans up all of its history of changes."""
    session.server.forget_history(session.server.catalog(str(parameters[0].value)))
    yield Done()


def _fork(session: EngineSession, parameters: Sequence[Parameter]) -> Iterator[Result]:
    """Our own: EXEC sim_fork 'catalog' makes it one that was itself restored from a backup."""
    session.server.fork(session.server.catalog(str(parameters[0].value)))
    yield Done()


def _trait(session: EngineSession, parameters: Sequence[Parameter]) -> Iterator[Result]:
    """Our own: EXEC sim_trait 'table', 'column', 'trait' has views tell it; no column: of all."""
    name, column, trait = (str(each.value) for each in parameters)
    table = session.table(Name((name,)))
    of: Table | TableColumn = table.columns[table.position(column)] if column else table
    of.traits |= {trait}
    if trait != "POLICY":  # it is an object of its own
        table.modified = datetime_now()
    yield Done()


def _free(session: EngineSession, parameters: Sequence[Parameter]) -> Iterator[Result]:
    """Our own: EXEC sim_free MiB leaves so much room on the server's volume."""
    session.server.free_bytes = int(parameters[0].value) * 2**20
    yield Done()


_PROCEDURES: dict[str, Callable[[EngineSession, Sequence[Parameter]], Iterator[Result]]] = {
    "sp_datatype_info_100": _type_info,
    "sp_datatype_info": _type_info,
    "sp_describe_undeclared_parameters": _undeclared_parameters,
    "sp_server_info": _server_info,
    "sim_filler": _fill,
    "sim_forget": _forget,
    "sim_fork": _fork,
    "sim_free": _free,
    "sim_trait": _trait,
    "xp_fixeddrives": _fixed_drives,
    "xp_instance_regread": _registry,
}

"""The views about the server: its catalogs, files, logins, sessions and what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from tests.sqlserver.engine.view_registry import (
    BIGINT,
    BIT,
    DATETIME,
    GUID,
    INT,
    NAME,
    PATH,
    SHORT_TEXT,
    SID,
    SMALLINT,
    TINYINT,
    fixed_text,
    view,
)
from tests.sqlserver.results import Kind, SqlType

if TYPE_CHECKING:
    from tests.sqlserver.engine.catalog import Catalog
    from tests.sqlserver.engine.server import SimulatedServer
    from tests.sqlserver.engine.view_registry import Rows

_FILE_TYPES = {"ROWS": 0, "LOG": 1}
_ACCESS = {"MULTI_USER": 0, "SINGLE_USER": 1, "RESTRICTED_USER": 2}
_STATES = {"ONLINE": 0, "RESTORING": 1, "RECOVERING": 2, "SUSPECT": 4, "OFFLINE": 6}
_MODELS = {"FULL": 1, "BULK_LOGGED": 2, "SIMPLE": 3}
_VERIFY = {"NONE": 0, "TORN_PAGE_DETECTION": 1, "CHECKSUM": 2}


@view(
    "sys.databases",
    name=NAME,
    database_id=INT,
    source_database_id=INT,
    owner_sid=SID,
    create_date=DATETIME,
    compatibility_level=TINYINT,
    collation_name=NAME,
    state=TINYINT,
    state_desc=SHORT_TEXT,
    user_access=TINYINT,
    user_access_desc=SHORT_TEXT,
    recovery_model=TINYINT,
    recovery_model_desc=SHORT_TEXT,
    page_verify_option=TINYINT,
    page_verify_option_desc=SHORT_TEXT,
    snapshot_isolation_state=TINYINT,
    snapshot_isolation_state_desc=SHORT_TEXT,
    is_read_committed_snapshot_on=BIT,
    is_read_only=BIT,
    is_in_standby=BIT,
    is_encrypted=BIT,
    is_trustworthy_on=BIT,
    is_db_chaining_on=BIT,
    is_broker_enabled=BIT,
    is_auto_close_on=BIT,
    is_auto_shrink_on=BIT,
    is_auto_create_stats_on=BIT,
    is_auto_update_stats_on=BIT,
    is_auto_update_stats_async_on=BIT,
)
def _databases(server: SimulatedServer, _: Catalog) -> Rows:
    for each in server.catalogs.values():
        snapshots = each.options.get("ALLOW_SNAPSHOT_ISOLATION", "OFF")
        model, verify = (
            each.options.get("RECOVERY", "FULL"),
            each.options.get("PAGE_VERIFY", "CHECKSUM"),
        )
        collation = each.collation if each.state == "ONLINE" else None
        yield (
            *(each.name, each.database_id, None, each.owner_sid, each.created),
            *(each.compatibility, collation, _STATES[each.state], each.state),
            *(_ACCESS[each.access], each.access, _MODELS[model], model),
            *(_VERIFY[verify], verify, int(snapshots == "ON"), snapshots),
            *(each.is_on("READ_COMMITTED_SNAPSHOT"), int("READ_ONLY" in each.options)),
            *(0, 0, each.is_on("TRUSTWORTHY"), each.is_on("DB_CHAINING"), 0),
            *(each.is_on("AUTO_CLOSE"), each.is_on("AUTO_SHRINK")),
            *(
                each.is_on("AUTO_CREATE_STATISTICS", "ON"),
                each.is_on("AUTO_UPDATE_STATISTICS", "ON"),
            ),
            each.is_on("AUTO_UPDATE_STATISTICS_ASYNC"),
        )


_FILE_COLUMNS = {
    "file_id": INT,
    "type": TINYINT,
    "type_desc": SHORT_TEXT,
    "data_space_id": INT,
    "name": NAME,
    "physical_name": PATH,
    "state": TINYINT,
    "state_desc": SHORT_TEXT,
    "size": INT,
    "max_size": INT,
    "growth": INT,
    "is_percent_growth": BIT,
}


@view("sys.master_files", database_id=INT, **_FILE_COLUMNS)
def _master_files(server: SimulatedServer, _: Catalog) -> Rows:
    for catalog in server.catalogs.values():
        for each in catalog.files:
            kind = _FILE_TYPES[each.kind]
            state = _STATES[catalog.state]
            space = 0 if each.kind == "LOG" else 1
            yield (
                *(catalog.database_id, each.file_id, kind, each.kind, space),
                *(each.logical, each.path, state, catalog.state, each.size_pages, -1, 1024, 0),
            )


@view("sys.database_files", **_FILE_COLUMNS)
def _database_files(server: SimulatedServer, catalog: Catalog) -> Rows:
    return (row[1:] for row in _master_files(server, catalog) if row[0] == catalog.database_id)


@view(
    "sys.change_tracking_databases",
    database_id=INT,
    is_auto_cleanup_on=BIT,
    retention_period=INT,
    retention_period_units=TINYINT,
    retention_period_units_desc=SHORT_TEXT,
)
def _tracking_databases(server: SimulatedServer, _: Catalog) -> Rows:
    units = {"MINUTES": 1, "HOURS": 2, "DAYS": 3}
    for catalog in server.catalogs.values():
        if catalog.is_tracking:
            told = catalog.retention.split()
            at = next((n for n, word in enumerate(told) if word in units), 0)
            period, unit = (int(told[at - 1]), told[at]) if at else (2, "DAYS")
            cleans = "AUTO_CLEANUP = OFF" not in catalog.retention
            yield catalog.database_id, int(cleans), period, units[unit], unit


@view(
    "sys.database_recovery_status",
    database_id=INT,
    database_guid=GUID,
    family_guid=GUID,
    recovery_fork_guid=GUID,
)
def _recovery_status(server: SimulatedServer, _: Catalog) -> Rows:
    for catalog in server.catalogs.values():
        guid, family, fork = map(UUID, (catalog.guid, catalog.family_guid, catalog.fork_guid))
        yield catalog.database_id, guid, family, fork


@view(
    "sys.server_principals",
    name=NAME,
    principal_id=INT,
    sid=SID,
    type=fixed_text(1),
    type_desc=SHORT_TEXT,
    is_disabled=BIT,
    create_date=DATETIME,
    default_database_name=NAME,
)
def _server_principals(server: SimulatedServer, _: Catalog) -> Rows:
    created = server.catalogs["master"].created
    for number, login in enumerate(server.logins.values(), start=1):
        kind = ("U", "WINDOWS_LOGIN") if "\\" in login.name else ("S", "SQL_LOGIN")
        yield login.name, number, login.sid, *kind, 0, created, "master"
    roles = ("public", "sysadmin", "securityadmin", "serveradmin", "processadmin", "dbcreator")
    for number, name in enumerate(roles, start=2):
        yield name, number + 1000, bytes([number]), "R", "SERVER_ROLE", 0, created, None


@view("sys.sql_logins", name=NAME, principal_id=INT, sid=SID, is_disabled=BIT)
def _sql_logins(server: SimulatedServer, _: Catalog) -> Rows:
    for number, login in enumerate(server.logins.values(), start=1):
        if "\\" not in login.name:
            yield login.name, number, login.sid, 0


@view(
    "sys.dm_exec_sessions",
    session_id=SMALLINT,
    login_time=DATETIME,
    host_name=NAME,
    program_name=NAME,
    login_name=NAME,
    original_login_name=NAME,
    status=SqlType(Kind.NVARCHAR, 30),
    database_id=SMALLINT,
    is_user_process=BIT,
    transaction_isolation_level=SMALLINT,
)
def _sessions(server: SimulatedServer, _: Catalog) -> Rows:
    levels = {"READ UNCOMMITTED": 1, "READ COMMITTED": 2, "SNAPSHOT": 5}
    for session in list(server.sessions.values()):
        catalog = server.catalogs.get(session.database.casefold())
        number = catalog.database_id if catalog else 0
        status = "running" if session.doing is not None else "sleeping"
        level = levels[session.options.get("TRANSACTION ISOLATION LEVEL", "READ COMMITTED")]
        yield (
            *(session.number, session.login_time, session.host, session.program),
            *(session.login_name, session.login_name, status, number, 1, level),
        )


@view(
    "sys.dm_exec_requests",
    session_id=SMALLINT,
    start_time=DATETIME,
    status=SqlType(Kind.NVARCHAR, 30),
    command=SqlType(Kind.NVARCHAR, 32),
    database_id=SMALLINT,
    blocking_session_id=SMALLINT,
    wait_type=SHORT_TEXT,
    wait_time=INT,
    percent_complete=SqlType(Kind.REAL),
    estimated_completion_time=BIGINT,
    cpu_time=INT,
    reads=BIGINT,
    writes=BIGINT,
)
def _requests(server: SimulatedServer, _: Catalog) -> Rows:
    """Those that take long, and who waits for a lock."""
    for session in list(server.sessions.values()):
        catalog = server.catalogs.get(session.database.casefold())
        database = catalog.database_id if catalog else 0
        if (doing := session.doing) is not None:
            status = "suspended" if doing.wait else "running"
            yield (
                *(session.number, doing.since, status, doing.command, database, 0, doing.wait),
                *(0, doing.percent, 0, doing.moved, doing.moved, doing.moved),
            )
        elif (holder := session.waits_for) is not None:
            yield (
                *(session.number, session.login_time, "suspended", "UPDATE", database),
                *(holder.number, "LCK_M_X", 0, 0.0, 0, 0, 0, 0),
            )


@view(
    "sys.sysprocesses",
    spid=SMALLINT,
    kpid=SMALLINT,
    blocked=SMALLINT,
    dbid=SMALLINT,
    login_time=DATETIME,
    open_tran=SMALLINT,
    status=SqlType(Kind.NCHAR, 30),
    sid=SqlType(Kind.BINARY, 86),
    hostname=SqlType(Kind.NCHAR, 128),
    program_name=SqlType(Kind.NCHAR, 128),
    cmd=SqlType(Kind.NCHAR, 16),
    loginame=SqlType(Kind.NCHAR, 128),
)
def _processes(server: SimulatedServer, _: Catalog) -> Rows:
    """Its texts are filled up with blanks."""
    for session in list(server.sessions.values()):
        catalog = server.catalogs.get(session.database.casefold())
        database = catalog.database_id if catalog else 0
        blocked = session.waits_for.number if session.waits_for is not None else 0
        status, command = ("runnable", session.doing.command) if session.doing else ("sleeping", "")
        yield (
            *(session.number, 0, blocked, database, session.login_time, session.transaction.depth),
            *(status.ljust(30), session.account.sid.ljust(86, b"\0"), session.host.ljust(128)),
            *(session.program.ljust(128), command[:16].ljust(16), session.login_name.ljust(128)),
        )


@view(
    "sys.dm_database_encryption_keys",
    database_id=INT,
    encryption_state=INT,
    encryptor_thumbprint=SqlType(Kind.VARBINARY, 20),
)
def _encryption_keys(_: SimulatedServer, __: Catalog) -> Rows:
    """No catalog here is encrypted."""
    return iter(())


@view("sys.certificates", name=NAME, certificate_id=INT, thumbprint=SqlType(Kind.VARBINARY, 32))
def _certificates(_: SimulatedServer, __: Catalog) -> Rows:
    """CREATE CERTIFICATE is refused, so there is none."""
    return iter(())


@view("sys.dm_tran_commit_table", commit_ts=BIGINT, xdes_id=BIGINT, commit_time=DATETIME)
def _commits(_: SimulatedServer, catalog: Catalog) -> Rows:
    return ((version, version, when) for version, when in list(catalog.commits.items()))

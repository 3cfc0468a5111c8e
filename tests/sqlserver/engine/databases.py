"""Catalogs as wholes: made, renamed, set, checked; and sessions ended."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine.server import FIRST_SESSION
from tests.sqlserver.results import DatabaseChanged, Done, Message
from tests.sqlserver.sql import statements as s
from tests.sqlserver.sql.cursor import Cursor
from tests.sqlserver.sql.lexer import SqlError, unknown, words
from tests.sqlserver.sql.tree import Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.sqlserver.engine.catalog import Catalog
    from tests.sqlserver.engine.session import EngineSession
    from tests.sqlserver.results import Result


def refuse_in_transaction(session: EngineSession, what: str, number: int) -> None:
    """See that no transaction is open.

    Raises:
        SqlError: one is.
    """
    if session.transaction.depth:
        text = f"{what} statement not allowed within multi-statement transaction."
        raise SqlError(Message(number, 16, text))


def _create_database(session: EngineSession, statement: s.CreateDatabase) -> Iterator[Result]:
    refuse_in_transaction(session, "CREATE DATABASE", 226)
    session.server.create(statement.name, dict(statement.files))
    yield Done()


def _named(session: EngineSession, database: str) -> Catalog:
    return session.server.catalog(database or session.database)


def _rename(session: EngineSession, statement: s.RenameDatabase) -> Iterator[Result]:
    refuse_in_transaction(session, "ALTER DATABASE", 226)
    catalog, server = _named(session, statement.database), session.server
    _check_alter(session, catalog)
    if catalog.is_system:
        raise unknown("renaming a system database", 1)
    if catalog.state == "OFFLINE":
        raise unknown("renaming a catalog that is offline", 1)
    if _others(session, catalog):
        raise _not_alone(catalog)
    _check_changeable(catalog)
    server.rename(catalog, statement.new)
    yield Message(0, 0, f"The database name '{statement.new}' has been set.")
    yield Done()


def _not_alone(catalog: Catalog) -> SqlError:
    text = f"The database could not be exclusively locked to perform the operation: {catalog.name}."
    return SqlError(Message(5030, 16, text), _FAILED)


def _set(session: EngineSession, statement: s.SetDatabase) -> Iterator[Result]:
    refuse_in_transaction(session, "ALTER DATABASE", 226)
    catalog = _named(session, statement.database)
    _check_alter(session, catalog)
    for option, value in statement.values.items():
        _check_option(catalog, option, statement.how)
        if option in _STATES:
            yield from _set_state(session, catalog, option, statement.how)
        elif option in _ACCESS:
            _set_access(session, catalog, option, statement.how)
        elif option in _UPDATABILITY:
            _set_updatability(session, catalog, option, statement.how)
        elif option == "CHANGE_TRACKING":
            _set_tracking(catalog, value)
        elif option == "COMPATIBILITY_LEVEL" and value.isdecimal():
            catalog.compatibility = int(value)
        elif value in _OPTIONS.get(option, ()):
            catalog.options[option] = value
        else:
            raise unknown(f"ALTER DATABASE SET {option} {value}", 1)
    yield Done()


def _check_option(catalog: Catalog, option: str, how: str) -> None:
    if how and option == "ALLOW_SNAPSHOT_ISOLATION":
        text = "The termination option is not supported when making versioning state changes."
        raise SqlError(Message(5083, 16, text), _FAILED)
    if catalog.is_system:
        raise _not_of_the_systems(catalog, option)
    if catalog.state == "OFFLINE" and option not in _STATES:
        raise unknown(f"SET {option} in a catalog that is offline", 1)
    if option not in _ACCESS | _UPDATABILITY | _STATES:
        _check_changeable(catalog)


def _not_of_the_systems(catalog: Catalog, option: str) -> SqlError:
    if option == "CHANGE_TRACKING":
        text = f"Database '{catalog.name}' is a system database: it cannot be tracked."
        return SqlError(Message(5090, 16, text), _FAILED)
    text = f"Option '{option}' cannot be set in database '{catalog.name}'."
    return SqlError(Message(5058, 16, text), _FAILED)


_ACCESS = {"SINGLE_USER", "RESTRICTED_USER", "MULTI_USER"}
_STATES = {"ONLINE", "OFFLINE"}
_UPDATABILITY = {"READ_ONLY", "READ_WRITE"}
_SWITCHES = words(
    """
    ALLOW_SNAPSHOT_ISOLATION AUTO_CLOSE AUTO_CREATE_STATISTICS AUTO_SHRINK AUTO_UPDATE_STATISTICS
    AUTO_UPDATE_STATISTICS_ASYNC DB_CHAINING READ_COMMITTED_SNAPSHOT TRUSTWORTHY
    """
)
_OPTIONS = {
    **dict.fromkeys(_SWITCHES, frozenset({"ON", "OFF"})),
    "PAGE_VERIFY": words("CHECKSUM NONE TORN_PAGE_DETECTION"),
    "RECOVERY": words("BULK_LOGGED FULL SIMPLE"),
}
"""The values that each may have."""
_FAILED = Message(5069, 16, "ALTER DATABASE statement failed.")


def _check_alter(session: EngineSession, catalog: Catalog) -> None:
    """See that a session may change a catalog, and that no other has it alone."""
    if not session.account.may("alter"):
        text = f"User does not have permission to alter database '{catalog.name}'."
        raise SqlError(Message(5011, 14, text), _FAILED)
    if catalog.access == "SINGLE_USER" and _others(session, catalog):
        text = (
            f"Changes to the state or options of database '{catalog.name}' cannot be made at this "
            "time. The database is in single-user mode, and a user is currently connected to it."
        )
        raise SqlError(Message(5064, 16, text), _FAILED)


def _others(session: EngineSession, catalog: Catalog) -> list[EngineSession]:
    return [each for each in session.server.users_of(catalog) if each is not session]


def _check_changeable(catalog: Catalog) -> None:
    """See that a catalog may be renamed and its options set.

    Raises:
        SqlError: it is read-only.
    """
    if "READ_ONLY" in catalog.options:
        text = (
            "To use ALTER DATABASE, the database must be in a writable state in which a checkpoint "
            "can be executed."
        )
        raise SqlError(Message(5004, 16, text), _FAILED)


def _set_updatability(session: EngineSession, catalog: Catalog, option: str, how: str) -> None:
    if (option == "READ_ONLY") == ("READ_ONLY" in catalog.options):
        return
    text = f"Database state cannot be changed while other users are using '{catalog.name}'."
    _see_nobody_else(session, catalog, how, Message(5070, 16, text))
    catalog.options.pop("READ_ONLY", None)
    if option == "READ_ONLY":
        catalog.options[option] = ""


def _set_state(session: EngineSession, catalog: Catalog, state: str, how: str) -> Iterator[Result]:
    """OFFLINE: who is in it alone is in master then."""
    if catalog.state not in _STATES:
        raise unknown(f"SET {state} in a catalog that is {catalog.state}", 1)
    if state == "OFFLINE":
        text = f"Database state cannot be changed while other users are using '{catalog.name}'."
        _see_nobody_else(session, catalog, how, Message(5070, 16, text))
    catalog.state = state
    if state == "OFFLINE" and session.database.casefold() == catalog.name.casefold():
        text = "Failed to restart the current database. The current database is switched to master."
        old, session.database = session.database, "master"
        yield Message(5701, 0, text)
        yield DatabaseChanged("master", old)


def _set_access(session: EngineSession, catalog: Catalog, access: str, how: str) -> None:
    if access == "SINGLE_USER":
        text = f"ALTER DATABASE failed because a lock could not be placed on '{catalog.name}'."
        _see_nobody_else(session, catalog, how, Message(5061, 16, text))
    catalog.access = access


def _see_nobody_else(session: EngineSession, catalog: Catalog, how: str, refusal: Message) -> None:
    others = _others(session, catalog)
    if others and how == "NO_WAIT":
        raise SqlError(refusal, _FAILED)
    if others and how != "ROLLBACK IMMEDIATE":
        raise unknown("waiting for the others to leave", 1)
    for other in others:
        end(other)


def end(session: EngineSession) -> None:
    """Roll a session back and throw it out, as KILL does."""
    session.is_killed = True
    session.roll_back()
    session.server.sessions.pop(session.number, None)


_TRACKING = re.compile(
    r"OFF|ON( (CHANGE_RETENTION = [0-9]+ (DAYS|HOURS|MINUTES)|AUTO_CLEANUP = (ON|OFF))( ,)?)*"
)


def _set_tracking(catalog: Catalog, value: str) -> None:
    if not _TRACKING.fullmatch(value):
        raise unknown(f"ALTER DATABASE SET CHANGE_TRACKING = {value}", 1)
    is_on = value.startswith("ON")
    if is_on and catalog.is_tracking:
        text = f"Change tracking is already enabled for database '{catalog.name}'."
        raise SqlError(Message(5088, 16, text), _FAILED)
    if not is_on and not catalog.is_tracking:
        text = f"Change tracking is disabled for database '{catalog.name}'."
        raise SqlError(Message(5089, 16, text), _FAILED)
    tracked = [table.name for table in catalog.tables.values() if table.tracking is not None]
    if not is_on and tracked:
        text = f"Cannot disable change tracking on the database: table '{tracked[0]}' has it on."
        raise SqlError(Message(22115, 16, text), _FAILED)
    catalog.is_tracking, catalog.retention = is_on, value
    if not is_on:
        catalog.version = 0


def _authorize(session: EngineSession, statement: s.AlterAuthorization) -> Iterator[Result]:
    login = session.server.logins.get(statement.owner.casefold())
    if login is None:
        text = f"Cannot find the principal '{statement.owner}', because it does not exist."
        raise SqlError(Message(15151, 16, text))
    session.server.catalog(statement.database).owner_sid = login.sid
    yield Done()


def _dbcc(session: EngineSession, statement: s.Dbcc) -> Iterator[Result]:
    match statement.command:
        case "CHECKDB":
            known = {"PHYSICAL_ONLY", "NO_INFOMSGS", "ALL_ERRORMSGS"}
            if len(statement.arguments) > 1 or set(statement.options) - known:
                raise unknown("this form of DBCC CHECKDB", 1)
            name = _plain(statement.arguments[0]) if statement.arguments else session.database
            if name.casefold() not in session.server.catalogs:
                raise SqlError(Message(2520, 16, f"Could not find database '{name}'."))
            session.server.check_usable(session.server.catalog(name), session)
            if "NO_INFOMSGS" not in statement.options:
                text = f"CHECKDB found 0 allocation errors and 0 consistency errors in '{name}'."
                yield Message(8989, 10, text)
        case "CHECKIDENT":
            _check_identity(session, statement)
        case command:
            raise unknown(f"DBCC {command}", 1)
    yield Done()


def _plain(argument: Any, *, is_quoted: bool = False) -> str:
    """A name, or a text that is one."""
    told = str(argument.value) if isinstance(argument, Literal) else str(argument)
    return told if is_quoted else Cursor(told).name().last


def _check_identity(session: EngineSession, statement: s.Dbcc) -> None:
    name = Cursor(_plain(statement.arguments[0], is_quoted=True)).name()
    table = session.home_of(name).find(name)
    if table is None:
        raise SqlError(Message(2501, 16, f"Cannot find a table or object with the name '{name}'."))
    at = next((n for n, column in enumerate(table.columns) if column.identity), None)
    if at is None:
        text = f"'{table.name}' does not contain an identity column."
        raise SqlError(Message(7997, 16, text))
    largest = max((row[at] for row in table.rows.values()), default=None)
    match statement.arguments[1:]:
        case ["RESEED", Literal(value=value)]:
            table.identity = int(value)
        case [] | ["RESEED"]:
            if largest is not None and (table.identity is None or largest > table.identity):
                table.identity = largest
        case ["NORESEED"]:
            pass
        case _:
            raise unknown("this form of DBCC CHECKIDENT", 1)


def _kill(session: EngineSession, statement: s.Kill) -> Iterator[Result]:
    if statement.session == session.number:
        raise SqlError(Message(6104, 16, "Cannot use KILL to kill your own process."))
    if 0 < statement.session < FIRST_SESSION:
        raise SqlError(Message(6107, 14, "Only user processes can be killed."))
    found = session.server.sessions.get(statement.session)
    if found is None:
        text = f"Process ID {statement.session} is not an active process ID."
        raise SqlError(Message(6106, 16, text))
    end(found)
    yield Done()


DATABASES: dict[type, Callable[[EngineSession, Any], Iterator[Result]]] = {
    s.CreateDatabase: _create_database,
    s.RenameDatabase: _rename,
    s.SetDatabase: _set,
    s.AlterAuthorization: _authorize,
    s.Dbcc: _dbcc,
    s.Kill: _kill,
}

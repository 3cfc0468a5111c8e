"""What a session has: its catalog, variables, options and transaction; and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine.expressions import Compiler
from tests.sqlserver.results import DatabaseChanged, Done, Message
from tests.sqlserver.sql import statements as s
from tests.sqlserver.sql.lexer import SqlError, unknown, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.sqlserver.engine.session import EngineSession
    from tests.sqlserver.results import Result

_SWITCHES = words("IMPLICIT_TRANSACTIONS NOCOUNT XACT_ABORT")
_ONE_VALUE = {"DATEFIRST": "7", "DATEFORMAT": "MDY", "LANGUAGE": "US_ENGLISH"}
_PRIORITIES = {"LOW", "NORMAL", "HIGH", *map(str, range(-10, 11))}
_ALWAYS_ON = words(
    """
    ANSI_NULLS ANSI_PADDING ANSI_WARNINGS ANSI_NULL_DFLT_ON ANSI_DEFAULTS ARITHABORT
    CONCAT_NULL_YIELDS_NULL QUOTED_IDENTIFIER
    """
)
_ALWAYS_OFF = words("NUMERIC_ROUNDABORT CURSOR_CLOSE_ON_COMMIT")
_LEVELS = {"READ COMMITTED", "READ UNCOMMITTED", "SNAPSHOT"}


def _use(session: EngineSession, statement: s.Use) -> Iterator[Result]:
    catalog = session.server.catalog(statement.database)
    session.server.check_usable(catalog, session)
    old, session.database = session.database, catalog.name
    yield DatabaseChanged(catalog.name, old)
    yield Message(5701, 0, f"Changed database context to '{catalog.name}'.", 2)
    yield Done()


def _declare(session: EngineSession, statement: s.Declare) -> Iterator[Result]:
    name = statement.name.casefold()
    if name in session.variables:
        text = f"The variable name '{statement.name}' has already been declared."
        raise SqlError(Message(134, 15, text))
    session.variables[name] = statement.type, None
    if statement.value is not None:
        _assign(session, s.SetVariable(statement.name, statement.value))
    return iter(())


def _set_variable(session: EngineSession, statement: s.SetVariable) -> Iterator[Result]:
    _assign(session, statement)
    return iter(())


def _assign(session: EngineSession, statement: s.SetVariable) -> None:
    value = Compiler(session, no_number=0).compile(statement.value)
    session.set_variable(statement.name, value.run(()), value.type)


def _set_option(session: EngineSession, statement: s.SetOption) -> Iterator[Result]:
    for option in statement.option.split(","):
        if not _is_modelled(option, statement.value):
            raise unknown(f"SET {option} {statement.value}", 1)
        session.options[option] = statement.value
    return iter(())


def _is_modelled(option: str, value: str) -> bool:
    if option == "TRANSACTION ISOLATION LEVEL":
        return value in _LEVELS
    if option in _SWITCHES:
        return value in {"ON", "OFF"}
    if option == "DEADLOCK_PRIORITY":
        return value in _PRIORITIES
    if option in {"LOCK_TIMEOUT", "TEXTSIZE"}:
        return value.removeprefix("-").isdecimal()
    always = "ON" if option in _ALWAYS_ON else "OFF" if option in _ALWAYS_OFF else ""
    return value == (always or _ONE_VALUE.get(option))


def _set_identity_insert(
    session: EngineSession, statement: s.SetIdentityInsert
) -> Iterator[Result]:
    table = session.table(statement.table)
    if all(column.identity is None for column in table.columns):
        text = f"Table '{table.name}' does not have the identity property. Cannot perform SET."
        raise SqlError(Message(8106, 16, text))
    if not statement.is_on:
        session.identity_insert = None
        return iter(())
    if session.identity_insert is not None and session.identity_insert is not table:
        other = session.identity_insert.name
        text = f"IDENTITY_INSERT is already ON for table '{other}'. Cannot perform SET operation."
        raise SqlError(Message(8107, 16, text))
    session.identity_insert = table
    return iter(())


def _transact(session: EngineSession, statement: s.Transaction) -> Iterator[Result]:
    action, transaction = statement.action, session.transaction
    if action == "BEGIN":
        session.begin()
    elif not transaction.depth:
        number = 3902 if action == "COMMIT" else 3903
        text = f"The {action} TRANSACTION request has no corresponding BEGIN TRANSACTION."
        raise SqlError(Message(number, 16, text))
    elif action == "ROLLBACK":
        session.roll_back()
    elif transaction.is_doomed:
        text = "The current transaction cannot be committed. Roll back the transaction."
        raise SqlError(Message(3930, 16, text))
    elif transaction.depth > 1:
        transaction.depth -= 1
    else:
        session.commit()
    yield Done()


def _print(session: EngineSession, statement: s.Print) -> Iterator[Result]:
    yield Message(0, 0, str(Compiler(session).compile(statement.value).run(())))
    yield Done()


def _raise(session: EngineSession, statement: s.RaiseError) -> Iterator[Result]:
    if statement.text is None:
        if session.caught is None:
            raise SqlError(Message(10704, 15, "THROW needs an argument outside of CATCH."))
        raise SqlError(session.caught)

    def value(expression: Any, default: int) -> int:
        return default if expression is None else int(compiler.compile(expression).run(()))

    compiler = Compiler(session)
    text = str(compiler.compile(statement.text).run(()))
    severity, number = value(statement.severity, 16), value(statement.number, 50000)
    said = Message(number, severity, text, value(statement.state, 1))
    if said.is_error:
        raise SqlError(said)
    yield said
    yield Done()


SETTINGS: dict[type, Callable[[EngineSession, Any], Iterator[Result]]] = {
    s.Use: _use,
    s.Declare: _declare,
    s.SetVariable: _set_variable,
    s.SetOption: _set_option,
    s.SetIdentityInsert: _set_identity_insert,
    s.Transaction: _transact,
    s.Print: _print,
    s.RaiseError: _raise,
}

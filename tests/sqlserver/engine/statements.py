"""Statements are run: their flow, and what becomes of a batch and a transaction when one fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sqlserver.engine.definitions import define
from tests.sqlserver.engine.expressions import Compiler
from tests.sqlserver.engine.procedures import call_procedure
from tests.sqlserver.engine.selecting import select
from tests.sqlserver.engine.settings import SETTINGS
from tests.sqlserver.engine.writing import change
from tests.sqlserver.results import Done, Message, Parameter, Prepared, ReturnStatus, ReturnValue
from tests.sqlserver.sql import statements as s
from tests.sqlserver.sql.lexer import UNKNOWN, SqlError, unknown
from tests.sqlserver.sql.parser import parse_batch
from tests.sqlserver.sql.tree import Variable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.sqlserver.engine.session import EngineSession
    from tests.sqlserver.results import Result

# Failed conversions, deadlocks and triggers take the transaction with them; names that are not
# there only the batch; after all others it goes on. After Erland Sommarskog's "Error and
# Transaction Handling in SQL Server".
_END_TRANSACTION = {241, 242, 245, 248, 8114, 8169, 1205, 3609, 3616}
_END_BATCH = {107, 137, 195, 205, 207, 208, 209, 213, 402, 468, 596, 3617, 3952, 4104, 4121}
_END_BATCH |= {8120, 102, 105, 113, 134, 2715, 3930, 10704, UNKNOWN}
_UNCATCHABLE = {596, 3617}
_RAISED = 50000
_LONG = (s.Backup, s.Restore)


class _Returned(Exception):
    """RETURN: the batch ends here."""


class _BatchEnded(Exception):
    """An error has ended the batch; it has been told."""


def run_statements(session: EngineSession, statements: Sequence[s.Statement]) -> Iterator[Result]:
    """Run a batch; what it answers, as it comes."""
    try:
        for statement in statements:
            yield from _run(session, statement)
    except _Returned:
        yield ReturnStatus(0)
    except _BatchEnded:
        pass
    if session.transaction.is_doomed:
        with session.server.changed:
            session.roll_back()
        text = "Uncommittable transaction is detected at the end of the batch. It is rolled back."
        yield from session.failed(SqlError(Message(3998, 16, text)))


def _run(session: EngineSession, statement: s.Statement) -> Iterator[Result]:
    """Run a statement; what fails is undone, and told where nothing catches it."""
    mark = len(session.transaction.changes)
    try:
        yield from _known(session, statement)
    except SqlError as error:
        if not isinstance(statement, tuple(_FLOW)):
            undo_failed(session, error, mark)
        if session.tries:
            raise
        yield from session.failed(error)
        if _ends_batch(session, error):
            raise _BatchEnded from None


def _known(session: EngineSession, statement: s.Statement) -> Iterator[Result]:
    """Run a statement; where the simulation stumbles it refuses."""
    try:
        yield from run_statement(session, statement)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise unknown(f"how to do this ({type(error).__name__}: {error})", 1) from error


def _ends_transaction(session: EngineSession, error: SqlError) -> bool:
    numbers = {each.number for each in error.messages}
    aborts = session.options.get("XACT_ABORT") == "ON" and _RAISED not in numbers
    return aborts or bool(numbers & _END_TRANSACTION)


def _ends_batch(session: EngineSession, error: SqlError) -> bool:
    numbers = {each.number for each in error.messages}
    return _ends_transaction(session, error) or bool(numbers & _END_BATCH)


def undo_failed(session: EngineSession, error: SqlError, mark: int) -> None:
    """Take back what a failed statement has changed, or the transaction with it."""
    with session.server.changed:
        session.transaction.roll_back(mark)
        if session.transaction.depth and _ends_transaction(session, error):
            if session.tries and error.messages[0].number != 1205:
                session.transaction.is_doomed = True
            else:
                session.roll_back()
        elif not session.transaction.depth:
            session.roll_back()


def run_statement(session: EngineSession, statement: s.Statement) -> Iterator[Result]:
    """Run one statement; outside of a transaction it is one of its own.

    Raises:
        SqlError: it fails; what it has changed is to be undone.
    """
    if type(statement) in _FLOW:
        yield from _FLOW[type(statement)](session, statement)
        return
    if isinstance(statement, _LONG):
        yield from define(session, statement, run_statement)
        return
    with session.server.changed:
        session.check_alive()
        if session.is_implicit and isinstance(statement, _BEGIN) and not session.transaction.depth:
            session.begin()
        answers = list(_answers(session, statement))
        if not session.transaction.depth:
            session.commit()
    yield from answers


_BEGIN = (s.QueryStatement, s.Insert, s.Update, s.Delete, s.Truncate)


def _answers(session: EngineSession, statement: s.Statement) -> Iterator[Result]:
    if isinstance(statement, s.QueryStatement):
        return select(session, statement.query)
    if isinstance(statement, (s.Insert, s.Update, s.Delete, s.Truncate)):
        return change(session, statement, run_statement)
    if type(statement) in SETTINGS:
        return SETTINGS[type(statement)](session, statement)
    return define(session, statement, run_statement)


def _if(session: EngineSession, statement: s.If) -> Iterator[Result]:
    with session.server.changed:
        holds = Compiler(session).condition(statement.condition)(())
    for each in statement.then if holds else statement.otherwise:
        yield from _run(session, each)


def _while(session: EngineSession, statement: s.While) -> Iterator[Result]:
    while True:
        with session.server.changed:
            session.check_alive()
            if not Compiler(session).condition(statement.condition)(()):
                return
        for each in statement.body:
            yield from _run(session, each)


def _try(session: EngineSession, statement: s.TryCatch) -> Iterator[Result]:
    session.tries += 1
    try:
        for each in statement.body:
            yield from _run(session, each)
    except SqlError as error:
        caught = error
    else:
        return
    finally:
        session.tries -= 1
    if caught.messages[0].number in _UNCATCHABLE:
        raise caught
    before, session.caught = session.caught, caught.messages[0]
    try:
        for each in statement.handler:
            yield from _run(session, each)
    finally:
        session.caught = before


def _execute_text(session: EngineSession, statement: s.ExecuteText) -> Iterator[Result]:
    with session.server.changed:
        parsed = parse_batch(str(Compiler(session).compile(statement.sql).run(())))
    outer, session.variables = session.variables, {}
    try:
        for each in parsed:
            yield from _run(session, each)
    finally:
        session.variables = outer


def _execute(session: EngineSession, statement: s.Execute) -> Iterator[Result]:
    with session.server.changed:
        arguments = []
        for name, expression in statement.arguments:
            compiled = Compiler(session).compile(expression)
            arguments.append(Parameter(name, compiled.type, compiled.run(())))
    if statement.procedure.last.casefold() == "sp_executesql":
        yield from _execute_sql(session, arguments)
        return
    outputs = {
        name or str(at): expression.name
        for at, ((name, expression), is_output) in enumerate(
            zip(statement.arguments, statement.outputs, strict=True)
        )
        if is_output and isinstance(expression, Variable)
    }
    for result in call_procedure(session, statement.procedure.last, arguments):
        if isinstance(result, ReturnValue) and result.name in outputs:
            session.set_variable(outputs[result.name], result.value, result.type)
        elif not isinstance(result, ReturnValue):
            yield result


def _execute_sql(session: EngineSession, arguments: Sequence[Parameter]) -> Iterator[Result]:
    """EXEC sp_executesql: a batch of its own with variables of its own."""
    text, *rest = arguments
    declarations = str(rest[0].value) if rest else ""
    with session.server.changed:
        outer = session.variables
        given = session.parameters(Prepared(str(text.value), declarations, rest[1:]))
        session.variables = dict(given)
        parsed = parse_batch(str(text.value))
    try:
        for each in parsed:
            yield from _run(session, each)
    finally:
        session.variables = outer


def _wait(session: EngineSession, statement: s.WaitFor) -> Iterator[Result]:
    """WAITFOR DELAY; who calls it off is heard at once."""
    with session.server.changed:
        told = str(Compiler(session).compile(statement.delay).run(()))
    hours, minutes, seconds = (float(part) for part in ([*told.split(":"), "0"][:3]))
    session.pause((hours * 60 + minutes) * 60 + seconds)
    yield Done()


def _return(session: EngineSession, statement: s.Return) -> Iterator[Result]:
    del session, statement
    yield from ()
    raise _Returned


_FLOW: dict[type, Callable[[EngineSession, Any], Iterator[Result]]] = {
    s.If: _if,
    s.While: _while,
    s.TryCatch: _try,
    s.ExecuteText: _execute_text,
    s.Execute: _execute,
    s.Return: _return,
    s.WaitFor: _wait,
}

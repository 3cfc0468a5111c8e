"""Batches: flow, session and rows; definitions are in a module of their own."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from tests.sqlserver.results import Kind, SqlType
from tests.sqlserver.sql import statements as s
from tests.sqlserver.sql import tree
from tests.sqlserver.sql.cursor import Cursor
from tests.sqlserver.sql.definitions import DEFINITIONS
from tests.sqlserver.sql.expressions import parse_expression, parse_list, parse_names
from tests.sqlserver.sql.lexer import Token
from tests.sqlserver.sql.queries import parse_query, parse_source, parse_top

if TYPE_CHECKING:
    from collections.abc import Callable


@lru_cache(maxsize=4096)
def parse_batch(sql: str) -> tuple[s.Statement, ...]:
    """All statements of a batch.

    Raises:
        SqlError: a syntax error, or what is not known here; then nothing of the batch runs.
    """
    cursor = Cursor(sql)
    found: list[s.Statement] = []
    while not _skip_semicolons(cursor).is_at_end:
        found += _statement(cursor)
    return tuple(found)


def _skip_semicolons(cursor: Cursor) -> Cursor:
    while cursor.skip(";"):
        pass
    return cursor


def _statement(cursor: Cursor) -> list[s.Statement]:
    word = cursor.now.upper
    if word in _KNOWN_TO_OTHERS:
        raise cursor.unknown("this statement")
    if word in DEFINITIONS:
        cursor.take()
        return [DEFINITIONS[word](cursor)]
    if word in {"SELECT", "("}:
        return [s.QueryStatement(parse_query(cursor))]
    if word == "DECLARE":
        cursor.take()
        return list(parse_list(cursor, _declare))
    if word not in _STATEMENTS:
        if cursor.now.token is Token.WORD and cursor.ahead().token in {Token.WORD, Token.NAME}:
            raise cursor.unknown("this statement")
        return [_bare_call(cursor)]
    cursor.take()
    return [_STATEMENTS[word](cursor)]


_KNOWN_TO_OTHERS = {"BREAK", "CHECKPOINT", "CONTINUE", "RECONFIGURE", "REVERT", "SHUTDOWN"}
"""Statements of one word, which would be taken for procedures."""


def _bare_call(cursor: Cursor) -> s.Statement:
    """A procedure at the beginning of a batch needs no EXEC."""
    if cursor.now.token not in {Token.WORD, Token.NAME}:
        raise cursor.error()
    return _execute(cursor)


def _declare(cursor: Cursor) -> s.Statement:
    if cursor.now.token in {Token.WORD, Token.NAME}:
        raise cursor.unknown("cursors")
    name = cursor.text()
    cursor.skip("AS")
    if cursor.is_next("TABLE"):
        raise cursor.unknown("table variables")
    kind = cursor.type()
    return s.Declare(name, kind, parse_expression(cursor) if cursor.skip("=") else None)


def _use(cursor: Cursor) -> s.Statement:
    return s.Use(cursor.identifier())


def _set(cursor: Cursor) -> s.Statement:
    if cursor.now.token is Token.VARIABLE:
        return _set_variable(cursor)
    if cursor.skip("IDENTITY_INSERT"):
        table = cursor.name()
        return s.SetIdentityInsert(table, _on_or_off(cursor))
    if cursor.skip("TRANSACTION", "ISOLATION", "LEVEL"):
        level = cursor.take().upper
        if level in {"READ", "REPEATABLE"}:
            level += " " + cursor.take().upper
        return s.SetOption("TRANSACTION ISOLATION LEVEL", level)
    options = [cursor.take().upper]
    while cursor.skip(","):
        options.append(cursor.take().upper)
    if cursor.is_next("-") or isinstance(cursor.now.value, int):
        return s.SetOption(",".join(options), str(cursor.number()))
    value = cursor.take()
    return s.SetOption(",".join(options), value.upper or value.text)


def _set_variable(cursor: Cursor) -> s.Statement:
    name = cursor.take().text
    sign = cursor.skip_any("=", "+=", "-=")
    if not sign:
        raise cursor.error()
    value = parse_expression(cursor)
    if sign != "=":
        value = tree.Binary(sign[0], tree.Variable(name), value)
    return s.SetVariable(name, value)


def _on_or_off(cursor: Cursor) -> bool:
    word = cursor.skip_any("ON", "OFF")
    if not word:
        raise cursor.error()
    return word == "ON"


def _begin(cursor: Cursor) -> s.Statement:
    if cursor.skip_any("TRANSACTION", "TRAN"):
        _transaction_name(cursor)
        return s.Transaction("BEGIN")
    if cursor.skip("TRY"):
        body = _until(cursor, "END", "TRY")
        cursor.expect("BEGIN", "CATCH")
        return s.TryCatch(body, _until(cursor, "END", "CATCH"))
    return s.If(_TRUE, _until(cursor, "END"), ())


_TRUE = tree.IsNull(tree.Null(), is_negated=False)


def _until(cursor: Cursor, *words: str) -> list[s.Statement]:
    body: list[s.Statement] = []
    while not _skip_semicolons(cursor).skip(*words):
        if cursor.is_at_end:
            raise cursor.error()
        body += _statement(cursor)
    return body


def _transaction_name(cursor: Cursor) -> None:
    if cursor.now.token in {Token.NAME, Token.VARIABLE}:
        cursor.take()


def _end_transaction(action: str) -> Callable[[Cursor], s.Statement]:
    def parse(cursor: Cursor) -> s.Statement:
        cursor.skip_any("TRANSACTION", "TRAN", "WORK")
        _transaction_name(cursor)
        return s.Transaction(action)

    return parse


def _if(cursor: Cursor) -> s.Statement:
    condition = parse_expression(cursor)
    then = _statement(cursor)
    _skip_semicolons(cursor)
    otherwise = _statement(cursor) if cursor.skip("ELSE") else []
    return s.If(condition, then, otherwise)


def _while(cursor: Cursor) -> s.Statement:
    condition = parse_expression(cursor)
    return s.While(condition, _statement(cursor))


def _print(cursor: Cursor) -> s.Statement:
    return s.Print(parse_expression(cursor))


def _raise_error(cursor: Cursor) -> s.Statement:
    cursor.expect("(")
    arguments = parse_list(cursor, parse_expression)
    cursor.expect(")")
    if cursor.skip("WITH"):
        cursor.take()
    text, severity, state, *more = arguments
    if more:
        raise cursor.unknown("RAISERROR with arguments")
    if isinstance(text, tree.Literal) and isinstance(text.value, int):
        raise cursor.unknown("RAISERROR with the number of a message")
    return s.RaiseError(None, text, severity, state)


def _throw(cursor: Cursor) -> s.Statement:
    if cursor.is_at_end or cursor.now.upper in {";", "END"}:
        return s.RaiseError(None, None, None, None)
    number, text, state = parse_list(cursor, parse_expression)
    return s.RaiseError(number, text, None, state)


def _return(cursor: Cursor) -> s.Statement:
    ends = cursor.is_at_end or cursor.now.upper in {";", "END"}
    return s.Return(None if ends else parse_expression(cursor))


def _execute(cursor: Cursor) -> s.Statement:
    if cursor.skip("("):
        sql = parse_expression(cursor)
        cursor.expect(")")
        return s.ExecuteText(sql)
    procedure = cursor.name()
    arguments: list[tuple[str, tree.Expression]] = []
    outputs: list[bool] = []
    while not cursor.is_at_end and cursor.now.upper not in {";", "END"}:
        arguments.append(_argument(cursor))
        outputs.append(bool(cursor.skip_any("OUTPUT", "OUT")))
        if not cursor.skip(","):
            break
    return s.Execute(procedure, arguments, outputs)


def _wait_for(cursor: Cursor) -> s.Statement:
    if cursor.is_next("TIME"):
        raise cursor.unknown("WAITFOR TIME")
    cursor.expect("DELAY")
    return s.WaitFor(parse_expression(cursor))


def _argument(cursor: Cursor) -> tuple[str, tree.Expression]:
    name = ""
    if cursor.now.token is Token.VARIABLE and cursor.ahead().upper == "=":
        name = cursor.take().text
        cursor.expect("=")
    if cursor.now.token is Token.WORD and not cursor.is_next("NULL"):
        word = cursor.take().text  # a name stands for itself
        return name, tree.Literal(_text_type(word), word)
    return name, parse_expression(cursor)


def _text_type(text: str) -> SqlType:
    return SqlType(Kind.NVARCHAR, max(len(text), 1))


def _insert(cursor: Cursor) -> s.Statement:
    if cursor.is_next("TOP"):
        raise cursor.unknown("INSERT TOP")
    cursor.skip("INTO")
    table = cursor.name()
    columns = parse_names(cursor) if cursor.is_next("(") else []
    _refuse_output(cursor)
    if cursor.skip("DEFAULT", "VALUES"):
        return s.Insert(table, columns, None)
    if cursor.skip("VALUES"):
        return s.Insert(table, columns, parse_list(cursor, _row_or_defaults))
    if cursor.now.upper in {"EXEC", "EXECUTE"}:
        raise cursor.unknown("INSERT … EXEC")
    return s.Insert(table, columns, parse_query(cursor))


def _row_or_defaults(cursor: Cursor) -> list[tree.Expression | None]:
    cursor.expect("(")
    values = parse_list(cursor, lambda c: None if c.skip("DEFAULT") else parse_expression(c))
    cursor.expect(")")
    return values


def _update(cursor: Cursor) -> s.Statement:
    if cursor.is_next("STATISTICS"):
        raise cursor.unknown("UPDATE STATISTICS")
    top = parse_top(cursor)
    target = cursor.name()
    cursor.expect("SET")
    changes = parse_list(cursor, _change)
    _refuse_output(cursor)
    source = parse_source(cursor) if cursor.skip("FROM") else None
    where = parse_expression(cursor) if cursor.skip("WHERE") else None
    return s.Update(target, changes, source, where, top)


def _change(cursor: Cursor) -> tuple[str, tree.Expression]:
    column = cursor.name().last
    if sign := cursor.skip_any("+=", "-="):
        current = tree.ColumnName(tree.Name((column,)))
        return column, tree.Binary(sign[0], current, parse_expression(cursor))
    cursor.expect("=")
    return column, parse_expression(cursor)


def _delete(cursor: Cursor) -> s.Statement:
    top = parse_top(cursor)
    cursor.skip("FROM")
    target = cursor.name()
    _refuse_output(cursor)
    source = parse_source(cursor) if cursor.skip("FROM") else None
    where = parse_expression(cursor) if cursor.skip("WHERE") else None
    return s.Delete(target, source, where, top)


def _refuse_output(cursor: Cursor) -> None:
    if cursor.is_next("OUTPUT"):
        raise cursor.unknown("OUTPUT")


def _truncate(cursor: Cursor) -> s.Statement:
    cursor.expect("TABLE")
    return s.Truncate(cursor.name())


_STATEMENTS: dict[str, Callable[[Cursor], s.Statement]] = {
    "USE": _use,
    "SET": _set,
    "BEGIN": _begin,
    "COMMIT": _end_transaction("COMMIT"),
    "ROLLBACK": _end_transaction("ROLLBACK"),
    "IF": _if,
    "WHILE": _while,
    "PRINT": _print,
    "WAITFOR": _wait_for,
    "RAISERROR": _raise_error,
    "THROW": _throw,
    "RETURN": _return,
    "EXEC": _execute,
    "EXECUTE": _execute,
    "INSERT": _insert,
    "UPDATE": _update,
    "DELETE": _delete,
    "TRUNCATE": _truncate,
}

"""Expressions and queries: tokens become the syntax tree."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from tests.sqlserver.results import Kind, SqlType
from tests.sqlserver.sql import tree
from tests.sqlserver.sql.lexer import Token, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sqlserver.sql.cursor import Cursor
    from tests.sqlserver.sql.lexer import Lexeme


T = TypeVar("T")

_COMPARISONS = ("=", "<>", "!=", "<=", ">=", "<", ">")
_INT = SqlType(Kind.INT)
_WITH_DATE_PART = {"DATEADD", "DATEDIFF", "DATEPART"}
# Words that cannot be an alias, for something else begins with them.
_NO_ALIAS = words(
    """
    FROM WHERE GROUP HAVING ORDER UNION EXCEPT INTERSECT ON INNER LEFT RIGHT FULL CROSS OUTER
    JOIN SET VALUES SELECT INTO OPTION WITH FOR AS END ELSE WHEN THEN INSERT UPDATE DELETE IF
    BEGIN COMMIT ROLLBACK EXEC EXECUTE DECLARE RETURN PRINT ALTER CREATE DROP USE BACKUP
    RESTORE DBCC OFFSET FETCH TRUNCATE OUTPUT DEFAULT WHILE THROW RAISERROR KILL MERGE GO
    WAITFOR ENABLE DISABLE PIVOT UNPIVOT TABLESAMPLE
    """
)


def _query(cursor: Cursor) -> tree.Query:
    from tests.sqlserver.sql.queries import parse_query  # whose parts are expressions

    return parse_query(cursor)


def parse_expression(cursor: Cursor) -> tree.Expression:
    return _or(cursor)


def _or(cursor: Cursor) -> tree.Expression:
    left = _and(cursor)
    while cursor.skip("OR"):
        left = tree.Binary("OR", left, _and(cursor))
    return left


def _and(cursor: Cursor) -> tree.Expression:
    left = _not(cursor)
    while cursor.skip("AND"):
        left = tree.Binary("AND", left, _not(cursor))
    return left


def _not(cursor: Cursor) -> tree.Expression:
    if cursor.skip("NOT"):
        return tree.Unary("NOT", _not(cursor))
    return _predicate(cursor)


def _predicate(cursor: Cursor) -> tree.Expression:
    left = _sum(cursor)
    while True:
        if sign := cursor.skip_any(*_COMPARISONS):
            left = tree.Binary("<>" if sign == "!=" else sign, left, _sum(cursor))
        elif cursor.skip("IS"):
            negated = cursor.skip("NOT")
            cursor.expect("NULL")
            left = tree.IsNull(left, negated)
        elif cursor.is_next("NOT") or cursor.now.upper in {"IN", "LIKE", "BETWEEN"}:
            left = _set_predicate(cursor, left)
        else:
            return left


def _set_predicate(cursor: Cursor, left: tree.Expression) -> tree.Expression:
    negated = cursor.skip("NOT")
    if cursor.skip("BETWEEN"):
        low = _sum(cursor)
        cursor.expect("AND")
        return tree.Between(left, low, _sum(cursor), negated)
    if cursor.skip("LIKE"):
        pattern = _sum(cursor)
        return tree.Like(left, pattern, _sum(cursor) if cursor.skip("ESCAPE") else None, negated)
    cursor.expect("IN", "(")
    if cursor.is_next("SELECT"):
        query = _query(cursor)
        cursor.expect(")")
        return tree.In(left, query, negated)
    values = parse_list(cursor, parse_expression)
    cursor.expect(")")
    return tree.In(left, tuple(values), negated)


def _sum(cursor: Cursor) -> tree.Expression:
    left = _product(cursor)
    while sign := cursor.skip_any("+", "-", "&", "|", "^"):
        left = tree.Binary(sign, left, _product(cursor))
    return left


def _product(cursor: Cursor) -> tree.Expression:
    left = _signed(cursor)
    while sign := cursor.skip_any("*", "/", "%"):
        left = tree.Binary(sign, left, _signed(cursor))
    return left


def _signed(cursor: Cursor) -> tree.Expression:
    if sign := cursor.skip_any("-", "+", "~"):
        return tree.Unary(sign, _signed(cursor))
    operand = _primary(cursor)
    while cursor.skip("COLLATE"):
        operand = tree.Collate(operand, cursor.identifier())
    return operand


def _primary(cursor: Cursor) -> tree.Expression:
    lexeme = cursor.now
    if lexeme.token in {Token.TEXT, Token.WIDE_TEXT, Token.NUMBER, Token.BINARY}:
        return literal(cursor.take())
    if lexeme.token is Token.VARIABLE:
        cursor.take()
        return tree.Variable(lexeme.text)
    if cursor.skip("("):
        inner: tree.Expression
        if cursor.is_next("SELECT"):
            inner = tree.Scalar(_query(cursor))
        else:
            inner = parse_expression(cursor)
        cursor.expect(")")
        return inner
    return _word(cursor)


def literal(lexeme: Lexeme) -> tree.Literal:
    """A constant, with the type that SQL Server gives it."""
    value = lexeme.value
    if lexeme.token is Token.TEXT:
        return tree.Literal(SqlType(Kind.VARCHAR, max(len(lexeme.text), 1)), lexeme.text)
    if lexeme.token is Token.WIDE_TEXT:
        return tree.Literal(SqlType(Kind.NVARCHAR, max(len(lexeme.text), 1)), lexeme.text)
    if isinstance(value, bytes):
        return tree.Literal(SqlType(Kind.VARBINARY, max(len(value), 1)), value)
    if isinstance(value, Decimal):
        _, digits, exponent = value.as_tuple()
        scale = max(-int(exponent), 0)
        precision = max(len(digits), scale, 1)
        return tree.Literal(SqlType(Kind.NUMERIC, precision=precision, scale=scale), value)
    if isinstance(value, float):
        return tree.Literal(SqlType(Kind.FLOAT), value)
    return tree.Literal(_INT, value)


def _word(cursor: Cursor) -> tree.Expression:
    word = cursor.now.upper
    if cursor.skip("NEXT", "VALUE", "FOR"):
        return _next_value(cursor)
    if word in _SPECIAL:
        return _SPECIAL[word](cursor)
    if word in {"LEFT", "RIGHT"} and cursor.ahead().upper == "(":
        return _call(cursor, tree.Name((cursor.take().text,)))
    if cursor.now.upper in _NO_ALIAS:
        raise cursor.error()
    name = cursor.name()
    if cursor.is_next("("):
        return _call(cursor, name)
    if len(name.parts) == 1 and name.last.upper() == "CURRENT_TIMESTAMP":
        return tree.Call("GETDATE", ())
    return tree.ColumnName(name)


def _call(cursor: Cursor, name: tree.Name) -> tree.Expression:
    cursor.expect("(")
    called = str(name).upper()
    if cursor.skip("*"):
        cursor.expect(")")
        return tree.Call(called, (), is_star=True)
    is_distinct = cursor.skip("DISTINCT")
    arguments = [] if cursor.is_next(")") else parse_list(cursor, parse_expression)
    if called in _WITH_DATE_PART and isinstance(arguments[0], tree.ColumnName):
        part = arguments[0].name.last
        arguments[0] = tree.Literal(SqlType(Kind.VARCHAR, len(part)), part)
    cursor.expect(")")
    if cursor.is_next("OVER"):
        raise cursor.unknown("window functions")
    return tree.Call(called, tuple(arguments), is_distinct=is_distinct)


def _next_value(cursor: Cursor) -> tree.Expression:
    name = cursor.name()
    if cursor.is_next("OVER"):
        raise cursor.unknown("NEXT VALUE FOR in an order")
    return tree.NextValue(name)


def _null(cursor: Cursor) -> tree.Expression:
    cursor.take()
    return tree.Null()


def _exists(cursor: Cursor) -> tree.Expression:
    cursor.expect("EXISTS", "(")
    query = _query(cursor)
    cursor.expect(")")
    return tree.Exists(query)


def _cast(cursor: Cursor) -> tree.Expression:
    word = cursor.take().text.upper()
    is_try = word.startswith("TRY_")
    cursor.expect("(")
    if word.endswith("CAST"):
        operand = parse_expression(cursor)
        cursor.expect("AS")
        wanted, style = cursor.type(), None
    else:
        wanted = cursor.type()
        cursor.expect(",")
        operand = parse_expression(cursor)
        style = parse_expression(cursor) if cursor.skip(",") else None
    cursor.expect(")")
    return tree.Cast(operand, wanted, style, is_try)


def _case(cursor: Cursor) -> tree.Expression:
    cursor.expect("CASE")
    operand = None if cursor.is_next("WHEN") else parse_expression(cursor)
    branches = []
    while cursor.skip("WHEN"):
        condition = parse_expression(cursor)
        cursor.expect("THEN")
        branches.append((condition, parse_expression(cursor)))
    otherwise = parse_expression(cursor) if cursor.skip("ELSE") else None
    cursor.expect("END")
    return tree.Case(operand, tuple(branches), otherwise)


_SPECIAL: dict[str, Callable[[Cursor], tree.Expression]] = {
    "NULL": _null,
    "CASE": _case,
    "EXISTS": _exists,
    **dict.fromkeys(("CAST", "TRY_CAST", "CONVERT", "TRY_CONVERT"), _cast),
}


def parse_list(cursor: Cursor, parse: Callable[[Cursor], T]) -> list[T]:
    """What stands between commas."""
    found = [parse(cursor)]
    while cursor.skip(","):
        found.append(parse(cursor))
    return found


def parse_names(cursor: Cursor) -> list[str]:
    """Names in parentheses."""
    cursor.expect("(")
    names = parse_list(cursor, lambda each: each.identifier())
    cursor.expect(")")
    return names


def parse_alias(cursor: Cursor) -> str:
    """An alias, with AS or without; empty when there is none."""
    if cursor.skip("AS"):
        return cursor.identifier()
    if cursor.now.token is Token.NAME:
        return cursor.take().text
    if cursor.now.token is Token.WORD and cursor.now.upper not in _NO_ALIAS:
        return cursor.take().text
    return ""

"""Queries: SELECT and what stands in it become the syntax tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sqlserver.results import Message
from tests.sqlserver.sql import tree
from tests.sqlserver.sql.expressions import (
    literal,
    parse_alias,
    parse_expression,
    parse_list,
    parse_names,
)
from tests.sqlserver.sql.lexer import SqlError, Token

if TYPE_CHECKING:
    from tests.sqlserver.sql.cursor import Cursor


def parse_query(cursor: Cursor) -> tree.Query:
    body = _combined(cursor)
    order: tuple[tree.Order, ...] = ()
    offset = fetch = None
    if cursor.skip("ORDER", "BY"):
        order = tuple(parse_list(cursor, _order))
        if cursor.skip("OFFSET"):
            offset = parse_expression(cursor)
            cursor.skip_any("ROWS", "ROW")
            if cursor.skip("FETCH"):
                cursor.skip_any("NEXT", "FIRST")
                fetch = parse_expression(cursor)
                cursor.skip_any("ROWS", "ROW")
                cursor.expect("ONLY")
    if cursor.skip("OPTION"):
        _hints(cursor)
    if isinstance(body, tree.Select) and body.is_distinct and order:
        _see_that_they_are_shown(body, order)
    return tree.Query(body, order, offset, fetch)


def _see_that_they_are_shown(select: tree.Select, order: tuple[tree.Order, ...]) -> None:
    """What DISTINCT rows are in the order of."""
    shown = {item.alias.casefold() for item in select.items}
    columns = [item.expression for item in select.items]
    if any(isinstance(each, tree.Star) for each in columns):
        return
    shown |= {each.name.last.casefold() for each in columns if isinstance(each, tree.ColumnName)}
    for each in order:
        by = each.expression
        if isinstance(by, tree.ColumnName) and by.name.last.casefold() not in shown:
            text = "ORDER BY items must appear in the select list if SELECT DISTINCT is specified."
            raise SqlError(Message(145, 15, text))


def _combined(cursor: Cursor) -> tree.Select | tree.Combined:
    left: tree.Select | tree.Combined = _select(cursor)
    while kind := cursor.skip_any("UNION", "EXCEPT", "INTERSECT"):
        if kind == "UNION" and cursor.skip("ALL"):
            kind = "UNION ALL"
        left = tree.Combined(kind, left, _select(cursor))
    return left


def _select(cursor: Cursor) -> tree.Select:
    if cursor.skip("("):
        inner = _select(cursor)
        cursor.expect(")")
        return inner
    cursor.expect("SELECT")
    is_distinct = cursor.skip_any("DISTINCT", "ALL") == "DISTINCT"
    top = parse_top(cursor)
    items = tuple(parse_list(cursor, _item))
    into = cursor.name() if cursor.skip("INTO") else None
    source = parse_source(cursor) if cursor.skip("FROM") else None
    where = parse_expression(cursor) if cursor.skip("WHERE") else None
    group = tuple(parse_list(cursor, parse_expression)) if cursor.skip("GROUP", "BY") else ()
    having = parse_expression(cursor) if cursor.skip("HAVING") else None
    return tree.Select(items, source, where, group, having, top, into, is_distinct)


def parse_top(cursor: Cursor) -> tree.Expression | None:
    if not cursor.skip("TOP"):
        return None
    if cursor.skip("("):
        found = parse_expression(cursor)
        cursor.expect(")")
    else:
        found = literal(cursor.take())
    if cursor.is_next("PERCENT") or cursor.is_next("WITH", "TIES"):
        raise cursor.unknown("TOP with this")
    return found


def _item(cursor: Cursor) -> tree.Item:
    if cursor.skip("*"):
        return tree.Item(tree.Star())
    if cursor.now.token is Token.VARIABLE and cursor.ahead().upper == "=":
        variable = cursor.take().text
        cursor.expect("=")
        return tree.Item(parse_expression(cursor), variable=variable)
    is_name = cursor.now.token in {Token.WORD, Token.NAME}
    if is_name and cursor.ahead().upper == "." and cursor.ahead(2).upper == "*":
        source = cursor.identifier()
        cursor.expect(".", "*")
        return tree.Item(tree.Star(source))
    if is_name and cursor.ahead().upper == "=":
        alias = cursor.identifier()
        cursor.expect("=")
        return tree.Item(parse_expression(cursor), alias)
    expression = parse_expression(cursor)
    if cursor.now.token in {Token.TEXT, Token.WIDE_TEXT}:
        return tree.Item(expression, cursor.take().text)
    return tree.Item(expression, parse_alias(cursor))


def _order(cursor: Cursor) -> tree.Order:
    expression = parse_expression(cursor)
    return tree.Order(expression, cursor.skip_any("ASC", "DESC") == "DESC")


def parse_source(cursor: Cursor) -> tree.Source:
    """What stands behind FROM."""
    left = _joined(cursor)
    while cursor.skip(","):
        left = tree.Join("cross", left, _joined(cursor), None)
    return left


def _joined(cursor: Cursor) -> tree.Source:
    left = _one_source(cursor)
    while kind := _join_kind(cursor):
        right = _one_source(cursor)
        condition = None
        if not kind.startswith("cross") and not kind.endswith("apply"):
            cursor.expect("ON")
            condition = parse_expression(cursor)
        left = tree.Join(kind, left, right, condition)
    return left


def _join_kind(cursor: Cursor) -> str:
    if cursor.skip("CROSS", "JOIN"):
        return "cross"
    for kind in ("CROSS", "OUTER"):
        if cursor.skip(kind, "APPLY"):
            return f"{kind.lower()} apply"
    for kind in ("INNER", "LEFT", "RIGHT", "FULL"):
        if cursor.is_next(kind):
            cursor.take()
            cursor.skip("OUTER")
            cursor.expect("JOIN")
            return kind.lower()
    return "inner" if cursor.skip("JOIN") else ""


def _one_source(cursor: Cursor) -> tree.Source:
    if cursor.skip("CHANGETABLE"):
        return _changes(cursor)
    if cursor.skip("("):
        return _derived(cursor)
    name = cursor.name()
    if name.last.upper() == "OPENROWSET":
        raise cursor.unknown("OPENROWSET")
    if cursor.skip("("):
        arguments = [] if cursor.is_next(")") else parse_list(cursor, parse_expression)
        cursor.expect(")")
        return tree.FunctionSource(name, arguments, parse_alias(cursor))
    alias = parse_alias(cursor)
    if cursor.now.upper in {"PIVOT", "TABLESAMPLE", "UNPIVOT"}:
        raise cursor.unknown("this source of rows")
    if cursor.skip("WITH"):
        _hints(cursor)
    return tree.TableSource(name, alias)


def _changes(cursor: Cursor) -> tree.Source:
    cursor.expect("(")
    if not cursor.skip("CHANGES"):
        raise cursor.unknown("CHANGETABLE without CHANGES")
    table = cursor.name()
    cursor.expect(",")
    since = parse_expression(cursor)
    cursor.expect(")")
    return tree.ChangesSource(table, since, parse_alias(cursor))


def _derived(cursor: Cursor) -> tree.Source:
    if cursor.skip("VALUES"):
        rows = parse_list(cursor, parse_row)
        cursor.expect(")")
        alias = parse_alias(cursor)
        return tree.ValuesSource(rows, alias, parse_names(cursor))
    if not cursor.is_next("SELECT"):
        inner = parse_source(cursor)
        cursor.expect(")")
        return inner
    query = parse_query(cursor)
    cursor.expect(")")
    alias = parse_alias(cursor)
    return tree.QuerySource(query, alias, parse_names(cursor) if cursor.is_next("(") else ())


def parse_row(cursor: Cursor) -> list[tree.Expression]:
    """Values in parentheses."""
    cursor.expect("(")
    values = parse_list(cursor, parse_expression)
    cursor.expect(")")
    return values


# Hints that change nothing that is seen here; the others are refused.
_HINTS = {"RECOMPILE", "FORCESEEK", "FORCEORDER", "TABLOCK", "MAXDOP"}


def _hints(cursor: Cursor) -> None:
    cursor.expect("(")
    while not cursor.skip(")"):
        if cursor.now.upper not in _HINTS:
            raise cursor.unknown("the hint")
        cursor.take()
        if cursor.now.token is Token.NUMBER:
            cursor.take()
        cursor.skip(",")

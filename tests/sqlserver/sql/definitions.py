"""CREATE, ALTER, DROP, BACKUP, RESTORE and what else is about catalogs rather than rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sqlserver.results import Kind, SqlType
from tests.sqlserver.sql import statements as s
from tests.sqlserver.sql.administration import (
    alter_database,
    backup,
    create_database,
    dbcc,
    kill,
    restore,
)
from tests.sqlserver.sql.expressions import parse_expression, parse_list, parse_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sqlserver.sql.cursor import Cursor
    from tests.sqlserver.sql.tree import Expression, Name


def _create(cursor: Cursor) -> s.Statement:  # noqa: PLR0911 - a table of what can be made
    is_unique = cursor.skip("UNIQUE")
    is_clustered = cursor.skip_any("CLUSTERED", "NONCLUSTERED") == "CLUSTERED"
    word = cursor.take().upper
    match word:
        case "TABLE":
            return _create_table(cursor)
        case "DATABASE":
            return create_database(cursor)
        case "SCHEMA":
            return _create_schema(cursor)
        case "SEQUENCE":
            return _create_sequence(cursor)
        case "INDEX":
            return _create_index(cursor, is_unique=is_unique, is_clustered=is_clustered)
        case "TRIGGER":
            return _create_trigger(cursor)
        case "LOGIN" | "USER" | "ROLE":
            return _create_principal(cursor, word)
        case _:
            raise cursor.unknown(f"CREATE {word}")


def _create_table(cursor: Cursor) -> s.Statement:
    table = cursor.name()
    columns: list[s.ColumnDefinition] = []
    constraints: list[s.Constraint] = []
    cursor.expect("(")
    while not cursor.skip(")"):
        if cursor.now.upper in {"CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK"}:
            constraints.append(_constraint(cursor))
        else:
            columns.append(_column(cursor))
        if not cursor.skip(","):
            cursor.expect(")")
            break
    return s.CreateTable(table, columns, constraints)


def _column(cursor: Cursor) -> s.ColumnDefinition:
    name = cursor.identifier()
    if cursor.skip("AS"):
        computed, text = _in_parentheses_with_text(cursor)
        cursor.skip("PERSISTED")
        return s.ColumnDefinition(name, _ANY_TYPE, computed=computed, text=text)
    kind = cursor.type()
    said: dict[str, Any] = {}
    constraints: list[s.Constraint] = []
    while _column_word(cursor, said) or _column_constraint(cursor, name, constraints):
        pass
    if cursor.now.upper in _UNKNOWN_OF_A_COLUMN:
        raise cursor.unknown("this of a column")
    if any(isinstance(each, s.Key) and each.is_primary for each in constraints):
        said["is_nullable"] = False
    return s.ColumnDefinition(name, kind, constraints=constraints, **said)


_UNKNOWN_OF_A_COLUMN = {"ENCRYPTED", "FILESTREAM", "MASKED", "ROWGUIDCOL", "SPARSE"}
_ANY_TYPE = SqlType(Kind.SQL_VARIANT)


def _column_word(cursor: Cursor, said: dict[str, Any]) -> bool:
    """Take in one more word about a column, if there is one."""
    if cursor.is_next("CONSTRAINT") and cursor.ahead(2).upper == "DEFAULT":
        cursor.take()
        cursor.identifier()
    for keywords, read in _COLUMN_WORDS.items():
        if cursor.skip(*keywords):
            said |= read(cursor)
            return True
    return False


_COLUMN_WORDS: dict[tuple[str, ...], Callable[[Cursor], dict[str, Any]]] = {
    ("NOT", "NULL"): lambda _: {"is_nullable": False},
    ("NULL",): lambda _: {"is_nullable": True},
    ("IDENTITY",): lambda cursor: {"identity": _identity(cursor), "is_nullable": False},
    ("DEFAULT",): lambda cursor: {"default": parse_expression(cursor)},
    ("COLLATE",): lambda cursor: {"collation": cursor.identifier()},
}


def _column_constraint(cursor: Cursor, column: str, found: list[s.Constraint]) -> bool:
    """Take in a constraint of one column, if there is one."""
    name = cursor.identifier() if cursor.skip("CONSTRAINT") else ""
    if cursor.skip("CHECK"):
        found.append(s.Check(name, *_in_parentheses_with_text(cursor)))
    elif word := cursor.skip_any("PRIMARY", "UNIQUE"):
        if word == "PRIMARY":
            cursor.expect("KEY")
        cursor.skip_any("CLUSTERED", "NONCLUSTERED")
        found.append(s.Key(name, (column,), word == "PRIMARY"))
    elif cursor.skip("FOREIGN", "KEY") or cursor.is_next("REFERENCES"):
        found.append(_references(cursor, name, (column,)))
    elif name:
        raise cursor.error()
    else:
        return False
    return True


def _in_parentheses_with_text(cursor: Cursor) -> tuple[Expression, str]:
    begin = cursor.now.start
    cursor.expect("(")
    inner = parse_expression(cursor)
    cursor.expect(")")
    return inner, cursor.sql[begin : cursor.now.start].strip()


def _references(cursor: Cursor, name: str, columns: tuple[str, ...]) -> s.ForeignKey:
    cursor.expect("REFERENCES")
    table = cursor.name()
    referenced = tuple(parse_names(cursor))
    return s.ForeignKey(name, columns, table, referenced, _cascades(cursor))


def _identity(cursor: Cursor) -> tuple[int, int]:
    if not cursor.skip("("):
        return 1, 1
    seed = cursor.number()
    cursor.expect(",")
    step = cursor.number()
    cursor.expect(")")
    return seed, step


def _constraint(cursor: Cursor) -> s.Constraint:
    name = cursor.identifier() if cursor.skip("CONSTRAINT") else ""
    if cursor.skip("CHECK"):
        return s.Check(name, *_in_parentheses_with_text(cursor))
    if cursor.skip("FOREIGN", "KEY"):
        return _references(cursor, name, tuple(parse_names(cursor)))
    is_primary = cursor.skip("PRIMARY", "KEY")
    if not is_primary:
        cursor.expect("UNIQUE")
    cursor.skip_any("CLUSTERED", "NONCLUSTERED")
    return s.Key(name, tuple(_indexed_columns(cursor)), is_primary)


def _cascades(cursor: Cursor) -> bool:
    cascades = False
    while cursor.skip("ON"):
        event = cursor.skip_any("DELETE", "UPDATE")
        if cursor.skip("NO", "ACTION"):
            continue
        cursor.expect("CASCADE")
        if event != "DELETE":
            raise cursor.unknown("ON UPDATE CASCADE")
        cascades = True
    return cascades


def _indexed_columns(cursor: Cursor) -> list[str]:
    def column(each: Cursor) -> str:
        name = each.identifier()
        each.skip_any("ASC", "DESC")
        return name

    cursor.expect("(")
    found = parse_list(cursor, column)
    cursor.expect(")")
    return found


def _create_schema(cursor: Cursor) -> s.Statement:
    name = cursor.identifier()
    if cursor.skip("AUTHORIZATION"):
        cursor.identifier()
    return s.CreateSchema(name)


def _create_sequence(cursor: Cursor) -> s.Statement:
    name, kind = cursor.name(), SqlType(Kind.BIGINT)
    options: dict[str, int | None] = {}
    while word := cursor.skip_any(*_OF_A_SEQUENCE, "AS", "NO"):
        if word == "AS":
            kind = cursor.type()
        elif word == "NO":
            options |= _without(cursor)
        elif word == "CYCLE":
            options[word] = 1
        else:
            cursor.skip_any("WITH", "BY")
            is_bare = word == "CACHE" and not isinstance(cursor.now.value, int)
            options[word] = None if is_bare else cursor.number()
    return s.CreateSequence(name, kind, options)


def _without(cursor: Cursor) -> dict[str, int | None]:
    if word := cursor.skip_any("MINVALUE", "MAXVALUE", "CYCLE"):
        return {word: None}
    cursor.expect("CACHE")
    return {"CACHE": 0}


_OF_A_SEQUENCE = ("START", "INCREMENT", "MINVALUE", "MAXVALUE", "CYCLE", "CACHE")


def _alter_sequence(cursor: Cursor) -> s.Statement:
    name = cursor.name()
    if not cursor.skip("RESTART"):
        raise cursor.unknown("ALTER SEQUENCE with this")
    return s.AlterSequence(name, cursor.number() if cursor.skip("WITH") else None)


def _create_index(cursor: Cursor, *, is_unique: bool, is_clustered: bool) -> s.Statement:
    name = cursor.identifier()
    cursor.expect("ON")
    table = cursor.name()
    return s.CreateIndex(name, table, _indexed_columns(cursor), is_unique, is_clustered)


def _create_trigger(cursor: Cursor) -> s.Statement:
    name = cursor.name()
    cursor.expect("ON")
    on = None if cursor.skip("DATABASE") else cursor.name()
    if cursor.skip("INSTEAD"):
        raise cursor.unknown("INSTEAD OF triggers")
    if not cursor.skip_any("AFTER", "FOR"):
        raise cursor.error()
    events = parse_list(cursor, lambda each: each.take().upper)
    cursor.skip("NOT", "FOR", "REPLICATION")
    cursor.expect("AS")
    return s.CreateTrigger(name, on, events, cursor.rest())


def _create_principal(cursor: Cursor, kind: str) -> s.Statement:
    name = cursor.identifier()
    login, sid, password = "", b"", ""
    if cursor.skip_any("FOR", "FROM"):
        cursor.expect("LOGIN")
        login = cursor.identifier()
    elif cursor.skip("WITHOUT", "LOGIN"):
        return s.CreatePrincipal(kind, name, is_without_login=True)
    elif cursor.skip("WITH"):
        while word := cursor.skip_any("PASSWORD", "SID", "CHECK_POLICY", "DEFAULT_DATABASE"):
            cursor.expect("=")
            value = cursor.take()
            if word == "PASSWORD":
                password = value.text
            elif word == "SID" and isinstance(value.value, bytes):
                sid = value.value
            cursor.skip(",")
    return s.CreatePrincipal(kind, name, login, sid, password)


def _alter(cursor: Cursor) -> s.Statement:
    word = cursor.take().upper
    match word:
        case "TABLE":
            return _alter_table(cursor)
        case "DATABASE":
            return alter_database(cursor)
        case "SEQUENCE":
            return _alter_sequence(cursor)
        case "USER":
            name = cursor.identifier()
            cursor.expect("WITH", "LOGIN", "=")
            return s.AlterUser(name, cursor.identifier())
        case "AUTHORIZATION":
            cursor.expect("ON", "DATABASE", ":", ":")
            database = cursor.identifier()
            cursor.expect("TO")
            return s.AlterAuthorization(database, cursor.identifier())
        case _:
            raise cursor.unknown(f"ALTER {word}")


def _alter_table(cursor: Cursor) -> s.Statement:
    table = cursor.name()
    checked = ""
    if cursor.skip("WITH"):
        checked = cursor.skip_any("CHECK", "NOCHECK")
    if word := cursor.skip_any("ENABLE", "DISABLE"):
        return _switch(cursor, table, is_on=word == "ENABLE")
    if cursor.skip("ADD"):
        if cursor.now.upper in {"CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK"}:
            return s.AddConstraint(table, _constraint(cursor), checked != "NOCHECK")
        return s.AddColumns(table, parse_list(cursor, _column))
    if cursor.skip("DROP"):
        kind = cursor.skip_any("COLUMN", "CONSTRAINT") or "CONSTRAINT"
        return s.DropParts(table, kind, parse_list(cursor, lambda each: each.identifier()))
    if cursor.skip("ALTER", "COLUMN"):
        return s.AlterColumn(table, _column(cursor))
    if word := cursor.skip_any("CHECK", "NOCHECK"):
        cursor.expect("CONSTRAINT")
        return s.SwitchConstraints(
            table, _all_or_names(cursor), word == "CHECK", checked == "CHECK"
        )
    raise cursor.unknown("ALTER TABLE with this")


def _switch(cursor: Cursor, table: Name, *, is_on: bool) -> s.Statement:
    if cursor.skip("TRIGGER"):
        return s.SwitchTriggers(_all_or_names(cursor), table, is_on)
    cursor.expect("CHANGE_TRACKING")
    columns = False
    if cursor.skip("WITH"):
        cursor.expect("(", "TRACK_COLUMNS_UPDATED", "=")
        columns = cursor.take().upper == "ON"
        cursor.expect(")")
    return s.SwitchTracking(table, is_on, columns)


def _all_or_names(cursor: Cursor) -> list[str]:
    return [] if cursor.skip("ALL") else parse_list(cursor, lambda each: each.name().last)


def _switch_triggers(*, is_on: bool) -> Callable[[Cursor], s.Statement]:
    def parse(cursor: Cursor) -> s.Statement:
        cursor.expect("TRIGGER")
        names = _all_or_names(cursor)
        cursor.expect("ON")
        if cursor.skip("ALL", "SERVER"):
            raise cursor.unknown("triggers of the server")
        on = None if cursor.skip("DATABASE") else cursor.name()
        return s.SwitchTriggers(names, on, is_on)

    return parse


def _drop(cursor: Cursor) -> s.Statement:
    kind = cursor.take().upper
    if kind not in {"TABLE", "DATABASE", "SCHEMA", "SEQUENCE", "TRIGGER", "USER"}:
        raise cursor.unknown(f"DROP {kind}")
    if_exists = cursor.skip("IF", "EXISTS")
    names = parse_list(cursor, lambda each: each.name())
    if cursor.skip("ON") and not cursor.skip("DATABASE"):
        raise cursor.unknown(f"DROP {kind} of a table")
    return s.Drop(kind, names, if_exists)


def _permit(action: str) -> Callable[[Cursor], s.Statement]:
    def parse(cursor: Cursor) -> s.Statement:
        permissions = parse_list(cursor, _permission)
        cursor.expect("ON")
        if cursor.skip("OBJECT"):
            cursor.expect(":", ":")
        table = cursor.name()
        if not cursor.skip_any("TO", "FROM"):
            raise cursor.error()
        principals = parse_list(cursor, lambda each: each.identifier())
        return s.Permit(action, permissions, table, principals)

    return parse


def _permission(cursor: Cursor) -> tuple[str, list[str]]:
    if cursor.skip("VIEW", "CHANGE", "TRACKING"):
        return "VIEW CHANGE TRACKING", []
    if cursor.skip("VIEW", "DEFINITION"):
        return "VIEW DEFINITION", []
    word = cursor.skip_any("SELECT", "INSERT", "UPDATE", "DELETE")
    if not word:
        raise cursor.unknown("this permission")
    return word, parse_names(cursor) if cursor.is_next("(") else []


DEFINITIONS: dict[str, Callable[[Cursor], s.Statement]] = {
    "CREATE": _create,
    "ALTER": _alter,
    "DROP": _drop,
    "ENABLE": _switch_triggers(is_on=True),
    "DISABLE": _switch_triggers(is_on=False),
    **{action: _permit(action) for action in ("GRANT", "REVOKE", "DENY")},
    "BACKUP": backup,
    "RESTORE": restore,
    "DBCC": dbcc,
    "KILL": kill,
}

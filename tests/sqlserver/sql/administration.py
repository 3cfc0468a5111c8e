"""ALTER DATABASE, BACKUP, RESTORE, DBCC and KILL: what is about catalogs as wholes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sqlserver.results import Kind, SqlType
from tests.sqlserver.sql import statements as s
from tests.sqlserver.sql.expressions import literal, parse_list
from tests.sqlserver.sql.lexer import Token, words
from tests.sqlserver.sql.tree import Literal, Variable

if TYPE_CHECKING:
    from tests.sqlserver.sql.cursor import Cursor
    from tests.sqlserver.sql.tree import Expression


def create_database(cursor: Cursor) -> s.Statement:
    name = cursor.identifier()
    files: dict[str, str] = {}
    if cursor.is_next("COLLATE"):
        raise cursor.unknown("CREATE DATABASE with another collation")
    if cursor.skip("ON"):
        cursor.skip("PRIMARY")
        files |= dict(parse_list(cursor, _file))
        if cursor.skip("LOG", "ON"):
            files |= dict(parse_list(cursor, _file))
    return s.CreateDatabase(name, files)


def _file(cursor: Cursor) -> tuple[str, str]:
    said: dict[str, str] = {}
    cursor.expect("(")
    while not cursor.skip(")"):
        key = cursor.take().upper
        cursor.expect("=")
        said[key] = cursor.take().text
        cursor.skip(",")
    return said["NAME"], said["FILENAME"]


def alter_database(cursor: Cursor) -> s.Statement:
    database = "" if cursor.skip("CURRENT") else cursor.identifier()
    if cursor.skip("MODIFY", "NAME"):
        cursor.expect("=")
        return s.RenameDatabase(database, cursor.identifier())
    if not cursor.skip("SET"):
        raise cursor.unknown("ALTER DATABASE with this")
    values = dict(parse_list(cursor, _database_option))
    how = ""
    if cursor.skip("WITH"):
        how = cursor.take().upper
        if how == "ROLLBACK":
            how += " " + cursor.take().upper
            if how.endswith("AFTER"):
                raise cursor.unknown("ROLLBACK AFTER")
    return s.SetDatabase(database, values, how)


_WORDS_ALONE = {"SINGLE_USER", "MULTI_USER", "RESTRICTED_USER", "READ_ONLY", "READ_WRITE"}
_WORDS_ALONE |= {"ONLINE", "OFFLINE"}


def _database_option(cursor: Cursor) -> tuple[str, str]:
    option = cursor.take().upper
    if option in _WORDS_ALONE:
        return option, ""
    if cursor.skip("="):
        pass
    elif cursor.is_at_end or cursor.now.upper in {",", ";", "WITH"}:
        raise cursor.unknown(f"ALTER DATABASE SET {option}")
    elif cursor.is_next("("):
        raise cursor.unknown(f"ALTER DATABASE SET {option} of what is set")
    value = cursor.take().text.upper()
    if option == "CHANGE_TRACKING" and cursor.skip("("):
        inner = [value]
        while not cursor.skip(")"):
            inner.append(cursor.take().text.upper())
        value = " ".join(inner)
    return option, value


def backup(cursor: Cursor) -> s.Statement:
    if not cursor.skip("DATABASE"):
        raise cursor.unknown("BACKUP of this")
    database = cursor.identifier()
    path = _device(cursor, "TO")
    options, moves = _options(cursor)
    if moves:
        raise cursor.error()
    return s.Backup(database, path, options)


def restore(cursor: Cursor) -> s.Statement:
    kind = cursor.take().upper
    database = ""
    if kind == "DATABASE":
        database = cursor.identifier()
    elif kind not in {"HEADERONLY", "FILELISTONLY", "LABELONLY", "VERIFYONLY"}:
        raise cursor.unknown(f"RESTORE {kind}")
    elif cursor.skip("WITH"):
        raise cursor.error()
    path = _device(cursor, "FROM")
    options, moves = _options(cursor)
    if kind == "DATABASE":
        return s.Restore(database, path, moves, options)
    return s.ReadBackup(kind, path, options)


def _device(cursor: Cursor, word: str) -> Expression:
    """The one file of a backup."""
    if not cursor.is_next(word):
        raise cursor.unknown("BACKUP or RESTORE of this")
    cursor.expect(word)
    is_word = cursor.now.token in {Token.WORD, Token.NAME}
    if is_word and not cursor.is_next("DISK"):
        raise cursor.unknown("BACKUP or RESTORE with this device")
    cursor.expect("DISK", "=")
    path = _value(cursor)
    if cursor.is_next(","):
        raise cursor.unknown("several files of a backup")
    return path


def _value(cursor: Cursor) -> Expression:
    if cursor.now.token is Token.VARIABLE:
        return Variable(cursor.take().text)
    if cursor.now.token in {Token.TEXT, Token.WIDE_TEXT, Token.NUMBER}:
        return literal(cursor.take())
    raise cursor.error()


_OPTIONS = words(
    """
    COPY_ONLY FORMAT INIT SKIP NOSKIP NOUNLOAD CHECKSUM NO_CHECKSUM COMPRESSION NO_COMPRESSION
    STATS NAME DESCRIPTION FILE RECOVERY RESTRICTED_USER STOP_ON_ERROR BUFFERCOUNT MAXTRANSFERSIZE
    """
)


def _options(
    cursor: Cursor,
) -> tuple[dict[str, Expression | None], list[tuple[Expression, Expression]]]:
    options: dict[str, Expression | None] = {}
    moves: list[tuple[Expression, Expression]] = []
    if cursor.skip("WITH"):
        while True:
            if cursor.skip("MOVE"):
                logical = _value(cursor)
                cursor.expect("TO")
                moves.append((logical, _value(cursor)))
            else:
                word = cursor.take().upper
                if word not in _OPTIONS:
                    raise cursor.unknown(f"the option {word}")
                options[word] = _value(cursor) if cursor.skip("=") else None
            if not cursor.skip(","):
                break
    return options, moves


def dbcc(cursor: Cursor) -> s.Statement:
    command = cursor.take().upper
    arguments: list[Expression | str] = []
    if cursor.skip("("):
        while not cursor.skip(")"):
            arguments.append(_dbcc_argument(cursor))
            cursor.skip(",")
    options = []
    if cursor.skip("WITH"):
        options = parse_list(cursor, lambda each: each.take().upper)
    return s.Dbcc(command, arguments, options)


def _dbcc_argument(cursor: Cursor) -> Expression | str:
    if cursor.now.token in {Token.WORD, Token.NAME}:
        parts = cursor.name().parts
        words_alone = len(parts) == 1 and parts[0].upper() in {"RESEED", "NORESEED"}
        return parts[0].upper() if words_alone else ".".join(f"[{_doubled(p)}]" for p in parts)
    if cursor.is_next("-"):
        number = cursor.number()
        return Literal(SqlType(Kind.BIGINT), number)
    return _value(cursor)


def _doubled(part: str) -> str:
    return part.replace("]", "]]")


def kill(cursor: Cursor) -> s.Statement:
    return s.Kill(cursor.number())

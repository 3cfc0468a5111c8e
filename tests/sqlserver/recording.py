"""What the product sends to simulated servers, kept while tests run: each statement once.

Whoever sets the environment variable gets a file a process in the directory that it names.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tests.sqlserver.sql.lexer import SqlError, Token, tokens

if TYPE_CHECKING:
    from tests.sqlserver.sql.lexer import Lexeme

DIRECTORY = "SQLSERVER_RECORD"
_OF_THE_PRODUCT = "ipfx-failover"
_LONG_NUMBER = re.compile(r"\d{4,}")
_BLANKS = set(" \t\r\n/")
"""What separates two words; a comment ends with the last."""
_SEEN: set[tuple[str, str]] = set()


def record(program: str, sql: str) -> None:
    """Keep a batch of the product's, if anybody wants to know."""
    directory = os.environ.get(DIRECTORY)
    if directory is None or program != _OF_THE_PRODUCT:
        return
    known = (directory, normal(sql))
    if known not in _SEEN:
        _SEEN.add(known)
        with (Path(directory) / str(os.getpid())).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(known[1]) + "\n")


def normal(sql: str) -> str:
    """A batch without its literals, comments and long numbers: those change with each run."""
    try:
        found = tokens(sql)
    except SqlError:
        return sql
    parts = []
    for each in found:
        is_apart = sql[max(each.start - 1, 0) : each.start] in _BLANKS
        parts.append((" " if is_apart else "") + _plain(each))
    return "".join(parts).strip()


def _plain(lexeme: Lexeme) -> str:
    match lexeme.token:
        case Token.TEXT:
            return "''"
        case Token.WIDE_TEXT:
            return "N''"
        case Token.BINARY:
            return "0x00"
        case Token.NAME:
            return f"[{_LONG_NUMBER.sub('0', lexeme.text).replace(']', ']]')}]"
        case Token.NUMBER:
            return _LONG_NUMBER.sub("1000", lexeme.text)
        case _:
            return lexeme.text

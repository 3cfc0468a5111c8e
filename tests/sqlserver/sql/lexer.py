"""T-SQL text becomes tokens."""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from tests.sqlserver.results import Message

if TYPE_CHECKING:
    from collections.abc import Callable


UNKNOWN = 50001
"""The number of the error that refuses what is not known here."""


class SqlError(Exception):
    """A statement that fails, with what the server says of it; the last message is the gravest."""

    def __init__(self, *messages: Message) -> None:
        super().__init__(messages[-1].text)
        self.messages = messages


def unknown(what: str, line: int) -> SqlError:
    """The refusal of what this simulation does not know; never an empty success."""
    return SqlError(Message(UNKNOWN, 16, f"The simulated server does not know {what}.", line=line))


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


class Token(StrEnum):
    WORD = "word"
    NAME = "quoted name"
    VARIABLE = "variable"
    TEXT = "text"
    WIDE_TEXT = "N text"
    NUMBER = "number"
    BINARY = "binary"
    SIGN = "sign"
    END = "end"


class Lexeme(NamedTuple):
    """`text`: of a word as it stands; of the others without their quotes."""

    token: Token
    text: str
    line: int
    value: int | Decimal | float | bytes | None
    start: int
    """Where it stands in the batch."""
    upper: str
    """The word or sign in upper case; empty for the others, which are never keywords."""


_PATTERN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*)
  | (?P<comment>/\*)
  | (?P<wide>[nN]'(?:[^']|'')*')
  | (?P<string>'(?:[^']|'')*')
  | (?P<bracket>\[(?:[^\]]|\]\])*\])
  | (?P<quoted>"(?:[^"]|"")*")
  | (?P<binary>0[xX][0-9a-fA-F]*)
  | (?P<float>(?:\d+\.?\d*|\.\d+)[eE][+-]?\d+)
  | (?P<decimal>\d+\.\d*|\.\d+)
  | (?P<integer>\d+)
  | (?P<variable>@@?[\w#$@]+)
  | (?P<word>[^\W\d][\w#$@]*|\#\#?[\w#$@]+)
  | (?P<sign><>|!=|<=|>=|!<|!>|\+=|-=|[-+*/%(),.;=<>&|^~:?])
    """,
    re.VERBOSE,
)
_LARGEST_INT = 2**31 - 1


def tokens(sql: str) -> list[Lexeme]:
    """All tokens of a batch, and one that says that there are no more.

    Raises:
        SqlError: a character or a quote that cannot be (102, 105).
    """
    found: list[Lexeme] = []
    at, line = 0, 1
    while at < len(sql):
        match = _PATTERN.match(sql, at)
        if match is None:
            raise _unclosed(sql[at], line)
        kind = match.lastgroup or ""
        text = match.group()
        if kind == "comment":
            end = _end_of_comment(sql, match.end(), line)
            text = sql[at:end]
        elif kind != "space":
            found.append(_lexeme(kind, text, line, at))
        at += len(text)
        line += text.count("\n")
    return [*found, Lexeme(Token.END, "", line, None, len(sql), "")]


def _unclosed(character: str, line: int) -> SqlError:
    if character in "'\"[":
        text = "Unclosed quotation mark after the character string ''."
        return SqlError(Message(105, 15, text, line=line))
    return SqlError(Message(102, 15, f"Incorrect syntax near '{character}'.", line=line))


def _end_of_comment(sql: str, at: int, line: int) -> int:
    """Comments are nested."""
    depth = 1
    while depth:
        match = re.compile(r"/\*|\*/").search(sql, at)
        if match is None:
            raise SqlError(Message(113, 15, "Missing end comment mark '*/'.", line=line))
        depth += 1 if match.group() == "/*" else -1
        at = match.end()
    return at


def _lexeme(kind: str, text: str, line: int, start: int) -> Lexeme:
    token = _TOKENS[kind]
    if kind in _KEYWORDS:
        return Lexeme(token, text, line, None, start, text.upper())
    if kind in _QUOTES:
        skipped, quote = _QUOTES[kind]
        return Lexeme(token, text[skipped:-1].replace(quote * 2, quote), line, None, start, "")
    read = _VALUES.get(kind)
    return Lexeme(token, text, line, read(text) if read else None, start, "")


def _bytes(text: str) -> bytes:
    digits = text[2:]
    return bytes.fromhex(digits.rjust(len(digits) + len(digits) % 2, "0"))


def _whole(text: str) -> int | Decimal:
    """What is no int is a decimal, as in SQL Server; there is no bigint literal."""
    whole = int(text)
    return whole if whole <= _LARGEST_INT else Decimal(whole)


_TOKENS = {
    "wide": Token.WIDE_TEXT,
    "string": Token.TEXT,
    "bracket": Token.NAME,
    "quoted": Token.NAME,
    "binary": Token.BINARY,
    "float": Token.NUMBER,
    "decimal": Token.NUMBER,
    "integer": Token.NUMBER,
    "variable": Token.VARIABLE,
    "word": Token.WORD,
    "sign": Token.SIGN,
}
_KEYWORDS = {"word", "sign"}
# How long the opening is, and what is doubled inside.
_QUOTES = {"wide": (2, "'"), "string": (1, "'"), "bracket": (1, "]"), "quoted": (1, '"')}
_VALUES: dict[str, Callable[[str], int | Decimal | float | bytes]] = {
    "binary": _bytes,
    "float": float,
    "decimal": Decimal,
    "integer": _whole,
}

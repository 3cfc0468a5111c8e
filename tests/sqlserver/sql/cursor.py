"""Walks over the tokens of a batch; what parsers share."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tests.sqlserver.results import MAX, Kind, Message, SqlType
from tests.sqlserver.sql.lexer import SqlError, Token, tokens, unknown, words
from tests.sqlserver.sql.tree import Name

if TYPE_CHECKING:
    from tests.sqlserver.sql.lexer import Lexeme

_ALIASES = {
    "INTEGER": "INT",
    "DEC": "DECIMAL",
    "ROWVERSION": "TIMESTAMP",
    "SYSNAME": "NVARCHAR",
    "CHARACTER": "CHAR",
}
_WITH_LENGTH = {
    Kind.BINARY,
    Kind.VARBINARY,
    Kind.CHAR,
    Kind.VARCHAR,
    Kind.NCHAR,
    Kind.NVARCHAR,
}
_WITH_SCALE = {Kind.TIME, Kind.DATETIME2, Kind.DATETIMEOFFSET}
_LARGEST = {
    **dict.fromkeys((Kind.BINARY, Kind.VARBINARY, Kind.CHAR, Kind.VARCHAR), 8000),
    **dict.fromkeys((Kind.NCHAR, Kind.NVARCHAR), 4000),
    **dict.fromkeys((Kind.DECIMAL, Kind.NUMERIC), 38),
    **dict.fromkeys((Kind.TIME, Kind.DATETIME2, Kind.DATETIMEOFFSET), 7),
}
_SYSNAME_LENGTH = 128
_RESERVED = words(
    """
    ADD ALL ALTER AND ANY AS ASC BACKUP BEGIN BETWEEN BY CASE CHECK CHECKPOINT CLOSE CLUSTERED
    COLLATE COLUMN COMMIT CONSTRAINT CREATE CROSS CURSOR DATABASE DBCC DECLARE DEFAULT DELETE DENY
    DESC DISTINCT DROP ELSE END ESCAPE EXEC EXECUTE EXISTS EXIT FETCH FILE FOR FOREIGN FROM FULL
    FUNCTION GOTO GRANT GROUP HAVING IDENTITY IF IN INDEX INNER INSERT INTERSECT INTO IS JOIN KEY
    KILL LEFT LIKE MERGE NOT NULL OF OFF ON OPEN OPTION OR ORDER OUTER OVER PIVOT PRIMARY PRINT
    PROCEDURE RAISERROR RECONFIGURE REFERENCES RESTORE RETURN REVERT REVOKE RIGHT ROLLBACK SAVE
    SCHEMA SELECT SET SHUTDOWN STATISTICS TABLE TABLESAMPLE THEN TO TOP TRAN TRANSACTION TRIGGER
    TRUNCATE UNION UNIQUE UPDATE USE VALUES VIEW WAITFOR WHEN WHERE WHILE WITH
    """
)


class Cursor:
    """Where a parser is. Keywords are given in upper case."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self._tokens = tokens(sql)
        self._at = 0

    @property
    def now(self) -> Lexeme:
        return self._tokens[self._at]

    @property
    def is_at_end(self) -> bool:
        return self.now.token is Token.END

    def ahead(self, count: int = 1) -> Lexeme:
        return self._tokens[min(self._at + count, len(self._tokens) - 1)]

    def is_next(self, *words: str) -> bool:
        """Whether these keywords or signs come next, in this order."""
        if self._tokens[self._at].upper != words[0]:
            return False
        return all(self.ahead(number).upper == word for number, word in enumerate(words))

    def take(self) -> Lexeme:
        """What comes next, whatever it is.

        Raises:
            SqlError: nothing comes any more (102).
        """
        found = self.now
        if found.token is Token.END:
            raise self.error()
        self._at += 1
        return found

    def skip(self, *words: str) -> bool:
        """Pass these keywords or signs, if they come next."""
        if self.is_next(*words):
            self._at += len(words)
            return True
        return False

    def skip_any(self, *words: str) -> str:
        """Pass one of these keywords or signs; which, or nothing."""
        found = self._tokens[self._at].upper
        if found not in words:
            return ""
        self._at += 1
        return found

    def expect(self, *words: str) -> None:
        """Pass these keywords or signs.

        Raises:
            SqlError: something else comes (102, 156).
        """
        for word in words:
            if not self.skip(word):
                raise self.error()

    def error(self) -> SqlError:
        """That what comes next is wrong here."""
        if self.now.token is Token.WORD and self.now.upper in _RESERVED:
            text = f"Incorrect syntax near the keyword '{self.now.text}'."
            return SqlError(Message(156, 15, text, line=self.now.line))
        near = self.now.text or "end of batch"
        return SqlError(Message(102, 15, f"Incorrect syntax near '{near}'.", line=self.now.line))

    def unknown(self, what: str) -> SqlError:
        return unknown(f"{what} near '{self.now.text}'", self.now.line)

    def identifier(self) -> str:
        """A name, quoted or not."""
        if self.now.token in {Token.WORD, Token.NAME}:
            return self.take().text
        raise self.error()

    def name(self) -> Name:
        """A name with up to four parts; `db..t` leaves the schema out."""
        parts = [self.identifier()]
        while self.is_next("."):
            self.take()
            parts.append("" if self.is_next(".") else self.identifier())
        return Name(tuple(parts))

    def number(self) -> int:
        """A whole number, with its sign."""
        negative = self.skip("-")
        found = self.take()
        value = found.value
        if isinstance(value, Decimal) and value == value.to_integral_value():
            value = int(value)  # one that is too long for a bigint
        if not isinstance(value, int):
            raise self.error()
        return -value if negative else value

    def text(self) -> str:
        """A character constant, or a variable's name (which begins with @)."""
        if self.now.token in {Token.TEXT, Token.WIDE_TEXT, Token.VARIABLE}:
            return self.take().text
        raise self.error()

    def rest(self) -> str:
        """The text of all that comes, which is passed."""
        begin = self.now.start
        self._at = len(self._tokens) - 1
        return self.sql[begin:]

    def type(self) -> SqlType:
        """A data type.

        Raises:
            SqlError: there is none of this name (2715).
        """
        line = self.now.line
        said = self.name().last.upper()
        length = _SYSNAME_LENGTH if said == "SYSNAME" else 0
        try:
            kind = Kind(_ALIASES.get(said, said).lower())
        except ValueError:
            text = f"Cannot find data type {said.lower()}."
            raise SqlError(Message(2715, 16, text, line=line)) from None
        numbers = self._type_arguments()
        if any(number > _LARGEST.get(kind, number) for number in numbers):
            raise unknown(f"a type {kind} of this size", line)
        if kind in _WITH_LENGTH:
            return SqlType(kind, numbers[0] if numbers else length or 1)
        if kind in {Kind.DECIMAL, Kind.NUMERIC}:
            precision, scale, *_ = [*numbers, 0] if numbers else [18, 0]
            return SqlType(kind, precision=precision, scale=scale)
        if kind in _WITH_SCALE:
            return SqlType(kind, scale=numbers[0] if numbers else 7)
        if kind is Kind.FLOAT and numbers and numbers[0] <= 24:
            return SqlType(Kind.REAL)
        return SqlType(kind)

    def _type_arguments(self) -> list[int]:
        numbers: list[int] = []
        if self.skip("("):
            while not self.skip(")"):
                numbers.append(MAX if self.skip("MAX") else self.number())
                self.skip(",")
        return numbers

"""Judges T-SQL as a server of 2008 would: by Microsoft's parser, and by the functions that it has.

The parser (ScriptDom) is inside of `maxdop`. It accepts any name as a function's, so those that may
be used are listed here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.sqlserver.recording import DIRECTORY
from tests.sqlserver.sql.lexer import Token, tokens, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_NEWEST_COMMON_GRAMMAR = "2008"
_WITH_SEQUENCES = "2012"
_FUNCTIONS = words(
    """
    ABS APP_NAME ASCII AVG BINARY_CHECKSUM CAST CEILING CHANGETABLE
    CHANGE_TRACKING_CURRENT_VERSION CHANGE_TRACKING_MIN_VALID_VERSION CHAR CHARINDEX CHECKSUM
    CHECKSUM_AGG COALESCE COLLATIONPROPERTY COLUMNPROPERTY COL_LENGTH COL_NAME CONVERT COUNT
    COUNT_BIG DATABASEPROPERTYEX DATALENGTH DATEADD DATEDIFF DATENAME DATEPART DAY DB_ID DB_NAME
    DENSE_RANK ERROR_LINE ERROR_MESSAGE ERROR_NUMBER ERROR_SEVERITY ERROR_STATE FILEPROPERTY FLOOR
    GETDATE GETUTCDATE HASHBYTES HAS_DBACCESS HAS_PERMS_BY_NAME HOST_NAME IDENTITY IDENT_CURRENT
    IDENT_INCR IDENT_SEED INDEXPROPERTY ISDATE ISNULL ISNUMERIC IS_MEMBER IS_SRVROLEMEMBER LEFT LEN
    LOWER LTRIM MAX MIN MONTH NCHAR NEWID NULLIF OBJECTPROPERTY OBJECT_ID OBJECT_NAME
    OBJECT_SCHEMA_NAME ORIGINAL_LOGIN PARSENAME PATINDEX QUOTENAME RAISERROR RAND RANK REPLACE
    REPLICATE REVERSE RIGHT ROUND ROW_NUMBER RTRIM SCHEMA_ID SCHEMA_NAME SCOPE_IDENTITY
    SERVERPROPERTY SIGN SPACE SQL_VARIANT_PROPERTY STDEV STR STUFF SUBSTRING SUM SUSER_ID
    SUSER_NAME SUSER_SID SUSER_SNAME SWITCHOFFSET SYSDATETIME SYSDATETIMEOFFSET SYSUTCDATETIME
    TODATETIMEOFFSET TYPE_ID TYPE_NAME UNICODE UPPER USER_ID USER_NAME VAR XACT_STATE YEAR
    DM_OS_VOLUME_STATS DM_IO_VIRTUAL_FILE_STATS DM_EXEC_SQL_TEXT CHANGES
    """
)
_TYPES = words(
    """
    BINARY CHAR DATETIME2 DATETIMEOFFSET DECIMAL FLOAT NCHAR NUMERIC NVARCHAR TIME VARBINARY VARCHAR
    """
)
# Words that a parenthesis may follow without being called.
_KEYWORDS = words(
    """
    ALL AND ANY APPLY AS BY CASE CHANGE_TRACKING CHECK DISTINCT ELSE EXCEPT EXEC EXECUTE EXISTS FROM
    HAVING IF IN INTERSECT INTO JOIN KEY LIKE NOT ON OR OVER PRIMARY RESEED RETURN SELECT SET SOME
    THEN TOP UNION UNIQUE VALUES WHEN WHERE WHILE WITH CHECKDB CHECKIDENT
    """
)
_ALLOWED = _FUNCTIONS | _TYPES | _KEYWORDS


def refusals(statements: Sequence[str]) -> list[str]:
    """What is wrong with each of those that a server of 2008 would not understand."""
    found = [text for each in statements for text in _unknown_functions(each)]
    if statements and not _are_all_well(statements):
        parsed = ((each, _parse(each)) for each in statements)
        found += [f"{why}\n{each}" for each, why in parsed if why is not None]
    return found


def _are_all_well(statements: Sequence[str]) -> bool:
    """Those of one grammar at once: the parser takes long to start."""
    by_grammar: dict[str, list[str]] = {}
    for each in statements:
        by_grammar.setdefault(_grammar(each), []).append(each)
    return all(_parse("\nGO\n".join(batches)) is None for batches in by_grammar.values())


def _parse(sql: str) -> str | None:
    """What Microsoft's parser says against it, if anything."""
    ran = subprocess.run(
        [_maxdop(), "--parser-version", _grammar(sql)],
        input=sql,
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.stderr.strip() if ran.returncode else None


def _grammar(sql: str) -> str:
    """Nobody speaks of sequences to a server that has none: `sys.sequences` is looked for first."""
    return _WITH_SEQUENCES if "ALTER SEQUENCE" in sql else _NEWEST_COMMON_GRAMMAR


def _maxdop() -> str:
    where = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    found = shutil.which("maxdop", path=where)
    assert found, "Microsoft's parser of T-SQL is missing: pip install maxdop==0.1.3"
    return found


def _unknown_functions(sql: str) -> Iterator[str]:
    found = tokens(sql)
    ahead_of = ["", *(each.upper for each in found)]
    for ahead, before, one in zip(ahead_of, found, found[1:], strict=False):
        is_alias = ahead == ")"  # of a derived table, with names for its columns
        is_called = one.upper == "(" and before.token is Token.WORD and not is_alias
        if is_called and before.upper not in _ALLOWED and not before.text.startswith("#"):
            yield f"{before.text} is no function of SQL Server 2008 that is listed\n{sql}"


@dataclass
class Record:
    """What was recorded in a directory while tests run, and how much of it is judged."""

    directory: Path
    judged: set[str] = field(default_factory=set)
    read_bytes: dict[Path, int] = field(default_factory=dict)

    def unjudged(self) -> list[str]:
        """Statements that came since the last time, and never before."""
        found: dict[str, None] = {}
        for path in self.directory.iterdir():
            with path.open("rb") as stream:
                stream.seek(self.read_bytes.get(path, 0))
                whole, end, _ = stream.read().rpartition(b"\n")
            self.read_bytes[path] = self.read_bytes.get(path, 0) + len(whole) + len(end)
            found |= dict.fromkeys(json.loads(line) for line in whole.splitlines())
        new = [each for each in found if each not in self.judged]
        self.judged.update(new)
        return new


@pytest.fixture(scope="session")
def statement_record(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Record]:
    """Processes that tests start inherit where statements are recorded."""
    record = Record(tmp_path_factory.mktemp("statements"))
    os.environ[DIRECTORY] = str(record.directory)
    yield record
    del os.environ[DIRECTORY]


@pytest.fixture(autouse=True)
def judged_statements(statement_record: Record) -> Iterator[None]:
    """Whatever a test has the product send to a simulated SQL Server must be T-SQL of 2008."""
    yield
    wrong = refusals(statement_record.unjudged())
    if wrong:
        pytest.fail("\n\n".join(wrong))

"""Carries statements out on a SQL Server: a line of JSON in, one with the rows out.

Usage: python -m ipfxlab.sql_asking DATA_SOURCE PASSWORD_FILE

Each has a session of its own, so that none is in a catalog that is about to be exchanged.
"""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path

import pyodbc
from phone_sqlserver import connect


def rows_of(data_source: str, password: str, catalog: str, sql: str, *values: str) -> object:
    with closing(connect(data_source, catalog, password)) as session:
        cursor = session.execute(sql, *values)
        rows = [list(row) for row in cursor.fetchall()] if cursor.description else []
        while cursor.nextset():
            """What takes long tells its progress in results of their own; the last one ends it."""
        return rows


def main() -> None:
    data_source, password_file = sys.argv[1:]
    password = Path(password_file).read_text("utf-8")
    for line in sys.stdin:
        try:
            answer: object = rows_of(data_source, password, *json.loads(line))
        except pyodbc.Error as error:
            answer = {"error": str(error)}
        print(json.dumps(answer, default=str), flush=True)


if __name__ == "__main__":
    main()

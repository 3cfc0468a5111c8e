"""Rowapply: catching up 100,000 changed rows, against a plain executemany of the same rows.

Both through Microsoft's driver, into a simulated SQL Server. The peer has the rows in memory and
inserts them into an empty table, as a program would: `executemany`, in one transaction. Ours is the
whole command `sync-rows`: it reads the changes from the live server, stages and applies them.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import TYPE_CHECKING

from tests.bench.hot_pair import CATALOG, COPY, HotPair, hot_pair

if TYPE_CHECKING:
    from collections.abc import Sequence

COLUMNS = "id, caller, text, seconds, at"
TABLE = """CREATE TABLE {name} (id int NOT NULL PRIMARY KEY, caller nvarchar(40),
text nvarchar(100), seconds float, at datetime2(7))"""
DIGITS = ", ".join(f"({digit})" for digit in range(10))


def change(pair: HotPair, rows: int) -> list[Sequence[object]]:
    """Let so many rows appear on the live server; they are returned, too."""
    places = "".join(f" CROSS JOIN (VALUES {DIGITS}) d{n} (v)" for n in range(1, 5))
    number = "d0.v + 10 * d1.v + 100 * d2.v + 1000 * d3.v + 10000 * d4.v"
    connection = pair.live.connect(CATALOG)
    cursor = connection.cursor()
    cursor.execute(
        f"INSERT INTO calls ({COLUMNS}) SELECT TOP ({rows}) {number}, N'+64 9 123 4567', "  # noqa: S608
        "N'left a message after the tone', 12.5e0, '2026-11-22T01:02:03.1234567' "
        f"FROM (VALUES {DIGITS}) d0 (v){places}"
    )
    found = cursor.execute(f"SELECT {COLUMNS} FROM calls").fetchall()  # noqa: S608
    connection.close()
    return [tuple(row) for row in found]


def plain_s(pair: HotPair, rows: list[Sequence[object]]) -> float:
    connection = pair.standby.connect(COPY)
    cursor = connection.cursor()
    cursor.execute(TABLE.format(name="plain"))
    began = time.perf_counter()
    cursor.execute("BEGIN TRANSACTION")
    cursor.executemany(f"INSERT INTO plain ({COLUMNS}) VALUES (?, ?, ?, ?, ?)", rows)  # noqa: S608
    cursor.execute("COMMIT TRANSACTION")
    took_s = time.perf_counter() - began
    connection.close()
    return took_s


def ours_s(pair: HotPair, rows: int) -> float:
    began = time.perf_counter()
    pair.run("sync-rows", "DEMOSERVER")
    took_s = time.perf_counter() - began
    ((found,),) = pair.standby.run("SELECT COUNT(*) FROM calls", database=COPY)
    assert found == rows, f"{found} of {rows} rows are there"
    return took_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    given = parser.parse_args()
    with hot_pair([TABLE.format(name="calls")]) as pair:
        rows = change(pair, given.rows)
        ours = ours_s(pair, len(rows))
        plain = plain_s(pair, rows)
    result = {"bench": "rowapply", "simulated": True, "rows": len(rows)}
    result |= {"ratio": round(ours / plain, 3), "ours_s": round(ours, 2)}
    print(json.dumps(result | {"plain_s": round(plain, 2)}))


if __name__ == "__main__":
    main()

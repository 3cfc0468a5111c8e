"""Rowlag: from a commit on the live server to the commit on the standby (simulated SQL Servers).

One writer changes 200 rows a second over 20 tables: it inserts, updates and deletes. Each of its
commits is one version of change tracking; the copy's watermark, asked for every 10 ms, tells which
of them are in the copy. So what is measured is at most 10 ms too long, and never too short.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import threading
import time
from typing import TYPE_CHECKING

from tests.bench.hot_pair import CATALOG, COPY, HotPair, hot_pair

if TYPE_CHECKING:
    import pyodbc

TABLES = 20
CHANGES_A_SECOND = 200
POLL_S = 0.01
LATEST_S = 30.0


def write(connection: pyodbc.Connection, duration_s: float, committed: list[float]) -> None:
    """Commit changes at their times; `committed`: when each was."""
    cursor = connection.cursor()
    began = time.perf_counter()
    for number in range(round(duration_s * CHANGES_A_SECOND)):
        wait_s = began + number / CHANGES_A_SECOND - time.perf_counter()
        if wait_s > 0:
            time.sleep(wait_s)
        table, turn = f"calls_{number % TABLES}", number // TABLES
        if turn % 4 == 3:
            cursor.execute(f"DELETE FROM {table} WHERE id = {turn - 3}")  # noqa: S608
        elif turn % 4 == 2:
            cursor.execute(f"UPDATE {table} SET text = N'changed {number}' WHERE id = {turn - 1}")  # noqa: S608
        else:
            cursor.execute(f"INSERT INTO {table} VALUES ({turn}, N'call {number}', SYSDATETIME())")  # noqa: S608
        committed.append(time.perf_counter())


def watch(connection: pyodbc.Connection, to: int, arrived: list[tuple[float, int]]) -> None:
    """Note when the copy has come to which version, until it has come to the last one."""
    cursor = connection.cursor()
    give_up = time.perf_counter() + LATEST_S + to / CHANGES_A_SECOND
    while time.perf_counter() < give_up:
        ((version,),) = cursor.execute("SELECT version FROM ipfx_failover.watermark").fetchall()
        if not arrived or arrived[-1][1] != version:
            arrived.append((time.perf_counter(), version))
        if version >= to:
            return
        time.sleep(POLL_S)


def lags_ms(committed: list[float], arrived: list[tuple[float, int]]) -> list[float]:
    """Of each commit; the first is version 1."""
    found, at = [], 0
    for version, moment in enumerate(committed, start=1):
        while arrived[at][1] < version:
            at += 1
        found.append((arrived[at][0] - moment) * 1e3)
    return found


def measured(pair: HotPair, duration_s: float) -> list[float]:
    live, copy = pair.live.connect(CATALOG), pair.standby.connect(COPY)
    committed: list[float] = []
    arrived: list[tuple[float, int]] = []
    last = round(duration_s * CHANGES_A_SECOND)
    watcher = threading.Thread(target=watch, args=(copy, last, arrived))
    watcher.start()
    write(live, duration_s, committed)
    watcher.join()
    live.close()
    copy.close()
    return lags_ms(committed, arrived)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    tables = [
        f"CREATE TABLE calls_{number} (id int NOT NULL PRIMARY KEY, text nvarchar(100), "
        "at datetime2(7))"
        for number in range(TABLES)
    ]
    with hot_pair(tables) as pair:
        command = pair.command("sync-rows", "--all", "--watch")
        worker = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            time.sleep(2)  # it has connected to both
            found = measured(pair, given.seconds)
        finally:
            worker.terminate()
            worker.wait()
    percentiles = statistics.quantiles(found, n=100)
    result = {"bench": "rowlag", "simulated": True, "changes": len(found)}
    result |= {"p50_ms": round(percentiles[49], 1), "p99_ms": round(percentiles[98], 1)}
    print(json.dumps(result | {"max_ms": round(max(found), 1)}))


if __name__ == "__main__":
    main()

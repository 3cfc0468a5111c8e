"""A process that uses a SQLite database, as an application does.

`python3 database_in_use.py MODE DATABASE`; says "ready" when it has begun, and ends when its
standard input does.

write: transactions without a pause, each with a row in both of two tables.
hold: an open transaction.
idle: an open connection that has read, and does nothing.
"""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def in_use(mode: str, database: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the process, wait until it is ready, and end it afterwards."""
    with subprocess.Popen(
        [sys.executable, __file__, mode, str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def main() -> None:
    mode, path = sys.argv[1:]
    ended = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    database = sqlite3.connect(path, timeout=60.0, isolation_level=None)
    database.execute("SELECT count(*) FROM calls").fetchone()
    if mode == "hold":
        database.execute("BEGIN IMMEDIATE")
        database.execute("INSERT INTO calls (text) VALUES ('held')")
    if mode == "write":
        write(database)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while not ended.is_set():
        if mode == "write":
            write(database)
        else:
            ended.wait(1.0)


def write(database: sqlite3.Connection) -> None:
    database.executescript(
        "BEGIN IMMEDIATE; INSERT INTO calls (text) VALUES (hex(randomblob(50)));"
        "INSERT INTO records (text) VALUES (hex(randomblob(50))); COMMIT;"
    )


if __name__ == "__main__":
    main()

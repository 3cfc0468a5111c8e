"""What is done to a SQLite database where it lies. Standard library only, Python 3.7 or later.

On the live server this file's text is fed to its python3 (`python3 - WORK PATH ...`); on this
machine its functions are called. Each answers with one JSON object; a `refusal` in it is a reason
in words.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable

    Told = Callable[[str, int, int], None]

PIECE_BYTES = 1 << 20
STEP_BYTES = 16 << 20
STEPS = 100000
BUSY_S = 120.0
LOOK_BUSY_MS = 5000


def nobody(phase: str, done_bytes: int, total_bytes: int) -> None:
    """Is told how far a work has come, and tells nobody."""


def snapshot(path: str, to: str, told: Told = nobody) -> dict[str, object]:
    """Copy the database, as it is at one moment, to `to`; it may be in constant use."""
    for leftover in (to, to + "-journal", to + "-wal", to + "-shm"):
        if os.path.exists(leftover):
            os.remove(leftover)
    with closing(_open(path, "rw")) as source:
        # Whatever the umask is, nobody else shall read in the copy what is not theirs.
        os.close(os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with closing(sqlite3.connect(to)) as target:
            # Without WAL, writers wait until the copy is made: it is flushed after that.
            target.execute("PRAGMA journal_mode = OFF").fetchone()
            target.execute("PRAGMA synchronous = OFF")
            # Inside a read transaction other connections' commits do not start the backup anew.
            source.execute("BEGIN")
            began = _begin_reading(source)
            page_bytes = source.execute("PRAGMA page_size").fetchone()[0]
            source.backup(
                target,
                pages=max(1, STEP_BYTES // page_bytes),
                progress=lambda _, left, pages: told(
                    "backup", (pages - left) * page_bytes, pages * page_bytes
                ),
            )
            source.execute("ROLLBACK")
    _flush(to)
    answer = described(to, told)
    answer["age_s"] = time.monotonic() - began
    return answer


def _begin_reading(connection: sqlite3.Connection) -> float:
    """Get the read lock, also from a writer that hardly ever lets go of it; since when it holds."""
    connection.execute("PRAGMA busy_timeout = 0")
    give_up = time.monotonic() + BUSY_S
    while True:
        began = time.monotonic()
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up:
                raise
            # SQLite's own wait grows to 100 ms: a moment between two commits is shorter.
            time.sleep(0.001)
        else:
            return began


def described(path: str, told: Told = nobody) -> dict[str, object]:
    """Size, hash and version of a database file that nobody uses."""
    digest = hashlib.sha256()
    size = os.path.getsize(path)
    with open(path, "rb") as stream:
        for piece in iter(lambda: stream.read(PIECE_BYTES), b""):
            digest.update(piece)
            if stream.tell() % STEP_BYTES == 0:
                told("checksum", stream.tell(), size)
    connection = _open(path, "ro", "&immutable=1")
    try:
        number = connection.execute("PRAGMA user_version").fetchone()[0]
        schema = connection.execute(
            "SELECT group_concat(sql) FROM (SELECT sql FROM sqlite_master ORDER BY name)"
        ).fetchone()[0]
    finally:
        connection.close()
    hashed = hashlib.sha256((schema or "").encode()).hexdigest()[:12]
    return {
        "size_bytes": size,
        "sha256": digest.hexdigest(),
        "version": "%d/%s" % (number, hashed),
    }


def verify(path: str, told: Told = nobody) -> dict[str, object]:
    """Check a database file that nobody uses, page by page."""
    try:
        connection = _open(path, "ro", "&immutable=1")
        try:
            _tell_of_check(connection, os.path.getsize(path), told)
            answer = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
            orphans = len(connection.execute("PRAGMA foreign_key_check").fetchmany(1000))
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        return {"refusal": "integrity_check: %s" % error}
    if answer != ["ok"]:
        return {"refusal": "integrity_check: %s" % "; ".join(answer)}
    return {"orphans": orphans}


def _tell_of_check(connection: sqlite3.Connection, size: int, told: Told) -> None:
    """Have it told how much of the next integrity_check is done, in bytes of the whole file.

    It is reckoned from the steps of SQLite's virtual machine, nearly all of which are those of the
    rows: as measured with 3.40, some for each row, its columns and the indexes that it is in.
    """
    expected, done = _steps_of_check(connection), 0

    def step() -> None:
        nonlocal done
        done += STEPS
        told("check", min(size * done // expected, size), size)

    if expected:
        connection.set_progress_handler(step, STEPS)


def _steps_of_check(connection: sqlite3.Connection) -> int:
    """About how many steps an integrity_check takes; 0 where that cannot be said."""
    try:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        steps = 0
        for (name,) in names:
            table = '"%s"' % name.replace('"', '""')
            columns = connection.execute("PRAGMA table_info(%s)" % table).fetchall()
            indexes = connection.execute("PRAGMA index_list(%s)" % table).fetchall()
            (rows,) = connection.execute("SELECT count(*) FROM " + table).fetchone()  # noqa: S608 - quoted
            steps += rows * (4 + sum(1 + column[3] for column in columns) + 3 * len(indexes))
    except sqlite3.DatabaseError:
        return 0  # what is wrong with it the check will say
    return steps


def fold(path: str) -> dict[str, object]:
    """Bring a database that nobody uses into its one file; refuse when somebody uses it."""
    if not os.path.exists(path):
        return {"absent": True}
    try:
        connection = _open(path, "rw")
        try:
            connection.execute("PRAGMA busy_timeout = 0")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            # In this mode even an idle connection of somebody else, in WAL mode, is in the way.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("ROLLBACK")
        finally:
            connection.close()
    except sqlite3.OperationalError as error:
        return {"refusal": "it is in use (%s)" % error}
    wal = path + "-wal"
    if os.path.exists(wal) and os.path.getsize(wal):
        return {"refusal": "its -wal file cannot be folded in: somebody uses it"}
    users = _open_by_others(path)
    if users:
        return {"refusal": "it is open in process %s" % ", ".join(users)}
    return {"absent": False}


def look(path: str) -> dict[str, object]:
    """Open the database as its application does, and change nothing."""
    program = "Python %d.%d.%d, SQLite %s" % (*sys.version_info[:3], sqlite3.sqlite_version)
    try:
        status = os.stat(path)
        with closing(_open(path, "rw")) as connection:
            connection.execute("PRAGMA busy_timeout = %d" % LOOK_BUSY_MS)
            (tables,) = connection.execute(
                "SELECT count(*) FROM sqlite_master WHERE type = 'table'"
            ).fetchone()
    except OSError as error:
        return {"program": program, "problem": error.strerror}
    except sqlite3.Error as error:
        return {"program": program, "problem": str(error)}
    may_write = all(os.access(each, os.W_OK) for each in (path, os.path.dirname(path)))
    if hasattr(os, "geteuid"):
        # What takes its place is to have the same owner.
        may_write = may_write and os.geteuid() in (0, status.st_uid)
    return {
        "program": program,
        "size_bytes": status.st_size,
        "tables": tables,
        "may_write": may_write,
    }


def _open_by_others(path: str) -> list[str]:
    """Process ids that have the file open, as far as this system and our rights tell."""
    found: list[str] = []
    wanted = os.path.realpath(path)
    if not os.path.isdir("/proc/self/fd"):
        return found
    for pid in os.listdir("/proc"):
        if not pid.isdigit() or int(pid) == os.getpid():
            continue
        try:
            for descriptor in os.listdir("/proc/%s/fd" % pid):
                if os.readlink("/proc/%s/fd/%s" % (pid, descriptor)) == wanted:
                    found.append(pid)
                    break
        except OSError:
            continue  # it has ended, or is not ours to look at
    return found


def _open(path: str, mode: str, more: str = "") -> sqlite3.Connection:
    uri = "file:%s?mode=%s%s" % (quote(os.path.abspath(path).replace(os.sep, "/")), mode, more)
    return sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None)


def _flush(path: str) -> None:
    with open(path, "rb+") as stream:
        os.fsync(stream.fileno())


WORKS: dict[str, Callable[..., dict[str, object]]] = {
    "snapshot": snapshot,
    "described": described,
    "verify": verify,
    "fold": fold,
    "look": look,
}


def do(work: str, *paths: str, told: Told = nobody) -> dict[str, object]:
    """One of the works; those that take long tell how far they have come."""
    more = {"told": told} if work in ("snapshot", "verify") else {}
    try:
        return WORKS[work](*paths, **more)
    except (OSError, sqlite3.Error) as error:
        return {"refusal": str(error)}


def _write_progress(phase: str, done_bytes: int, total_bytes: int) -> None:
    _write({"phase": phase, "done": done_bytes, "total": total_bytes})


def _write(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Lines of JSON: how far it has come, and at last the answer."""
    _write(do(*sys.argv[1:], told=_write_progress))


if __name__ == "__main__":
    main()

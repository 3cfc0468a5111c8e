"""The embedded engine: SQLite, on the live server over `LiveHost`, and on this machine."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.adapters.db import sqlite_there
from ipfx_failover.adapters.db.sqlite_program import by_program
from ipfx_failover.adapters.local_host import LocalHost
from ipfx_failover.errors import Failed, Refused
from ipfx_failover.livehost import base_name, join, parent
from ipfx_failover.progress import Progress, counted, unreported
from ipfx_failover.replication.engine import Backup
from ipfx_failover.survey.ports import DatabaseLook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ipfx_failover.livehost import LiveHost
    from ipfx_failover.progress import Report

_NOT_FOUND = 127
_TIMEOUT_S = 6 * 3600.0
_HEAD_BYTES = 32
_CHANGE_COUNTER = slice(24, 28)
_WAL_HEADER = slice(0, 32)


@dataclass(frozen=True, slots=True)
class SqliteSide:
    """The `Side` port (ipfx_failover.replication.engine); a subclass says how work gets done."""

    host: LiveHost
    report: Report = unreported

    @property
    def name(self) -> str:
        return self.host.name

    def exists(self, database: str) -> bool:
        return self.host.stat(database) is not None

    def free_bytes(self, near: str) -> int | None:
        self.host.make_directory(parent(near))
        return self.host.free_bytes(parent(near))

    def size_bytes(self, database: str) -> int:
        return self._size_bytes(database) + self._size_bytes(f"{database}-wal")

    def backup(self, database: str, to: str) -> Backup:
        self.host.make_directory(parent(to))
        answer = self.work("snapshot", database, to)
        # By our own clock: the live server's may be wrong, and the schedule goes by it.
        age = timedelta(seconds=float(answer["age_s"]))
        return Backup(
            path=to,
            size_bytes=int(answer["size_bytes"]),
            sha256=str(answer["sha256"]),
            as_of=SystemClock().now() - age,
            version=str(answer["version"]),
        )

    def verify(self, database: str) -> None:
        self.work("verify", database)

    def close_down(self, database: str) -> None:
        try:
            self.work("fold", database)
        except Failed as error:
            raise _in_use(error.message, self.name) from None

    def swap(self, current: str, new: str, previous: str) -> None:
        host = self.host
        if host.stat(new) is None:
            return  # a killed run had come so far
        if host.stat(current) is not None and host.stat(previous) is None:
            host.link(current, previous)
        for ending in ("-wal", "-journal"):
            # `close_down` left none with anything in it: somebody has begun to write since.
            if self._size_bytes(f"{current}{ending}"):
                message = f"{current} on {self.name} is in use: it has a {ending} file"
                raise _in_use(message, self.name)
        self._drop_beside(current)
        host.rename(new, current)

    def swap_back(self, current: str, new: str, previous: str, *, had_current: bool) -> None:
        host = self.host
        if host.stat(new) is not None:
            # It had not come to the exchange: both names stand for the old one.
            host.remove(previous)
        elif host.stat(previous) is not None:
            # Pages that were written to the new one must not get into the old one.
            self._drop_beside(current)
            host.rename(previous, current)
        elif not had_current:
            self.drop(current)

    def drop(self, *databases: str) -> None:
        for database in databases:
            self._drop_beside(database)
            self.host.remove(database)

    def begin_to_drop(self, database: str) -> Callable[[], None]:
        return partial(self.drop, database)

    def leftovers(self, database: str, marker: str) -> list[str]:
        directory = parent(database)
        names = [entry.name for entry in self.host.list_directory(directory)]
        return [join(directory, name) for name in names if marker in name]

    def look(self, database: str) -> DatabaseLook:
        """The `LiveDatabase` port (ipfx_failover.survey.ports)."""
        return DatabaseLook(**self.work("look", database))

    def work(self, work: str, *paths: str) -> dict[str, Any]:
        """Have one of the works of `sqlite_there` done; Failed with its reason if it refuses."""
        raise NotImplementedError

    def _size_bytes(self, path: str) -> int:
        found = self.host.stat(path)
        return found.size_bytes if found else 0

    def _drop_beside(self, database: str) -> None:
        for ending in ("-wal", "-shm", "-journal"):
            self.host.remove(f"{database}{ending}")


class LiveSqlite(SqliteSide):
    """SQLite on the live server: by its python3, or without one by its sqlite3 program."""

    def work(self, work: str, *paths: str) -> dict[str, Any]:
        script = Path(sqlite_there.__file__).read_bytes()
        command = [self.host.python(), "-I", "-", work, *paths]
        ended = self.host.run(
            command, stdin=script, timeout_s=_TIMEOUT_S, on_output=_lines(self._progress)
        )
        if ended.exit_status == _NOT_FOUND:
            return _accepted(by_program(self.host, work, *paths), work, paths[0], self.name)
        try:
            answer: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
        except (ValueError, IndexError):
            raise Failed(
                f"{_WORDS[work]} {paths[0]} on {self.name}: {ended.last_error_line}",
                f"see whether python3 on {self.name} is 3.7 or later and has its sqlite3 module",
            ) from None
        return _accepted(answer, work, paths[0], self.name)

    def _progress(self, line: bytes) -> None:
        # Another machine wrote it: what is no progress is nothing.
        with suppress(ValueError, KeyError, TypeError):
            told = json.loads(line)
            phase, done, total = str(told["phase"]), int(told["done"]), int(told["total"])
            self.report(Progress(phase, done, total, "bytes"))


class LocalSqlite(SqliteSide):
    """SQLite on this machine, in this process."""

    def __init__(self, report: Report = unreported) -> None:
        super().__init__(LocalHost("the Failover Server"), report)

    def work(self, work: str, *paths: str) -> dict[str, Any]:
        def told(phase: str, done_bytes: int, total_bytes: int) -> None:
            self.report(Progress(phase, done_bytes, total_bytes, "bytes"))

        return _accepted(sqlite_there.do(work, *paths, told=told), work, paths[0], self.name)


def fetch(
    host: LiveHost,
    backup: Backup,
    to: str,
    like: str,
    report: Report = unreported,
) -> None:
    """Carry a backup from the live server to this machine, hashed on the way.

    Raises:
        Failed: another content arrived than was sent, or the disk is full.
    """
    here = LocalHost("the Failover Server")
    here.make_directory(parent(to))
    digest = hashlib.sha256()
    on_bytes = counted("transfer", backup.size_bytes, "bytes", report)
    here.write_file(to, _counted(host.read_file(backup.path), on_bytes, digest.update))
    if digest.hexdigest() != backup.sha256:
        here.remove(to)
        raise _another(backup, here.name)
    here.adopt_ownership(to, like if here.stat(like) else parent(to))


def send(
    host: LiveHost,
    backup: Backup,
    to: str,
    like: str,
    report: Report = unreported,
) -> None:
    """Carry a backup from this machine to the live server, and have it hashed there.

    Raises:
        Failed: another content arrived than was sent, or the disk is full.
    """
    here = LocalHost("the Failover Server")
    on_bytes = counted("transfer", backup.size_bytes, "bytes", report)
    host.write_file(to, _counted(here.read_file(backup.path), on_bytes))
    if host.sha256(to) != backup.sha256:
        host.remove(to)
        raise _another(backup, host.name)
    host.adopt_ownership(to, like if host.stat(like) else parent(to))


def fingerprint(path: Path) -> str:
    """Changes when the database is written to; reads a few bytes and the times of two files.

    The change counter in the header (SQLite file format, 1.3.7) stands still in WAL mode, where
    changes go to the -wal file; and that file keeps its size when it is used again from its start
    (4.1). So the times count as well: to be woken once too often is the better mistake.
    """
    parts = []
    for ending, wanted in (("", _CHANGE_COUNTER), ("-wal", _WAL_HEADER)):
        with suppress(FileNotFoundError), Path(f"{path}{ending}").open("rb") as stream:
            status = os.fstat(stream.fileno())
            # A reader makes an empty -wal, too.
            if status.st_size:
                head = stream.read(_HEAD_BYTES)[wanted].hex()
                parts.append(f"{ending}:{status.st_size}:{status.st_mtime_ns}:{head}")
    return "|".join(parts)


def _lines(take: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """Puts pieces of output together to lines, and gives each whole one away."""
    rest = b""

    def pieces(piece: bytes) -> None:
        nonlocal rest
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            take(line)

    return pieces


def _counted(
    pieces: Iterable[bytes],
    on_bytes: Callable[[int], None],
    on_piece: Callable[[bytes], None] = lambda _: None,
) -> Iterator[bytes]:
    for piece in pieces:
        on_piece(piece)
        on_bytes(len(piece))
        yield piece


def _another(backup: Backup, where: str) -> Failed:
    return Failed(
        f"{base_name(backup.path)} did not arrive on {where} as it was sent",
        "look at the network and the disks; then try again",
    )


def _accepted(answer: dict[str, Any], work: str, path: str, where: str) -> dict[str, Any]:
    if "refusal" in answer:
        raise Failed(
            f"{_WORDS[work]} {path} on {where}: {answer['refusal']}",
            f"look at that database on {where}; nothing was changed",
        )
    return answer


_WORDS = {
    "snapshot": "cannot back up",
    "verify": "damaged:",
    "fold": "cannot close",
    "look": "cannot read",
}


def _in_use(message: str, where: str) -> Refused:
    return Refused(message, f"stop the application on {where} first, then try again")

"""The embedded engine: SQLite, on the live server over `LiveHost`, and on this machine."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipfx_failover.adapters.db import sqlite_there
from ipfx_failover.adapters.durable import flush_directory
from ipfx_failover.errors import Failed, Refused
from ipfx_failover.livehost import base_name, join, parent
from ipfx_failover.replication.engine import Backup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ipfx_failover.livehost import LiveHost

_SIDE_FILES = ("", "-wal", "-shm", "-journal")
_NOT_FOUND = 127
_TIMEOUT_S = 6 * 3600.0
_CHANGE_COUNTER = slice(24, 28)


@dataclass(frozen=True, slots=True)
class LiveSqlite:
    """SQLite on the live server."""

    host: LiveHost

    @property
    def name(self) -> str:
        return self.host.name

    def exists(self, database: str) -> bool:
        return self.host.stat(database) is not None

    def free_bytes(self, near: str) -> int | None:
        return self.host.free_bytes(parent(near))

    def size_bytes(self, database: str) -> int:
        found = [self.host.stat(f"{database}{ending}") for ending in ("", "-wal")]
        return sum(each.size_bytes for each in found if each)

    def backup(self, database: str, to: str) -> Backup:
        self.host.make_directory(parent(to))
        return _backup(to, self._there("snapshot", database, to))

    def verify(self, database: str) -> None:
        self._there("verify", database)

    def close_down(self, database: str) -> None:
        try:
            self._there("fold", database)
        except Failed as error:
            raise _in_use(error, self.name) from None

    def swap(self, current: str, new: str, previous: str) -> None:
        host = self.host
        if host.stat(new) is None:
            return  # a killed run had come so far
        if host.stat(current) is not None and host.stat(previous) is None:
            host.link(current, previous)
        for ending in _SIDE_FILES[1:]:
            host.remove(f"{current}{ending}")
        host.rename(new, current)

    def swap_back(self, current: str, new: str, previous: str, *, had_current: bool) -> None:
        host = self.host
        if host.stat(previous) is not None:
            host.rename(previous, current)
        elif not had_current and host.stat(new) is None:
            host.remove(current)

    def drop(self, *databases: str) -> None:
        for database in databases:
            for ending in _SIDE_FILES:
                self.host.remove(f"{database}{ending}")

    def leftovers(self, database: str, marker: str) -> list[str]:
        directory = parent(database)
        names = [entry.name for entry in self.host.list_directory(directory)]
        return [join(directory, name) for name in names if marker in name]

    def _there(self, work: str, *paths: str) -> dict[str, Any]:
        """Have the live server's python3 do it, or without one its sqlite3 program."""
        script = Path(sqlite_there.__file__).read_bytes()
        ended = self.host.run(
            [self.host.python(), "-", work, *paths], stdin=script, timeout_s=_TIMEOUT_S
        )
        if ended.exit_status == _NOT_FOUND:
            return _by_program(self.host, work, *paths)
        try:
            answer: dict[str, Any] = json.loads(ended.stdout)
        except ValueError:
            raise Failed(
                f"{work} of {paths[0]} on {self.name} failed: {ended.last_error_line}",
                f"try python3 on {self.name} by hand",
            ) from None
        return _accepted(answer, work, paths[0], self.name)


@dataclass(frozen=True, slots=True)
class LocalSqlite:
    """SQLite on this machine."""

    name: str = "the Failover Server"

    def exists(self, database: str) -> bool:
        return Path(database).exists()

    def free_bytes(self, near: str) -> int | None:
        import shutil

        directory = Path(near).parent
        directory.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(directory).free

    def size_bytes(self, database: str) -> int:
        paths = [Path(f"{database}{ending}") for ending in ("", "-wal")]
        return sum(path.stat().st_size for path in paths if path.exists())

    def backup(self, database: str, to: str) -> Backup:
        Path(to).parent.mkdir(parents=True, exist_ok=True)
        return _backup(to, self._here("snapshot", database, to))

    def verify(self, database: str) -> None:
        self._here("verify", database)

    def close_down(self, database: str) -> None:
        try:
            self._here("fold", database)
        except Failed as error:
            raise _in_use(error, self.name) from None

    def swap(self, current: str, new: str, previous: str) -> None:
        if not Path(new).exists():
            return  # a killed run had come so far
        if Path(current).exists() and not Path(previous).exists():
            os.link(current, previous)
        for ending in _SIDE_FILES[1:]:
            Path(f"{current}{ending}").unlink(missing_ok=True)
        Path(new).replace(current)
        flush_directory(Path(current).parent)

    def swap_back(self, current: str, new: str, previous: str, *, had_current: bool) -> None:
        if Path(previous).exists():
            Path(previous).replace(current)
        elif not had_current and not Path(new).exists():
            Path(current).unlink(missing_ok=True)
        flush_directory(Path(current).parent)

    def drop(self, *databases: str) -> None:
        for database in databases:
            for ending in _SIDE_FILES:
                Path(f"{database}{ending}").unlink(missing_ok=True)

    def leftovers(self, database: str, marker: str) -> list[str]:
        directory = Path(database).parent
        if not directory.is_dir():
            return []
        return [str(path) for path in directory.iterdir() if marker in path.name]

    def _here(self, work: str, *paths: str) -> dict[str, Any]:
        import sqlite3

        try:
            answer = sqlite_there.WORKS[work](*paths)
        except (OSError, sqlite3.Error) as error:
            answer = {"refusal": str(error)}
        return _accepted(answer, work, paths[0], self.name)


def fetch(
    host: LiveHost, backup: Backup, to: str, on_bytes: Callable[[int], None] = lambda _: None
) -> None:
    """Carry a backup from the live server to this machine, hashed on the way.

    Raises:
        Failed: another content arrived than was sent, or the disk is full.
    """
    path = Path(to)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.part")
    digest = hashlib.sha256()
    try:
        with beside.open("wb") as stream:
            for chunk in host.read_file(backup.path):
                digest.update(chunk)
                stream.write(chunk)
                on_bytes(len(chunk))
            stream.flush()
            os.fsync(stream.fileno())
        _compare(digest.hexdigest(), backup, host.name)
        beside.replace(path)
    except OSError as error:
        raise Failed(f"{to} cannot be written: {error.strerror}", "make room on its disk") from None
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
    flush_directory(path.parent)


def send(
    host: LiveHost,
    backup: Backup,
    to: str,
    like: str,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> None:
    """Carry a backup from this machine to the live server, and have it hashed there.

    Raises:
        Failed: another content arrived than was sent.
    """
    host.write_file(to, _pieces(Path(backup.path), on_bytes))
    _compare(host.sha256(to), backup, host.name)
    if host.stat(like) is not None:
        host.adopt_ownership(to, like)


def fingerprint(path: Path) -> str:
    """Changes when the database is written to; reads a few bytes (SQLite file format, 1.3.7, 4.1).

    The header's change counter does not move in WAL mode; there the -wal file's size and its
    salts do.
    """
    parts = []
    for ending, wanted in (("", _CHANGE_COUNTER), ("-wal", slice(0, 32))):
        file = Path(f"{path}{ending}")
        if file.exists():
            with file.open("rb") as stream:
                head = stream.read(32)[wanted]
            parts.append(f"{file.stat().st_size}:{head.hex()}")
    return "|".join(parts)


def _pieces(path: Path, on_bytes: Callable[[int], None]) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while piece := stream.read(sqlite_there.PIECE_BYTES):
            on_bytes(len(piece))
            yield piece


def _compare(arrived: str, backup: Backup, where: str) -> None:
    if arrived != backup.sha256:
        raise Failed(
            f"{base_name(backup.path)} did not arrive as it was sent ({where})",
            "look at the network and the disks; then try again",
        )


def _backup(path: str, answer: dict[str, Any]) -> Backup:
    return Backup(
        path=path,
        size_bytes=int(answer["size_bytes"]),
        sha256=str(answer["sha256"]),
        as_of=datetime.fromtimestamp(float(answer["as_of"]), UTC),
        version=str(answer["version"]),
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
    "described": "cannot read",
    "verify": "damaged:",
    "fold": "cannot close",
}


def _in_use(error: Failed, where: str) -> Refused:
    return Refused(error.message, f"stop the application on {where} first, then try again")


def _by_program(host: LiveHost, work: str, *paths: str) -> dict[str, Any]:
    """As `sqlite_there`, by the sqlite3 program of a live server without python3."""
    name = host.name
    if work == "snapshot":
        return _snapshot_by_program(host, *paths)
    statements = {
        "verify": ["PRAGMA integrity_check(3)"],
        "fold": ["PRAGMA busy_timeout = 0", "PRAGMA wal_checkpoint(TRUNCATE)", "BEGIN EXCLUSIVE"],
    }
    output = _sqlite3(host, paths[0], *statements[work])
    if work == "verify" and output.strip() != "ok":
        return {"refusal": f"integrity_check: {output.strip()}"}
    if work == "fold" and output.split("|")[0].strip() not in {"0", "0\n0"}:
        return {"refusal": f"it is in use on {name}"}
    return {}


def _snapshot_by_program(host: LiveHost, path: str, to: str) -> dict[str, Any]:
    host.remove(to)
    quoted = "'" + to.replace("'", "''") + "'"
    # Inside a read transaction other connections' commits do not make the backup start anew.
    output = _sqlite3(
        host,
        path,
        "SELECT strftime('%s', 'now')",
        "BEGIN",
        "SELECT count(*) FROM sqlite_master",
        f".backup main {quoted}",
        "PRAGMA user_version",
    ).split()
    found = host.stat(to)
    if found is None or len(output) < 3:
        return {"refusal": "sqlite3 wrote no backup"}
    return {
        "as_of": float(output[0]),
        "size_bytes": found.size_bytes,
        "sha256": host.sha256(to),
        "version": output[-1],
    }


def _sqlite3(host: LiveHost, path: str, *statements: str) -> str:
    ended = host.run(["sqlite3", "-batch", "-bail", path, *statements], timeout_s=_TIMEOUT_S)
    if ended.exit_status == _NOT_FOUND:
        raise Refused(
            f"{host.name} has neither python3 nor sqlite3, and a plain copy of a database in use "
            "is no snapshot",
            f"install one of them on {host.name}",
        )
    if ended.exit_status:
        raise Failed(
            f"sqlite3 on {host.name}: {ended.last_error_line}", f"try it by hand on {host.name}"
        )
    return ended.stdout.decode("utf-8", "replace")

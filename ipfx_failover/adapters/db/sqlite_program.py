"""The works of `sqlite_there` by the sqlite3 program, for a live server without python3."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from ipfx_failover.errors import Failed, Refused
from ipfx_failover.livehost import parent

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfx_failover.livehost import LiveHost

_NOT_FOUND = 127
_TIMEOUT_S = 6 * 3600.0
_BUSY_MS = 300_000
_LOOK_BUSY_MS = 5000
_SCHEMA = (
    "SELECT hex(coalesce(group_concat(sql), '')) FROM (SELECT sql FROM sqlite_master ORDER BY name)"
)
_NOW = "SELECT (julianday('now') - 2440587.5) * 86400.0"


def by_program(host: LiveHost, work: str, *paths: str) -> dict[str, Any]:
    """Do one of `sqlite_there.WORKS`; the answer is of the same form.

    Raises:
        Refused: there is no sqlite3 either.
        Failed: sqlite3 says no.
    """
    works: dict[str, Callable[..., dict[str, Any]]] = {
        "snapshot": _snapshot,
        "verify": _verify,
        "fold": _fold,
        "look": _look,
    }
    return works[work](host, *paths)


def _snapshot(host: LiveHost, path: str, to: str) -> dict[str, Any]:
    if host.stat(path) is None:
        # The program would make an empty one.
        return {"refusal": "there is no such file"}
    # An empty file that its owner alone can read: whatever the umask is, so will the copy be.
    host.write_file(to, [])
    lines = _sqlite3(
        host,
        path,
        f".timeout {_BUSY_MS}",
        _NOW,
        # Inside a read transaction other connections' commits do not make the backup start anew.
        "BEGIN",
        "PRAGMA user_version",
        _SCHEMA,
        f".backup main {_argument(to)}",
        "ROLLBACK",
        _NOW,
    )
    found = host.stat(to)
    if found is None or len(lines) != 4:
        return {"refusal": "sqlite3 wrote no backup"}
    began, number, schema, ended = lines
    hashed = hashlib.sha256(bytes.fromhex(schema)).hexdigest()[:12]
    return {
        "age_s": float(ended) - float(began),
        "size_bytes": found.size_bytes,
        "sha256": host.sha256(to),
        "version": f"{number}/{hashed}",
    }


def _verify(host: LiveHost, path: str) -> dict[str, Any]:
    answer = _sqlite3(host, path, "PRAGMA integrity_check(3)")
    if answer != ["ok"]:
        return {"refusal": f"integrity_check: {'; '.join(answer)}"}
    return {}


def _fold(host: LiveHost, path: str) -> dict[str, Any]:
    if host.stat(path) is None:
        return {"absent": True}
    # In this mode even an idle connection of somebody else, in WAL mode, is in the way.
    statements = ("PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA locking_mode = EXCLUSIVE")
    checkpoint, *_ = _sqlite3(host, path, *statements, "BEGIN EXCLUSIVE", "ROLLBACK")
    wal = host.stat(f"{path}-wal")
    if not checkpoint.startswith("0|") or (wal is not None and wal.size_bytes):
        return {"refusal": "its -wal file cannot be folded in: somebody uses it"}
    users = host.run(["fuser", path], timeout_s=_TIMEOUT_S).stdout.decode().split()
    if users:
        return {"refusal": f"it is open in process {', '.join(users)}"}
    return {"absent": False}


def _look(host: LiveHost, path: str) -> dict[str, Any]:
    (version,) = _sqlite3(host, ":memory:", "SELECT sqlite_version()")
    answer: dict[str, Any] = {"program": f"SQLite {version}"}
    found = host.stat(path)
    if found is None:
        # The program would make an empty one.
        return {**answer, "problem": "there is no such file"}
    count = "SELECT count(*) FROM sqlite_master WHERE type = 'table'"
    try:
        (tables,) = _sqlite3(host, path, f".timeout {_LOOK_BUSY_MS}", count)
    except Failed as error:
        return {**answer, "problem": error.message}
    # What takes its place is to have the same owner.
    may_write = _is_so(host, "-w", path) and _is_so(host, "-w", parent(path))
    is_root = host.run(["id", "-u"], timeout_s=_TIMEOUT_S).stdout.strip() == b"0"
    may_write = may_write and (is_root or _is_so(host, "-O", path))
    size_bytes = found.size_bytes
    return {**answer, "size_bytes": size_bytes, "tables": int(tables), "may_write": may_write}


def _is_so(host: LiveHost, question: str, path: str) -> bool:
    """What test(1) says of a path."""
    return host.run(["test", question, path], timeout_s=_TIMEOUT_S).exit_status == 0


def _argument(path: str) -> str:
    """A path as an argument of one of sqlite3's dot-commands, which know C's escapes only."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _sqlite3(host: LiveHost, path: str, *statements: str) -> list[str]:
    # -init: whatever the account's ~/.sqliterc says would show in the answer.
    command = ["sqlite3", "-batch", "-bail", "-init", "/dev/null", path, *statements]
    ended = host.run(command, timeout_s=_TIMEOUT_S)
    if ended.exit_status == _NOT_FOUND:
        raise Refused(
            f"{host.name} has neither python3 nor sqlite3, and a plain copy of a database in use "
            "is no snapshot",
            f"install one of them on {host.name}",
        )
    if ended.exit_status:
        raise Failed(
            f"sqlite3 on {host.name}, {path}: {ended.last_error_line}",
            f"try it by hand on {host.name}",
        )
    return ended.stdout.decode("utf-8", "replace").split("\n")[:-1]

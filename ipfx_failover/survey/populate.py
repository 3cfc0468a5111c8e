"""What of a live server's settings can be found on it (manual, "Server Details": Auto Populate)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ipfx_failover.errors import Failed
from ipfx_failover.livehost import base_name, parent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ipfx_failover.livehost import LiveHost

ROOTS: Final = (
    "/VM",
    "/vm",
    "/opt",
    "/srv",
    "/data",
    "/usr/local",
    "/var/lib",
    "/var/opt",
    "/home",
)
"""Where applications keep their data, on the systems that sqlite is used on."""

_SUBDIRECTORIES: Final = frozenset({"extn", "custom", "mail", "music", "upload"})
"""Of a VM directory (manual, "File inclusions"); two of them make one."""
_FEWEST: Final = 2
_TIMEOUT_S: Final = 120.0
_OURS: Final = (".ipfx-failover", ".before-")
"""In the names of what we made there ourselves."""

# Arguments: directories. A header says what is a SQLite database (its file format, 1.3), whatever
# its name is; empty and tiny files are none. What cannot be read is not found.
_SCRIPT: Final = r"""
LC_ALL=C
export LC_ALL
for root; do
  [ -d "$root" ] || continue
  find -H "$root" -maxdepth 7 \
    \( -path /var/lib/docker -o -path /var/lib/containerd -o -path /proc \) -prune -o \
    -type d \( -iname extn -o -iname custom -o -iname mail -o -iname music -o -iname upload \) \
    -exec printf 'v%s\0' {} \; -o \
    -type f -size +1 \( -iname '*.db' -o -iname '*.db3' -o -iname '*.sqlite' \
      -o -iname '*.sqlite3' -o -iname '*.dat' \) -exec sh -c '
        for file; do
          [ "$(head -c 15 -- "$file" | tr -d "\0")" = "SQLite format 3" ] &&
            printf "d%s\0" "$file"
        done' sh {} + 2>/dev/null
done
exit 0
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A SQLite database that was found."""

    path: str
    size_bytes: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, the most likely first."""

    databases: tuple[Candidate, ...]
    vm_dirs: tuple[str, ...]


def find_out(host: LiveHost, roots: Sequence[str], catalog: str) -> Found:
    """Look below the directories for databases and VM directories; nothing is changed.

    Raises:
        Unreachable: the server is lost.
        Failed: its shell does not work, or it takes longer than two minutes.
    """
    ended = host.run(["sh", "-c", _SCRIPT, "sh", *dict.fromkeys(roots)], timeout_s=_TIMEOUT_S)
    if ended.exit_status:
        raise Failed(
            f"{host.name} cannot be searched: {ended.last_error_line}",
            f"give its settings by hand: ipfx-failover server edit {host.name} KEY=VALUE",
        )
    records = set(ended.stdout.decode("utf-8", "surrogateescape").split("\0"))
    vm_dirs = _vm_dirs(record[1:] for record in records if record.startswith("v"))
    paths = sorted(record[1:] for record in records if record.startswith("d"))
    databases = [_candidate(host, path) for path in paths if not _is_ours(path)]
    ranked = sorted(databases, key=lambda each: _rank(each, catalog, vm_dirs))
    return Found(tuple(ranked), vm_dirs)


def _vm_dirs(subdirectories: Iterable[str]) -> tuple[str, ...]:
    """The directories with at least two of a VM directory's own, those with most first."""
    inside: dict[str, set[str]] = {}
    for path in subdirectories:
        inside.setdefault(parent(path), set()).add(base_name(path).casefold())
    likely = [path for path, names in inside.items() if len(names & _SUBDIRECTORIES) >= _FEWEST]
    return tuple(sorted(likely, key=lambda path: (-len(inside[path]), len(path), path)))


def _candidate(host: LiveHost, path: str) -> Candidate:
    found = host.stat(path)
    return Candidate(path, found.size_bytes if found else 0, found.mtime_ns if found else 0)


def _is_ours(path: str) -> bool:
    return any(mark in path for mark in _OURS)


def _rank(database: Candidate, catalog: str, vm_dirs: tuple[str, ...]) -> tuple[bool, bool, int]:
    """Named as the catalog; below a VM directory; lately written."""
    stem = base_name(database.path).partition(".")[0]
    is_inside = any(database.path.startswith(f"{path}/") for path in vm_dirs)
    return stem.casefold() != catalog.casefold(), not is_inside, -database.mtime_ns

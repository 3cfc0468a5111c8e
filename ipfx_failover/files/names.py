"""PURE: which files are kept in sync, and which names are safe to write down on another machine.

Paths are relative to the VM directory and use `/`. What the other side calls a file is never
trusted: it may be a hostile name, or an honest one that this system cannot hold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

OWN_PREFIX = ".ipfx-failover"
"""Whatever starts with this belongs to us and is never synced."""
MARKER = OWN_PREFIX
"""A file in the root that shows that the right disk is mounted there."""
TRASH = f"{OWN_PREFIX}-trash"
"""Directory in the root that keeps what a sync deleted or overwrote."""
TEMPORARY_PREFIX = f"{OWN_PREFIX}-tmp-"
DATABASE_DIRECTORY = "db"
"""Directory in the root that holds databases and their backups: copying one in use breaks it."""

# Most names are like this, and are looked at every two seconds.
_PLAIN = re.compile(r"[\w-][\w. -]*(?:/[\w-][\w. -]*)*", re.ASCII)
_UNSAFE = re.compile(
    r"""
    (?P<control> [\x00-\x1f\x7f-\x9f] )
  | (?P<backslash> \\ )
  | (?P<undecoded> [\ud800-\udfff] )
  | (?P<outside> (?:^|/)\.{1,2}(?:/|$) | ^/ | // | /$ | ^$ )
  | (?P<drive> ^[A-Za-z]: )
    """,
    re.VERBOSE,
)
_UNSAFE_ON_WINDOWS = re.compile(
    r"""
    (?P<character> [<>:"|?*] )
  | (?P<ending> [. ](?:/|$) )
  | (?P<reserved>
      (?:^|/) (?: con | prn | aux | nul | conin\$ | conout\$ | (?:com|lpt)[0-9\xb9\xb2\xb3] )
      [ ]* (?:\.[^/]*)? (?:/|$)
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_WHY = {
    "control": "its name has a control character",
    "backslash": "its name has a backslash",
    "undecoded": "its name is not UTF-8",
    "outside": "its name leads out of the directory",
    "drive": "its name starts like a drive",
    "character": "Windows does not allow its name",
    "ending": "Windows cuts the dot or space off the end of its name",
    "reserved": "its name means a device on Windows",
}
REFUSALS = frozenset(_WHY.values())
"""All that `refusal` answers."""
_REMEMBERED_DIRECTORIES = 20_000
_NOT_PRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def refusal(path: str, *, windows: bool) -> str | None:
    """Why a relative path must not be used; None when it is safe.

    Args:
        path: as the other side names it.
        windows: whether one of the two sides is Windows.
    """
    if not windows and _PLAIN.fullmatch(path):
        return None
    found = _UNSAFE.search(path)
    if found is None and windows:
        found = _UNSAFE_ON_WINDOWS.search(path)
    return _WHY[found.lastgroup or "outside"] if found else None


def printable(path: str) -> str:
    """A path that is safe to show on a terminal."""
    return _NOT_PRINTABLE.sub(lambda found: f"\\x{ord(found.group()):02x}", path)


def is_own(name: str) -> bool:
    """Whether a file or directory name is one of ours."""
    return name.startswith(".") and name.casefold().startswith(OWN_PREFIX)


def is_temporary(name: str) -> bool:
    """Whether a file name is that of an unfinished copy."""
    return name.startswith(TEMPORARY_PREFIX)


class InclusionRow(Protocol):
    """A row of the file inclusion table (manual, "File replication")."""

    @property
    def dir(self) -> str: ...
    @property
    def patterns(self) -> Sequence[str]: ...
    @property
    def recursive(self) -> bool: ...


@dataclass(frozen=True)
class _Row:
    directory: str
    patterns: tuple[str, ...]
    recursive: bool

    @cached_property
    def names(self) -> re.Pattern[str]:
        return re.compile("|".join(map(_translated, self.patterns)), re.IGNORECASE | re.DOTALL)

    @cached_property
    def takes_all(self) -> bool:
        return "*" in self.patterns or "*.*" in self.patterns

    def covers(self, directory: str) -> bool:
        if directory == self.directory:
            return True
        below = f"{self.directory}/" if self.directory else ""
        return self.recursive and directory.startswith(below)


def _translated(pattern: str) -> str:
    # As Windows has it, `*.*` means every file, with or without a dot.
    text = "*" if pattern == "*.*" else pattern
    wild = {"*": ".*", "?": "."}
    return "".join(wild.get(character) or re.escape(character) for character in text) + r"\Z"


class Selection:
    """Tells which files the inclusion table means; patterns are without regard to case."""

    def __init__(self, rows: Iterable[InclusionRow]) -> None:
        self._rows = tuple(_Row(row.dir, tuple(row.patterns), row.recursive) for row in rows)
        self._by_directory: dict[str, tuple[_Row, ...]] = {}

    @cached_property
    def starts(self) -> tuple[tuple[str, bool], ...]:
        """Where a listing has to begin, and whether it goes on below; none covers another."""
        wanted: dict[str, bool] = {}
        for row in self._rows:
            wanted[row.directory] = wanted.get(row.directory, False) or row.recursive
        return tuple(
            (directory, recursive)
            for directory, recursive in sorted(wanted.items())
            if not any(
                other != directory
                and wanted[other]
                and _Row(other, (), recursive=True).covers(directory)
                for other in wanted
            )
        )

    def leads_to(self, path: str) -> bool:
        """Whether a directory that is wanted lies below this path."""
        return any(row.directory.startswith(f"{path}/") for row in self._rows)

    def includes_directory(self, path: str) -> bool:
        """Whether files of this directory may be wanted."""
        return bool(self._covering(path))

    def includes_file(self, path: str) -> bool:
        """Whether this file is wanted; its directory has passed `includes_directory`."""
        directory, _, name = path.rpartition("/")
        wanted = self._by_directory.get(directory) or self._covering(directory)
        if not wanted or is_own(name):
            return False
        return any(row.takes_all or row.names.match(name) for row in wanted)

    def _covering(self, directory: str) -> tuple[_Row, ...]:
        known = self._by_directory.get(directory)
        if known is None:
            known = tuple(row for row in self._rows if row.covers(directory))
            if _has_own_part(directory):
                known = ()
            if len(self._by_directory) > _REMEMBERED_DIRECTORIES:
                self._by_directory.clear()
            self._by_directory[directory] = known
        return known


def _has_own_part(directory: str) -> bool:
    parts = directory.split("/")
    return parts[0].casefold() == DATABASE_DIRECTORY or any(map(is_own, parts))

"""PURE: what a directory tree holds at one moment, as far as the inclusion table wants it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ipfx_failover.files import names
from ipfx_failover.livehost import FileStat, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ipfx_failover.files.names import Selection

LINK = "a link, which is not followed"
_FILE = Kind.FILE
"""To name an enum's member takes longer than all else that is done with a file (Python 3.11)."""
FUTURE_NS = 60 * 1_000_000_000
"""An mtime further ahead than that was set by hand, not by a write that is going on."""


class Stamp(NamedTuple):
    """By what a file is taken to be unchanged."""

    size_bytes: int
    mtime_ns: int


class Skipped(NamedTuple):
    """Something that was not synced, and why."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{names.printable(self.path)}: {self.reason}"


@dataclass(frozen=True)
class Listing:
    """One look at a tree."""

    files: dict[str, Stamp]
    directories: frozenset[str]
    skipped: tuple[Skipped, ...]
    """By rule: links, devices, names that are not safe. Nothing there is ever deleted."""
    unreadable: tuple[Skipped, ...]
    """Directories that could not be listed. Nothing there is ever deleted."""
    leftovers: tuple[str, ...]
    """Unfinished copies of a run that was killed."""
    taken_at_ns: int
    """When the look began, by the clock that also stamps the files."""
    blur_ns: int
    """A file may change again within this time and keep its mtime."""
    fingerprint: bytes = b""
    """Equal fingerprints: nothing has changed between two looks."""

    def is_blurred(self, stamp: Stamp) -> bool:
        """Whether the file was written so lately that a further write may not show in its mtime."""
        age_ns = self.taken_at_ns - stamp.mtime_ns
        return -FUTURE_NS < age_ns < self.blur_ns


class ListingBuilder:
    """Sorts what an adapter finds into a `Listing`; every adapter's names pass through here."""

    def __init__(self, selection: Selection, *, windows: bool) -> None:
        """`windows`: whether names that Windows cannot hold are to be left out."""
        self.selection = selection
        self.unreadable: list[Skipped] = []
        self._windows = windows
        self._found: list[tuple[str, int, int]] = []
        self._files: dict[str, Stamp] = {}
        self._directories: set[str] = set()
        self._skipped: list[Skipped] = []
        self._leftovers: list[str] = []

    def add(self, path: str, kind: Kind, size_bytes: int, mtime_ns: int) -> bool:
        """Take note of one name; returns whether it is a directory to look into."""
        if kind is _FILE:
            if path != names.MARKER:
                self._found.append((path, size_bytes, mtime_ns))
            return False
        if kind is Kind.DIRECTORY:
            return self.add_directory(path)
        if self._is_in_the_way(path):
            self.skip(path, LINK if kind is Kind.LINK else "neither file nor directory")
        return False

    def add_directory(self, path: str) -> bool:
        """Take note of a directory; returns whether to look into it."""
        if not self.selection.includes_directory(path):
            return False
        if path and not self._is_safe(path):
            return False
        if path:
            self._directories.add(path)
        return True

    def discard_directory(self, path: str) -> None:
        """It has gone since it was added."""
        self._directories.discard(path)

    def skip(self, path: str, reason: str) -> None:
        """Take note of something that is there and is not synced."""
        self._skipped.append(Skipped(path, reason))

    def build(
        self, *, taken_at_ns: int, blur_ns: int, fingerprint: bytes = b"", unless: bytes = b""
    ) -> Listing | None:
        """The listing; without a `fingerprint`, one is made from all that was found.

        None when the fingerprint is the same as `unless`: most looks end here, so that it is made
        before the names are looked at one by one.
        """
        fingerprint = fingerprint or self._fingerprint()
        if fingerprint == unless:
            return None
        for found in self._found:
            self._add_file(*found)
        return Listing(
            self._files,
            frozenset(self._directories),
            tuple(sorted(set(self._skipped))),
            tuple(sorted(self.unreadable)),
            tuple(self._leftovers),
            taken_at_ns,
            blur_ns,
            fingerprint,
        )

    def _add_file(self, path: str, size_bytes: int, mtime_ns: int) -> None:
        if self.selection.includes_file(path):
            if self._is_safe(path):
                self._files[path] = Stamp(size_bytes, mtime_ns)
            return
        directory, _, name = path.rpartition("/")
        if names.is_temporary(name) and self.selection.includes_directory(directory):
            self._leftovers.append(path)

    def _is_in_the_way(self, path: str) -> bool:
        selection = self.selection
        return (
            selection.includes_directory(path)
            or selection.includes_file(path)
            or selection.leads_to(path)
        )

    def _is_safe(self, path: str) -> bool:
        reason = names.refusal(path, windows=self._windows)
        if reason is not None:
            self.skip(path, reason)
        return reason is None

    def _fingerprint(self) -> bytes:
        # It never leaves this process. Of 2^64 values two are hardly ever alike, and whoever
        # compares them looks afresh every few minutes; a digest takes five times as long.
        found = hash((tuple(self._found), frozenset(self._directories)))
        others = (tuple(self._skipped), tuple(self.unreadable))
        return hash((found, others)).to_bytes(8, "big", signed=True)


def walk(
    builder: ListingBuilder,
    list_directory: Callable[[str], Iterable[tuple[str, FileStat]]],
    stat: Callable[[str], FileStat | None],
) -> None:
    """Fill `builder` by listing one directory after the other; links are not followed.

    Args:
        builder: what to look for, and where the findings go.
        list_directory: the names in a directory; raises OSError where that cannot be had.
        stat: what a path is (not following a link); None when there is nothing.
    """
    for start, recursive in builder.selection.starts:
        if _begins(builder, start, stat):
            pending = [start]
            while pending:
                pending += _look_into(builder, pending.pop(), list_directory, recursive=recursive)


def _begins(builder: ListingBuilder, start: str, stat: Callable[[str], FileStat | None]) -> bool:
    # Each part of `Upload/Ext` may be a link that leads elsewhere.
    parts = start.split("/") if start else []
    for depth in range(1, len(parts) + 1):
        path = "/".join(parts[:depth])
        found = stat(path)
        if found is None:
            return False
        if found.kind is not Kind.DIRECTORY:
            builder.skip(path, "not a directory" if found.kind is not Kind.LINK else LINK)
            return False
    return builder.add_directory(start)


def _look_into(
    builder: ListingBuilder,
    directory: str,
    list_directory: Callable[[str], Iterable[tuple[str, FileStat]]],
    *,
    recursive: bool,
) -> list[str]:
    below = []
    prefix = f"{directory}/" if directory else ""
    try:
        for name, (kind, size_bytes, mtime_ns) in list_directory(directory):
            path = prefix + name
            if builder.add(path, kind, size_bytes, mtime_ns) and recursive:
                below.append(path)
    except FileNotFoundError:
        # Removed since its parent was listed.
        builder.discard_directory(directory)
    except OSError as error:
        builder.unreadable.append(Skipped(directory, f"cannot be listed: {error.strerror}"))
    return below

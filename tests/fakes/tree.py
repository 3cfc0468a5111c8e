"""A directory tree in memory, with faults on demand."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ipfx_failover.errors import Failed
from ipfx_failover.files import names
from ipfx_failover.files.listing import ListingBuilder, Skipped, Stamp, walk
from ipfx_failover.files.plan import same
from ipfx_failover.files.ports import CHANGED, Incoming, Placed, SourceProblem, Staged
from ipfx_failover.livehost import FileStat, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ipfx_failover.files.listing import Listing
    from ipfx_failover.files.names import Selection
    from ipfx_failover.files.values import Copy

SECOND_NS = 1_000_000_000


class Killed(BaseException):
    """The process was killed; nothing catches this."""


@dataclass
class File:
    content: bytes
    mtime_ns: int


@dataclass
class FakeTree:
    """What a disk would hold. `now_ns` is the clock that stamps its files."""

    location: str = "fake:/vm"
    windows: bool = False
    there: bool = True
    now_ns: int = 1_700_000_000 * SECOND_NS
    blur_ns: int = 50_000_000
    files: dict[str, File] = field(default_factory=dict)
    directories: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)
    changing: set[str] = field(default_factory=set)
    """Files that something writes to whenever they are read."""
    capacity_bytes: int = 1 << 40
    changes_until_killed: int | None = None
    looks: int = 0
    _temporary: Iterator[int] = field(default_factory=itertools.count)

    def write(self, path: str, content: bytes, mtime_ns: int | None = None) -> None:
        """What an application does: write a file, directories included."""
        self._make_parents(path)
        self.files[path] = File(content, self.now_ns if mtime_ns is None else mtime_ns)

    def contents(self) -> dict[str, bytes]:
        """All files but our own."""
        return {
            path: file.content
            for path, file in self.files.items()
            if not any(map(names.is_own, path.split("/")))
        }

    def trash(self) -> dict[str, bytes]:
        """What the trash keeps, by original path."""
        return {
            path.split("/", 2)[2]: file.content
            for path, file in self.files.items()
            if path.startswith(f"{names.TRASH}/")
        }

    def close(self) -> None:
        pass

    def is_there(self) -> bool:
        return self.there

    def has_marker(self) -> bool:
        return names.MARKER in self.files

    def prepare(self) -> None:
        self._change()
        self.there = True
        self.files.setdefault(names.MARKER, File(b"", self.now_ns))

    def look(self, selection: Selection, *, windows: bool, unless: bytes = b"") -> Listing | None:
        self.looks += 1
        builder = ListingBuilder(selection, windows=windows)
        walk(builder, self._list, self._stat)
        return builder.build(taken_at_ns=self.now_ns, blur_ns=self.blur_ns, unless=unless)

    def _stat(self, path: str) -> FileStat | None:
        if path in self.links:
            return FileStat(Kind.LINK, 0, 0)
        if path in self.directories or path == "":
            return FileStat(Kind.DIRECTORY, 0, 0)
        if path in self.files:
            file = self.files[path]
            return FileStat(Kind.FILE, len(file.content), file.mtime_ns)
        return None

    def _list(self, directory: str) -> list[tuple[str, FileStat]]:
        if directory in self.unreadable:
            raise PermissionError(13, "Permission denied")
        found = []
        for path in sorted({*self.files, *self.directories, *self.links}):
            above, _, name = path.rpartition("/")
            if above == directory and (stat := self._stat(path)):
                found.append((name, stat))
        return found

    def read(self, copies: Sequence[Copy]) -> Iterator[Incoming]:
        return (Incoming(copy, self._pieces(copy)) for copy in copies)

    def _pieces(self, copy: Copy) -> Iterator[bytes]:
        file = self.files.get(copy.path)
        if file is None or copy.path in self.unreadable:
            raise SourceProblem("cannot be read: Permission denied")
        self._check(file, copy.stamp)
        middle = len(file.content) // 2
        yield file.content[:middle]
        if copy.path in self.changing:
            file.content, file.mtime_ns = file.content + b"+", file.mtime_ns + SECOND_NS
        yield file.content[middle:]
        self._check(file, copy.stamp)

    def _check(self, file: File, stamp: Stamp) -> None:
        if not same(Stamp(len(file.content), file.mtime_ns), stamp):
            raise SourceProblem(CHANGED)

    def stage(self, incoming: Iterable[Incoming]) -> list[Staged | Skipped]:
        results: list[Staged | Skipped] = []
        staged: list[Staged] = []
        try:
            for one in incoming:
                outcome = self._stage(one)
                results.append(outcome)
                if isinstance(outcome, Staged):
                    staged.append(outcome)
        except Exception:
            self.remove_leftovers([one.temporary for one in staged])
            raise
        return results

    def _stage(self, incoming: Incoming) -> Staged | Skipped:
        directory, _, _ = incoming.copy.path.rpartition("/")
        name = f"{names.TEMPORARY_PREFIX}{next(self._temporary)}"
        path = f"{directory}/{name}" if directory else name
        if directory and directory not in self.directories:
            return Skipped(incoming.copy.path, "cannot be written: no such directory")
        self._change()
        file = self.files[path] = File(b"", self.now_ns)
        try:
            for piece in incoming.chunks:
                file.content += piece
                if (self.free_bytes() or 0) < 0:
                    raise Failed("the disk that holds fake:/vm is full", "free some space")
        except SourceProblem as problem:
            del self.files[path]
            return Skipped(incoming.copy.path, problem.reason)
        except Exception:
            del self.files[path]
            raise
        file.mtime_ns = incoming.copy.stamp.mtime_ns
        return Staged(incoming.copy, path)

    def place(self, staged: Sequence[Staged], trash: str) -> list[Placed | Skipped]:
        return [self._place(one, trash) for one in staged]

    def _place(self, staged: Staged, trash: str) -> Placed | Skipped:
        path, expected = staged.copy.path, staged.copy.replaces
        there = self.files.get(path)
        stamp = Stamp(len(there.content), there.mtime_ns) if there else None
        if stamp != expected or path in self.links or path in self.directories:
            del self.files[staged.temporary]
            return Skipped(path, "its name has been taken by something else meanwhile")
        if staged.copy.keep_old and there is not None:
            self._change()
            kept = f"{names.TRASH}/{trash}/{path}"
            self._make_parents(kept)
            self.files[kept] = there
        self._change()
        file = self.files[path] = self.files.pop(staged.temporary)
        return Placed(staged.copy, Stamp(len(file.content), file.mtime_ns))

    def make_directories(self, paths: Sequence[str]) -> list[Skipped]:
        for path in paths:
            self._change()
            self._make_parents(f"{path}/")
        return []

    def _make_parents(self, path: str) -> None:
        parts = path.split("/")[:-1]
        self.directories.update("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))

    def move_to_trash(self, paths: Sequence[str], trash: str) -> list[Skipped]:
        for path in paths:
            self._change()
            kept = f"{names.TRASH}/{trash}/{path}"
            self._make_parents(kept)
            if path in self.files:
                self.files[kept] = self.files.pop(path)
        return []

    def remove_empty(self, directories: Sequence[str]) -> None:
        for path in directories:
            if not any(other.startswith(f"{path}/") for other in {*self.files, *self.directories}):
                self._change()
                self.directories.discard(path)

    def remove_leftovers(self, paths: Sequence[str]) -> None:
        for path in paths:
            self._change()
            self.files.pop(path, None)

    def trash_names(self) -> list[str]:
        return sorted(
            {path.split("/")[1] for path in self.files if path.startswith(f"{names.TRASH}/")}
        )

    def purge(self, trash_name: str) -> None:
        for path in list(self.files):
            if path.startswith(f"{names.TRASH}/{trash_name}/"):
                self._change()
                del self.files[path]

    def free_bytes(self) -> int | None:
        return self.capacity_bytes - sum(len(file.content) for file in self.files.values())

    def _change(self) -> None:
        if self.changes_until_killed is not None:
            if self.changes_until_killed == 0:
                raise Killed
            self.changes_until_killed -= 1

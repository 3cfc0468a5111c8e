"""A directory tree of this machine, or one that is mounted here, as a sync's source or target."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.adapters.confined import Confined, as_file_stat, confined, is_link
from ipfx_failover.adapters.paths import WINDOWS
from ipfx_failover.errors import Failed
from ipfx_failover.files import names
from ipfx_failover.files.listing import ListingBuilder, Skipped, Stamp, walk
from ipfx_failover.files.plan import same
from ipfx_failover.files.ports import CHANGED, Incoming, Placed, SourceProblem, Staged
from ipfx_failover.livehost import FileStat, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from ipfx_failover.files.listing import Listing
    from ipfx_failover.files.names import Selection
    from ipfx_failover.files.values import Copy

BLUR_NS = 50_000_000
"""Kernels stamp files by a clock that ticks every 1 to 16 ms."""
_PIECE_BYTES = 1 << 20
_FULL = {errno.ENOSPC, errno.EDQUOT}
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS}


class LocalTree:
    """The `Tree` port (ipfx_failover.files.ports) on directories that this machine can open."""

    def __init__(
        self, root: Path, *, windows: bool = WINDOWS, files: Confined | None = None
    ) -> None:
        self._root = root
        self._windows = windows
        self._files = files or confined(root)

    @property
    def location(self) -> str:
        return str(self._root)

    @property
    def windows(self) -> bool:
        return self._windows

    def close(self) -> None:
        """Nothing stays open between calls."""

    def is_there(self) -> bool:
        return self._root.is_dir()

    def has_marker(self) -> bool:
        return self._root.joinpath(names.MARKER).is_file()

    def prepare(self) -> None:
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            self._root.joinpath(names.MARKER).touch()
        except OSError as error:
            raise Failed(
                f"cannot write to {self._root}: {error.strerror}",
                "let the account that this runs as write there",
            ) from None

    def look(self, selection: Selection, *, windows: bool, unless: bytes = b"") -> Listing | None:
        builder = ListingBuilder(selection, windows=windows)
        taken_at_ns = round(SystemClock().now().timestamp() * 1e9)
        with self._files.remembering():
            walk(builder, self._list, self._stat)
        return builder.build(taken_at_ns=taken_at_ns, blur_ns=BLUR_NS, unless=unless)

    def _list(self, path: str) -> Iterator[tuple[str, FileStat]]:
        return ((name, as_file_stat(found)) for name, found in self._files.list(path))

    def _stat(self, path: str) -> FileStat | None:
        try:
            return as_file_stat(self._files.lstat(path))
        except FileNotFoundError:
            return None

    def read(self, copies: Sequence[Copy]) -> Iterator[Incoming]:
        with self._files.remembering():
            for copy in copies:
                yield Incoming(copy, self._pieces(copy))

    def _pieces(self, copy: Copy) -> Iterator[bytes]:
        try:
            descriptor = self._files.open(copy.path)
        except OSError as error:
            raise SourceProblem(f"cannot be read: {error.strerror}") from None
        try:
            _check_unchanged(descriptor, copy.stamp)
            while piece := os.read(descriptor, _PIECE_BYTES):
                yield piece
            _check_unchanged(descriptor, copy.stamp)
        except OSError as error:
            raise SourceProblem(f"cannot be read: {error.strerror}") from None
        finally:
            os.close(descriptor)

    def stage(self, incoming: Iterable[Incoming]) -> list[Staged | Skipped]:
        run = secrets.token_hex(8)
        results: list[Staged | Skipped] = []
        written: list[tuple[int, Staged]] = []
        with self._files.remembering():
            try:
                for number, one in enumerate(incoming):
                    outcome = self._write(one, f"{names.TEMPORARY_PREFIX}{run}-{number}")
                    if isinstance(outcome, Skipped):
                        results.append(outcome)
                    else:
                        written.append(outcome)
            except BaseException:
                self._throw_away(written)
                raise
            return results + self._sealed(written)

    def _write(self, incoming: Incoming, temporary: str) -> tuple[int, Staged] | Skipped:
        directory, _, _ = incoming.copy.path.rpartition("/")
        path = f"{directory}/{temporary}" if directory else temporary
        try:
            descriptor = self._files.create(path)
        except OSError as error:
            return self._skipped(incoming.copy.path, error)
        try:
            for piece in incoming.chunks:
                _write_all(descriptor, piece)
            self._files.hasten(descriptor)
        except BaseException as error:
            self._throw_away([(descriptor, Staged(incoming.copy, path))])
            if isinstance(error, SourceProblem):
                return Skipped(incoming.copy.path, error.reason)
            if isinstance(error, OSError):
                return self._skipped(incoming.copy.path, error)
            raise
        return descriptor, Staged(incoming.copy, path)

    def _sealed(self, written: list[tuple[int, Staged]]) -> list[Staged | Skipped]:
        results: list[Staged | Skipped] = []
        for descriptor, staged in written:
            try:
                self._files.seal(descriptor, staged.temporary, staged.copy.stamp.mtime_ns)
                results.append(staged)
            except OSError as error:
                self.remove_leftovers([staged.temporary])
                results.append(Skipped(staged.copy.path, f"cannot be written: {error.strerror}"))
        return results

    def _throw_away(self, written: Sequence[tuple[int, Staged]]) -> None:
        for descriptor, staged in written:
            os.close(descriptor)
            with suppress(OSError):
                self._files.unlink(staged.temporary)

    def _skipped(self, path: str, error: OSError) -> Skipped:
        if error.errno in _FULL:
            raise Failed(
                f"the disk that holds {self._root} is full",
                "free some space there, then sync again; what was copied so far is whole",
            )
        return Skipped(path, f"cannot be written: {error.strerror}")

    def place(self, staged: Sequence[Staged], trash: str) -> list[Placed | Skipped]:
        with self._files.remembering():
            return [self._place(one, trash) for one in staged]

    def _place(self, staged: Staged, trash: str) -> Placed | Skipped:
        path = staged.copy.path
        try:
            if staged.copy.replaces is None:
                self._give_free_name(staged.temporary, path)
            else:
                self._replace(staged, staged.copy.replaces, trash)
            found = self._files.lstat(path)
        except OSError as error:
            self.remove_leftovers([staged.temporary])
            return self._skipped(path, error)
        return Placed(staged.copy, Stamp(found.st_size, found.st_mtime_ns))

    def _give_free_name(self, temporary: str, path: str) -> None:
        try:
            self._files.link(temporary, path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if self._stat(path) is not None:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
            self._files.rename(temporary, path)
        else:
            self._files.unlink(temporary)

    def _replace(self, staged: Staged, expected: Stamp, trash: str) -> None:
        found = self._stat(staged.copy.path)
        if found is None or found.kind is not Kind.FILE:
            raise OSError(errno.EBUSY, "its name has been taken by something else meanwhile")
        if not same(Stamp(found.size_bytes, found.mtime_ns), expected):
            raise OSError(
                errno.EBUSY, "it changed at the target meanwhile; the next pass looks again"
            )
        if staged.copy.keep_old:
            self._keep(staged.copy.path, trash)
        self._files.rename(staged.temporary, staged.copy.path)

    def _keep(self, path: str, trash: str) -> None:
        kept = f"{names.TRASH}/{trash}/{path}"
        self._make_parents(kept)
        try:
            self._files.link(path, kept)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            self._files.rename(path, kept)

    def make_directories(self, paths: Sequence[str]) -> list[Skipped]:
        failed = []
        with self._files.remembering():
            for path in paths:
                try:
                    self._make_parents(f"{path}/")
                except OSError as error:
                    failed.append(self._skipped(path, error))
        return failed

    def _make_parents(self, path: str) -> None:
        parts = path.split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            directory = "/".join(parts[:depth])
            if self._stat(directory) is None:
                with suppress(FileExistsError):
                    self._files.mkdir(directory)

    def move_to_trash(self, paths: Sequence[str], trash: str) -> list[Skipped]:
        failed = []
        with self._files.remembering():
            for path in paths:
                kept = f"{names.TRASH}/{trash}/{path}"
                try:
                    self._make_parents(kept)
                    self._files.rename(path, kept)
                except FileNotFoundError:
                    continue
                except OSError as error:
                    failed.append(Skipped(path, f"cannot be removed: {error.strerror}"))
        return failed

    def remove_empty(self, directories: Sequence[str]) -> None:
        with self._files.remembering():
            for path in directories:
                with suppress(OSError):
                    self._files.rmdir(path)

    def remove_leftovers(self, paths: Sequence[str]) -> None:
        for path in paths:
            with suppress(OSError):
                self._files.unlink(path)

    def trash_names(self) -> list[str]:
        with self._files.remembering(), suppress(OSError):
            return [name for name, _ in self._files.list(names.TRASH)]
        return []

    def purge(self, trash_name: str) -> None:
        with self._files.remembering():
            self._remove_all(f"{names.TRASH}/{trash_name}")

    def _remove_all(self, path: str) -> None:
        for name, found in list(self._files.list(path)):
            below = f"{path}/{name}"
            with suppress(OSError):
                if stat.S_ISDIR(found.st_mode) and not is_link(found):
                    self._remove_all(below)
                else:
                    self._files.unlink(below)
        with suppress(OSError):
            self._files.rmdir(path)

    def free_bytes(self) -> int | None:
        return shutil.disk_usage(self._root).free


def _check_unchanged(descriptor: int, stamp: Stamp) -> None:
    found = os.fstat(descriptor)
    if not same(Stamp(found.st_size, found.st_mtime_ns), stamp):
        raise SourceProblem(CHANGED)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]

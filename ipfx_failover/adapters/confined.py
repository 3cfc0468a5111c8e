"""File operations that cannot leave a root directory, whatever links lie below it.

`ByDescriptor` opens each directory on the way from the root without following links, and works
relative to the last one: not even a link that appears meanwhile leads out (POSIX). `ByPath` looks
at each part of the way first, for systems without such calls (Windows: links and junctions).
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ipfx_failover.livehost import FileStat, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

_BINARY = getattr(os, "O_BINARY", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_REPARSE_POINT = 0x400
_HAS_REPARSE_POINTS = hasattr(os.stat_result, "st_file_attributes")
_KINDS = {stat.S_IFREG: Kind.FILE, stat.S_IFDIR: Kind.DIRECTORY, stat.S_IFLNK: Kind.LINK}
_OTHER = Kind.OTHER
_REMEMBERED = 64
# What FileStat(...) does, in a third of its time: each file is looked at all the time.
_file_stat = partial(tuple.__new__, FileStat)


class Confined(Protocol):
    """Paths are relative to the root and use `/`; "" is the root. All methods raise OSError."""

    def remembering(self) -> contextlib.AbstractContextManager[None]:
        """Within it, what is known of directories may be used again."""
        ...

    def lstat(self, path: str) -> os.stat_result: ...
    def list(self, path: str) -> Iterator[tuple[str, os.stat_result]]: ...
    def open(self, path: str) -> int:
        """Open a file for reading."""
        ...

    def create(self, path: str) -> int:
        """Make a new file and open it for writing; it gets the owner of its directory."""
        ...

    def hasten(self, descriptor: int) -> None:
        """Have the system begin to write a file to the disk, without waiting for it."""
        ...

    def seal(self, descriptor: int, path: str, mtime_ns: int) -> None:
        """Flush a created file to the disk, give it its mtime and close it, errors or not."""
        ...

    def rename(self, path: str, to: str) -> None:
        """Over whatever is there."""
        ...

    def link(self, path: str, to: str) -> None: ...
    def unlink(self, path: str) -> None: ...
    def mkdir(self, path: str) -> None:
        """One directory; it gets the owner of its parent."""
        ...

    def rmdir(self, path: str) -> None: ...


def confined(root: Path) -> Confined:
    """The safest way that this system has."""
    return ByDescriptor(root) if os.open in os.supports_dir_fd else ByPath(root)


def _split(path: str) -> tuple[str, str]:
    directory, _, name = path.rpartition("/")
    return directory, name


def _inherits_owner() -> bool:
    # The application's files shall stay the application's when root brings them.
    return hasattr(os, "geteuid") and os.geteuid() == 0


class ByDescriptor:
    """Relative to directories that were opened without following links."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._opened: dict[str, int] = {}

    @contextlib.contextmanager
    def remembering(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._forget()

    def lstat(self, path: str) -> os.stat_result:
        directory, name = _split(path)
        parent = self._directory(directory)
        return os.stat(name or ".", dir_fd=parent, follow_symlinks=False)

    def list(self, path: str) -> Iterator[tuple[str, os.stat_result]]:
        with os.scandir(self._directory(path)) as entries:
            for entry in entries:
                try:
                    found = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # it has vanished since it was named
                yield entry.name, found

    def open(self, path: str) -> int:
        directory, name = _split(path)
        parent = self._directory(directory)
        # Without NONBLOCK, opening a named pipe waits for ever.
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=parent)

    def create(self, path: str) -> int:
        directory, name = _split(path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        parent = self._directory(directory)
        descriptor = os.open(name, flags, 0o666, dir_fd=parent)
        if _inherits_owner():
            above = os.fstat(parent)
            os.fchown(descriptor, above.st_uid, above.st_gid)
        return descriptor

    def hasten(self, descriptor: int) -> None:
        # Many files flushed one by one wait for the disk one by one; begun together, they share
        # its work. This is the one call in Python that begins it (not on macOS).
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

    def seal(self, descriptor: int, path: str, mtime_ns: int) -> None:
        del path
        try:
            os.utime(descriptor, ns=(mtime_ns, mtime_ns))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, path: str, to: str) -> None:
        (directory, name), (to_directory, to_name) = _split(path), _split(to)
        parent, to_parent = self._directory(directory), self._directory(to_directory)
        os.replace(name, to_name, src_dir_fd=parent, dst_dir_fd=to_parent)

    def link(self, path: str, to: str) -> None:
        (directory, name), (to_directory, to_name) = _split(path), _split(to)
        parent, to_parent = self._directory(directory), self._directory(to_directory)
        os.link(name, to_name, src_dir_fd=parent, dst_dir_fd=to_parent, follow_symlinks=False)

    def unlink(self, path: str) -> None:
        directory, name = _split(path)
        parent = self._directory(directory)
        os.unlink(name, dir_fd=parent)

    def mkdir(self, path: str) -> None:
        directory, name = _split(path)
        parent = self._directory(directory)
        os.mkdir(name, dir_fd=parent)
        if _inherits_owner():
            above = os.fstat(parent)
            os.chown(name, above.st_uid, above.st_gid, dir_fd=parent, follow_symlinks=False)

    def rmdir(self, path: str) -> None:
        directory, name = _split(path)
        self._forget()
        parent = self._directory(directory)
        os.rmdir(name, dir_fd=parent)

    def _directory(self, path: str) -> int:
        descriptor = self._opened.pop(path, None)
        if descriptor is None:
            descriptor = self._open_directory(path)
        self._opened[path] = descriptor
        if len(self._opened) > _REMEMBERED:
            # The one that was not used for longest; never one of the two that a rename needs.
            os.close(self._opened.pop(next(iter(self._opened))))
        return descriptor

    def _open_directory(self, path: str) -> int:
        descriptor = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        for name in path.split("/") if path else []:
            above = descriptor
            try:
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
                descriptor = os.open(name, flags, dir_fd=above)
            finally:
                os.close(above)
        return descriptor

    def _forget(self) -> None:
        while self._opened:
            os.close(self._opened.popitem()[1])


class ByPath:
    """By paths, after a look at each of their parts."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextlib.contextmanager
    def remembering(self) -> Iterator[None]:
        yield

    def lstat(self, path: str) -> os.stat_result:
        return self._way(path).lstat()

    def list(self, path: str) -> Iterator[tuple[str, os.stat_result]]:
        directory = self._way(path)
        _refuse_link(directory.lstat(), directory)
        with os.scandir(directory) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    # An entry's own stat is incomplete on Windows.
                    yield entry.name, Path(entry.path).lstat()

    def open(self, path: str) -> int:
        way = self._way(path)
        found = way.lstat()
        _refuse_link(found, way)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "not a file", str(way))
        return os.open(way, os.O_RDONLY | _BINARY | _NO_FOLLOW)

    def create(self, path: str) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY | _NO_FOLLOW
        return os.open(self._way(path), flags, 0o666)

    def hasten(self, descriptor: int) -> None:
        del descriptor

    def seal(self, descriptor: int, path: str, mtime_ns: int) -> None:
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        # Windows sets the time of the last write when the file is closed.
        os.utime(self._way(path), ns=(mtime_ns, mtime_ns))

    def rename(self, path: str, to: str) -> None:
        self._way(path).replace(self._way(to))

    def link(self, path: str, to: str) -> None:
        self._way(to).hardlink_to(self._way(path))

    def unlink(self, path: str) -> None:
        self._way(path).unlink()

    def mkdir(self, path: str) -> None:
        self._way(path).mkdir()

    def rmdir(self, path: str) -> None:
        self._way(path).rmdir()

    def _way(self, path: str) -> Path:
        parts = path.split("/") if path else []
        way = self._root
        for part in parts[:-1]:
            way /= part
            _refuse_link(way.lstat(), way)
        return way / parts[-1] if parts else way


def is_link(found: os.stat_result) -> bool:
    """Whether a name is a link of any kind: a symbolic link, or a Windows junction."""
    attributes = getattr(found, "st_file_attributes", 0)
    return stat.S_ISLNK(found.st_mode) or bool(attributes & _REPARSE_POINT)


def _refuse_link(found: os.stat_result, path: Path) -> None:
    if is_link(found):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


def as_file_stat(found: os.stat_result) -> FileStat:
    """What the system says of a name, in the terms of the ports."""
    kind = _KINDS.get(stat.S_IFMT(found.st_mode), _OTHER)
    if _HAS_REPARSE_POINTS and is_link(found):
        kind = Kind.LINK
    return _file_stat((kind, found.st_size, found.st_mtime_ns))

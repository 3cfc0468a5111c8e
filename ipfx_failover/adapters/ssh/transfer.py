"""Many files over one SFTP session: small ones in groups, each step of a group in one pipeline."""

from __future__ import annotations

import secrets
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.adapters.ssh import wire
from ipfx_failover.errors import Failed
from ipfx_failover.files import names
from ipfx_failover.files.listing import Skipped, Stamp
from ipfx_failover.files.plan import same
from ipfx_failover.files.ports import CHANGED, Incoming, SourceProblem, Staged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ipfx_failover.adapters.ssh.sftp import Reply, Sftp
    from ipfx_failover.files.values import Copy

GROUP_FILES = 128
GROUP_BYTES = 4 << 20
"""What a group may hold in memory."""


def in_groups(copies: Iterable[Copy], largest_bytes: int) -> Iterator[list[Copy]]:
    """Neighbouring small files together, each large one alone; the order stays."""
    group: list[Copy] = []
    group_bytes = 0
    for copy in copies:
        size_bytes = copy.stamp.size_bytes
        alone = size_bytes > largest_bytes
        if group and (alone or len(group) == GROUP_FILES or group_bytes + size_bytes > GROUP_BYTES):
            yield group
            group, group_bytes = [], 0
        if alone:
            yield [copy]
        else:
            group.append(copy)
            group_bytes += size_bytes
    if group:
        yield group


class SftpReader:
    """Gives the contents of files below `root`."""

    def __init__(self, sftp: Sftp, path_of: Callable[[str], bytes]) -> None:
        self._sftp = sftp
        self._path_of = path_of

    def read(self, copies: Sequence[Copy]) -> Iterator[Incoming]:
        for group in in_groups(copies, self._sftp.read_bytes):
            if group[0].stamp.size_bytes > self._sftp.read_bytes:
                yield Incoming(group[0], self._large(group[0]))
            else:
                yield from self._small(group)

    def _small(self, group: list[Copy]) -> Iterator[Incoming]:
        opened: list[tuple[Copy, bytes]] = []
        refused: dict[str, SourceProblem] = {}
        requests = (wire.open_file(self._path_of(copy.path), wire.OPEN_READ) for copy in group)
        for copy, reply in zip(group, self._sftp.pipeline(requests), strict=True):
            try:
                opened.append((copy, reply.string()))
            except OSError as error:
                refused[copy.path] = SourceProblem(f"cannot be read: {error.strerror}")
        contents = self._contents(opened)
        for copy in group:
            yield Incoming(copy, _given(refused.get(copy.path) or contents[copy.path]))

    def _contents(self, opened: list[tuple[Copy, bytes]]) -> dict[str, bytes | SourceProblem]:
        handles = [handle for _, handle in opened]
        reads = (wire.read(handle, 0, copy.stamp.size_bytes + 1) for copy, handle in opened)
        pieces = list(self._sftp.pipeline(reads))
        # As it was listed, also behind the reading: it did not change in between.
        looks = list(self._sftp.pipeline(wire.on(wire.FSTAT, handle) for handle in handles))
        for _ in self._sftp.pipeline(wire.on(wire.CLOSE, handle) for handle in handles):
            pass
        together = zip(opened, pieces, looks, strict=True)
        return {copy.path: _checked(copy.stamp, *replies) for (copy, _), *replies in together}

    def _large(self, copy: Copy) -> Iterator[bytes]:
        try:
            request = wire.open_file(self._path_of(copy.path), wire.OPEN_READ)
            handle = self._sftp.ask(request).string()
            try:
                self._check(handle, copy.stamp)
                yield from self._sftp.read_pieces(handle, copy.stamp.size_bytes)
                self._check(handle, copy.stamp)
            finally:
                if self._sftp.usable:
                    self._sftp.ask(wire.on(wire.CLOSE, handle))
        except OSError as error:
            raise SourceProblem(f"cannot be read: {error.strerror}") from None

    def _check(self, handle: bytes, stamp: Stamp) -> None:
        if not _is_same(self._sftp.ask(wire.on(wire.FSTAT, handle)), stamp):
            raise SourceProblem(CHANGED)


def _is_same(look: Reply, stamp: Stamp) -> bool:
    found = look.attributes().to_stat()
    return same(Stamp(found.size_bytes, found.mtime_ns), stamp)


def _checked(stamp: Stamp, piece: Reply, look: Reply) -> bytes | SourceProblem:
    try:
        if not _is_same(look, stamp):
            return SourceProblem(CHANGED)
        at_end = piece.type == wire.STATUS and stamp.size_bytes == 0
        content = b"" if at_end else piece.string()
    except OSError as error:
        return SourceProblem(f"cannot be read: {error.strerror}")
    return content if len(content) == stamp.size_bytes else SourceProblem(CHANGED)


def _given(content: bytes | SourceProblem) -> Iterator[bytes]:
    if isinstance(content, SourceProblem):
        raise content
    yield content


@dataclass
class _Writing:
    """A temporary file on its way."""

    staged: Staged
    content: bytes
    owner: tuple[int, int] | None
    handle: bytes = b""
    problem: str | None = None


class SftpWriter:
    """Writes files below `root` under temporary names, flushed and with their times."""

    def __init__(
        self,
        sftp: Sftp,
        path_of: Callable[[str], bytes],
        owner_for: Callable[[str], tuple[int, int] | None],
        location: str,
    ) -> None:
        """`owner_for` tells the owner for new files of a directory, or raises OSError."""
        self._sftp = sftp
        self._location = location
        self._path_of = path_of
        self._owner_for = owner_for
        self._run = secrets.token_hex(8)
        self._count = 0
        self.created: list[str] = []
        """Temporary names in use, for cleaning up when the rest fails."""

    def write(self, incoming: Iterable[Incoming]) -> Iterator[Staged | Skipped]:
        group: list[_Writing] = []
        group_bytes = 0
        for one in incoming:
            begun = self._begin(one)
            if isinstance(begun, Skipped):
                yield begun
            elif one.copy.stamp.size_bytes > self._sftp.write_bytes:
                yield self._write_large(begun, one.chunks)
            else:
                begun.content, begun.problem = _joined(one.chunks)
                group.append(begun)
                group_bytes += len(begun.content)
            if len(group) == GROUP_FILES or group_bytes > GROUP_BYTES:
                yield from self._write_group(group)
                group, group_bytes = [], 0
        yield from self._write_group(group)

    def _begin(self, incoming: Incoming) -> _Writing | Skipped:
        directory, _, _ = incoming.copy.path.rpartition("/")
        name = f"{names.TEMPORARY_PREFIX}{self._run}-{self._count}"
        self._count += 1
        path = f"{directory}/{name}" if directory else name
        try:
            owner = self._owner_for(directory)
        except OSError as error:
            return Skipped(incoming.copy.path, f"cannot be written: {error.strerror}")
        return _Writing(Staged(incoming.copy, path), b"", owner)

    def _write_group(self, group: list[_Writing]) -> Iterator[Staged | Skipped]:
        for one, reply in self._each(group, self._open_request):
            with _noting(one):
                one.handle = reply.string()
                self.created.append(one.staged.temporary)
        self._step(group, lambda one: wire.write(one.handle, 0, one.content))
        self._step(group, _times_request)
        if self._sftp.supports("fsync@openssh.com"):
            self._step(group, lambda one: wire.extended("fsync@openssh.com", one.handle))
        opened = [one for one in group if one.handle]
        closes = (wire.on(wire.CLOSE, one.handle) for one in opened)
        for one, reply in zip(opened, self._sftp.pipeline(closes), strict=True):
            with _noting(one):
                reply.check()
        yield from map(self._outcome, group)

    def _write_large(self, one: _Writing, chunks: Iterable[bytes]) -> Staged | Skipped:
        with _noting(one):
            one.handle = self._sftp.ask(self._open_request(one)).string()
            self.created.append(one.staged.temporary)
            try:
                self._sftp.write_pieces(one.handle, chunks)
                self._sftp.ask(_times_request(one)).check()
                self._sftp.flush(one.handle)
            finally:
                if self._sftp.usable:
                    self._sftp.ask(wire.on(wire.CLOSE, one.handle))
        return self._outcome(one)

    def _open_request(self, one: _Writing) -> wire.Request:
        flags = wire.OPEN_WRITE | wire.OPEN_CREATE | wire.OPEN_EXCLUSIVE
        return wire.open_file(self._path_of(one.staged.temporary), flags)

    def _step(self, group: list[_Writing], request: Callable[[_Writing], wire.Request]) -> None:
        for one, reply in self._each(group, request):
            with _noting(one):
                reply.check()

    def _each(
        self, group: list[_Writing], request: Callable[[_Writing], wire.Request]
    ) -> Iterator[tuple[_Writing, Reply]]:
        going_on = [one for one in group if one.problem is None]
        return zip(going_on, self._sftp.pipeline(map(request, going_on)), strict=True)

    def _outcome(self, one: _Writing) -> Staged | Skipped:
        if one.problem is None:
            return one.staged
        with suppress(OSError):
            self._sftp.ask(wire.on(wire.REMOVE, self._path_of(one.staged.temporary)))
        self._raise_when_full(one)
        return Skipped(one.staged.copy.path, one.problem)

    def _raise_when_full(self, one: _Writing) -> None:
        # SFTP says just "Failure" when the disk is full.
        directory, _, _ = one.staged.copy.path.rpartition("/")
        free = None
        with suppress(OSError):
            free = self._sftp.free_bytes(self._path_of(directory))
        if free is not None and free < max(one.staged.copy.stamp.size_bytes, 1 << 16):
            raise Failed(
                f"the disk that holds {self._location} is full",
                "free some space there, then sync again; what was copied so far is whole",
            )


@contextmanager
def _noting(one: _Writing) -> Iterator[None]:
    """Notes what goes wrong with one file, and goes on."""
    try:
        yield
    except SourceProblem as error:
        one.problem = error.reason
    except OSError as error:
        one.problem = f"cannot be written: {error.strerror}"


def _times_request(one: _Writing) -> wire.Request:
    mtime_s = one.staged.copy.stamp.mtime_ns // 1_000_000_000
    attributes = wire.encode_attributes(owner=one.owner, mtime_s=mtime_s)
    return wire.Request(wire.FSETSTAT, wire.string(one.handle) + attributes)


def _joined(chunks: Iterable[bytes]) -> tuple[bytes, str | None]:
    try:
        return b"".join(chunks), None
    except SourceProblem as problem:
        return b"", problem.reason

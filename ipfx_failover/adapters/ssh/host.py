"""The live server behind SSH: programs over exec channels, files over SFTP."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import select
import shlex
import time
from typing import TYPE_CHECKING

from ipfx_failover.adapters.ssh import wire
from ipfx_failover.adapters.ssh.paths import sftp_path
from ipfx_failover.errors import Failed, FailoverError, Refused, Unreachable
from ipfx_failover.livehost import (
    DirectoryEntry,
    FileStat,
    Kind,
    RunResult,
    is_windows_path,
    parent,
    temporary_beside,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import paramiko

    from ipfx_failover.adapters.ssh.connection import SshConnection
    from ipfx_failover.adapters.ssh.sftp import Reply, Sftp

_PIECE_BYTES = 1 << 18
_NO_STATUS = -1
_REALPATH = 16
_HASH_TIMEOUT_S = 3600.0
_HASH_SCRIPT = b"""
import hashlib, sys
digest = hashlib.sha256()
with open(sys.argv[1], "rb") as file:
    for piece in iter(lambda: file.read(1 << 20), b""):
        digest.update(piece)
print(digest.hexdigest())
"""


class SshHost:
    """The `LiveHost` port (ipfx_failover.livehost) over one SSH connection."""

    def __init__(self, connection: SshConnection) -> None:
        self._connection = connection
        self._being_removed: dict[str, Callable[[], Reply]] = {}

    @property
    def name(self) -> str:
        return self._connection.target.name

    def python(self) -> str:
        return "python3"

    def close(self) -> None:
        self._connection.close()

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout_s: float,
        on_output: Callable[[bytes], None] | None = None,
    ) -> RunResult:
        """Run a program on the server; a POSIX shell takes the quoted words apart there."""
        deadline = time.monotonic() + timeout_s
        stdout, stderr = bytearray(), bytearray()
        channel = self._connection.open_channel()
        try:
            with self._connection.guarded():
                channel.settimeout(self._connection.target.silence_timeout_s)
                channel.exec_command(shlex.join(argv))
                _send_input(channel, stdin)
            while not _ended(channel):
                if time.monotonic() > deadline:
                    raise _too_slow(self.name, argv[0], timeout_s)
                self._wait_for_output(channel, deadline - time.monotonic())
                for piece in _received(channel, stderr):
                    stdout += piece
                    if on_output is not None:
                        on_output(piece)
        finally:
            channel.close()
        exit_status = channel.recv_exit_status()
        if exit_status == _NO_STATUS and not _alive(channel):
            raise self._connection.lost(f"it ended while {argv[0]} ran there")
        return RunResult(exit_status, bytes(stdout), bytes(stderr))

    def _wait_for_output(self, channel: paramiko.Channel, left_s: float) -> None:
        # After some silence, ask whether the server is still there.
        longest_s = self._connection.target.silence_timeout_s / 4
        wait_s = max(0.0, min(left_s, longest_s))
        if channel.eof_received and not channel.exit_status_ready():
            channel.status_event.wait(wait_s)
            return
        ready, _, _ = select.select([channel], [], [], wait_s)
        if not ready and wait_s == longest_s:
            # Raises Unreachable when no answer comes.
            self._connection.sftp().ask(wire.on(_REALPATH, b"."))

    def read_file(self, path: str, *, start_byte: int = 0) -> Iterator[bytes]:
        with self._told(f"read {path}"):
            sftp = self._connection.sftp()
            handle = sftp.ask(wire.open_file(sftp_path(path), wire.OPEN_READ)).string()
            try:
                size_bytes = sftp.ask(wire.on(wire.FSTAT, handle)).attributes().size_bytes
                arrived_bytes = start_byte
                for piece in sftp.read_pieces(handle, size_bytes, start_byte):
                    arrived_bytes += len(piece)
                    yield piece
            finally:
                self._close_handle(sftp, handle)
        if arrived_bytes != size_bytes:
            raise Failed(
                f"{path} on {self.name} became shorter while it was read",
                "find out what else writes to that file, then try again",
            )

    def write_file(self, path: str, chunks: Iterable[bytes]) -> None:
        temporary = temporary_beside(path)
        with self._told(f"write {path}"):
            sftp = self._connection.sftp()
            try:
                self._write_new(sftp, temporary, chunks)
                sftp.rename(sftp_path(temporary), sftp_path(path))
            except BaseException as error:
                is_lost = isinstance(error, Unreachable) and not sftp.usable
                if not is_lost:
                    self._remove_left(temporary)
                if isinstance(error, OSError):
                    self._raise_when_full(sftp, path)
                raise

    def continue_file(self, path: str, start_byte: int, chunks: Iterable[bytes]) -> None:
        with self._told(f"write {path}"):
            sftp = self._connection.sftp()
            try:
                with self._opened(sftp, path, wire.OPEN_CREATE) as handle:
                    sftp.write_pieces(handle, chunks, start_byte)
            except OSError:
                self._raise_when_full(sftp, path)
                raise

    def flush_file(self, path: str) -> None:
        with self._told(f"flush {path}"):
            sftp = self._connection.sftp()
            with self._opened(sftp, path) as handle:
                sftp.flush(handle)

    def _remove_left(self, temporary: str) -> None:
        """Whatever comes of it: it must not hide why this is to be done."""
        with contextlib.suppress(FailoverError, OSError):
            self._connection.sftp().ask(wire.on(wire.REMOVE, sftp_path(temporary)))

    def _write_new(self, sftp: Sftp, path: str, chunks: Iterable[bytes]) -> None:
        with self._opened(sftp, path, wire.OPEN_CREATE | wire.OPEN_EXCLUSIVE) as handle:
            sftp.write_pieces(handle, chunks)
            sftp.flush(handle)

    @contextlib.contextmanager
    def _opened(self, sftp: Sftp, path: str, flags: int = 0) -> Iterator[bytes]:
        """Open a file for writing."""
        request = wire.open_file(sftp_path(path), wire.OPEN_WRITE | flags, 0o600)
        handle = sftp.ask(request).string()
        try:
            yield handle
        finally:
            self._close_handle(sftp, handle)

    def _close_handle(self, sftp: Sftp, handle: bytes) -> None:
        # After a loss the handle is gone already, and asking would hide why.
        if sftp.usable:
            sftp.ask(wire.on(wire.CLOSE, handle))

    def list_directory(self, path: str) -> list[DirectoryEntry]:
        with self._told(f"list {path}"):
            try:
                found = list(self._connection.sftp().read_directory(sftp_path(path)))
            except FileNotFoundError:
                return []
        return [
            DirectoryEntry(name.decode("utf-8", "surrogateescape"), attributes.to_stat())
            for name, attributes in found
        ]

    def stat(self, path: str) -> FileStat | None:
        with self._told(f"look at {path}"):
            try:
                return self._connection.sftp().lstat(sftp_path(path)).to_stat()
            except FileNotFoundError:
                return None

    def make_directory(self, path: str) -> None:
        found = self.stat(path)
        if found is not None and found.kind is not Kind.FILE:
            return
        if parent(path) != path:
            self.make_directory(parent(path))
        with self._told(f"make the directory {path}"):
            self._connection.sftp().ask(wire.make_directory(sftp_path(path))).check()

    def remove(self, path: str) -> None:
        self.begin_to_remove(path)()

    def begin_to_remove(self, path: str) -> Callable[[], None]:
        if path not in self._being_removed:
            request = wire.on(wire.REMOVE, sftp_path(path))
            self._being_removed[path] = self._connection.sftp().begin(request)

        def wait() -> None:
            if (answer := self._being_removed.pop(path, None)) is None:
                return
            with self._told(f"remove {path}"), contextlib.suppress(FileNotFoundError):
                answer().check()

        return wait

    def rename(self, path: str, to: str) -> None:
        with self._told(f"rename {path} to {to}"):
            self._connection.sftp().rename(sftp_path(path), sftp_path(to))

    def link(self, path: str, to: str) -> None:
        with self._told(f"link {path} to {to}"):
            sftp = self._connection.sftp()
            if not sftp.supports("hardlink@openssh.com"):
                raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
            sftp.ask(wire.extended("hardlink@openssh.com", sftp_path(path), sftp_path(to))).check()

    def adopt_ownership(self, path: str, like: str) -> None:
        if is_windows_path(path):
            # A new file inherits its folder's access list there.
            return
        with self._told(f"give {path} the owner of {like}"):
            sftp = self._connection.sftp()
            wanted = sftp.ask(wire.on(wire.STAT, sftp_path(like))).attributes()
            have = sftp.lstat(sftp_path(path))
            # Whoever owns the directory may put a link here: it must not lead root elsewhere.
            if wire.kind_of(have.mode or 0) is Kind.LINK:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            mode = wanted.mode or 0o600
            of_directory = wire.kind_of(mode) is Kind.DIRECTORY
            attributes = wire.encode_attributes(mode=mode & 0o666 if of_directory else mode)
            sftp.set_attributes(sftp_path(path), attributes).check()
            if wanted.owner is not None and wanted.owner != have.owner:
                attributes = wire.encode_attributes(owner=wanted.owner)
                given = sftp.set_attributes(sftp_path(path), attributes)
                if given.error() is not None and not of_directory:
                    raise Refused(
                        f"{path} on {self.name} cannot be given to the owner of {like}",
                        f"connect as that owner or as root: user in [servers.{self.name}.ssh]",
                    )

    def free_bytes(self, path: str) -> int | None:
        with self._told(f"ask for the free space of {path}"):
            return self._connection.sftp().free_bytes(sftp_path(path))

    def sha256(self, path: str) -> str:
        """By a program there, else by reading the file back."""
        if (there := self.sha256_there(path)) is not None:
            return there
        content = hashlib.sha256()
        for piece in self.read_file(path):
            content.update(piece)
        return content.hexdigest()

    def sha256_there(self, path: str) -> str | None:
        """By python3, else by sha256sum, which mostly takes five times as long."""
        attempts: tuple[tuple[list[str], bytes], ...] = (
            ([self.python(), "-I", "-", path], _HASH_SCRIPT),
            (["sha256sum", "--", path], b""),
        )
        for argv, script in attempts:
            result = self.run(argv, stdin=script, timeout_s=_HASH_TIMEOUT_S)
            digest = result.stdout.decode("ascii", "replace").strip().lstrip("\\")[:64]
            if result.exit_status == 0 and len(digest) == 64:
                return digest
        return None

    @contextlib.contextmanager
    def _told(self, doing: str) -> Iterator[None]:
        """Turns what the server refused into Failed, with its name and what was wanted."""
        try:
            yield
        except OSError as error:
            raise Failed(
                f"cannot {doing} on {self.name}: {error.strerror}",
                f"see whether user {self._connection.target.user} may do that there, and whether "
                "the disk is full or damaged",
            ) from None

    def _raise_when_full(self, sftp: Sftp, path: str) -> None:
        # SFTP says just "Failure" when the disk is full.
        with contextlib.suppress(OSError):
            free = sftp.free_bytes(sftp_path(parent(path)))
            if free is not None and free < _PIECE_BYTES:
                raise Failed(
                    f"the disk of {self.name} that holds {parent(path)} is full",
                    "free some space there, then try again",
                )


def _alive(channel: paramiko.Channel) -> bool:
    transport = channel.get_transport()
    return transport is not None and transport.is_active()


def _send_input(channel: paramiko.Channel, data: bytes) -> None:
    try:
        channel.sendall(data)
        channel.shutdown_write()
    except OSError:
        # A program may end before it has read everything; only a lost connection is an error.
        if not _alive(channel):
            raise


def _ended(channel: paramiko.Channel) -> bool:
    if channel.recv_ready() or channel.recv_stderr_ready():
        return False
    return channel.closed or (bool(channel.eof_received) and channel.exit_status_ready())


def _received(channel: paramiko.Channel, stderr: bytearray) -> Iterator[bytes]:
    while channel.recv_stderr_ready():
        stderr += channel.recv_stderr(_PIECE_BYTES)
    while channel.recv_ready():
        yield channel.recv(_PIECE_BYTES)


def _too_slow(name: str, program: str, timeout_s: float) -> Failed:
    return Failed(
        f"{program} on {name} took longer than {timeout_s:.0f} s and was given up",
        "see what keeps that machine busy, then try again",
    )

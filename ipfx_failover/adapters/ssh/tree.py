"""A directory tree of the live server over SFTP, as a sync's source or target."""

from __future__ import annotations

import errno
from contextlib import suppress
from typing import TYPE_CHECKING

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.adapters.ssh import find, wire
from ipfx_failover.adapters.ssh.paths import sftp_path
from ipfx_failover.adapters.ssh.transfer import SftpReader, SftpWriter
from ipfx_failover.adapters.ssh.ways import Ways
from ipfx_failover.files import names
from ipfx_failover.files.listing import ListingBuilder, Skipped, Stamp, walk
from ipfx_failover.files.plan import same
from ipfx_failover.files.ports import Placed, Staged
from ipfx_failover.livehost import FileStat, Kind, is_windows_path, join

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ipfx_failover.adapters.ssh.connection import SshConnection
    from ipfx_failover.adapters.ssh.host import SshHost
    from ipfx_failover.adapters.ssh.sftp import Sftp
    from ipfx_failover.files.listing import Listing
    from ipfx_failover.files.names import Selection
    from ipfx_failover.files.ports import Incoming
    from ipfx_failover.files.values import Copy

FINE_BLUR_NS = 50_000_000
"""Kernels stamp files by a clock that ticks every 1 to 16 ms."""
COARSE_BLUR_NS = 2_000_000_000
"""SFTP tells whole seconds."""
_FIND_TIMEOUT_S = 600.0


class SftpTree:
    """The `Tree` port (ipfx_failover.files.ports) over an SSH connection."""

    def __init__(
        self, connection: SshConnection, host: SshHost, root: str, *, use_find: bool = True
    ) -> None:
        """`root` is absolute, as the live server writes it; `host` shares the connection."""
        self._connection = connection
        self._host = host
        self._root = root
        self._use_find = use_find and not is_windows_path(root)
        self._has_find: bool | None = None
        self._account_is_root: bool | None = None

    @property
    def location(self) -> str:
        return f"{self._host.name}:{self._root}"

    @property
    def windows(self) -> bool:
        return is_windows_path(self._root)

    def close(self) -> None:
        self._connection.close()

    def is_there(self) -> bool:
        # The root itself may be a link: it is what the operator named.
        try:
            reply = self._sftp.ask(wire.on(wire.OPENDIR, self._path("")))
            self._sftp.ask(wire.on(wire.CLOSE, reply.string()))
        except OSError:
            return False
        return True

    def has_marker(self) -> bool:
        found = self._lstat(names.MARKER)
        return found is not None and found.kind is Kind.FILE

    def prepare(self) -> None:
        self._host.make_directory(self._root)
        if not self.has_marker():
            self._host.write_file(join(self._root, names.MARKER), [])

    @property
    def _sftp(self) -> Sftp:
        return self._connection.sftp()

    def _path(self, path: str) -> bytes:
        root = sftp_path(self._root).rstrip(b"/")
        return root + b"/" + path.encode("utf-8", "surrogateescape") if path else root or b"/"

    def _lstat(self, path: str) -> FileStat | None:
        try:
            return self._sftp.lstat(self._path(path)).to_stat()
        except FileNotFoundError:
            return None

    def look(self, selection: Selection, *, windows: bool, unless: bytes = b"") -> Listing | None:
        answer = self._find(selection)
        if answer is not None:
            return _listing_of(answer, selection, windows=windows, unless=unless)
        return self._walk(selection, windows=windows, unless=unless)

    def _find(self, selection: Selection) -> find.Answer | None:
        if not self._use_find:
            return None
        if self._has_find is None:
            version = self._host.run(["find", "--version"], timeout_s=_FIND_TIMEOUT_S)
            self._has_find = b"GNU findutils" in version.stdout
        if not self._has_find:
            return None
        command = find.command(self._root, selection)
        result = self._host.run(command, timeout_s=_FIND_TIMEOUT_S)
        # Otherwise something could not be listed; walking tells exactly what.
        return find.answer(result.stdout) if result.exit_status == 0 else None

    def _walk(self, selection: Selection, *, windows: bool, unless: bytes) -> Listing | None:
        builder = ListingBuilder(selection, windows=windows)
        taken_at_ns = self._clock_ns()
        walk(builder, self._list, self._lstat)
        return builder.build(taken_at_ns=taken_at_ns, blur_ns=COARSE_BLUR_NS, unless=unless)

    def _clock_ns(self) -> int:
        result = self._host.run(["date", "+%s"], timeout_s=_FIND_TIMEOUT_S)
        seconds = result.stdout.strip()
        if result.exit_status == 0 and seconds.isdigit():
            return int(seconds) * 1_000_000_000
        return round(SystemClock().now().timestamp() * 1e9)

    def _list(self, path: str) -> Iterator[tuple[str, FileStat]]:
        for name, attributes in self._sftp.read_directory(self._path(path)):
            yield name.decode("utf-8", "surrogateescape"), attributes.to_stat()

    def read(self, copies: Sequence[Copy]) -> Iterator[Incoming]:
        return SftpReader(self._sftp, self._path).read(copies)

    def stage(self, incoming: Iterable[Incoming]) -> list[Staged | Skipped]:
        writer = SftpWriter(self._sftp, self._path, self._ways.owner_for, self.location)
        try:
            return list(writer.write(incoming))
        except BaseException:
            if self._connection.is_up:
                self.remove_leftovers(writer.created)
            raise

    def place(self, staged: Sequence[Staged], trash: str) -> list[Placed | Skipped]:
        ways = self._ways
        problems: dict[str, OSError] = {}
        for one in staged:
            try:
                ways.check(one.copy.path)
                if one.copy.replaces is not None:
                    self._replace(one, one.copy.replaces, trash, ways)
            except OSError as error:
                problems[one.copy.path] = error
        new = [one for one in staged if one.copy.replaces is None]
        self._give_free_names([one for one in new if one.copy.path not in problems], problems)
        failed = [one.temporary for one in staged if one.copy.path in problems]
        self.remove_leftovers(failed)
        return [
            *self._placed([one for one in staged if one.copy.path not in problems]),
            *(
                Skipped(path, f"cannot be put in its place: {error.strerror}")
                for path, error in problems.items()
            ),
        ]

    def _give_free_names(self, staged: Sequence[Staged], problems: dict[str, OSError]) -> None:
        requests = (
            wire.rename_to_free_name(self._path(one.temporary), self._path(one.copy.path))
            for one in staged
        )
        for one, reply in zip(staged, self._sftp.pipeline(requests), strict=True):
            if error := reply.error():
                problems[one.copy.path] = error

    def _placed(self, staged: Sequence[Staged]) -> Iterator[Placed | Skipped]:
        requests = (wire.on(wire.LSTAT, self._path(one.copy.path)) for one in staged)
        for one, reply in zip(staged, self._sftp.pipeline(requests), strict=True):
            if error := reply.error():
                yield Skipped(one.copy.path, f"has gone again: {error.strerror}")
            else:
                found = reply.attributes().to_stat()
                yield Placed(one.copy, Stamp(found.size_bytes, found.mtime_ns))

    def _replace(self, staged: Staged, expected: Stamp, trash: str, ways: Ways) -> None:
        path = staged.copy.path
        found = self._lstat(path)
        if found is None or found.kind is not Kind.FILE:
            raise OSError(errno.EBUSY, "its name has been taken by something else meanwhile")
        if not same(Stamp(found.size_bytes, found.mtime_ns), expected):
            raise OSError(errno.EBUSY, "it changed at the target meanwhile")
        if staged.copy.keep_old:
            kept = f"{names.TRASH}/{trash}/{path}"
            ways.make_parents(kept)
            self._keep(self._path(path), self._path(kept))
        self._sftp.rename(self._path(staged.temporary), self._path(path))

    def _keep(self, path: bytes, kept: bytes) -> None:
        if self._sftp.supports("hardlink@openssh.com"):
            linked = self._sftp.ask(wire.extended("hardlink@openssh.com", path, kept))
            if linked.error() is None:
                return
        self._sftp.rename(path, kept)

    def make_directories(self, paths: Sequence[str]) -> list[Skipped]:
        ways, failed = self._ways, []
        for path in paths:
            try:
                ways.make_parents(f"{path}/")
            except OSError as error:
                failed.append(Skipped(path, f"cannot be made: {error.strerror}"))
        return failed

    def move_to_trash(self, paths: Sequence[str], trash: str) -> list[Skipped]:
        ways, failed = self._ways, []
        for path in paths:
            kept = f"{names.TRASH}/{trash}/{path}"
            try:
                ways.check(path)
                ways.make_parents(kept)
                self._sftp.rename(self._path(path), self._path(kept))
            except FileNotFoundError:
                continue
            except OSError as error:
                failed.append(Skipped(path, f"cannot be removed: {error.strerror}"))
        return failed

    def remove_empty(self, directories: Sequence[str]) -> None:
        for path in directories:
            self._sftp.ask(wire.on(wire.RMDIR, self._path(path)))  # refused where not empty

    def remove_leftovers(self, paths: Sequence[str]) -> None:
        requests = (wire.on(wire.REMOVE, self._path(path)) for path in paths)
        for _ in self._sftp.pipeline(requests):
            pass

    def trash_names(self) -> list[str]:
        with suppress(OSError):
            self._ways.check(f"{names.TRASH}/")
            return [name for name, _ in self._list(names.TRASH)]
        return []

    def purge(self, trash_name: str) -> None:
        self._remove_all(f"{names.TRASH}/{trash_name}")

    def _remove_all(self, directory: str) -> None:
        with suppress(OSError):
            for name, found in list(self._list(directory)):
                path = f"{directory}/{name}"
                if found.kind is Kind.DIRECTORY:
                    self._remove_all(path)
                else:
                    self._sftp.ask(wire.on(wire.REMOVE, self._path(path)))
        self._sftp.ask(wire.on(wire.RMDIR, self._path(directory)))

    def free_bytes(self) -> int | None:
        return self._host.free_bytes(self._root)

    @property
    def _ways(self) -> Ways:
        return Ways(self._sftp, self._path, self._may_give_away)

    def _may_give_away(self) -> bool:
        """Whether our account there may give files to the directory's owner, as root may."""
        if self._account_is_root is None:
            result = self._host.run(["id", "-u"], timeout_s=_FIND_TIMEOUT_S)
            self._account_is_root = result.stdout.strip() == b"0"
        return self._account_is_root


def _listing_of(
    answer: find.Answer, selection: Selection, *, windows: bool, unless: bytes
) -> Listing | None:
    if answer.fingerprint == unless:
        return None
    builder = ListingBuilder(selection, windows=windows)
    for found in answer.found():
        builder.add(found.path, found.kind, found.size_bytes, found.mtime_ns)
    return builder.build(
        taken_at_ns=answer.taken_at_ns, blur_ns=FINE_BLUR_NS, fingerprint=answer.fingerprint
    )

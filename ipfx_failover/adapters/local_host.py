"""This machine behind the same port as a live server: programs and files."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ipfx_failover.adapters.confined import as_file_stat
from ipfx_failover.adapters.durable import flush_directory, replace_file, write_through
from ipfx_failover.adapters.paths import WINDOWS
from ipfx_failover.errors import Failed, Refused
from ipfx_failover.livehost import DirectoryEntry, FileStat, RunResult, temporary_beside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_PIECE_BYTES = 1 << 20
_NOT_FOUND = 127


class LocalHost:
    """The `LiveHost` port (ipfx_failover.livehost) for the machine that this runs on."""

    def __init__(self, name: str = "this machine") -> None:
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    def python(self) -> str:
        return sys.executable

    def close(self) -> None:
        """Nothing stays open between calls."""

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout_s: float,
        on_output: Callable[[bytes], None] | None = None,
    ) -> RunResult:
        """Run a program; files take its input and errors, so that no pipe can fill up."""
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as errors:
            given.write(stdin)
            given.seek(0)
            try:
                process = subprocess.Popen(argv, stdin=given, stdout=subprocess.PIPE, stderr=errors)
            except (FileNotFoundError, PermissionError) as error:
                return RunResult(_NOT_FOUND, b"", str(error).encode())
            stdout, in_time = _output_of(process, timeout_s, on_output)
            if not in_time:
                raise Failed(
                    f"{argv[0]} on {self._name} took longer than {timeout_s:.0f} s and was ended",
                    "see what keeps that machine busy, then try again",
                )
            errors.seek(0)
            return RunResult(process.returncode, stdout, errors.read())

    def read_file(self, path: str, *, start_byte: int = 0) -> Iterator[bytes]:
        with self._told(f"read {path}"), Path(path).open("rb") as file:
            file.seek(start_byte)
            while piece := file.read(_PIECE_BYTES):
                yield piece

    def write_file(self, path: str, chunks: Iterable[bytes]) -> None:
        target = Path(path)
        temporary = Path(temporary_beside(path))
        with self._told(f"write {path}"):
            try:
                descriptor = os.open(
                    temporary,
                    os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0),
                    0o600,
                )
                with open(descriptor, "wb") as file:  # noqa: PTH123 - it takes a descriptor
                    write_through(file, chunks)
                replace_file(temporary, target)
            finally:
                temporary.unlink(missing_ok=True)

    def continue_file(self, path: str, start_byte: int, chunks: Iterable[bytes]) -> None:
        # Whoever owns the directory may put a link here: it must not lead root elsewhere.
        flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", getattr(os, "O_BINARY", 0))
        with (
            self._told(f"write {path}"),
            open(os.open(path, flags, 0o600), "wb") as file,  # noqa: PTH123 - it takes a descriptor
        ):
            file.seek(start_byte)
            file.writelines(chunks)

    def flush_file(self, path: str) -> None:
        with self._told(f"flush {path}"), Path(path).open("r+b") as file:
            os.fsync(file.fileno())

    def list_directory(self, path: str) -> list[DirectoryEntry]:
        entries = []
        with self._told(f"list {path}"), contextlib.suppress(FileNotFoundError):
            for one in Path(path).iterdir():
                # A name may vanish between the two calls.
                with contextlib.suppress(FileNotFoundError):
                    entries.append(DirectoryEntry(one.name, as_file_stat(one.lstat())))
        return entries

    def stat(self, path: str) -> FileStat | None:
        with self._told(f"look at {path}"):
            try:
                return as_file_stat(Path(path).lstat())
            except (FileNotFoundError, NotADirectoryError):
                return None

    def make_directory(self, path: str) -> None:
        with self._told(f"make the directory {path}"):
            Path(path).mkdir(parents=True, exist_ok=True)

    def remove(self, path: str) -> None:
        with self._told(f"remove {path}"):
            Path(path).unlink(missing_ok=True)

    def begin_to_remove(self, path: str) -> Callable[[], None]:
        return partial(self.remove, path)

    def rename(self, path: str, to: str) -> None:
        with self._told(f"rename {path} to {to}"):
            replace_file(Path(path), Path(to))

    def link(self, path: str, to: str) -> None:
        with self._told(f"link {path} to {to}"):
            Path(to).hardlink_to(path)
            flush_directory(Path(to).parent)

    def adopt_ownership(self, path: str, like: str) -> None:
        if WINDOWS:
            # A new file inherits its folder's access list there.
            return
        with self._told(f"give {path} the owner of {like}"):
            wanted = Path(like).stat()
            of_directory = stat.S_ISDIR(wanted.st_mode)
            mode = stat.S_IMODE(wanted.st_mode)
            # Whoever owns the directory may put a link here: it must not lead root elsewhere.
            with _opened_itself(path) as descriptor:
                have = os.fstat(descriptor)
                os.fchmod(descriptor, mode & 0o666 if of_directory else mode)
                try:
                    if (wanted.st_uid, wanted.st_gid) != (have.st_uid, have.st_gid):
                        os.fchown(descriptor, wanted.st_uid, wanted.st_gid)
                except PermissionError:
                    if not of_directory:
                        raise Refused(
                            f"{path} cannot be given to the owner of {like}",
                            "run this as that owner or as root",
                        ) from None

    def free_bytes(self, path: str) -> int | None:
        with self._told(f"ask for the free space of {path}"):
            return shutil.disk_usage(path).free

    def sha256(self, path: str) -> str:
        digest = hashlib.sha256()
        for piece in self.read_file(path):
            digest.update(piece)
        return digest.hexdigest()

    def sha256_there(self, path: str) -> str | None:
        return self.sha256(path)

    @contextlib.contextmanager
    def _told(self, doing: str) -> Iterator[None]:
        """Turns what the system refused into Failed, with what was wanted."""
        try:
            yield
        except OSError as error:
            raise Failed(
                f"cannot {doing} on {self._name}: {error.strerror}",
                "see whether the account that this runs as may do that, and whether the disk is "
                "full or damaged",
            ) from None


def _output_of(
    process: subprocess.Popen[bytes],
    timeout_s: float,
    on_output: Callable[[bytes], None] | None,
) -> tuple[bytes, bool]:
    """All that the process wrote, and whether it ended in time; it has ended either way."""
    late = threading.Event()

    def end() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(timeout_s, end)
    timer.start()
    stdout = bytearray()
    try:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        with process.stdout as pipe:
            while piece := os.read(pipe.fileno(), _PIECE_BYTES):
                stdout += piece
                if on_output is not None:
                    on_output(piece)
        process.wait()
    finally:
        timer.cancel()
        timer.join()
        process.kill()
        process.wait()
    return bytes(stdout), not late.is_set()


@contextlib.contextmanager
def _opened_itself(path: str) -> Iterator[int]:
    """A descriptor of the file, which is not reached through a link."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)

"""A machine in memory, behind the `LiveHost` port."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from ipfx_failover.errors import Failed, Unreachable
from ipfx_failover.livehost import (
    DirectoryEntry,
    FileStat,
    Kind,
    RunResult,
    base_name,
    parent,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Program = Callable[[Sequence[str], bytes], RunResult]


@dataclass
class FakeLiveHost:
    """Files by path, and programs by name; `reachable` is its cable."""

    name: str = "DEMOSERVER"
    reachable: bool = True
    files: dict[str, bytes] = field(default_factory=dict)
    directories: set[str] = field(default_factory=lambda: {"/"})
    free: int | None = 1 << 40
    programs: dict[str, Program] = field(default_factory=dict)
    ran: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.programs.setdefault("cat", lambda _, stdin: RunResult(0, stdin, b""))
        self.programs.setdefault("printf", _printf)
        self.programs.setdefault("ls", lambda argv, _: RunResult(2, b"", f"ls: {argv[1]}".encode()))

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout_s: float,
        on_output: Callable[[bytes], None] | None = None,
    ) -> RunResult:
        del timeout_s
        self._check()
        self.ran.append(list(argv))
        program = self.programs.get(argv[0])
        if program is None:
            return RunResult(127, b"", b"not found")
        result = program(argv, stdin)
        if on_output is not None and result.stdout:
            on_output(result.stdout)
        return result

    def python(self) -> str:
        return "python3"

    def read_file(self, path: str, *, start_byte: int = 0) -> Iterator[bytes]:
        self._check()
        yield self._content(path)[start_byte:]

    def write_file(self, path: str, chunks: Iterable[bytes]) -> None:
        self._check()
        content = b"".join(chunks)
        if parent(path) not in self.directories:
            raise Failed(f"cannot write {path} on {self.name}: No such file or directory", "hint")
        if self.free is not None and len(content) > self.free:
            raise Failed(f"the disk of {self.name} that holds {path} is full", "free some space")
        self.files[path] = content

    def continue_file(self, path: str, start_byte: int, chunks: Iterable[bytes]) -> None:
        there = self.files.get(path, b"")
        written = there[:start_byte].ljust(start_byte, b"\0") + b"".join(chunks)
        self.write_file(path, [written + there[len(written) :]])

    def flush_file(self, path: str) -> None:
        self._check()
        self._content(path)

    def list_directory(self, path: str) -> list[DirectoryEntry]:
        self._check()
        found = []
        for other in {*self.files, *self.directories} - {path}:
            stat = self.stat(other)
            if parent(other) == path and stat is not None:
                found.append(DirectoryEntry(base_name(other), stat))
        return found

    def stat(self, path: str) -> FileStat | None:
        self._check()
        if path in self.directories:
            return FileStat(Kind.DIRECTORY, 0, 0)
        if path in self.files:
            return FileStat(Kind.FILE, len(self.files[path]), 0)
        return None

    def make_directory(self, path: str) -> None:
        self._check()
        while path not in self.directories:
            if path in self.files:
                raise Failed(f"cannot make the directory {path} on {self.name}: exists", "hint")
            self.directories.add(path)
            path = parent(path)

    def remove(self, path: str) -> None:
        self._check()
        self.files.pop(path, None)

    def begin_to_remove(self, path: str) -> Callable[[], None]:
        return partial(self.remove, path)

    def rename(self, path: str, to: str) -> None:
        self._check()
        content = self._content(path)
        del self.files[path]
        self.files[to] = content

    def link(self, path: str, to: str) -> None:
        self._check()
        if to in self.files:
            raise Failed(f"cannot link {path} to {to} on {self.name}: File exists", "hint")
        self.files[to] = self._content(path)

    def adopt_ownership(self, path: str, like: str) -> None:
        self._check()
        for one in (path, like):
            if one not in self.directories:
                self._content(one)

    def free_bytes(self, path: str) -> int | None:
        self._check()
        if path not in self.directories:
            raise Failed(f"cannot ask for the free space of {path} on {self.name}", "hint")
        return self.free

    def sha256(self, path: str) -> str:
        self._check()
        return hashlib.sha256(self._content(path)).hexdigest()

    def sha256_there(self, path: str) -> str | None:
        return self.sha256(path)

    def close(self) -> None:
        pass

    def place(self, path: str, content: bytes) -> None:
        """Begin with this file."""
        self.make_directory(parent(path))
        self.files[path] = content

    def _content(self, path: str) -> bytes:
        if path not in self.files:
            raise Failed(f"cannot read {path} on {self.name}: No such file or directory", "hint")
        return self.files[path]

    def _check(self) -> None:
        if not self.reachable:
            raise Unreachable(f"{self.name} cannot be reached by SSH", "see whether it is up")


def _printf(argv: Sequence[str], stdin: bytes) -> RunResult:
    del stdin
    assert argv[1] == "%s\\n", "the fake knows this format only"
    return RunResult(0, "".join(f"{one}\n" for one in argv[2:]).encode(), b"")

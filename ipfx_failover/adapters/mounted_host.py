"""A live server whose VM directory is mounted here (or a UNC path): its files, without SSH."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.adapters.local_host import LocalHost
from ipfx_failover.errors import UsageError
from ipfx_failover.livehost import path_below

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from ipfx_failover.livehost import DirectoryEntry, FileStat


class MountedHost(LocalHost):
    """The `LiveHost` port for the files below one directory; programs do not run there.

    Paths are written as the live server writes them.
    """

    def __init__(self, name: str, vm_dir: str, mounted_at: Path) -> None:
        super().__init__(name)
        self._vm_dir = vm_dir
        self._mounted_at = mounted_at

    def read_file(self, path: str, *, start_byte: int = 0) -> Iterator[bytes]:
        return super().read_file(self._here(path), start_byte=start_byte)

    def write_file(self, path: str, chunks: Iterable[bytes]) -> None:
        super().write_file(self._here(path), chunks)

    def continue_file(self, path: str, start_byte: int, chunks: Iterable[bytes]) -> None:
        super().continue_file(self._here(path), start_byte, chunks)

    def flush_file(self, path: str) -> None:
        super().flush_file(self._here(path))

    def list_directory(self, path: str) -> list[DirectoryEntry]:
        return super().list_directory(self._here(path))

    def stat(self, path: str) -> FileStat | None:
        return super().stat(self._here(path))

    def make_directory(self, path: str) -> None:
        super().make_directory(self._here(path))

    def remove(self, path: str) -> None:
        super().remove(self._here(path))

    def rename(self, path: str, to: str) -> None:
        super().rename(self._here(path), self._here(to))

    def adopt_ownership(self, path: str, like: str) -> None:
        super().adopt_ownership(self._here(path), self._here(like))

    def free_bytes(self, path: str) -> int | None:
        return super().free_bytes(self._here(path))

    def sha256(self, path: str) -> str:
        return super().sha256(self._here(path))

    def sha256_there(self, path: str) -> str | None:  # noqa: ARG002 - it would be read over here
        return None

    def _here(self, path: str) -> str:
        names = path_below(self._vm_dir, path)
        if names is None:
            raise UsageError(
                f"{path} on {self.name} is not below {self._vm_dir}, which is all that is mounted",
                f"set backup_dir in [servers.{self.name}.database] to a directory below vm_dir, "
                "or reach the server by SSH",
            )
        return str(self._mounted_at.joinpath(*names))

"""Every adapter of the `Tree` port, with a way around it: as an application uses the directory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ipfx_failover.adapters.confined import ByPath
from ipfx_failover.adapters.local_tree import LocalTree
from ipfx_failover.adapters.ssh.connection import SshConnection, SshTarget
from ipfx_failover.adapters.ssh.host import SshHost
from ipfx_failover.adapters.ssh.tree import SftpTree
from tests.fakes.tree import FakeTree

if TYPE_CHECKING:
    from pathlib import Path

    from ipfx_failover.files.ports import Tree
    from tests.support.sshd import Sshd

DISK_SITES = ("local by descriptor", "local by path", "sftp with find", "sftp by walking")
SITES = ("fake", *DISK_SITES)


class Site(Protocol):
    """A tree, and what an application sees of it."""

    @property
    def tree(self) -> Tree: ...
    def write(self, path: str, content: bytes, mtime_ns: int) -> None: ...
    def content(self, path: str) -> bytes | None: ...
    def mtime_ns(self, path: str) -> int: ...
    def all_files(self) -> set[str]: ...
    def make_directory(self, path: str) -> None: ...
    def make_link(self, path: str, to: str) -> None: ...


@dataclass
class FakeSite:
    tree: FakeTree

    def write(self, path: str, content: bytes, mtime_ns: int) -> None:
        self.tree.write(path, content, mtime_ns)

    def content(self, path: str) -> bytes | None:
        return self.tree.files[path].content if path in self.tree.files else None

    def mtime_ns(self, path: str) -> int:
        return self.tree.files[path].mtime_ns

    def all_files(self) -> set[str]:
        return set(self.tree.files)

    def make_directory(self, path: str) -> None:
        self.tree.directories.add(path)

    def make_link(self, path: str, to: str) -> None:
        del to
        self.tree.links.add(path)


@dataclass
class DiskSite:
    tree: Tree
    root: Path

    def write(self, path: str, content: bytes, mtime_ns: int) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        os.utime(file, ns=(mtime_ns, mtime_ns))

    def content(self, path: str) -> bytes | None:
        file = self.root / path
        return file.read_bytes() if file.is_file() else None

    def mtime_ns(self, path: str) -> int:
        return (self.root / path).stat().st_mtime_ns

    def all_files(self) -> set[str]:
        return {str(one.relative_to(self.root)) for one in self.root.rglob("*") if one.is_file()}

    def make_directory(self, path: str) -> None:
        (self.root / path).mkdir(parents=True)

    def make_link(self, path: str, to: str) -> None:
        link = self.root / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(to)


def ssh_connection(sshd: Sshd, name: str = "DEMOSERVER") -> SshConnection:
    return SshConnection(
        SshTarget(name, sshd.host, sshd.port, sshd.user, sshd.key_file, sshd.known_hosts_file)
    )


def build_site(kind: str, root: Path, connection: SshConnection) -> Site:
    """A site whose root exists and is empty."""
    if kind == "fake":
        return FakeSite(FakeTree())
    root.mkdir()
    if kind == "local by descriptor":
        return DiskSite(LocalTree(root), root)
    if kind == "local by path":
        return DiskSite(LocalTree(root, files=ByPath(root)), root)
    tree = SftpTree(connection, SshHost(connection), str(root), use_find=kind == "sftp with find")
    return DiskSite(tree, root)

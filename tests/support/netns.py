"""Network namespaces that vanish with this process, however it ends."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLONE_NEWNET = 0x40000000
_MY_NAMESPACE = "/proc/thread-self/ns/net"

_libc = ctypes.CDLL(None, use_errno=True)


class CannotMakeNamespaceError(Exception):
    """A right or a tool is missing; the message says what to do."""


class Namespace:
    """A network namespace, kept alive by an open file only; its loopback is up."""

    def __init__(self) -> None:
        if os.geteuid() != 0:
            raise CannotMakeNamespaceError(
                "network namespaces need root: run this as root, or with sudo"
            )
        if shutil.which("ip") is None:
            raise CannotMakeNamespaceError("ip is missing: sudo apt-get install iproute2")
        self._fd = -1
        # In a thread of its own: so this one stays in its namespace, whatever happens.
        maker = threading.Thread(target=self._make)
        maker.start()
        maker.join()
        if self._fd < 0:
            raise CannotMakeNamespaceError(
                "this machine does not let root make network namespaces (a container?)"
            )
        self.ip("link", "set", "lo", "up")

    @property
    def path(self) -> str:
        """What `ip link set ... netns` takes."""
        return f"/proc/{os.getpid()}/fd/{self._fd}"

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This thread, and the processes that it starts, are inside."""
        outside = os.open(_MY_NAMESPACE, os.O_RDONLY | os.O_CLOEXEC)
        try:
            set_namespace(self._fd)
            try:
                yield
            finally:
                set_namespace(outside)
        finally:
            os.close(outside)

    def ip(self, *arguments: str) -> None:
        """Run `ip` inside."""
        with self.entered():
            subprocess.run(["ip", *arguments], check=True, stdin=subprocess.DEVNULL)

    def sysctl(self, key: str, value: str) -> None:
        with self.entered():
            Path("/proc/sys", *key.split(".")).write_text(value, encoding="ascii")

    def close(self) -> None:
        """Give it up; the kernel removes it with everything in it."""
        os.close(self._fd)

    def _make(self) -> None:
        if _libc.unshare(_CLONE_NEWNET) == 0:
            self._fd = os.open(_MY_NAMESPACE, os.O_RDONLY | os.O_CLOEXEC)


def connect(one: Namespace, one_adapter: str, other: Namespace, other_adapter: str) -> None:
    """Lay a cable between two namespaces; both ends are up."""
    one.ip(
        *("link", "add", one_adapter, "type", "veth"),
        *("peer", "name", other_adapter, "netns", other.path),
    )
    one.ip("link", "set", one_adapter, "up")
    other.ip("link", "set", other_adapter, "up")


def set_namespace(fd: int) -> None:
    """This thread uses the namespace behind an open file, of whatever kind, from now on."""
    if _libc.setns(fd, 0) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

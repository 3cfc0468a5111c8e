"""Whether a TCP port of this machine answers, and who answers it."""

from __future__ import annotations

import selectors
import socket
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable

LOOPBACK = "127.0.0.1"


def own_addresses(*, first: str = "") -> list[str]:
    """The IPv4 addresses of this machine: loopback, `first` when it is one of them, the others."""
    ours = {
        entry.address
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family == socket.AF_INET
    }
    rank = {LOOPBACK: 0, first: 1}
    return sorted(ours | {LOOPBACK}, key=lambda address: (rank.get(address, 2), address))


def answering(addresses: Iterable[str], port: int, timeout_s: float) -> str | None:
    """The first address at which the port accepts a connection; None when none does in time.

    All are tried at once: one that is silently filtered costs the others nothing.
    """
    deadline_s = time.monotonic() + timeout_s
    with ExitStack() as closing:
        selector = closing.enter_context(selectors.DefaultSelector())
        for address in addresses:
            sock = closing.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            sock.setblocking(False)  # noqa: FBT003 - the standard library's signature
            sock.connect_ex((address, port))
            selector.register(sock, selectors.EVENT_WRITE, (address, sock))
        while selector.get_map():
            events = selector.select(max(0.0, deadline_s - time.monotonic()))
            if not events:
                return None
            for key, _ in events:
                found, sock = key.data
                if _is_connected(sock):
                    return str(found)
                selector.unregister(sock)
    return None


def listener(port: int) -> tuple[int, str] | None:
    """Process id and name of who listens on the port; None when we cannot see it."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status != psutil.CONN_LISTEN or not connection.laddr:
                continue
            if connection.laddr.port == port and connection.pid:
                return connection.pid, psutil.Process(connection.pid).name()
    except (psutil.Error, OSError):
        return None
    return None


def _is_connected(sock: socket.socket) -> bool:
    if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        return False
    try:
        # A connection attempt may be given the very port that it tries, and then meets itself
        # (simultaneous open, RFC 9293, 3.5).
        return bool(sock.getpeername() != sock.getsockname())
    except OSError:
        return False

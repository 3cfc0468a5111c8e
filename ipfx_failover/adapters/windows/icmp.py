"""The `EchoSocket` of Windows: one raw socket, and a thread that notes when answers arrive.

Windows does not stamp what comes in at a raw socket; only who waits for it knows when it came.
"""

from __future__ import annotations

import os
import select
import socket
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ipfx_failover.adapters import refusals
from ipfx_failover.adapters.clock import monotonic_ns
from ipfx_failover.adapters.icmp_packets import (
    DATAGRAM,
    ECHO_REPLY,
    SECRET_BYTES,
    cookie,
    head,
    tail,
)
from ipfx_failover.errors import Refused
from ipfx_failover.net import UNSPECIFIED, EchoReply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfx_failover.net import Address

_BUFFER_BYTES: Final = 4 << 20
_MOST_OUTSTANDING: Final = 1024
_MOST_UNREAD: Final = 1 << 16
_LONGEST_BYTES: Final = 2048
_TYPE_AT: Final = 20  # behind an IP header; options would move it, and no cookie fits


class WindowsEchoSocket:
    """Probes by ICMP echo. Needs an administrator.

    With a `source`, probes are sent from that address, which this machine may get later; until
    then they are refused.

    Raises:
        Refused: the right is missing.
    """

    def __init__(self, source: Address | None = None) -> None:
        self._source = source
        self._identifier = int.from_bytes(os.urandom(2))
        self._hosts: dict[Address, _Host] = {}
        self._prepared: list[_Host] = []
        self._refusal: str | None = None
        self._socket = _open()
        self._arrivals = _Arrivals(self._socket)
        if source is None:
            self._bind(UNSPECIFIED)

    @property
    def refusal(self) -> str | None:
        return self._refusal

    def fileno(self) -> int:
        return self._arrivals.fileno()

    def prepare(self, addresses: Sequence[Address]) -> None:
        known = self._hosts
        self._hosts = {address: known.get(address) or _Host(address) for address in addresses}
        self._prepared = list(self._hosts.values())

    def send(self, address: Address, sequence: int) -> int | None:
        self._refusal = None
        host = self._hosts.get(address)
        if host is None:
            host = self._hosts[address] = _Host(address)
        return self._send(host, sequence)

    def send_all(self, sequence: int) -> list[int | None]:
        self._refusal = None
        return [self._send(host, sequence) for host in self._prepared]

    def receive(self) -> list[EchoReply]:
        replies = (self._reply(*each) for each in self._arrivals.take())
        return [reply for reply in replies if reply is not None]

    def close(self) -> None:
        self._arrivals.close()
        self._socket.close()

    def _bind(self, source: Address) -> None:
        self._socket.bind((str(source), 0))
        self._arrivals.start()

    def _send(self, host: _Host, sequence: int) -> int | None:
        packet = head(self._identifier, sequence) + host.cookie + tail(sequence)
        sent_ns = monotonic_ns()
        host.remember(sequence, sent_ns)
        try:
            if not self._arrivals.started:
                self._bind(self._source or UNSPECIFIED)
            self._socket.sendto(packet, (str(host.address), 0))
        except OSError as error:
            del host.outstanding[sequence]
            by = f" from {self._source}" if self._source else ""
            self._refusal = f"cannot ping {host.address}{by}: {refusals.reason(error)}"
            return None
        return sent_ns

    def _reply(self, datagram: bytes, received_ns: int) -> EchoReply | None:
        """The first answer to a probe of ours from the host that we asked."""
        if len(datagram) < DATAGRAM.size or datagram[_TYPE_AT] != ECHO_REPLY:
            return None
        source, secret, sequence = DATAGRAM.unpack_from(datagram)
        host = self._hosts.get(type(UNSPECIFIED)(source))
        if host is None or secret != host.cookie:
            return None
        sent_ns = host.outstanding.pop(sequence, None)
        if sent_ns is None:
            return None
        return EchoReply(host.address, sequence, sent_ns, received_ns)


class _Host:
    """What is known for one probed host. `outstanding`: sequence number to time of the send."""

    __slots__ = ("address", "cookie", "outstanding")

    def __init__(self, address: Address) -> None:
        self.address = address
        self.cookie = cookie(os.urandom(SECRET_BYTES))
        self.outstanding: dict[int, int] = {}

    def remember(self, sequence: int, sent_ns: int) -> None:
        self.outstanding[sequence] = sent_ns
        if len(self.outstanding) > _MOST_OUTSTANDING:
            del self.outstanding[next(iter(self.outstanding))]


class _Arrivals:
    """Datagrams with the time at which they came, read by a thread of its own."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._unread: deque[tuple[bytes, int]] = deque(maxlen=_MOST_UNREAD)
        self._woken, self._waker = socket.socketpair()
        self._stopped, self._stopper = socket.socketpair()
        for each in (self._woken, self._waker):
            each.setblocking(False)  # noqa: FBT003 - the standard library's signature
        self._thread = threading.Thread(target=self._read, name="echo replies", daemon=True)

    @property
    def started(self) -> bool:
        return self._thread.ident is not None

    def start(self) -> None:
        self._thread.start()

    def fileno(self) -> int:
        """Readable while there may be something to take."""
        return self._woken.fileno()

    def take(self) -> list[tuple[bytes, int]]:
        with suppress(BlockingIOError):
            while self._woken.recv(4096):
                pass
        taken = []
        with suppress(IndexError):
            while True:
                taken.append(self._unread.popleft())
        return taken

    def close(self) -> None:
        self._stopper.close()
        if self.started:
            self._thread.join()
        for each in (self._stopped, self._woken, self._waker):
            each.close()

    def _read(self) -> None:
        while True:
            readable = select.select([self._socket, self._stopped], [], [])[0]
            arrived_ns = monotonic_ns()
            if self._stopped in readable:
                return
            # What a router says of a probe may be an error here, and is no answer.
            with suppress(OSError):
                self._unread.append((self._socket.recv(_LONGEST_BYTES), arrived_ns))
            with suppress(BlockingIOError):  # full: it wakes the reader already
                self._waker.send(b"\0")


def _open() -> socket.socket:
    try:
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    except PermissionError:
        raise Refused(
            "no permission to open an ICMP socket: only administrators may",
            "run it elevated (as administrator), or as a service",
        ) from None
    sock.setblocking(False)  # noqa: FBT003 - the standard library's signature
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
    return sock

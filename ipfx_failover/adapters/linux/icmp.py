"""The `EchoSocket` of Linux: one raw socket for all hosts (raw(7), icmp(7))."""

from __future__ import annotations

import ctypes
import os
import socket
import time
from functools import partial
from struct import pack
from typing import TYPE_CHECKING

from ipfx_failover.adapters import refusals
from ipfx_failover.adapters.icmp_packets import (
    DATAGRAM,
    ECHO_REPLY,
    HEAD_BYTES,
    SECRET_BYTES,
    TAIL_BYTES,
    EchoFields,
    cookie,
    head,
    tail,
)
from ipfx_failover.adapters.linux.batches import READ_BATCH, SEND_BATCH, Inbox, Outbox
from ipfx_failover.adapters.linux.timestamps import Arrivals, WallTime, request_timestamps
from ipfx_failover.adapters.privileges import missing_right
from ipfx_failover.net import EchoReply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ipfx_failover.net import Address

# Numbers of <linux/icmp.h>, <linux/in.h> and <asm-generic/socket.h> that `socket` does not name.
_SOL_RAW = 255
_ICMP_FILTER = 1
_IP_FREEBIND = 15
_SO_ATTACH_FILTER = 26
_SO_SNDBUFFORCE = 32
_SO_RCVBUFFORCE = 33

# Instructions of <linux/bpf_common.h>.
_BPF_LOAD_IP_HEADER_LENGTH = 0xB1
_BPF_LOAD_HALF_WORD_BEHIND_IT = 0x48
_BPF_SKIP_UNLESS_EQUAL = 0x15
_BPF_RETURN = 0x06

# Answers of thousands of hosts while the reader is late; probes of thousands of hosts on the own
# network that are dead, each of which waits for its address resolution.
_BUFFER_BYTES = 4 << 20
# More datagrams than the buffer can hold: the reader of a flood has to come back some time.
_MOST_BATCHES = 256
# Unanswered probes that are remembered for each host; later answers to older ones are dropped.
_MOST_OUTSTANDING = 1024


# What EchoReply(...) does, in a third of its time.
_reply = partial(tuple.__new__, EchoReply)


class _Host:
    """What is prepared and known for one probed host."""

    __slots__ = ("address", "cookie", "destination", "outstanding")

    def __init__(self, address: Address) -> None:
        self.address = address
        self.destination = (str(address), 0)
        self.cookie = cookie(os.urandom(SECRET_BYTES))
        # Sequence number to time of the send, oldest first.
        self.outstanding: dict[int, int] = {}


class LinuxEchoSocket:
    """Probes by ICMP echo. Needs CAP_NET_RAW; with CAP_NET_ADMIN its buffers are larger.

    With a `source`, probes are sent from that address, which this machine may get later; until
    then they are refused.
    """

    def __init__(self, source: Address | None = None) -> None:
        self._from = f" from {source}" if source else ""
        self._identifier = int.from_bytes(os.urandom(2))
        self._socket = _open(source, self._identifier)
        self._outbox = Outbox(HEAD_BYTES, TAIL_BYTES)
        self._inbox = Inbox(DATAGRAM)
        self._hosts: dict[Address, _Host] = {}
        self._prepared: list[_Host] = []
        self._by_source: dict[bytes, _Host] = {}
        self._read: list[EchoReply] = []
        self._refusal: str | None = None

    @property
    def refusal(self) -> str | None:
        return self._refusal

    def fileno(self) -> int:
        return self._socket.fileno()

    def prepare(self, addresses: Sequence[Address]) -> None:
        known = self._hosts
        self._hosts = {address: known.get(address) or _Host(address) for address in addresses}
        self._by_source = {address.packed: host for address, host in self._hosts.items()}
        self._prepared = list(self._hosts.values())
        self._outbox.load(self._by_source, [host.cookie for host in self._prepared])

    def send(self, address: Address, sequence: int) -> int | None:
        host = self._hosts.get(address) or self._add(address)
        packet = head(self._identifier, sequence) + host.cookie + tail(sequence)
        self._refusal = None
        # Before the send: on a fast network the answer is stamped before the call returns.
        sent_ns = time.monotonic_ns()
        if not self._try(host, partial(self._socket.sendto, packet, host.destination)):
            return None
        _remember((host,), sequence, sent_ns)
        return sent_ns

    def send_all(self, sequence: int) -> list[int | None]:
        self._refusal = None
        self._outbox.write(head(self._identifier, sequence), tail(sequence))
        times: list[int | None] = []
        while (done := len(times)) < len(self._prepared):
            hosts = self._prepared[done : done + SEND_BATCH]
            sent_ns = time.monotonic_ns()
            send = partial(self._outbox.send, self._socket.fileno(), done, len(hosts))
            sent = self._try(hosts[0], send)
            _remember(hosts[:sent], sequence, sent_ns)
            times += [sent_ns] * sent or [None]
            # Answers would fill the receive buffer, 256 of them where it is small.
            self._read_all()
        return times

    def receive(self) -> list[EchoReply]:
        self._read_all()
        replies, self._read = self._read, []
        return replies

    def close(self) -> None:
        self._socket.close()

    def _add(self, address: Address) -> _Host:
        host = self._hosts[address] = self._by_source[address.packed] = _Host(address)
        return host

    def _try(self, first: _Host, send: Callable[[], int]) -> int:
        """What `send` returns; with 0, `refusal` says why nothing went to the first host."""
        for attempt in (1, 2):
            try:
                return send()
            except OSError as error:
                if attempt == 1 and error.errno in refusals.TRANSIENT:
                    continue
                reason = refusals.reason(error)
                self._refusal = f"cannot ping {first.address}{self._from}: {reason}"
                break
        return 0

    def _read_all(self) -> None:
        arrivals = Arrivals()
        for _ in range(_MOST_BATCHES):
            count, datagrams = self._inbox.receive(self._socket.fileno())
            self._take(datagrams, arrivals)
            if count < READ_BATCH:
                return

    def _take(self, datagrams: Iterator[tuple[EchoFields, WallTime]], arrivals: Arrivals) -> None:
        """Keep each first answer to a probe of ours from the host that we asked.

        The socket's filters have seen the rest of the header. The checksum is not needed: more
        than it protects is compared. Calls are spared, this runs once for each answer.
        """
        offset_ns, read_ns = arrivals.offset_ns, arrivals.read_ns
        for (source, secret, sequence), (wall_s, nanoseconds) in datagrams:
            host = self._by_source.get(source)
            if host is None or secret != host.cookie:
                continue
            sent_ns = host.outstanding.pop(sequence, None)
            if sent_ns is None:
                continue
            received_ns = wall_s * 1_000_000_000 + nanoseconds + offset_ns
            if not sent_ns <= received_ns <= read_ns:
                received_ns = max(sent_ns, arrivals.within(received_ns))
            self._read.append(_reply((host.address, sequence, sent_ns, received_ns)))


def _remember(hosts: Iterable[_Host], sequence: int, sent_ns: int) -> None:
    for host in hosts:
        outstanding = host.outstanding
        outstanding[sequence] = sent_ns
        if len(outstanding) > _MOST_OUTSTANDING:
            del outstanding[next(iter(outstanding))]


def _open(source: Address | None, identifier: int) -> socket.socket:
    try:
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    except PermissionError:
        raise missing_right("open an ICMP socket", "CAP_NET_RAW") from None
    try:
        _keep_own_replies_only(sock, identifier)
        request_timestamps(sock)
        _enlarge(sock, _SO_RCVBUFFORCE, socket.SO_RCVBUF)
        _enlarge(sock, _SO_SNDBUFFORCE, socket.SO_SNDBUF)
        if source is not None:
            sock.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
            sock.bind((str(source), 0))
        sock.setblocking(False)  # noqa: FBT003 - the standard library's signature
    except OSError:
        sock.close()
        raise
    return sock


def _keep_own_replies_only(sock: socket.socket, identifier: int) -> None:
    """Answers to other programs' pings must neither wake us nor fill our buffer."""
    # A set bit keeps that message type away from us.
    sock.setsockopt(_SOL_RAW, _ICMP_FILTER, pack("=I", ~(1 << ECHO_REPLY) & 0xFFFFFFFF))
    program = ctypes.create_string_buffer(
        b"".join(
            pack("=HBBI", *instruction)
            for instruction in (
                (_BPF_LOAD_IP_HEADER_LENGTH, 0, 0, 0),
                (_BPF_LOAD_HALF_WORD_BEHIND_IT, 0, 0, 4),
                (_BPF_SKIP_UNLESS_EQUAL, 0, 1, identifier),
                (_BPF_RETURN, 0, 0, 0xFFFF),
                (_BPF_RETURN, 0, 0, 0),
            )
        )
    )
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, pack("@HP", 5, ctypes.addressof(program)))


def _enlarge(sock: socket.socket, forced: int, limited: int) -> None:
    try:
        sock.setsockopt(socket.SOL_SOCKET, forced, _BUFFER_BYTES)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, limited, _BUFFER_BYTES)

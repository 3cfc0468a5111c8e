"""The network as ports: probes by ICMP, claims by ARP, and the addresses of this machine.

IPv4 for now; `Address` is the one place that says so. Times are nanoseconds of the monotonic
clock (`ipfx_failover.clock`). Sockets here never block: the monitor reads them between sends.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv4Interface
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

Address: TypeAlias = IPv4Address
Interface: TypeAlias = IPv4Interface

UNSPECIFIED = IPv4Address(0)


class Readable(Protocol):
    """What can be waited for."""

    def fileno(self) -> int: ...


_Readable = TypeVar("_Readable", bound=Readable)


class Wait(Protocol):
    """Waits until one of the sockets can be read; a simulated network brings its own."""

    def __call__(self, sockets: Sequence[_Readable], timeout_s: float) -> list[_Readable]:
        """Those that can be read now; none when nothing came within `timeout_s`."""
        ...


def wait_readable(sockets: Sequence[_Readable], timeout_s: float) -> list[_Readable]:
    """The `Wait` of real sockets."""
    return select.select(sockets, [], [], timeout_s)[0]


class EchoReply(NamedTuple):
    """A valid answer to a probe of ours; each probe has at most one."""

    address: Address
    sequence: int
    """The number that was given to `EchoSocket.send`."""
    sent_ns: int
    """What `EchoSocket.send` returned for this probe."""
    received_ns: int
    """When the packet arrived at this machine, however late it is read; never before `sent_ns`."""


class EchoSocket(Protocol):
    """One ICMP socket for all hosts."""

    @property
    def refusal(self) -> str | None:
        """Why the last `send` or `send_all` left a host out, for the log; None if it did not."""
        ...

    def fileno(self) -> int:
        """Becomes readable when `receive` may have something."""
        ...

    def prepare(self, addresses: Sequence[Address]) -> None:
        """Prebuild for exactly these hosts. Those that stay keep their outstanding probes.

        The number of hosts is not limited; a host that is named twice counts once.
        """
        ...

    def send(self, address: Address, sequence: int) -> int | None:
        """Send one probe; `sequence` is any number from 0 to 2**64 - 1, new for this host.

        Returns the time of the send, or None when the system refused it (see `refusal`): no
        route, adapter down, firewall, no buffer. A cable that is out refuses nothing: read
        `Addresses.carrier`. A host that was not prepared is prepared now.
        """
        ...

    def send_all(self, sequence: int) -> list[int | None]:
        """`send` to every prepared host, in the order of `prepare`; half the cost of single sends.

        It reads between sends, so that thousands of answers do not overflow the receive buffer:
        call `receive` before waiting on `fileno`.
        """
        ...

    def receive(self) -> list[EchoReply]:
        """All answers that came since the last time; duplicates and forgeries are dropped."""
        ...

    def close(self) -> None: ...


class ArpOperation(IntEnum):
    """The operation field of an ARP packet (RFC 826)."""

    REQUEST = 1
    REPLY = 2


@dataclass(frozen=True, slots=True)
class ArpPacket:
    """An ARP packet that another machine sent."""

    operation: ArpOperation
    sender_mac: str
    sender_ip: Address
    target_mac: str
    target_ip: Address
    received_ns: int

    @property
    def is_probe(self) -> bool:
        """Somebody asks whether `target_ip` is free, to take it (RFC 5227, 1.1)."""
        return self.operation is ArpOperation.REQUEST and self.sender_ip == UNSPECIFIED

    @property
    def is_announcement(self) -> bool:
        """Somebody tells everybody that `sender_ip` is theirs (RFC 5227, 1.1)."""
        return self.sender_ip == self.target_ip

    def claims(self, address: Address) -> bool:
        """Whether its sender uses, or is about to use, this address (RFC 5227, 2.1.1)."""
        return self.sender_ip == address or (self.is_probe and self.target_ip == address)


class ArpSocket(Protocol):
    """ARP on one adapter."""

    @property
    def mac(self) -> str:
        """The adapter's hardware address, lower case with colons; a bond's may change."""
        ...

    @property
    def refusal(self) -> str | None:
        """Why the last `ask`, `probe` or `announce` returned False; None after one that went."""
        ...

    def fileno(self) -> int:
        """Becomes readable when `receive` may have something."""
        ...

    def prepare(self, address: Address) -> None:
        """Prebuild the frames of `probe` and `announce`: microseconds count in a takeover."""
        ...

    def ask(self, address: Address) -> bool:
        """Ask who has the address, as any machine does that wants to talk to it.

        Unlike a probe it keeps nobody from taking the address: one who is about to must step back
        from another's probe (RFC 5227, 2.1.1). An adapter without an address can only probe.
        """
        ...

    def probe(self, address: Address) -> bool:
        """Ask whether somebody uses the address, in order to take it (RFC 5227, 2.1.1)."""
        ...

    def announce(self, address: Address) -> bool:
        """Tell everybody that the address is at our MAC, once as request and once as reply.

        Some devices listen to requests only, some to replies only.
        """
        ...

    def receive(self) -> list[ArpPacket]:
        """All ARP packets of other machines that are there now; survives a lost adapter."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Adapter:
    """A network adapter of this machine (manual, "Network tab")."""

    name: str
    index: int
    mac: str
    """Lower case with colons; empty where the adapter has none."""
    up: bool
    """Switched on by the administrator."""
    carrier: bool
    """The cable is in and the other end answers; False while it is not up."""
    interfaces: tuple[Interface, ...]
    """Its addresses with their networks, its own before those that we took."""
    description: str


class Addresses(Protocol):
    """The adapters of this machine and their addresses.

    An adapter that does not exist is a `UsageError` that lists those that do; a missing right is
    `Refused`.
    """

    def adapters(self) -> list[Adapter]: ...

    def adapter(self, name: str) -> Adapter: ...

    def carrier(self, name: str) -> bool:
        """As `Adapter.carrier`, cheap enough for every interval; an adapter that is gone has none.

        It is the state of this moment, not of the system's last notification.
        """
        ...

    def gateway(self, adapter_name: str) -> Address | None:
        """The gateway of the default route through this adapter."""
        ...

    def holder(self, address: Address) -> str | None:
        """The name of the adapter that has the address."""
        ...

    def add(self, address: Address, adapter_name: str) -> None:
        """Take the address as a /32 until the next reboot; taking it twice is no error."""
        ...

    def remove(self, address: Address, adapter_name: str) -> None:
        """Give up what `add` took, and nothing else; giving it up twice is no error."""
        ...

    def close(self) -> None: ...


OpenEcho: TypeAlias = Callable[[Address | None], EchoSocket]
"""Opens a socket; with an address, probes are sent from it (it may be taken later)."""

OpenArp: TypeAlias = Callable[[str], ArpSocket]
"""Opens a socket on the adapter with this name."""

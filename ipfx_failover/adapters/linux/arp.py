"""The `ArpSocket` of Linux: a packet socket on one adapter (packet(7))."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from ipfx_failover.adapters import arp_frames, refusals
from ipfx_failover.adapters.linux import links
from ipfx_failover.adapters.linux.timestamps import (
    ANCILLARY_BYTES,
    Arrivals,
    request_timestamps,
    stamp_of,
)
from ipfx_failover.adapters.privileges import missing_right
from ipfx_failover.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfx_failover.net import Address, ArpPacket

_FRAME_BYTES = 64
# The reader of a flood has to come back some time.
_MOST_FRAMES = 4096
_HARDWARE_ETHERNET = 1
# Of a VLAN that is not ours or, where somebody listens in, between other machines; our own.
_NOT_FOR_US = frozenset({socket.PACKET_OTHERHOST, socket.PACKET_OUTGOING})


class LinuxArpSocket:
    """ARP on the adapter with this name. Needs CAP_NET_RAW.

    It outlives the adapter: it works again as soon as there is one with that name.

    Raises:
        Refused: The right is missing.
        UsageError: There is no such adapter, or it is not an Ethernet.
    """

    def __init__(self, adapter_name: str) -> None:
        self._adapter_name = adapter_name
        self._socket = _open(adapter_name)
        self._mac = ""
        self._refusal: str | None = None
        self._prepared: dict[Address, _Frames] = {}
        self._follow_adapter()

    @property
    def mac(self) -> str:
        self._follow_adapter()
        return self._mac

    @property
    def refusal(self) -> str | None:
        return self._refusal

    def fileno(self) -> int:
        return self._socket.fileno()

    def prepare(self, address: Address) -> None:
        self._prepared[address] = _Frames(self._mac, address)

    def ask(self, address: Address) -> bool:
        own = links.ipv4(self._socket, self._adapter_name)  # each time: it may have changed
        if own is None:
            return self.probe(address)
        self._follow_adapter()
        return self._send((arp_frames.question(self._mac, own, address),))

    def probe(self, address: Address) -> bool:
        return self._send((self._frames(address).probe,))

    def announce(self, address: Address) -> bool:
        return self._send(self._frames(address).announcements)

    def receive(self) -> list[ArpPacket]:
        self._follow_adapter()
        packets = []
        arrivals = Arrivals()
        for _ in range(_MOST_FRAMES):
            try:
                frame, ancillary, _, sender = self._socket.recvmsg(_FRAME_BYTES, ANCILLARY_BYTES)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENETDOWN:
                    raise
                continue
            packet = arp_frames.parse(frame, arrivals.monotonic_ns(stamp_of(ancillary)))
            # Behind bonds and hypervisors our own broadcasts come back to us.
            if packet and sender[2] not in _NOT_FOR_US and packet.sender_mac != self._mac:
                packets.append(packet)
        return packets

    def close(self) -> None:
        self._socket.close()

    def _frames(self, address: Address) -> _Frames:
        self._follow_adapter()
        if address not in self._prepared:
            self.prepare(address)
        return self._prepared[address]

    def _send(self, frames: Sequence[bytes]) -> bool:
        self._refusal = None
        for frame in frames:
            try:
                self._socket.send(frame)
            except OSError as error:
                self._refusal = f"no ARP on {self._adapter_name}: {refusals.reason(error)}"
        return self._refusal is None

    def _follow_adapter(self) -> None:
        """Bind again after a loss; a bond may get another MAC. Costs a microsecond."""
        if not self._socket.getsockname()[0]:
            with suppress(OSError):
                self._socket.bind((self._adapter_name, arp_frames.ETHERTYPE_ARP))
        *_, mac = self._socket.getsockname()
        if mac and mac.hex(":") != self._mac:
            self._mac = mac.hex(":")
            for address in self._prepared:
                self.prepare(address)


class _Frames:
    """What is sent about one address."""

    __slots__ = ("announcements", "probe")

    def __init__(self, mac: str, address: Address) -> None:
        self.probe = arp_frames.probe(mac, address)
        self.announcements = arp_frames.announcements(mac, address)


def _open(adapter_name: str) -> socket.socket:
    links.index(adapter_name)
    try:
        # Protocol 0: nothing comes in before it is bound to the adapter.
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    except PermissionError:
        raise missing_right("open an ARP socket", "CAP_NET_RAW") from None
    try:
        sock.setblocking(False)  # noqa: FBT003 - the standard library's signature
        request_timestamps(sock)
        sock.bind((adapter_name, arp_frames.ETHERTYPE_ARP))
        if sock.getsockname()[3] != _HARDWARE_ETHERNET:
            raise UsageError(
                f"network adapter {adapter_name!r} is not an Ethernet and has no ARP",
                "choose the adapter to which the servers' network is connected",
            )
    except (OSError, UsageError):
        sock.close()
        raise
    return sock

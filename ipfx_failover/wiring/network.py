"""The network of this machine, behind the ports of `ipfx_failover.net`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.adapters.paths import WINDOWS

if TYPE_CHECKING:
    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.net import Adapter, Address, Addresses, ArpSocket, EchoSocket

_PORT_TIMEOUT_S = 3.0
_PORT_GLANCE_S = 0.5


def adapters() -> list[Adapter]:
    """The network adapters of this machine, the loopback left out."""
    here = addresses()
    try:
        return usable(here)
    finally:
        here.close()


def usable(here: Addresses) -> list[Adapter]:
    """The adapters that could take an address over."""
    return [
        each for each in here.adapters() if not any(at.ip.is_loopback for at in each.interfaces)
    ]


def addresses() -> Addresses:
    """The adapters of this machine."""
    if WINDOWS:
        from ipfx_failover.adapters.windows.addresses import WindowsAddresses

        return WindowsAddresses()
    from ipfx_failover.adapters.linux.addresses import LinuxAddresses

    return LinuxAddresses()


def echo(source: Address | None = None) -> EchoSocket:
    """An ICMP socket; its probes come from `source` if given."""
    if WINDOWS:
        from ipfx_failover.adapters.windows.icmp import WindowsEchoSocket

        return WindowsEchoSocket(source)
    from ipfx_failover.adapters.linux.icmp import LinuxEchoSocket

    return LinuxEchoSocket(source)


def arp(adapter: str) -> ArpSocket:
    """An ARP socket on an adapter.

    Raises:
        Refused: this is Windows, which lets nobody send frames.
    """
    if WINDOWS:
        from ipfx_failover.adapters.windows.addresses import not_taken

        raise not_taken()
    from ipfx_failover.adapters.linux.arp import LinuxArpSocket

    return LinuxArpSocket(adapter)


def application_answers(server: ServerSettings) -> bool:
    """Whether the Primary's application takes connections at its own address."""
    from ipfx_failover.adapters.tcp import answering

    return answering([str(server.address)], server.port, _PORT_TIMEOUT_S) is not None


def application_answers_at(port: int, address: Address) -> bool:
    """Whether an application takes connections there, for who has not the time to wait."""
    from ipfx_failover.adapters.tcp import answering

    return answering([str(address)], port, _PORT_GLANCE_S) is not None


class ArpSockets:
    """Open ARP sockets by adapter, with the frames of the addresses that may be taken built."""

    def __init__(self, prepared: tuple[Address, ...]) -> None:
        self._prepared = prepared
        self._open: dict[str, ArpSocket] = {}

    def __call__(self, adapter: str) -> ArpSocket:
        if adapter not in self._open:
            socket = arp(adapter)
            for address in self._prepared:
                socket.prepare(address)
            self._open[adapter] = socket
        return self._open[adapter]

    def close(self) -> None:
        for socket in self._open.values():
            socket.close()
        self._open.clear()

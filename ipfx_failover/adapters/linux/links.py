"""Adapters by ioctl (netdevice(7), <linux/ethtool.h>): cheap, and of this moment."""

from __future__ import annotations

import array
import fcntl
import socket
from ipaddress import IPv4Address
from struct import Struct

from ipfx_failover.errors import UsageError

_SIOCGIFFLAGS = 0x8913
_SIOCGIFADDR = 0x8915
_SIOCETHTOOL = 0x8946
_ETHTOOL_GDRVINFO = 0x03
_ETHTOOL_GLINK = 0x0A
_IFF_RUNNING = 0x40

_NAME_BYTES = 16
_REQUEST_FLAGS = Struct(f"={_NAME_BYTES}sH22x")
_REQUEST_ADDRESS = Struct(f"={_NAME_BYTES}s4x4s16x")
_REQUEST_POINTER = Struct(f"@{_NAME_BYTES}sP16x")
_LINK = Struct("=II")
# Command, driver, version, firmware version, bus; then what we do not read.
_DRIVER_INFO = Struct("=I32s32s32s32s64x")


def names() -> list[str]:
    """The adapters of this machine, without the loopback."""
    return [name for _, name in socket.if_nameindex() if name != "lo"]


def index(name: str) -> int:
    """The number of an adapter.

    Raises:
        UsageError: There is no such adapter.
    """
    try:
        return socket.if_nametoindex(name)
    except OSError:
        known = ", ".join(names()) or "none"
        raise UsageError(
            f"there is no network adapter {name!r}", f"the adapters of this machine: {known}"
        ) from None


def carrier(sock: socket.socket, name: str) -> bool:
    """Whether the adapter is up and its cable is in; False if there is no such adapter."""
    try:
        # The interface flags tell up to a second later (link watch); this asks the driver.
        _, is_linked = _LINK.unpack(_ethtool(sock, name, _LINK.pack(_ETHTOOL_GLINK, 0)))
        return bool(is_linked)
    except OSError:
        return _is_running(sock, name)


def ipv4(sock: socket.socket, name: str) -> IPv4Address | None:
    """The first address of the adapter; None if it has none, or there is no such adapter."""
    try:
        answer = fcntl.ioctl(sock, _SIOCGIFADDR, _REQUEST_ADDRESS.pack(_name(name), b""))
    except OSError:
        return None
    return IPv4Address(_REQUEST_ADDRESS.unpack(answer)[1])


def driver(sock: socket.socket, name: str) -> str:
    """What drives the adapter and where it is plugged in; empty if it does not say."""
    request = _DRIVER_INFO.pack(_ETHTOOL_GDRVINFO, b"", b"", b"", b"")
    try:
        _, driver_name, _, _, bus = _DRIVER_INFO.unpack(_ethtool(sock, name, request))
    except OSError:
        return ""
    parts = [part.rstrip(b"\0").decode(errors="replace") for part in (driver_name, bus)]
    return " at ".join(part for part in parts if part)


def _ethtool(sock: socket.socket, name: str, request: bytes) -> bytes:
    answer = array.array("B", request)
    fcntl.ioctl(sock, _SIOCETHTOOL, _REQUEST_POINTER.pack(_name(name), answer.buffer_info()[0]))
    return answer.tobytes()


def _is_running(sock: socket.socket, name: str) -> bool:
    try:
        answer = fcntl.ioctl(sock, _SIOCGIFFLAGS, _REQUEST_FLAGS.pack(_name(name), 0))
    except OSError:
        return False
    return bool(_REQUEST_FLAGS.unpack(answer)[1] & _IFF_RUNNING)


def _name(name: str) -> bytes:
    return name.encode()[: _NAME_BYTES - 1]

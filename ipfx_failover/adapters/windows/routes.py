"""The default routes of this machine (GetIpForwardTable of <iphlpapi.h>)."""

from __future__ import annotations

import ctypes
from ipaddress import IPv4Address
from struct import Struct
from typing import TYPE_CHECKING, Final

from ipfx_failover.adapters.windows.libraries import library

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfx_failover.net import Address, Interface

_DONE: Final = 0
_TOO_SMALL: Final = 122  # ERROR_INSUFFICIENT_BUFFER
_COUNT: Final = Struct("=I")
# Of MIB_IPFORWARDROW: destination, mask, next hop, first metric.
_ROW: Final = Struct("=4s4s4x4s20xI16x")


def gateway(interfaces: Sequence[Interface]) -> Address | None:
    """The next hop of the cheapest default route that lies in one of these networks."""
    found = [
        (metric, hop)
        for destination, mask, hop, metric in _routes()
        if not any(destination + mask) and any(IPv4Address(hop) in at.network for at in interfaces)
    ]
    return IPv4Address(min(found)[1]) if found else None


def _routes() -> list[tuple[bytes, bytes, bytes, int]]:
    read = library("iphlpapi").GetIpForwardTable
    needed = ctypes.c_uint32()
    table = ctypes.create_string_buffer(0)
    while (code := read(table, ctypes.byref(needed), 0)) == _TOO_SMALL:
        table = ctypes.create_string_buffer(needed.value)
    if code != _DONE:
        return []  # no network at all, or no route
    (count,) = _COUNT.unpack_from(table)
    return [_ROW.unpack_from(table, _COUNT.size + number * _ROW.size) for number in range(count)]

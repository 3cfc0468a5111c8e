"""The `Addresses` of Linux: adapters, routes and addresses through rtnetlink(7)."""

from __future__ import annotations

import errno
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal

from pyroute2 import IPRoute

from ipfx_failover.adapters.linux import links
from ipfx_failover.adapters.linux.rtnetlink import change_address
from ipfx_failover.adapters.privileges import missing_right
from ipfx_failover.net import Adapter, Address, Interface

if TYPE_CHECKING:
    from collections.abc import Iterator

_ARPHRD_ETHER = 1
_IFF_UP = 1
_RT_TABLE_MAIN = 254
_TAKEN_PREFIX_BITS = 32


class LinuxAddresses:
    """Reading needs no right; `add` and `remove` need CAP_NET_ADMIN.

    Any thread may use it. In the one that made it a call takes 1 ms, elsewhere 2 to 3 ms: only the
    owner's netlink socket stays open.
    """

    def __init__(self) -> None:
        self._owner = threading.get_ident()
        self._kept = IPRoute()
        self._ioctl = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def adapters(self) -> list[Adapter]:
        with self._netlink() as netlink:
            return [self._adapter(netlink, link) for link in netlink.get_links()]

    def adapter(self, name: str) -> Adapter:
        number = links.index(name)
        with self._netlink() as netlink:
            return self._adapter(netlink, netlink.link("get", index=number)[0])

    def carrier(self, name: str) -> bool:
        return links.carrier(self._ioctl, name)

    def gateway(self, adapter_name: str) -> Address | None:
        number = links.index(adapter_name)
        with self._netlink() as netlink:
            routes = [
                (route.get("priority") or 0, hop.get("gateway"))
                for route in netlink.get_default_routes(socket.AF_INET, _RT_TABLE_MAIN)
                for hop in (route.get("multipath") or [route])
                if hop.get("oif") == number and hop.get("gateway")
            ]
        return Address(min(routes)[1]) if routes else None

    def holder(self, address: Address) -> str | None:
        with self._netlink() as netlink:
            for found in netlink.get_addr(family=socket.AF_INET, local=str(address)):
                with suppress(OSError):  # the adapter went away meanwhile
                    return socket.if_indextoname(found["index"])
        return None

    def add(self, address: Address, adapter_name: str) -> None:
        _change("add", address, adapter_name, harmless=errno.EEXIST)

    def remove(self, address: Address, adapter_name: str) -> None:
        _change("remove", address, adapter_name, harmless=errno.EADDRNOTAVAIL)

    def close(self) -> None:
        self._kept.close()
        self._ioctl.close()

    @contextmanager
    def _netlink(self) -> Iterator[Any]:
        """pyroute2's object keeps a socket for each thread that ever used it: lend it to one."""
        if threading.get_ident() == self._owner:
            yield self._kept
        else:
            with IPRoute() as netlink:
                yield netlink

    def _adapter(self, netlink: Any, link: Any) -> Adapter:
        name: str = link.get("ifname")
        interfaces = [
            Interface(f"{found.get('local')}/{found['prefixlen']}")
            for found in netlink.get_addr(family=socket.AF_INET, index=link["index"])
        ]
        return Adapter(
            name=name,
            index=link["index"],
            mac=link.get("address") if link["ifi_type"] == _ARPHRD_ETHER else "",
            up=bool(link["flags"] & _IFF_UP),
            carrier=self.carrier(name),
            interfaces=tuple(
                sorted(interfaces, key=lambda i: i.network.prefixlen == _TAKEN_PREFIX_BITS)
            ),
            description=self._description(name, link),
        )

    def _description(self, name: str, link: Any) -> str:
        linkinfo = link.get("linkinfo")
        kind = linkinfo.get("kind") if linkinfo else None
        return link.get("ifalias") or links.driver(self._ioctl, name) or kind or ""


def _change(
    request: Literal["add", "remove"], address: Address, adapter_name: str, *, harmless: int
) -> None:
    # As /24 it would become a secondary of our own address there, and vanish with that.
    try:
        change_address(request, address, _TAKEN_PREFIX_BITS, links.index(adapter_name))
    except PermissionError:
        verb = "take" if request == "add" else "release"
        raise missing_right(f"{verb} address {address}", "CAP_NET_ADMIN") from None
    except OSError as error:
        if error.errno != harmless:
            raise

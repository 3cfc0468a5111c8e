"""The network adapters of this machine as psutil finds them, on any system."""

from __future__ import annotations

import socket

import psutil

from ipfx_failover.net import Adapter, Interface


def found_adapters() -> list[Adapter]:
    """The adapters in the system's order.

    psutil knows no descriptions; a cable counts as being in when the adapter is up.
    """
    states = psutil.net_if_stats()
    found = []
    for index, (name, addresses) in enumerate(psutil.net_if_addrs().items(), start=1):
        up = name in states and states[name].isup
        macs = [each.address for each in addresses if each.family == psutil.AF_LINK]
        found.append(
            Adapter(
                name=name,
                index=index,
                mac=macs[0].replace("-", ":").lower() if macs else "",
                up=up,
                carrier=up,
                interfaces=tuple(
                    Interface(f"{each.address}/{each.netmask or 32}")
                    for each in addresses
                    if each.family == socket.AF_INET
                ),
                description="",
            )
        )
    return found

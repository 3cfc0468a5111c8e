"""The `Addresses` of Windows, read by psutil; none is taken here (README, "What is not tested")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.adapters.interfaces import found_adapters
from ipfx_failover.adapters.windows.routes import gateway
from ipfx_failover.errors import Refused, UsageError

if TYPE_CHECKING:
    from ipfx_failover.net import Adapter, Address


class WindowsAddresses:
    """An adapter's name is its alias, as `Get-NetAdapter` has it. Looking takes some milliseconds.

    An adapter counts as up when its cable is in: Windows knows one state (OperStatus).
    """

    def adapters(self) -> list[Adapter]:
        return found_adapters()

    def adapter(self, name: str) -> Adapter:
        found = self.adapters()
        for each in found:
            if each.name.casefold() == name.casefold():
                return each
        known = ", ".join(each.name for each in found) or "none"
        raise UsageError(
            f"there is no network adapter {name!r}", f"the adapters of this machine: {known}"
        )

    def carrier(self, name: str) -> bool:
        try:
            return self.adapter(name).carrier
        except UsageError:
            return False

    def gateway(self, adapter_name: str) -> Address | None:
        return gateway(self.adapter(adapter_name).interfaces)

    def holder(self, address: Address) -> str | None:
        for each in self.adapters():
            if any(at.ip == address for at in each.interfaces):
                return each.name
        return None

    def add(self, address: Address, adapter_name: str) -> None:  # noqa: ARG002 - of the port
        raise not_taken()

    def remove(self, address: Address, adapter_name: str) -> None:
        """None was taken: there is nothing to give up."""

    def close(self) -> None:
        pass


def not_taken() -> Refused:
    """Why no address is taken over: it could not be tried whether Windows does it as it says."""
    return Refused(
        "this version takes addresses over on Linux only",
        "leave assume_ip = false, and have clients try both addresses; or run it on Linux",
    )

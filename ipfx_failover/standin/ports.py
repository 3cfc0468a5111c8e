"""What the steps of taking and giving back a role work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ipfx_failover.events import Event, EventKind
from ipfx_failover.net import wait_readable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from ipfx_failover.clock import Clock
    from ipfx_failover.net import Address, Addresses, ArpSocket, OpenEcho, Wait
    from ipfx_failover.standin.application import Application
    from ipfx_failover.standin.record import MachineRecord
    from ipfx_failover.state.store import Store
    from ipfx_failover.workflow.ports import Effect


class StandbyCopy(Protocol):
    """The standby's copy of a server, as far as a stand-in is concerned."""

    def evict(self, server: str) -> list[str]:
        """End whatever works on the copy, keep its last verified state; what was ended."""
        ...

    def fingerprint(self, server: str) -> str:
        """Changes when the application has written to the copy."""
        ...

    def as_of(self, server: str) -> datetime | None:
        """As of when all of its database is; None: nothing was replicated."""
        ...

    def obstacle(self, server: str) -> str | None:
        """Why the copy cannot come into use: it is gone, or damaged. None when it can.

        Raises:
            Unreachable: it cannot be asked yet.
            Failed, Refused: it cannot be asked.
        """
        ...

    def take_role(self, server: str) -> list[str]:
        """Make the copy ready for the application; what could not be done, a line each.

        Raises:
            Unreachable: it cannot be asked yet; it may be repeated.
            Failed, Refused: nothing could.
        """
        ...

    def give_role_back(self, server: str) -> None:
        """The application has written nothing: the copy follows the live server again."""
        ...

    def set_aside(self, server: str) -> str:
        """Keep a copy of what the stand-in recorded; where it is."""
        ...


@dataclass(frozen=True, slots=True)
class StandInPorts:
    """What the steps work with.

    `arp`: an open socket on an adapter, with its frames built. `references`: who is to answer a
    ping from an address that we have taken.
    """

    clock: Clock
    boot_id: str
    store: Store
    record: MachineRecord
    addresses: Addresses
    arp: Callable[[str], ArpSocket]
    echo: OpenEcho
    application: Application | None
    references: Callable[[Address], Sequence[Address]]
    fence: Callable[[str], None]
    copy: StandbyCopy
    wait: Wait = wait_readable

    def event(self, kind: EventKind, server: str, **data: str | float | bool) -> Effect:
        event = Event(kind, self.clock.now(), server, data)
        return lambda tx: tx.emit(event)

"""The steps of taking an address, for a role or alone. Each may run again after a kill."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from ipfx_failover.errors import Failed
from ipfx_failover.events import Event, EventKind
from ipfx_failover.records import HeldAddress
from ipfx_failover.standin.probing import any_answers
from ipfx_failover.workflow.ports import Effect, Outcome, Values, text_or_none

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfx_failover.net import Address, ArpSocket, EchoSocket
    from ipfx_failover.standin.ports import StandInPorts

TAKE_ADDRESS = "take the address"
VERIFY_ADDRESS = "verify the address"

ANNOUNCEMENTS_AT_ONCE = 5
_VERIFY_AGAIN = 4
_VERIFY_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class TakeAddress:
    """Add the address as a /32 and announce it."""

    ports: StandInPorts

    def describe(self, values: Values) -> str:
        return f"take {values['address']} on {values['adapter']} and announce it"

    def do(self, values: Values) -> Outcome:
        ports = self.ports
        address, adapter = IPv4Address(str(values["address"])), str(values["adapter"])
        arp = ports.arp(adapter)
        ports.addresses.add(address, adapter)
        for _ in range(ANNOUNCEMENTS_AT_ONCE):
            arp.announce(address)
        server = text_or_none(values["server"])
        held = HeldAddress(str(address), adapter, ports.boot_id, server, ports.clock.now())
        event = Event(
            EventKind.ADDRESS_TAKEN,
            held.since,
            server,
            {"address": str(address), "adapter": adapter},
        )
        return Outcome((lambda tx: tx.hold_address(held), lambda tx: tx.emit(event)))

    def undo(self, values: Values) -> Sequence[Effect]:
        """Give it up; where it is not, nothing is done that would need a right or be told."""
        ports = self.ports
        address, adapter = str(values["address"]), str(values["adapter"])
        if ports.addresses.holder(IPv4Address(address)) is not None:
            ports.addresses.remove(IPv4Address(address), adapter)
        elif all(held.address != address for held in ports.store.held_addresses()):
            return ()
        event = Event(
            EventKind.ADDRESS_RELEASED,
            ports.clock.now(),
            text_or_none(values["server"]),
            {"address": address, "adapter": adapter},
        )
        return (lambda tx: tx.drop_address(address), lambda tx: tx.emit(event))


@dataclass(frozen=True, slots=True)
class VerifyAddress:
    """Done only when a reference answers a ping from the taken address.

    Where none answers one from our own address either, they ignore pings, and show nothing.
    """

    ports: StandInPorts

    def describe(self, values: Values) -> str:
        return f"verify that a reference target answers a ping from {values['address']}"

    def do(self, values: Values) -> Outcome:
        source = IPv4Address(str(values["address"]))
        targets = self.ports.references(source)
        if targets:
            self._verify(source, targets, self.ports.arp(str(values["adapter"])))
        return Outcome()

    def _verify(self, source: Address, targets: Sequence[Address], arp: ArpSocket) -> None:
        with closing(self.ports.echo(source)) as taken:
            taken.prepare(targets)
            if self._any_answers(taken, targets, 0) or self._all_ignore_pings(targets):
                return
            for sequence in range(1, 1 + _VERIFY_AGAIN):
                arp.announce(source)
                if self._any_answers(taken, targets, sequence):
                    return
        raise Failed(
            f"no reference target ({', '.join(map(str, targets))}) answers a ping from {source}",
            "look for port security, dynamic ARP inspection or a wrong adapter",
        )

    def _all_ignore_pings(self, targets: Sequence[Address]) -> bool:
        with closing(self.ports.echo(None)) as own:
            return not self._any_answers(own, targets, 0)

    def _any_answers(self, echo: EchoSocket, targets: Sequence[Address], sequence: int) -> bool:
        ports = self.ports
        return any_answers(echo, targets, sequence, ports.clock, _VERIFY_TIMEOUT_S, ports.wait)

    def undo(self, values: Values) -> Sequence[Effect]:  # noqa: ARG002 - nothing was changed
        return ()

"""What the operator's commands add to the desk: probing an address, and taking one alone."""

from __future__ import annotations

import threading
from ipaddress import AddressValueError, IPv4Address
from typing import TYPE_CHECKING

from ipfx_failover.errors import Interrupted, Refused, UsageError
from ipfx_failover.standin import address_steps
from ipfx_failover.standin.desk import RESOURCE
from ipfx_failover.standin.probing import who_answers, who_uses
from ipfx_failover.standin.take_alone import TakeAlone
from ipfx_failover.standin.upkeep import Conflict, Seen, Upkeep
from ipfx_failover.state import locks
from ipfx_failover.state.journal import Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.net import Address, ArpSocket
    from ipfx_failover.standin.desk import StandInDesk


def address_in_use(desk: StandInDesk, server: ServerSettings) -> Refused | None:
    """Why the server's address must not be taken now (asks by ARP, 3 s); None when it may."""
    adapter = desk.config.network.adapter
    if not server.assume_ip or adapter is None:
        return None
    if desk.ports.addresses.holder(server.address) is not None:
        return None
    return in_use(desk, server.address, adapter, again=f"failover-now {server.name} --force")


def in_use(desk: StandInDesk, address: Address, adapter: str, *, again: str) -> Refused | None:
    mac = who_uses(desk.ports.arp(adapter), address, desk.ports.clock, desk.ports.wait)
    if mac is None:
        return None
    return Refused(
        f"{address} is in use: {mac} answers ARP on {adapter}",
        f"switch that machine off or disconnect it, or take it all the same: ipfx-failover {again}",
    )


def signs_of_life(
    desk: StandInDesk, server: ServerSettings, answers: Callable[[Address], bool]
) -> list[str]:
    """What shows that the Primary is back before its role is given back; takes 1 s at most.

    `answers`: whether an application takes connections at an address. At one that we hold it is
    ours that does: there another machine is found by ARP.
    """
    signs, ports = [], desk.ports
    adapter = ports.addresses.holder(server.address)
    if adapter is not None:
        mac = who_answers(ports.arp(adapter), server.address, ports.clock, ports.wait)
        if mac is not None:
            signs.append(f"{mac} uses {server.address}, too, and will have it alone")
    own = server.address if adapter is None else None
    signs += [
        f"the application of {server.name} runs already ({address} port {server.port} answers); "
        "stop it before replicate-to-live"
        for address in filter(None, (own, server.management_address))
        if answers(address)
    ]
    return signs


class AddressCommand:
    """Takes, keeps or releases one address, of a server or of nobody.

    Raises (everywhere):
        UsageError: neither an address nor a server, or no adapter.
        Refused: somebody uses the address; or a stand-in holds it.
    """

    def __init__(self, desk: StandInDesk, target: str, adapter: str | None) -> None:
        self._desk = desk
        self.address, self.server = _target(desk, target)
        chosen = adapter or desk.config.network.adapter
        if chosen is None:
            known = ", ".join(a.name for a in desk.ports.addresses.adapters())
            raise UsageError(
                "no adapter is given, and the config has no network.adapter",
                f"add --adapter with one of: {known}",
            )
        self.adapter = desk.ports.addresses.adapter(chosen).name

    def check(self, *, force: bool) -> None:
        """Ask by ARP (3 s) whether somebody uses the address, unless `force`."""
        if force or self._desk.ports.addresses.holder(self.address) is not None:
            return
        again = f"takeover-ip {self.address} --adapter {self.adapter} --force"
        if refusal := in_use(self._desk, self.address, self.adapter, again=again):
            raise refusal

    def take(self) -> None:
        """Take, announce and verify it; undone when no reference answers from it.

        Undone, it would be lost to a stand-in that holds it: refused then.
        """
        self._refuse_that_of_the_stand_in()
        where = {
            "server": self.server,
            "address": str(self.address),
            "adapter": self.adapter,
        }
        plan = [Step(address_steps.TAKE_ADDRESS, where), Step(address_steps.VERIFY_ADDRESS, where)]
        with self._desk.machine_locks.hold(RESOURCE, locks.this_command()):
            runner = self._desk.runner(TakeAlone(self._desk.ports))
            runner.recover(str(self.address))
            runner.run(str(self.address), self.server or "", plan)

    def release(self) -> bool:
        """Give it up; False when it was not ours, and nothing has changed."""
        self._refuse_that_of_the_stand_in()
        with self._desk.machine_locks.hold(RESOURCE, locks.this_command()):
            was_held = self._is_held()
            self._desk.runner(TakeAlone(self._desk.ports)).recover(str(self.address))
            step = address_steps.TakeAddress(self._desk.ports)
            values = {"server": self.server, "address": str(self.address), "adapter": self.adapter}
            self._desk.committer.commit(*step.undo(values))
            return was_held and not self._is_held()

    def _is_held(self) -> bool:
        ports = self._desk.ports
        if ports.addresses.holder(self.address) is not None:
            return True
        return any(held.address == str(self.address) for held in ports.store.held_addresses())

    def _refuse_that_of_the_stand_in(self) -> None:
        stand_in = self._desk.ports.store.stand_in()
        if stand_in is not None and stand_in.address == str(self.address):
            raise Refused(
                f"{self.address} is held while standing in for {stand_in.server}",
                f"give the role back: ipfx-failover stop-failover {stand_in.server}",
            )

    def keep(self, open_arp: Callable[[str], ArpSocket], tell: Callable[[str], None]) -> None:
        """Announce it again and answer conflicts until interrupted; then release it."""

        def told(seen: Seen) -> None:
            if isinstance(seen, Conflict):
                tell(f"{seen.mac} uses {seen.address} too; answered")

        ports = self._desk.ports
        upkeep = Upkeep(
            addresses=ports.addresses,
            open_arp=open_arp,
            clock=ports.clock,
            interval_ms=self._desk.config.network.management_interval_ms,
            tell=told,
            wait=ports.wait,
        )
        upkeep.keep({self.address: self.adapter})
        thread = threading.Thread(target=upkeep.run, name="upkeep", daemon=True)
        thread.start()
        try:
            while True:
                ports.clock.sleep(0.5)
        except (Interrupted, KeyboardInterrupt):
            tell("interrupted; releasing it")
        finally:
            upkeep.stop()
            thread.join(timeout=5)
            self.release()


def _target(desk: StandInDesk, target: str) -> tuple[IPv4Address, str | None]:
    try:
        return IPv4Address(target), None
    except AddressValueError:
        pass
    for name, server in desk.config.servers.items():
        if name.casefold() == target.casefold():
            return server.address, name
    known = ", ".join(desk.config.servers) or "none"
    raise UsageError(
        f"{target} is neither an IPv4 address nor a server", f"the config's servers: {known}"
    )

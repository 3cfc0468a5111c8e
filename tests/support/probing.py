"""The prober on a simulated LAN, turn by turn."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Self

from ipfx_failover.monitor.prober import Prober, ProbeRound, Targets
from tests.fakes.clock import FakeClock
from tests.fakes.network import LATENCY_NS, FakeLan, FakeMachine
from tests.fakes.network_ports import FakeArpSocket, FakeEchoSocket
from tests.support.waiting import FakeWait

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfx_failover.net import Address

PRIMARY = IPv4Address("10.0.0.1")
GATEWAY = IPv4Address("10.0.0.254")
NOBODY = IPv4Address("10.0.0.99")
MS_NS = 1_000_000
INTERVAL_NS, TIMEOUT_NS = 2000 * MS_NS, 1000 * MS_NS


class SlowLan(FakeLan):
    """A LAN on which frames can be made to take longer."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.latency_ns = LATENCY_NS

    def later(self, action: Callable[[], None]) -> None:
        self.clock.at(self.clock.monotonic_ns() + self.latency_ns, action)


class SlowSocket(FakeEchoSocket):
    """A socket on a machine where each send takes its time."""

    def __init__(self, machine: FakeMachine) -> None:
        super().__init__(machine, None)
        self.clock = machine.lan.clock
        self.send_takes_ms = 0.0
        self.rounds_sent = 0

    def send_all(self, sequence: int) -> list[int | None]:
        self.rounds_sent += 1
        self.clock.advance(self.send_takes_ms / 1000)
        return super().send_all(sequence)


class MutableArp(FakeArpSocket):
    """ARP on an adapter that can be kept from sending."""

    is_muted = False

    def ask(self, address: Address) -> bool:
        return not self.is_muted and super().ask(address)


class Probed:
    """We, a Primary and a gateway; what the prober told is in `rounds`."""

    def __init__(
        self, *, interval_ms: int = 2000, timeout_ms: int = 1000, with_arp: bool = False
    ) -> None:
        self.clock = FakeClock()
        self.lan = SlowLan(self.clock)
        self.us = self.lan.machine("us", "10.0.0.2/24", gateway=str(GATEWAY))
        self.primary = self.lan.machine("primary", f"{PRIMARY}/24")
        self.gateway = self.lan.machine("gateway", f"{GATEWAY}/24")
        self.rounds: list[ProbeRound] = []
        self.echo = SlowSocket(self.us)
        self.arp = MutableArp(self.us) if with_arp else None
        self.prober = Prober(
            echo=self.echo,
            arp=self.arp,
            carrier=lambda: self.us.is_connected,
            clock=self.clock,
            interval_ms=interval_ms,
            timeout_ms=timeout_ms,
            tell=self.rounds.append,
            wait=FakeWait(self.clock),
        )
        self.aim(PRIMARY, arp=frozenset({PRIMARY} if with_arp else ()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.prober.close()

    def aim(self, *addresses: Address, arp: frozenset[Address] = frozenset()) -> None:
        self.prober.aim(Targets(addresses, arp))

    def next_rounds(self, number: int) -> list[ProbeRound]:
        """Probe until so many more rounds are judged; these."""
        before = len(self.rounds)
        for _ in range(10_000):
            if len(self.rounds) >= before + number:
                return self.rounds[before:]
            self.prober.turn()
        raise AssertionError("nothing is judged any more")

    def next_round(self) -> ProbeRound:
        return self.next_rounds(1)[0]

    def send(self) -> None:
        """Bring the prober to where it has just sent a round, and judged all before it."""
        sent = self.echo.rounds_sent
        while self.echo.rounds_sent == sent:
            self.prober.turn()

    def send_answered_after(self, duration_ms: float) -> None:
        """Send a round that the Primary answers so much later; it answers none after that."""
        self.lan.latency_ns = round(duration_ms * MS_NS)
        self.primary.answers_icmp = True
        self.send()
        self.lan.latency_ns = LATENCY_NS
        self.primary.answers_icmp = False

    def stall_ms(self, duration_ms: float) -> None:
        """Time goes by while the prober stands still."""
        self.clock.advance(duration_ms / 1000)

    def after_ms(self, duration_ms: float, action: Callable[[], None]) -> None:
        """Let something happen while the prober waits."""
        self.clock.at(self.clock.monotonic_ns() + round(duration_ms * MS_NS), action)

    def unplug_primary(self) -> None:
        self.primary.is_plugged = False

    def plug_primary(self) -> None:
        self.primary.is_plugged = True

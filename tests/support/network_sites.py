"""Small networks on which the contract of the network ports is checked: a real one, a fake one."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Protocol

import pytest

from ipfx_failover.adapters.clock import SystemClock
from tests.fakes.clock import FakeClock
from tests.fakes.network import FakeLan
from tests.support.netns import CannotMakeNamespaceError, Namespace, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ipfx_failover.net import Address, Addresses, ArpSocket, EchoSocket

ADAPTER = "lan0"
OWN = IPv4Address("10.77.0.2")
NEIGHBOUR = IPv4Address("10.77.0.1")
GATEWAY = IPv4Address("10.77.0.254")
FREE = IPv4Address("10.77.0.99")
_PATIENCE_S = 10.0
_STEP_S = 0.001


class Site(Protocol):
    """We (OWN), a neighbour and a gateway on one switch. What is opened here is closed later."""

    def addresses(self) -> Addresses: ...
    def echo(self, source: Address | None = None) -> EchoSocket: ...
    def arp(self, adapter: str = ADAPTER) -> ArpSocket: ...
    def neighbour_arp(self) -> ArpSocket: ...
    def neighbour_echo(self) -> EchoSocket: ...
    def cut_gateway(self) -> None: ...
    def cut_neighbour(self) -> None: ...
    def mend_neighbour(self) -> None: ...
    def unplug(self) -> None: ...
    def plug(self) -> None: ...
    def switch_off(self) -> None: ...
    def switch_on(self) -> None: ...
    def let_neighbour_ignore_icmp(self) -> None: ...

    def monotonic_ns(self) -> int: ...
    def pass_time(self, duration_s: float) -> None: ...

    def wait(self, ready: Callable[[], object]) -> None:
        """Let time pass until `ready`, or fail."""
        ...


class FakeSite:
    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._clock = FakeClock()
        lan = FakeLan(self._clock)
        self._us = lan.machine("us", f"{OWN}/24", gateway=str(GATEWAY), adapter=ADAPTER)
        self._neighbour = lan.machine("neighbour", f"{NEIGHBOUR}/24", adapter=ADAPTER)
        self._gateway = lan.machine("gateway", f"{GATEWAY}/24")

    def addresses(self) -> Addresses:
        return self._us.addresses()

    def echo(self, source: Address | None = None) -> EchoSocket:
        echo = self._us.echo(source)
        self._stack.callback(echo.close)
        return echo

    def arp(self, adapter: str = ADAPTER) -> ArpSocket:
        arp = self._us.arp(adapter)
        self._stack.callback(arp.close)
        return arp

    def neighbour_arp(self) -> ArpSocket:
        arp = self._neighbour.arp(ADAPTER)
        self._stack.callback(arp.close)
        return arp

    def neighbour_echo(self) -> EchoSocket:
        echo = self._neighbour.echo()
        self._stack.callback(echo.close)
        return echo

    def cut_gateway(self) -> None:
        self._gateway.is_plugged = False

    def cut_neighbour(self) -> None:
        self._neighbour.is_plugged = False

    def mend_neighbour(self) -> None:
        self._neighbour.is_plugged = True

    def unplug(self) -> None:
        self._us.is_plugged = False

    def plug(self) -> None:
        self._us.is_plugged = True

    def switch_off(self) -> None:
        self._us.is_up = False

    def switch_on(self) -> None:
        self._us.is_up = True

    def let_neighbour_ignore_icmp(self) -> None:
        self._neighbour.answers_icmp = False

    def monotonic_ns(self) -> int:
        return self._clock.monotonic_ns()

    def pass_time(self, duration_s: float) -> None:
        self._clock.advance(duration_s)

    def wait(self, ready: Callable[[], object]) -> None:
        for _ in range(int(_PATIENCE_S / _STEP_S)):
            if ready():
                return
            self._clock.advance(_STEP_S)
        raise AssertionError("it did not happen")


class LinuxSite:
    """The test runs in our namespace."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._clock = SystemClock()
        self._switch, self.us, self.neighbour, self._gateway = (self._namespace() for _ in range(4))
        self._switch.ip("link", "add", "bridge0", "type", "bridge")
        self._switch.ip("link", "set", "bridge0", "up")
        for machine, port, address in (
            (self.us, "us", OWN),
            (self.neighbour, "neighbour", NEIGHBOUR),
            (self._gateway, "gateway", GATEWAY),
        ):
            connect(machine, ADAPTER, self._switch, port)
            self._switch.ip("link", "set", port, "master", "bridge0")
            machine.ip("address", "add", f"{address}/24", "dev", ADAPTER)
            # A second between two questions for a cut-off neighbour would be waited for here.
            machine.sysctl(f"net.ipv4.neigh.{ADAPTER}.retrans_time_ms", "20")
        self.us.ip("route", "add", "default", "via", str(GATEWAY))
        stack.enter_context(self.us.entered())

    def addresses(self) -> Addresses:
        from ipfx_failover.adapters.linux.addresses import LinuxAddresses

        addresses = LinuxAddresses()
        self._stack.callback(addresses.close)
        return addresses

    def echo(self, source: Address | None = None) -> EchoSocket:
        from ipfx_failover.adapters.linux.icmp import LinuxEchoSocket

        echo = LinuxEchoSocket(source)
        self._stack.callback(echo.close)
        return echo

    def arp(self, adapter: str = ADAPTER) -> ArpSocket:
        from ipfx_failover.adapters.linux.arp import LinuxArpSocket

        arp = LinuxArpSocket(adapter)
        self._stack.callback(arp.close)
        return arp

    def neighbour_arp(self) -> ArpSocket:
        with self.neighbour.entered():
            return self.arp()

    def neighbour_echo(self) -> EchoSocket:
        with self.neighbour.entered():
            return self.echo()

    def cut_gateway(self) -> None:
        self._switch.ip("link", "set", "gateway", "down")

    def cut_neighbour(self) -> None:
        self._switch.ip("link", "set", "neighbour", "down")

    def mend_neighbour(self) -> None:
        self._switch.ip("link", "set", "neighbour", "up")

    def unplug(self) -> None:
        self._switch.ip("link", "set", "us", "down")

    def plug(self) -> None:
        self._switch.ip("link", "set", "us", "up")

    def switch_off(self) -> None:
        self.us.ip("link", "set", ADAPTER, "down")

    def switch_on(self) -> None:
        self.us.ip("link", "set", ADAPTER, "up")

    def let_neighbour_ignore_icmp(self) -> None:
        self.neighbour.sysctl("net.ipv4.icmp_echo_ignore_all", "1")

    def monotonic_ns(self) -> int:
        return self._clock.monotonic_ns()

    def pass_time(self, duration_s: float) -> None:
        self._clock.sleep(duration_s)

    def wait(self, ready: Callable[[], object]) -> None:
        deadline_ns = self.monotonic_ns() + int(_PATIENCE_S * 1e9)
        while not ready():
            assert self.monotonic_ns() < deadline_ns, "it did not happen"
            self.pass_time(_STEP_S)

    def _namespace(self) -> Namespace:
        namespace = Namespace()
        self._stack.callback(namespace.close)
        return namespace


class ThreadedSite(LinuxSite):
    """The socket for Windows, of which nothing is Windows' own, in the same namespaces."""

    def echo(self, source: Address | None = None) -> EchoSocket:
        from ipfx_failover.adapters.windows.icmp import WindowsEchoSocket

        echo = WindowsEchoSocket(source)
        self._stack.callback(echo.close)
        return echo


@pytest.fixture
def linux_site() -> Iterator[LinuxSite]:
    with made(LinuxSite) as site:
        yield site


@contextmanager
def made(kind: type[LinuxSite]) -> Iterator[LinuxSite]:
    """Such a site, or the failure to make one."""
    with ExitStack() as stack:
        why_not = ""
        try:
            site = kind(stack)
        except CannotMakeNamespaceError as error:
            why_not = str(error)
        if why_not:
            pytest.fail(f"{why_not} (sudo ./tests/run tests/contract)", pytrace=False)
        yield site


@pytest.fixture(params=["linux", "fake"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    if request.param == "linux":
        yield request.getfixturevalue("linux_site")
    else:
        with ExitStack() as stack:
            yield FakeSite(stack)

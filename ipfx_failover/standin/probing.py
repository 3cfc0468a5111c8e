"""Bounded questions to the network, for commands and steps: who answers, is an address free?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.net import wait_readable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfx_failover.clock import Clock
    from ipfx_failover.net import Address, ArpSocket, EchoSocket, Wait

PROBE_COUNT = 3
"""PROBE_NUM of RFC 5227."""
PROBE_WAIT_S = 1.0
"""PROBE_MIN of RFC 5227: between two probes, and after the last."""
_ASK_COUNT = 3
_ASK_WAIT_S = 0.3


def any_answers(
    echo: EchoSocket,
    targets: Sequence[Address],
    sequence: int,
    clock: Clock,
    timeout_s: float,
    wait: Wait = wait_readable,
) -> bool:
    """Ping all targets once; whether one answers within `timeout_s`."""
    for target in targets:
        echo.send(target, sequence)
    deadline_ns = clock.monotonic_ns() + int(timeout_s * 1e9)
    while (left_ns := deadline_ns - clock.monotonic_ns()) > 0:
        wait([echo], left_ns / 1e9)
        if any(reply.sequence == sequence for reply in echo.receive()):
            return True
    return False


def who_answers(
    arp: ArpSocket, address: Address, clock: Clock, wait: Wait = wait_readable
) -> str | None:
    """Ask by ARP who has an address (1 s); the MAC that has it, or None.

    Without the wish to take it, so that a machine which is about to is not kept from it.
    """
    arp.prepare(address)
    arp.receive()
    for _ in range(_ASK_COUNT):
        arp.ask(address)
        if mac := _claimant(arp, address, clock, _ASK_WAIT_S, wait):
            return mac
    return None


def who_uses(
    arp: ArpSocket, address: Address, clock: Clock, wait: Wait = wait_readable
) -> str | None:
    """Probe an address as RFC 5227 has it (3 s); the MAC that uses or wants it, or None."""
    arp.prepare(address)
    arp.receive()
    for _ in range(PROBE_COUNT):
        arp.probe(address)
        if mac := _claimant(arp, address, clock, PROBE_WAIT_S, wait):
            return mac
    return None


def _claimant(
    arp: ArpSocket, address: Address, clock: Clock, wait_s: float, wait: Wait
) -> str | None:
    deadline_ns = clock.monotonic_ns() + int(wait_s * 1e9)
    while (left_ns := deadline_ns - clock.monotonic_ns()) > 0:
        wait([arp], left_ns / 1e9)
        for packet in arp.receive():
            if packet.claims(address):
                return packet.sender_mac
    return None

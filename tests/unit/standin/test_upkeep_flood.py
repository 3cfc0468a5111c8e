"""Whoever floods the network with claims under ever new MACs fills neither log nor memory."""

from __future__ import annotations

import threading
from ipaddress import IPv4Address

from ipfx_failover.net import ArpOperation, ArpPacket
from ipfx_failover.standin.upkeep import Conflict, Seen, Upkeep
from tests.fakes.clock import FakeClock
from tests.fakes.network import FakeLan
from tests.support.processes import eventually

OURS = IPv4Address("10.0.0.1")
FRAMES = 1000
GENEROUS_S = 30


def claim(number: int) -> ArpPacket:
    mac = f"02:bad:{number:06x}"
    return ArpPacket(ArpOperation.REPLY, mac, OURS, "02:00:00:00:00:01", OURS, 0)


def test_a_flood_of_claims_is_told_of_a_few_times_only() -> None:
    us = FakeLan(FakeClock()).machine("us", "10.0.0.2/24", f"{OURS}/32")
    told: list[Seen] = []
    upkeep = Upkeep(
        addresses=us.addresses(),
        open_arp=us.arp,
        clock=us.lan.clock,
        interval_ms=1000,
        tell=told.append,
    )
    upkeep.keep({OURS: "eth0"})
    thread = threading.Thread(target=upkeep.run, daemon=True)
    thread.start()
    eventually(lambda: bool(us.arp_sockets), "it listens")
    for number in range(FRAMES):
        us.arp_sockets[0].deliver(claim(number))
    eventually(lambda: bool(told), "a claim is told of")
    upkeep.stop()
    thread.join(GENEROUS_S)

    assert {Conflict} == {type(seen) for seen in told}
    assert len(told) <= 10

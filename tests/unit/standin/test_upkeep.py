"""Keeping addresses: announcements, conflicts, and knowing when an address is not ours."""

from __future__ import annotations

import threading
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.errors import UsageError
from ipfx_failover.standin.upkeep import Asked, Conflict, Gone, Seen, TokenBucket, Upkeep
from tests.fakes.clock import FakeClock
from tests.fakes.network import FakeLan
from tests.support.waiting import FakeWait

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfx_failover.net import Address, ArpPacket, ArpSocket

ADAPTER = "eth0"
TAKEN = IPv4Address("10.0.0.1")
SECOND_NS = 1_000_000_000


class Kept:
    """We hold an address of a Primary; `told` is what the upkeep saw."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.lan = FakeLan(self.clock)
        self.us = self.lan.machine("us", "10.0.0.2/24")
        self.primary = self.lan.machine("primary", "10.0.0.9/24")
        self.listener = self.primary.arp(ADAPTER)
        self.told: list[Seen] = []
        self.has_adapter = True
        self.wanted: dict[Address, str] = {}
        self.upkeep = Upkeep(
            addresses=self.us.addresses(),
            open_arp=self.open_arp,
            clock=self.clock,
            interval_ms=2000,
            tell=self.told.append,
            wait=FakeWait(self.clock),
        )
        self.us.addresses().add(TAKEN, ADAPTER)

    def open_arp(self, adapter: str) -> ArpSocket:
        if not self.has_adapter:
            raise UsageError("there is no network adapter", "the adapters: none")
        return self.us.arp(adapter)

    def close(self) -> None:
        self.upkeep.close()
        self.listener.close()

    def until_s(self, seconds: float) -> None:
        """Keep, until so many seconds have passed."""
        end_ns = self.clock.monotonic_ns() + round(seconds * SECOND_NS)
        self.clock.at(end_ns, lambda: self.upkeep.keep(self.wanted))
        while self.clock.monotonic_ns() < end_ns:
            self.upkeep.turn()

    def keep(self, wanted: dict[Address, str] | None = None) -> None:
        self.wanted = {TAKEN: ADAPTER} if wanted is None else wanted
        self.upkeep.keep(self.wanted)

    def announcements(self) -> list[ArpPacket]:
        """What the LAN heard of the address since the last time; a request and a reply each."""
        self.clock.advance(0.001)
        return [
            packet
            for packet in self.listener.receive()
            if packet.sender_ip == TAKEN and packet.sender_mac == self.us.mac
        ]


@pytest.fixture
def kept() -> Iterator[Kept]:
    made = Kept()
    yield made
    made.close()


def test_an_address_is_announced_again_soon_and_later(kept: Kept) -> None:
    begun_ns = kept.clock.monotonic_ns()
    kept.keep()
    kept.until_s(130)

    times = sorted({(p.received_ns - begun_ns) // 1_000_000 for p in kept.announcements()})
    assert [200, 1000, 5000, 5200, 5400, 5600, 5800, 65_800, 125_800] == times


def test_what_is_not_to_be_kept_any_more_is_not_announced(kept: Kept) -> None:
    kept.keep()
    kept.until_s(3)
    kept.announcements()
    kept.keep({})
    kept.until_s(120)

    assert [] == kept.announcements()
    assert [] == kept.told


def test_a_conflict_is_answered_at_once_and_told(kept: Kept) -> None:
    kept.keep()
    kept.until_s(10)
    kept.announcements()
    kept.listener.announce(TAKEN)
    kept.until_s(0.1)

    assert 4 == len(kept.announcements())
    assert [Conflict(TAKEN, kept.primary.mac)] == kept.told


def test_the_same_conflict_is_told_again_after_ten_seconds(kept: Kept) -> None:
    kept.keep()
    for _ in range(21):
        kept.listener.announce(TAKEN)
        kept.until_s(1)

    assert 3 == len(kept.told)


def test_each_mac_is_told_of(kept: Kept) -> None:
    kept.keep()
    other = kept.lan.machine("other", "10.0.0.8/24").arp(ADAPTER)
    kept.until_s(0.1)
    kept.listener.announce(TAKEN)
    other.announce(TAKEN)
    kept.until_s(0.1)
    other.close()

    assert {kept.primary.mac, "02:00:00:00:00:03"} == {
        seen.mac for seen in kept.told if isinstance(seen, Conflict)
    }


def test_a_storm_of_conflicts_is_answered_at_a_bounded_rate(kept: Kept) -> None:
    kept.keep()
    kept.until_s(10)
    kept.announcements()
    for _ in range(500):
        kept.listener.announce(TAKEN)
    kept.until_s(1)

    assert 2 * (50 + 20) >= len(kept.announcements()) >= 2 * 50


def test_somebody_who_asks_for_the_address_is_told_of(kept: Kept) -> None:
    kept.keep()
    kept.until_s(1.5)
    kept.announcements()
    kept.listener.probe(TAKEN)
    kept.until_s(0.1)

    assert [Asked(TAKEN, kept.primary.mac)] == kept.told


def test_talk_about_other_addresses_is_nothing(kept: Kept) -> None:
    kept.keep()
    kept.until_s(0.1)
    kept.listener.probe(IPv4Address("10.0.0.2"))
    kept.listener.announce(IPv4Address("10.0.0.9"))
    kept.until_s(0.1)

    assert [] == kept.told


def test_an_address_that_is_gone_is_told_every_interval(kept: Kept) -> None:
    kept.keep()
    kept.until_s(1)
    kept.us.addresses().remove(TAKEN, ADAPTER)
    kept.until_s(4)

    assert [Gone(TAKEN, ADAPTER)] * 2 == kept.told


def test_what_is_not_on_the_adapter_is_neither_announced_nor_defended(kept: Kept) -> None:
    kept.keep()
    kept.until_s(0.1)
    kept.us.addresses().remove(TAKEN, ADAPTER)
    kept.listener.announce(TAKEN)
    kept.until_s(10)

    assert [] == kept.announcements()
    assert not [seen for seen in kept.told if isinstance(seen, Conflict)]


def test_an_adapter_that_is_gone_is_tried_again(kept: Kept) -> None:
    kept.has_adapter = False
    kept.keep()
    kept.until_s(5)
    kept.has_adapter = True
    kept.until_s(5)

    assert kept.announcements()


def test_a_switch_to_another_adapter_is_followed(kept: Kept) -> None:
    kept.keep()
    kept.until_s(1)
    kept.us.adapter = "eth1"
    kept.keep({TAKEN: "eth1"})
    kept.announcements()
    kept.until_s(1.1)

    assert 4 == len(kept.announcements())


def test_nobody_waits_for_an_upkeep_that_stands_still(kept: Kept) -> None:
    for _ in range(10_000):
        kept.upkeep.keep({})

    kept.until_s(1)


def test_stop_ends_it_soon_from_any_thread() -> None:
    kept = Kept()
    upkeep = Upkeep(
        addresses=kept.us.addresses(),
        open_arp=kept.open_arp,
        clock=SystemClock(),
        interval_ms=3_600_000,
        tell=kept.told.append,
    )
    upkeep.keep({TAKEN: ADAPTER})
    thread = threading.Thread(target=upkeep.run)
    thread.start()
    upkeep.stop()
    thread.join(timeout=30)
    kept.close()

    assert not thread.is_alive()


@given(
    st.floats(0.1, 100),
    st.integers(1, 100),
    st.lists(st.integers(0, 5_000_000_000), min_size=1, max_size=300),
)
def test_a_bucket_never_gives_more_than_its_burst_and_its_rate(
    per_s: float, at_once: int, pauses_ns: list[int]
) -> None:
    bucket = TokenBucket(per_s, at_once)
    now_ns = 1_000 * SECOND_NS
    begun_ns, given_out = now_ns, 0
    for pause_ns in pauses_ns:
        now_ns += pause_ns
        given_out += bucket.take(now_ns)

    assert given_out <= at_once + (now_ns - begun_ns) / 1e9 * per_s + 1e-6


def test_a_bucket_fills_up_again() -> None:
    bucket = TokenBucket(per_s=2, at_once=3)
    now_ns = 1_000 * SECOND_NS

    assert [True, True, True, False] == [bucket.take(now_ns) for _ in range(4)]
    assert not bucket.take(now_ns + SECOND_NS // 4)
    assert bucket.take(now_ns + SECOND_NS)

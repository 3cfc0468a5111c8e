"""What the network adapters of Linux do beyond the contract: strange frames, losses, rights."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from scapy.compat import raw
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw

from ipfx_failover.errors import Refused, UsageError
from tests.support.capabilities import CAP_NET_ADMIN, CAP_NET_RAW, without
from tests.support.netns import connect
from tests.support.network_sites import ADAPTER, FREE, GATEWAY, NEIGHBOUR, OWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfx_failover.net import ArpSocket
    from tests.support.network_sites import LinuxSite

NOBODYS_MAC = "02:00:00:00:00:99"
FORGERS_MAC = "02:00:00:00:00:66"
EVERYBODY = "ff:ff:ff:ff:ff:ff"
CLAIM = ARP(op="is-at", hwsrc=FORGERS_MAC, psrc=str(FREE), hwdst=FORGERS_MAC, pdst=str(FREE))
CLAIM_ON_ANOTHER_KIND_OF_NETWORK = CLAIM.copy()
CLAIM_ON_ANOTHER_KIND_OF_NETWORK.hwtype = 6


@pytest.fixture
def loudspeaker(linux_site: LinuxSite) -> Iterator[socket.socket]:
    """A neighbour that sends any frame."""
    with linux_site.neighbour.entered():
        loudspeaker = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    with loudspeaker:
        loudspeaker.bind((ADAPTER, 0))
        yield loudspeaker


def claimants(site: LinuxSite, arp: ArpSocket) -> list[str]:
    """The MACs that claimed FREE, until the first one did."""
    macs: list[str] = []

    def claimed() -> bool:
        macs.extend(packet.sender_mac for packet in arp.receive() if packet.claims(FREE))
        return bool(macs)

    site.wait(claimed)
    return macs


@pytest.mark.parametrize(
    "frame",
    [
        Ether(dst=NOBODYS_MAC, src=FORGERS_MAC) / CLAIM,
        Ether(dst=EVERYBODY, src=FORGERS_MAC) / CLAIM_ON_ANOTHER_KIND_OF_NETWORK,
        Ether(dst=EVERYBODY, src=FORGERS_MAC, type=0x0806) / Raw(bytes(CLAIM)[:-1]),
    ],
    ids=["for another machine", "not Ethernet", "cut short"],
)
def test_arp_that_is_not_for_us_or_makes_no_sense_is_dropped(
    linux_site: LinuxSite, loudspeaker: socket.socket, frame: Ether
) -> None:
    arp = linux_site.arp()
    loudspeaker.send(raw(frame))
    loudspeaker.send(raw(Ether(dst=EVERYBODY, src=FORGERS_MAC) / CLAIM))

    assert [FORGERS_MAC] == claimants(linux_site, arp)


def test_our_own_broadcasts_that_come_back_are_not_heard(
    linux_site: LinuxSite, loudspeaker: socket.socket
) -> None:
    arp = linux_site.arp()
    echoed = CLAIM.copy()
    echoed.hwsrc = arp.mac
    for claim in (echoed, CLAIM):
        loudspeaker.send(raw(Ether(dst=EVERYBODY, src=FORGERS_MAC) / claim))

    assert [FORGERS_MAC] == claimants(linux_site, arp)


def test_announcements_follow_a_mac_that_changes(linux_site: LinuxSite) -> None:
    arp, neighbour = linux_site.arp(), linux_site.neighbour_arp()
    arp.prepare(FREE)
    linux_site.us.ip("link", "set", ADAPTER, "address", NOBODYS_MAC)
    macs: set[str] = set()

    def announced() -> bool:
        arp.announce(FREE)
        macs.update(p.sender_mac for p in neighbour.receive() if p.sender_ip == FREE)
        return bool(macs)

    linux_site.wait(announced)
    assert {NOBODYS_MAC} == macs
    assert NOBODYS_MAC == arp.mac


def test_arp_works_again_on_an_adapter_that_was_replaced(linux_site: LinuxSite) -> None:
    arp = linux_site.arp()
    linux_site.us.ip("link", "delete", ADAPTER)
    assert [] == arp.receive()
    assert not arp.probe(NEIGHBOUR)
    assert "the adapter does not exist any more" in str(arp.refusal)

    connect(linux_site.us, ADAPTER, linux_site.neighbour, "spare")
    linux_site.neighbour.ip("address", "add", f"{FREE}/32", "dev", "spare")

    def heard_again() -> bool:
        arp.probe(FREE)
        return any(packet.claims(FREE) for packet in arp.receive())

    linux_site.wait(heard_again)


def test_a_question_on_an_adapter_without_an_address_is_a_probe(linux_site: LinuxSite) -> None:
    arp, neighbour = linux_site.arp(), linux_site.neighbour_arp()
    linux_site.us.ip("address", "flush", "dev", ADAPTER)
    arp.ask(FREE)

    def heard() -> bool:
        return any(packet.is_probe and packet.claims(FREE) for packet in neighbour.receive())

    linux_site.wait(heard)


def test_an_adapter_without_arp_is_refused(linux_site: LinuxSite) -> None:
    with pytest.raises(UsageError, match="'lo' is not an Ethernet"):
        linux_site.arp("lo")


def test_the_gateway_with_the_smallest_metric_counts(linux_site: LinuxSite) -> None:
    us = linux_site.us
    us.ip("route", "delete", "default")
    us.ip("route", "add", "default", "via", str(NEIGHBOUR), "metric", "300")
    us.ip("route", "add", "default", "via", str(GATEWAY), "metric", "200")

    assert GATEWAY == linux_site.addresses().gateway(ADAPTER)


def test_a_gateway_through_another_adapter_does_not_count(linux_site: LinuxSite) -> None:
    connect(linux_site.us, "lan1", linux_site.neighbour, "spare")

    assert linux_site.addresses().gateway("lan1") is None


def test_a_taken_address_outlives_our_own(linux_site: LinuxSite) -> None:
    addresses = linux_site.addresses()
    addresses.add(FREE, ADAPTER)
    linux_site.us.ip("address", "delete", f"{OWN}/24", "dev", ADAPTER)

    assert ADAPTER == addresses.holder(FREE)


def test_without_the_right_for_raw_sockets_it_is_said_how_to_grant_it(
    linux_site: LinuxSite,
) -> None:
    for open_socket in (linux_site.echo, linux_site.arp):
        with without(CAP_NET_RAW), pytest.raises(Refused, match="CAP_NET_RAW") as raised:
            open_socket()
        assert "AmbientCapabilities=CAP_NET_RAW" in raised.value.hint


def test_without_the_right_for_addresses_it_is_said_how_to_grant_it(
    linux_site: LinuxSite,
) -> None:
    addresses = linux_site.addresses()
    for change in (addresses.add, addresses.remove):
        with without(CAP_NET_ADMIN), pytest.raises(Refused, match="CAP_NET_ADMIN") as raised:
            change(FREE, ADAPTER)
        assert "AmbientCapabilities=CAP_NET_ADMIN" in raised.value.hint


def test_pinging_needs_no_right_but_the_one_for_raw_sockets(linux_site: LinuxSite) -> None:
    with without(CAP_NET_ADMIN):
        echo = linux_site.echo()
    echo.send(NEIGHBOUR, 1)

    linux_site.wait(echo.receive)

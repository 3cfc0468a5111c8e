"""What the network adapters of Linux do beyond the contract: forgeries, losses, rights."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest
from scapy.compat import raw
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw

from ipfx_failover.errors import Refused, UsageError
from tests.support.capabilities import CAP_NET_ADMIN, CAP_NET_RAW, without
from tests.support.netns import connect
from tests.support.network_sites import ADAPTER, FREE, GATEWAY, NEIGHBOUR, OWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ipfx_failover.net import ArpPacket, EchoSocket
    from tests.support.network_sites import LinuxSite

NOBODYS_MAC = "02:00:00:00:00:99"
FORGERS_MAC = "02:00:00:00:00:66"
EVERYBODY = "ff:ff:ff:ff:ff:ff"
CLAIM = ARP(op="is-at", hwsrc=FORGERS_MAC, psrc=str(FREE), hwdst=FORGERS_MAC, pdst=str(FREE))
CLAIM_ON_ANOTHER_KIND_OF_NETWORK = CLAIM.copy()
CLAIM_ON_ANOTHER_KIND_OF_NETWORK.hwtype = 6


@pytest.fixture
def forger(linux_site: LinuxSite) -> Iterator[socket.socket]:
    """A neighbour that sees our probes and sends what it likes."""
    linux_site.let_neighbour_ignore_icmp()
    with linux_site.neighbour.entered():
        forger = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    with forger:
        forger.setsockopt(socket.IPPROTO_IP, socket.IP_HDRINCL, 1)
        forger.settimeout(10)
        yield forger


@pytest.fixture
def loudspeaker(linux_site: LinuxSite) -> Iterator[socket.socket]:
    """A neighbour that sends any frame."""
    with linux_site.neighbour.entered():
        loudspeaker = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    with loudspeaker:
        loudspeaker.bind((ADAPTER, 0))
        yield loudspeaker


def numbers_up_to(site: LinuxSite, echo: EchoSocket, last: int) -> list[int]:
    """The sequence numbers of the answers, until this one came."""
    numbers: list[int] = []

    def all_there() -> bool:
        numbers.extend(reply.sequence for reply in echo.receive())
        return last in numbers

    site.wait(all_there)
    return numbers


def answer_to(request: bytes) -> IP:
    probe = IP(request)
    icmp = ICMP(type="echo-reply", id=probe[ICMP].id, seq=probe[ICMP].seq)
    return IP(src=probe.dst, dst=probe.src) / icmp / Raw(bytes(probe[ICMP].payload))


def altered(payload: bytes, position: int) -> bytes:
    changed = bytearray(payload)
    changed[position] ^= 0xFF
    return bytes(changed)


def with_payload(reply: IP, payload: bytes) -> IP:
    reply[ICMP].payload = Raw(payload)
    return reply


def another_identifier(reply: IP) -> IP:
    reply[ICMP].id ^= 1
    return reply


def another_source(reply: IP) -> IP:
    reply.src = str(GATEWAY)
    return reply


def another_cookie(reply: IP) -> IP:
    return with_payload(reply, altered(reply[Raw].load, 0))


def another_sequence(reply: IP) -> IP:
    return with_payload(reply, altered(reply[Raw].load, -1))


def cut_short(reply: IP) -> IP:
    return with_payload(reply, reply[Raw].load[:-1])


def an_error(reply: IP) -> IP:
    reply[ICMP].type = "dest-unreach"
    return reply


@pytest.mark.parametrize(
    "forge",
    [another_identifier, another_source, another_cookie, another_sequence, cut_short, an_error],
)
def test_a_forged_answer_is_dropped(
    linux_site: LinuxSite, forger: socket.socket, forge: Callable[[IP], IP]
) -> None:
    echo = linux_site.echo()
    echo.prepare([NEIGHBOUR, GATEWAY])
    echo.send(NEIGHBOUR, 1)
    forger.sendto(raw(forge(answer_to(forger.recv(256)))), (str(OWN), 0))
    echo.send(NEIGHBOUR, 2)
    forger.sendto(raw(answer_to(forger.recv(256))), (str(OWN), 0))

    assert [2] == numbers_up_to(linux_site, echo, 2)


def test_an_answer_that_comes_twice_is_given_once(
    linux_site: LinuxSite, forger: socket.socket
) -> None:
    echo = linux_site.echo()
    echo.send(NEIGHBOUR, 1)
    answer = answer_to(forger.recv(256))
    echo.send(NEIGHBOUR, 2)
    for packet in (answer, answer, answer_to(forger.recv(256))):
        forger.sendto(raw(packet), (str(OWN), 0))

    assert [1, 2] == numbers_up_to(linux_site, echo, 2)


def test_an_answer_that_comes_late_is_given(linux_site: LinuxSite, forger: socket.socket) -> None:
    echo = linux_site.echo()
    echo.send(NEIGHBOUR, 1)
    late = answer_to(forger.recv(256))
    echo.send(NEIGHBOUR, 2)
    for packet in (answer_to(forger.recv(256)), late):
        forger.sendto(raw(packet), (str(OWN), 0))

    assert [2, 1] == numbers_up_to(linux_site, echo, 1)


def test_of_a_host_that_is_silent_for_long_the_oldest_probes_are_forgotten(
    linux_site: LinuxSite, forger: socket.socket
) -> None:
    echo = linux_site.echo()
    echo.send(NEIGHBOUR, 1)
    first = answer_to(forger.recv(256))
    echo.send(NEIGHBOUR, 2)
    second = answer_to(forger.recv(256))
    for number in range(3, 1026):
        echo.send(NEIGHBOUR, number)
    for packet in (first, second):
        forger.sendto(raw(packet), (str(OWN), 0))

    assert [2] == numbers_up_to(linux_site, echo, 2)


def test_a_probe_has_a_valid_checksum(linux_site: LinuxSite, forger: socket.socket) -> None:
    echo = linux_site.echo()
    echo.prepare([NEIGHBOUR])
    echo.send_all(70_000)

    request = IP(forger.recv(256))

    sent = request[ICMP].chksum
    del request[ICMP].chksum
    assert IP(raw(request))[ICMP].chksum == sent
    assert ("echo-request", 70_000 % 65_536) == (
        request[ICMP].sprintf("%ICMP.type%"),
        request[ICMP].seq,
    )


def test_no_answer_of_thousands_of_hosts_is_lost(linux_site: LinuxSite) -> None:
    hosts = [IPv4Address("127.1.0.0") + number for number in range(3000)]
    echo = linux_site.echo()
    echo.prepare(hosts)
    echo.send_all(1)

    assert hosts == [reply.address for reply in echo.receive()]


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
    heard: list[ArpPacket] = []

    def marked() -> bool:
        heard.extend(packet for packet in arp.receive() if packet.sender_ip == FREE)
        return bool(heard)

    linux_site.wait(marked)
    assert [FORGERS_MAC] == [packet.sender_mac for packet in heard]


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


def test_an_adapter_without_arp_is_refused(linux_site: LinuxSite) -> None:
    with pytest.raises(UsageError, match="'lo' is not an Ethernet"):
        linux_site.arp("lo")


def test_the_gateway_with_the_smallest_metric_counts(linux_site: LinuxSite) -> None:
    linux_site.us.ip("route", "replace", "default", "via", str(GATEWAY), "metric", "300")
    linux_site.us.ip("route", "add", "default", "via", str(NEIGHBOUR), "metric", "200")
    linux_site.us.ip("route", "delete", "default", "metric", "0")

    assert NEIGHBOUR == linux_site.addresses().gateway(ADAPTER)


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

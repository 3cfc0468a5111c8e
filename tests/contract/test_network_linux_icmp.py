"""What the ICMP socket of Linux does beyond the contract: forgeries, duplicates, floods."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest
from scapy.compat import raw
from scapy.layers.inet import ICMP, IP
from scapy.packet import Raw

from tests.support.network_sites import GATEWAY, NEIGHBOUR, OWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ipfx_failover.net import EchoSocket
    from tests.support.network_sites import LinuxSite


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


def numbers_up_to(site: LinuxSite, echo: EchoSocket, last: int) -> list[int]:
    """The sequence numbers of the answers, until this one came."""
    numbers: list[int] = []

    def all_there() -> bool:
        numbers.extend(reply.sequence for reply in echo.receive())
        return last in numbers

    site.wait(all_there)
    return numbers


def answering(site: LinuxSite, echo: EchoSocket, hosts: int) -> list[IPv4Address]:
    """The first addresses that answered, sorted: a busy kernel delivers later, and on any core."""
    addresses: list[IPv4Address] = []

    def all_there() -> bool:
        addresses.extend(reply.address for reply in echo.receive())
        return len(addresses) >= hosts

    site.wait(all_there)
    return sorted(addresses)


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


@pytest.mark.parametrize(
    "forge",
    [another_identifier, another_source, another_cookie, another_sequence, cut_short],
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


def test_our_own_question_is_no_answer(linux_site: LinuxSite) -> None:
    echo = linux_site.echo()
    linux_site.us.sysctl("net.ipv4.icmp_echo_ignore_all", "1")
    echo.send(OWN, 1)
    echo.send(GATEWAY, 2)

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


def test_no_answer_is_lost_of_more_hosts_than_the_buffer_holds(linux_site: LinuxSite) -> None:
    hosts = [IPv4Address("127.1.0.0") + number for number in range(20_000)]
    echo = linux_site.echo()
    echo.prepare(hosts)
    echo.send_all(1)

    assert hosts == answering(linux_site, echo, len(hosts))


def test_the_answers_of_a_thousand_hosts_wait_for_a_late_reader(linux_site: LinuxSite) -> None:
    hosts = [IPv4Address("127.1.0.0") + number for number in range(1000)]
    echo = linux_site.echo()
    for host in hosts:
        echo.send(host, 1)

    assert hosts == answering(linux_site, echo, len(hosts))

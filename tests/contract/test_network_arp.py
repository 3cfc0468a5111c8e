"""What every `ArpSocket` does."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.errors import UsageError
from ipfx_failover.net import UNSPECIFIED, ArpOperation, ArpPacket
from tests.support.network_sites import ADAPTER, FREE, GATEWAY, NEIGHBOUR, OWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipfx_failover.net import ArpSocket
    from tests.support.network_sites import Site


def hear(
    site: Site, arp: ArpSocket, wanted: Callable[[ArpPacket], bool], number: int = 1
) -> list[ArpPacket]:
    """The first packets that are `wanted`; the machines' own chatter is none of our business."""
    heard: list[ArpPacket] = []

    def enough() -> bool:
        heard.extend(packet for packet in arp.receive() if wanted(packet))
        return len(heard) >= number

    site.wait(enough)
    return heard


def test_whoever_has_the_address_answers_a_probe(site: Site) -> None:
    arp, neighbour = site.arp(), site.neighbour_arp()

    assert arp.probe(NEIGHBOUR)

    [reply] = hear(site, arp, lambda packet: packet.claims(NEIGHBOUR))
    assert ArpOperation.REPLY == reply.operation
    assert neighbour.mac == reply.sender_mac
    assert arp.mac == reply.target_mac


def test_whoever_has_the_address_answers_a_question(site: Site) -> None:
    arp, neighbour = site.arp(), site.neighbour_arp()

    assert arp.ask(NEIGHBOUR)

    [reply] = hear(site, arp, lambda packet: packet.claims(NEIGHBOUR))
    assert (ArpOperation.REPLY, neighbour.mac) == (reply.operation, reply.sender_mac)
    assert (arp.mac, OWN) == (reply.target_mac, reply.target_ip)


def test_a_question_keeps_nobody_from_taking_the_address(site: Site) -> None:
    arp, neighbour = site.arp(), site.neighbour_arp()
    arp.ask(FREE)

    [question] = hear(site, neighbour, lambda packet: packet.target_ip == FREE)

    assert (arp.mac, OWN) == (question.sender_mac, question.sender_ip)
    assert not question.is_probe
    assert not question.claims(FREE)


def test_a_host_that_ignores_icmp_still_answers_a_probe(site: Site) -> None:
    arp = site.arp()
    site.let_neighbour_ignore_icmp()
    arp.probe(NEIGHBOUR)

    assert hear(site, arp, lambda packet: packet.claims(NEIGHBOUR))


def test_a_probe_claims_nothing_but_is_heard_as_one(site: Site) -> None:
    arp, neighbour = site.arp(), site.neighbour_arp()
    arp.probe(FREE)

    [probe] = hear(site, neighbour, lambda packet: packet.target_ip == FREE)

    assert probe.is_probe
    assert UNSPECIFIED == probe.sender_ip
    assert arp.mac == probe.sender_mac
    assert probe.claims(FREE)


def test_nobody_answers_a_probe_for_a_free_address(site: Site) -> None:
    arp, neighbour = site.arp(), site.neighbour_arp()
    arp.probe(FREE)
    hear(site, neighbour, lambda packet: packet.target_ip == FREE)
    arp.probe(NEIGHBOUR)

    [heard] = hear(site, arp, lambda packet: packet.operation is ArpOperation.REPLY)

    assert NEIGHBOUR == heard.sender_ip


def test_an_announcement_is_heard_as_request_and_as_reply(site: Site) -> None:
    arp, neighbour = site.arp(), site.neighbour_arp()
    arp.prepare(FREE)

    assert arp.announce(FREE)

    heard = hear(site, neighbour, lambda packet: packet.sender_ip == FREE, 2)
    assert [ArpOperation.REQUEST, ArpOperation.REPLY] == [packet.operation for packet in heard]
    assert all(packet.is_announcement and packet.sender_mac == arp.mac for packet in heard)


def test_the_target_of_an_announcing_reply_is_our_own_mac(site: Site) -> None:
    arp, neighbour = site.arp(), site.neighbour_arp()
    arp.announce(FREE)

    *_, reply = hear(site, neighbour, lambda packet: packet.sender_ip == FREE, 2)

    assert arp.mac == reply.target_mac


def test_our_own_packets_are_not_heard(site: Site) -> None:
    arp = site.arp()
    arp.announce(FREE)
    arp.probe(NEIGHBOUR)

    heard = hear(site, arp, lambda packet: packet.sender_ip in {FREE, NEIGHBOUR})

    assert [NEIGHBOUR] == [packet.sender_ip for packet in heard]


def test_nothing_is_heard_twice(site: Site) -> None:
    arp, neighbour = site.arp(), site.neighbour_arp()
    neighbour.announce(FREE)
    hear(site, arp, lambda packet: packet.sender_ip == FREE, 2)

    assert [] == [packet for packet in arp.receive() if packet.sender_ip == FREE]


def test_a_late_reader_makes_no_packet_late(site: Site) -> None:
    arp, neighbour = site.arp(), site.neighbour_arp()

    def arrival_counts() -> bool:
        arp.receive()
        asked_ns = site.monotonic_ns()
        neighbour.probe(FREE)
        site.wait(lambda: select.select([arp], [], [], 0)[0])
        seen_ns = site.monotonic_ns()
        site.pass_time(0.02)
        return any(asked_ns < p.received_ns <= seen_ns for p in arp.receive() if p.is_probe)

    # A system may need a moment to begin with it.
    site.wait(arrival_counts)


def test_nobody_answers_an_announcement_not_even_of_its_own_address(site: Site) -> None:
    arp = site.arp()
    arp.announce(NEIGHBOUR)
    arp.probe(GATEWAY)

    [heard] = hear(site, arp, lambda packet: packet.sender_ip in {NEIGHBOUR, GATEWAY})

    assert GATEWAY == heard.sender_ip


def test_a_machine_behind_a_cut_cable_is_not_heard(site: Site) -> None:
    arp, neighbour = site.arp(), site.neighbour_arp()
    site.cut_neighbour()
    neighbour.announce(FREE)
    site.mend_neighbour()

    def mended() -> bool:
        neighbour.probe(OWN)
        return any(packet.is_probe for packet in arp.receive())

    site.wait(mended)
    assert [] == [packet for packet in arp.receive() if packet.sender_ip == FREE]


def test_with_the_adapter_switched_off_sending_is_refused_with_the_reason(site: Site) -> None:
    arp = site.arp()
    site.switch_off()

    assert not arp.probe(NEIGHBOUR)
    assert not arp.announce(FREE)
    assert f"no ARP on {ADAPTER}: the adapter is down" in str(arp.refusal)


def test_it_survives_an_adapter_that_is_switched_off_and_on(site: Site) -> None:
    arp = site.arp()
    site.switch_off()
    arp.receive()
    site.switch_on()

    def heard_again() -> bool:
        arp.probe(NEIGHBOUR)
        return any(packet.sender_ip == NEIGHBOUR for packet in arp.receive())

    site.wait(heard_again)
    assert arp.refusal is None


def test_the_descriptor_is_readable_until_the_packets_are_taken(site: Site) -> None:
    arp, neighbour = site.arp(), site.neighbour_arp()
    neighbour.probe(FREE)
    site.wait(lambda: select.select([arp], [], [], 0)[0])
    arp.receive()

    assert ([], [], []) == select.select([arp], [], [], 0)


def test_an_unknown_adapter_is_refused_with_those_that_exist(site: Site) -> None:
    with pytest.raises(UsageError, match="no network adapter 'nope'") as raised:
        site.arp("nope")

    assert ADAPTER in raised.value.hint

"""ARP frames, as scapy reads and writes them."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.compat import raw
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Padding, Raw

from ipfx_failover.adapters.arp_frames import announcements, parse, probe, question
from ipfx_failover.net import UNSPECIFIED, ArpOperation, ArpPacket

OURS = "02:00:00:00:00:01"
THEIRS = "02:00:00:00:00:02"
NOBODY = "00:00:00:00:00:00"
EVERYBODY = "ff:ff:ff:ff:ff:ff"
ADDRESS = IPv4Address("192.168.11.1")
OTHER = IPv4Address("192.168.11.2")


def written(operation: str, sender_ip: IPv4Address, target_ip: IPv4Address) -> Packet:
    return Ether(dst=EVERYBODY, src=THEIRS) / ARP(
        op=operation, hwsrc=THEIRS, psrc=str(sender_ip), hwdst=OURS, pdst=str(target_ip)
    )


def arp_fields(frame: bytes) -> tuple[str, str, str, str, str]:
    arp = Ether(frame)[ARP]
    return arp.sprintf("%ARP.op%"), arp.hwsrc, arp.psrc, arp.hwdst, arp.pdst


FRAMES = [probe(OURS, ADDRESS), question(OURS, OTHER, ADDRESS), *announcements(OURS, ADDRESS)]


@pytest.mark.parametrize("frame", FRAMES)
def test_each_frame_is_a_broadcast_from_our_mac(frame: bytes) -> None:
    ethernet = Ether(frame)

    assert (EVERYBODY, OURS, 0x0806) == (ethernet.dst, ethernet.src, ethernet.type)


@pytest.mark.parametrize("frame", FRAMES)
def test_each_frame_is_ipv4_over_ethernet(frame: bytes) -> None:
    arp = Ether(frame)[ARP]

    assert (1, 0x0800, 6, 4) == (arp.hwtype, arp.ptype, arp.hwlen, arp.plen)


def test_a_probe_asks_for_the_address_and_names_no_sender() -> None:
    assert ("who-has", OURS, str(UNSPECIFIED), NOBODY, str(ADDRESS)) == arp_fields(
        probe(OURS, ADDRESS)
    )


def test_a_question_names_its_sender() -> None:
    assert ("who-has", OURS, str(OTHER), NOBODY, str(ADDRESS)) == arp_fields(
        question(OURS, OTHER, ADDRESS)
    )


def test_an_announcement_is_a_request_and_a_reply_with_our_own_mac_as_target() -> None:
    request, reply = announcements(OURS, ADDRESS)

    assert ("who-has", OURS, str(ADDRESS), NOBODY, str(ADDRESS)) == arp_fields(request)
    assert ("is-at", OURS, str(ADDRESS), OURS, str(ADDRESS)) == arp_fields(reply)


@pytest.mark.parametrize(
    ("text", "operation"), [("who-has", ArpOperation.REQUEST), ("is-at", ArpOperation.REPLY)]
)
def test_a_frame_is_parsed(text: str, operation: ArpOperation) -> None:
    packet = parse(raw(written(text, OTHER, ADDRESS)), 42)

    assert packet == ArpPacket(operation, THEIRS, OTHER, OURS, ADDRESS, 42)


def test_the_padding_of_a_short_frame_does_not_matter() -> None:
    frame = written("is-at", OTHER, ADDRESS)

    assert parse(raw(frame), 1) == parse(raw(frame / Padding(bytes(18))), 1)


def test_our_own_frames_are_understood() -> None:
    parsed = [parse(frame, 0) for frame in (probe(OURS, ADDRESS), *announcements(OURS, ADDRESS))]

    assert [True, False, False] == [packet is not None and packet.is_probe for packet in parsed]
    assert all(packet is not None and packet.claims(ADDRESS) for packet in parsed)


@pytest.mark.parametrize(
    "change",
    [
        {"hwtype": 6},
        {"ptype": 0x86DD},
        {"hwlen": 8},
        {"plen": 16},
        {"op": 3},
        {"op": 0},
    ],
)
def test_what_is_not_ipv4_over_ethernet_or_no_question_nor_answer_is_no_packet(
    change: dict[str, int],
) -> None:
    frame = bytearray(raw(written("is-at", OTHER, ADDRESS)))
    # Where these fields lie in the frame, and how long they are.
    places = {"hwtype": (14, 2), "ptype": (16, 2), "hwlen": (18, 1), "plen": (19, 1), "op": (20, 2)}
    for name, value in change.items():
        start, length = places[name]
        frame[start : start + length] = value.to_bytes(length)

    assert parse(bytes(frame), 0) is None


def test_another_ethertype_is_no_packet() -> None:
    arp = written("is-at", OTHER, ADDRESS)[ARP]
    frame = Ether(dst=EVERYBODY, src=THEIRS, type=0x0800) / Raw(raw(arp))

    assert parse(raw(frame), 0) is None


@given(st.binary(max_size=64))
def test_garbage_is_no_packet_and_no_error(garbage: bytes) -> None:
    assert parse(garbage, 0) is None


def test_every_shortened_frame_is_no_packet() -> None:
    frame = raw(written("is-at", OTHER, ADDRESS))

    assert {None} == {parse(frame[:length], 0) for length in range(len(frame))}


@pytest.mark.parametrize(
    ("sender", "target", "claims"),
    [
        (ADDRESS, OTHER, True),
        (ADDRESS, ADDRESS, True),
        (OTHER, ADDRESS, False),
        (IPv4Address(0), ADDRESS, True),
        (IPv4Address(0), OTHER, False),
    ],
)
def test_an_address_is_claimed_by_its_sender_and_by_who_probes_for_it(
    sender: IPv4Address, target: IPv4Address, *, claims: bool
) -> None:
    packet = ArpPacket(ArpOperation.REQUEST, THEIRS, sender, NOBODY, target, 0)

    assert claims == packet.claims(ADDRESS)


def test_a_reply_is_never_a_probe() -> None:
    packet = ArpPacket(ArpOperation.REPLY, THEIRS, IPv4Address(0), OURS, ADDRESS, 0)

    assert not packet.is_probe
    assert not packet.claims(ADDRESS)

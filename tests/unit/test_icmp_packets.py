"""Echo packets, as scapy reads them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from scapy.compat import raw
from scapy.layers.inet import ICMP, IP
from scapy.packet import Raw

from ipfx_failover.adapters.icmp_packets import (
    COOKIE_BYTES,
    DATAGRAM,
    HEAD_BYTES,
    SECRET_BYTES,
    TAIL_BYTES,
    cookie,
    head,
    tail,
)

identifiers = st.integers(0, 0xFFFF)
sequences = st.integers(0, (1 << 64) - 1)
secrets = st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES)


def request(identifier: int, secret: bytes, sequence: int) -> bytes:
    return head(identifier, sequence) + cookie(secret) + tail(sequence)


@given(identifiers, secrets, sequences)
def test_a_request_is_an_echo_request_with_the_end_of_its_sequence_number(
    identifier: int, secret: bytes, sequence: int
) -> None:
    packet = ICMP(request(identifier, secret, sequence))

    assert (8, 0, identifier, sequence % 65_536) == (
        packet.type,
        packet.code,
        packet.id,
        packet.seq,
    )


@given(identifiers, secrets, sequences)
def test_the_checksum_is_right_for_every_cookie(
    identifier: int, secret: bytes, sequence: int
) -> None:
    packet = ICMP(request(identifier, secret, sequence))
    checksum = packet.chksum
    del packet.chksum

    assert ICMP(raw(packet)).chksum == checksum


def test_the_checksum_is_right_where_the_sum_is_all_ones() -> None:
    # 0x0800 + 0xF7FF: the header alone sums to 65535.
    packet = ICMP(request(0xF7FF, bytes(SECRET_BYTES), 0))

    assert 0 == packet.chksum


@given(secrets)
def test_a_cookie_keeps_its_secret(secret: bytes) -> None:
    assert (secret, COOKIE_BYTES) == (cookie(secret)[:SECRET_BYTES], len(cookie(secret)))


@given(identifiers, secrets, sequences)
def test_an_answer_is_read_as_it_was_asked(identifier: int, secret: bytes, sequence: int) -> None:
    payload = request(identifier, secret, sequence)[HEAD_BYTES:]
    answer = IP(src="10.0.0.7", dst="10.0.0.2") / ICMP(
        type="echo-reply", id=identifier, seq=sequence % 65_536
    )

    fields = DATAGRAM.unpack(raw(answer / Raw(payload)))

    assert (bytes([10, 0, 0, 7]), cookie(secret), sequence) == fields


def test_the_parts_make_a_message_of_even_length() -> None:
    # The checksum counts 16-bit words: each part has to begin with one.
    assert [0, 0, 0] == [size % 2 for size in (HEAD_BYTES, COOKIE_BYTES, TAIL_BYTES)]

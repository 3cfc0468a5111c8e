from __future__ import annotations

import select
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import psutil
import pytest

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.adapters.windows.addresses import WindowsAddresses
from ipfx_failover.adapters.windows.boot import boot_id
from ipfx_failover.adapters.windows.icmp import WindowsEchoSocket
from ipfx_failover.errors import Refused, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfx_failover.net import EchoReply

OURS = IPv4Address("127.0.0.1")
NOBODY = IPv4Address("192.0.2.213")
_PATIENCE_S = 30.0


@pytest.fixture
def echo() -> Iterator[WindowsEchoSocket]:
    sock = WindowsEchoSocket()
    try:
        yield sock
    finally:
        sock.close()


def answers(echo: WindowsEchoSocket) -> list[EchoReply]:
    while select.select([echo], [], [], _PATIENCE_S)[0]:
        if replies := echo.receive():
            return replies
    return []


def test_a_host_answers_with_the_sequence_number_that_it_was_sent(echo: WindowsEchoSocket) -> None:
    sent_ns = echo.send(OURS, (1 << 64) - 1)

    [reply] = answers(echo)

    assert (OURS, (1 << 64) - 1, sent_ns) == reply[:3]


def test_a_late_reader_makes_no_answer_late(echo: WindowsEchoSocket) -> None:
    echo.send(OURS, 1)
    select.select([echo], [], [], _PATIENCE_S)
    seen_ns = SystemClock().monotonic_ns()
    SystemClock().sleep(0.1)

    [reply] = echo.receive()

    assert reply.sent_ns < reply.received_ns <= seen_ns


def test_who_was_not_asked_does_not_answer(echo: WindowsEchoSocket) -> None:
    echo.prepare([NOBODY, OURS])
    echo.send_all(7)

    assert [OURS] == [reply.address for reply in answers(echo)]


def test_two_sockets_do_not_see_each_others_answers(echo: WindowsEchoSocket) -> None:
    other = WindowsEchoSocket()
    try:
        echo.send(OURS, 1)
        other.send(OURS, 2)

        assert [1] == [reply.sequence for reply in answers(echo)]
        assert [2] == [reply.sequence for reply in answers(other)]
    finally:
        other.close()


def test_a_probe_from_an_address_that_we_do_not_have_is_refused() -> None:
    sock = WindowsEchoSocket(NOBODY)
    try:
        assert sock.send(OURS, 1) is None
        assert f"cannot ping {OURS} from {NOBODY}: this machine does not" in str(sock.refusal)
    finally:
        sock.close()


def test_the_adapter_of_an_address_is_known() -> None:
    addresses = WindowsAddresses()
    holder = addresses.holder(OURS)
    assert holder is not None

    assert OURS in {at.ip for at in addresses.adapter(holder).interfaces}
    assert addresses.carrier(holder)
    assert addresses.holder(NOBODY) is None


def test_an_unknown_adapter_is_refused_with_those_that_exist() -> None:
    addresses = WindowsAddresses()

    assert not addresses.carrier("nope")
    with pytest.raises(UsageError, match="no network adapter 'nope'") as refused:
        addresses.gateway("nope")
    assert all(name in refused.value.hint for name in psutil.net_if_addrs())


def test_a_gateway_is_in_its_adapters_network() -> None:
    addresses = WindowsAddresses()
    for adapter in addresses.adapters():
        hop = addresses.gateway(adapter.name)

        assert hop is None or any(hop in at.network for at in adapter.interfaces)


def test_no_address_is_taken() -> None:
    with pytest.raises(Refused, match="takes addresses over on Linux only"):
        WindowsAddresses().add(NOBODY, "nic")


def test_a_boot_is_told_by_the_same_words_as_long_as_it_lasts() -> None:
    assert boot_id() == boot_id()

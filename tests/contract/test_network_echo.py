"""What every `EchoSocket` does."""

from __future__ import annotations

import select
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.support.network_sites import (
    ADAPTER,
    FREE,
    GATEWAY,
    NEIGHBOUR,
    OWN,
    FakeSite,
    LinuxSite,
    ThreadedSite,
    made,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfx_failover.net import EchoReply, EchoSocket
    from tests.support.network_sites import Site


@pytest.fixture(params=["linux", "fake", "with a thread"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    if request.param == "fake":
        with ExitStack() as stack:
            yield FakeSite(stack)
    else:
        with made(LinuxSite if request.param == "linux" else ThreadedSite) as site:
            yield site


def collect(site: Site, echo: EchoSocket, number: int = 1) -> list[EchoReply]:
    replies: list[EchoReply] = []

    def enough() -> bool:
        replies.extend(echo.receive())
        return len(replies) >= number

    site.wait(enough)
    return replies


def what_came(replies: list[EchoReply]) -> set[tuple[str, int]]:
    return {(str(reply.address), reply.sequence) for reply in replies}


def test_a_host_answers_with_the_sequence_number_that_it_was_sent(site: Site) -> None:
    echo = site.echo()
    echo.prepare([NEIGHBOUR])
    sent_ns = echo.send(NEIGHBOUR, 7)

    [reply] = collect(site, echo)

    assert (NEIGHBOUR, 7, sent_ns) == reply[:3]


def test_an_answer_is_received_after_it_was_asked_for(site: Site) -> None:
    echo = site.echo()
    echo.send(NEIGHBOUR, 1)

    [reply] = collect(site, echo)

    assert reply.sent_ns <= reply.received_ns


def test_a_late_reader_makes_no_answer_late(site: Site) -> None:
    echo = site.echo()
    number = 0

    def arrival_counts() -> bool:
        nonlocal number
        number += 1
        echo.send(NEIGHBOUR, number)
        site.wait(lambda: select.select([echo], [], [], 0)[0])
        seen_ns = site.monotonic_ns()
        site.pass_time(0.02)
        [reply] = echo.receive()
        return reply.sent_ns < reply.received_ns <= seen_ns

    # A system may need a moment to begin with it.
    site.wait(arrival_counts)


def test_a_host_that_was_not_prepared_is_probed_all_the_same(site: Site) -> None:
    echo = site.echo()
    echo.send(GATEWAY, 1)

    assert {(str(GATEWAY), 1)} == what_came(collect(site, echo))


def test_all_prepared_hosts_are_probed_in_their_order(site: Site) -> None:
    echo = site.echo()
    echo.prepare([GATEWAY, NEIGHBOUR])

    times = echo.send_all(3)

    replies = collect(site, echo, 2)
    sent_at = {reply.address: reply.sent_ns for reply in replies}
    assert times == [sent_at[GATEWAY], sent_at[NEIGHBOUR]]


def test_a_single_probe_prepares_nobody_for_the_round(site: Site) -> None:
    echo = site.echo()
    echo.prepare([NEIGHBOUR])
    echo.send(GATEWAY, 1)

    assert len(echo.send_all(2)) == 1


def test_sequence_numbers_that_look_alike_on_the_wire_are_told_apart(site: Site) -> None:
    echo = site.echo()
    numbers = [5, 5 + (1 << 16), 5 + (1 << 48), (1 << 64) - 1]
    for number in numbers:
        echo.send(NEIGHBOUR, number)

    replies = collect(site, echo, len(numbers))

    assert set(numbers) == {reply.sequence for reply in replies}


def test_an_answer_is_given_once(site: Site) -> None:
    echo = site.echo()
    echo.send(NEIGHBOUR, 1)
    collect(site, echo)

    assert [] == echo.receive()


def test_a_host_that_is_cut_off_does_not_answer_and_the_system_does_not_say_so(site: Site) -> None:
    echo = site.echo()
    site.cut_neighbour()

    assert echo.send(NEIGHBOUR, 1) is not None
    echo.send(GATEWAY, 2)
    assert {(str(GATEWAY), 2)} == what_came(collect(site, echo))


def test_a_host_answers_again_when_its_cable_is_back(site: Site) -> None:
    echo = site.echo()
    site.cut_neighbour()
    echo.send(NEIGHBOUR, 1)
    site.mend_neighbour()
    number = 1

    def answered() -> bool:
        nonlocal number
        number += 1
        echo.send(NEIGHBOUR, number)
        return bool(echo.receive())

    site.wait(answered)


def test_a_host_that_ignores_icmp_does_not_answer(site: Site) -> None:
    echo = site.echo()
    site.let_neighbour_ignore_icmp()
    echo.send(NEIGHBOUR, 1)
    echo.send(GATEWAY, 2)

    assert {(str(GATEWAY), 2)} == what_came(collect(site, echo))


def test_an_address_that_nobody_has_does_not_answer(site: Site) -> None:
    echo = site.echo()
    echo.prepare([FREE, GATEWAY])
    echo.send_all(1)

    assert {(str(GATEWAY), 1)} == what_came(collect(site, echo))


def test_we_answer_ourselves_even_without_a_cable(site: Site) -> None:
    echo = site.echo()
    site.unplug()
    echo.send(OWN, 1)

    assert {(str(OWN), 1)} == what_came(collect(site, echo))


def test_without_a_cable_probes_are_sent_into_the_void(site: Site) -> None:
    echo = site.echo()
    site.unplug()

    assert echo.send(NEIGHBOUR, 1) is not None
    assert echo.refusal is None


def test_with_the_adapter_switched_off_a_probe_is_refused_with_the_reason(site: Site) -> None:
    echo = site.echo()
    site.switch_off()

    assert echo.send(NEIGHBOUR, 1) is None
    assert f"cannot ping {NEIGHBOUR}: there is no route to it" in str(echo.refusal)


def test_a_round_goes_on_after_a_host_that_is_refused(site: Site) -> None:
    echo = site.echo()
    site.switch_off()
    echo.prepare([NEIGHBOUR, OWN, GATEWAY])

    refused, sent, refused_too = echo.send_all(1)

    assert (None, True, None) == (refused, sent is not None, refused_too)
    assert {(str(OWN), 1)} == what_came(collect(site, echo))


def test_a_refusal_is_forgotten_after_a_probe_that_went_out(site: Site) -> None:
    echo = site.echo()
    site.switch_off()
    echo.send(NEIGHBOUR, 1)
    site.switch_on()
    echo.send(NEIGHBOUR, 2)

    assert echo.refusal is None


def test_a_probe_from_an_address_that_we_do_not_have_is_refused(site: Site) -> None:
    echo = site.echo(FREE)

    assert echo.send(GATEWAY, 1) is None
    assert f"cannot ping {GATEWAY} from {FREE}:" in str(echo.refusal)


def test_a_probe_is_sent_from_an_address_that_we_took_after_opening_the_socket(site: Site) -> None:
    echo = site.echo(FREE)
    site.addresses().add(FREE, ADAPTER)
    echo.send(GATEWAY, 1)

    assert {(str(GATEWAY), 1)} == what_came(collect(site, echo))


def test_hosts_that_stay_prepared_keep_their_outstanding_probes(site: Site) -> None:
    echo = site.echo()
    echo.prepare([NEIGHBOUR, FREE])
    echo.send(NEIGHBOUR, 1)
    echo.prepare([GATEWAY, NEIGHBOUR])

    assert {(str(NEIGHBOUR), 1)} == what_came(collect(site, echo))


def test_answers_of_hosts_that_are_no_longer_prepared_are_dropped(site: Site) -> None:
    echo = site.echo()
    echo.prepare([NEIGHBOUR])
    echo.send(NEIGHBOUR, 1)
    echo.prepare([GATEWAY])
    echo.send(GATEWAY, 2)

    assert {(str(GATEWAY), 2)} == what_came(collect(site, echo))


def test_the_descriptor_is_readable_until_the_answer_is_taken(site: Site) -> None:
    echo = site.echo()
    echo.send(NEIGHBOUR, 1)
    site.wait(lambda: select.select([echo], [], [], 0)[0])
    echo.receive()

    assert ([], [], []) == select.select([echo], [], [], 0)


def test_two_sockets_do_not_see_each_others_answers(site: Site) -> None:
    one, other = site.echo(), site.echo()
    one.send(NEIGHBOUR, 1)
    other.send(NEIGHBOUR, 2)

    assert {(str(NEIGHBOUR), 1)} == what_came(collect(site, one))
    assert {(str(NEIGHBOUR), 2)} == what_came(collect(site, other))


def test_a_client_finds_an_address_that_moved_to_us_once_it_is_announced(site: Site) -> None:
    client = site.neighbour_echo()
    client.send(GATEWAY, 1)
    collect(site, client)
    site.cut_gateway()
    site.addresses().add(GATEWAY, ADAPTER)
    client.send(GATEWAY, 2)
    client.send(OWN, 2)
    assert {(str(OWN), 2)} == what_came(collect(site, client))

    site.arp().announce(GATEWAY)
    number = 2

    def found() -> bool:
        nonlocal number
        number += 1
        client.send(GATEWAY, number)
        return bool(client.receive())

    site.wait(found)

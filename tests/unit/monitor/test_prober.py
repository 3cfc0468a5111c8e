"""The probing thread: what is judged when; what stalls, late answers and claims make of it."""

from __future__ import annotations

import threading
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.decide.evidence import ArpEvidence
from ipfx_failover.monitor.prober import LateAnswer, Prober
from tests.fakes.network import LATENCY_NS, FakeMachine
from tests.support.probing import (
    GATEWAY,
    INTERVAL_NS,
    MS_NS,
    NOBODY,
    PRIMARY,
    TIMEOUT_NS,
    Probed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfx_failover.monitor.prober import ProbeRound
    from ipfx_failover.net import Address
    from tests.fakes.network import FakeLan


class Farm(FakeMachine):
    """Two thousand hosts behind one adapter."""

    has_them = frozenset(IPv4Address(0x0A010000 + number) for number in range(2000))

    def __init__(self, lan: FakeLan) -> None:
        super().__init__(lan, "farm", "02:00:00:00:ff:ff", "eth0", [], None)

    def has(self, address: Address) -> bool:
        return address in self.has_them


@pytest.fixture
def probed() -> Iterator[Probed]:
    with Probed() as made:
        yield made


@pytest.fixture
def asked() -> Iterator[Probed]:
    """With ARP for the Primary's address."""
    with Probed(with_arp=True) as made:
        yield made


def test_an_answer_is_told_with_the_time_at_which_it_came(probed: Probed) -> None:
    begun_ns = probed.clock.monotonic_ns()

    seen = probed.next_round()

    assert {PRIMARY: begun_ns + LATENCY_NS} == seen.answered
    assert {} == seen.missed
    assert seen.carrier


def test_a_round_is_judged_when_the_timeout_of_its_last_probe_is_over(probed: Probed) -> None:
    begun_ns = probed.clock.monotonic_ns()

    judged = [seen.judged_ns for seen in probed.next_rounds(3)]

    first_ns = begun_ns + TIMEOUT_NS
    assert [first_ns, first_ns + INTERVAL_NS, first_ns + 2 * INTERVAL_NS] == judged


@settings(max_examples=60, deadline=None)
@given(
    interval_ms=st.integers(20, 5000),
    timeout_ms=st.integers(10, 9000),
    died_after_ms=st.integers(1, 20_000),
    count=st.integers(1, 15),
)
def test_the_nth_miss_is_known_n_intervals_and_a_timeout_after_the_last_answered_probe(
    interval_ms: int, timeout_ms: int, died_after_ms: int, count: int
) -> None:
    with Probed(interval_ms=interval_ms, timeout_ms=timeout_ms) as probed:
        probed.after_ms(died_after_ms, probed.unplug_primary)
        missed: list[ProbeRound] = []
        answered_ns = probed.clock.monotonic_ns()
        while len(missed) < count:
            seen = probed.next_round()
            if PRIMARY in seen.missed:
                missed.append(seen)
            else:
                answered_ns = seen.answered[PRIMARY]

        last_answered_probe_ns = answered_ns - LATENCY_NS
        window_ns = (count * interval_ms + timeout_ms) * MS_NS
        assert last_answered_probe_ns + window_ns == missed[-1].judged_ns


def test_a_dead_primary_is_missed_with_the_time_of_the_probe(probed: Probed) -> None:
    probed.unplug_primary()
    begun_ns = probed.clock.monotonic_ns()

    first, second = probed.next_rounds(2)

    assert {PRIMARY: begun_ns} == first.missed
    assert {PRIMARY: begun_ns + INTERVAL_NS} == second.missed
    assert not first.is_spoilt


def test_what_lies_in_the_socket_when_we_come_late_to_judge_came_in_time(probed: Probed) -> None:
    probed.send()
    probed.stall_ms(1500)

    seen = probed.next_round()

    assert [PRIMARY] == list(seen.answered)
    assert {} == seen.late


def test_a_short_stall_spoils_nothing(probed: Probed) -> None:
    probed.unplug_primary()
    probed.send()
    probed.stall_ms(1900)

    seen = probed.next_round()

    assert [PRIMARY] == list(seen.missed)
    assert not seen.is_spoilt


def test_a_stall_longer_than_the_timeout_spoils_the_round(probed: Probed) -> None:
    probed.unplug_primary()
    probed.send()
    probed.stall_ms(2001)

    spoilt, next_one = probed.next_rounds(2)

    assert spoilt.is_spoilt
    assert not next_one.is_spoilt


def test_even_in_a_spoilt_round_an_answer_is_an_answer(probed: Probed) -> None:
    probed.send()
    probed.stall_ms(60_000)

    seen = probed.next_round()

    assert seen.is_spoilt
    assert [PRIMARY] == list(seen.answered)


def test_after_a_stall_there_is_no_burst_of_probes(probed: Probed) -> None:
    probed.send()
    probed.stall_ms(60_000)
    sent = probed.echo.rounds_sent

    probed.next_rounds(3)

    assert sent + 2 == probed.echo.rounds_sent


def test_a_late_answer_is_told_with_the_misses_since_its_probe(probed: Probed) -> None:
    begun_ns = probed.clock.monotonic_ns()
    probed.send_answered_after(5500)

    rounds = probed.next_rounds(5)

    assert [
        {},
        {},
        {},
        {PRIMARY: LateAnswer(begun_ns + 5500 * MS_NS, missed_since=2)},
        {},
    ] == [seen.late for seen in rounds]
    assert [PRIMARY] == list(rounds[3].missed)


def test_a_late_answer_to_the_newest_probe_has_nothing_behind_it(probed: Probed) -> None:
    probed.send_answered_after(1500)

    assert [{}, 0] == [
        seen.late and seen.late[PRIMARY].missed_since for seen in probed.next_rounds(2)
    ]


def test_a_spoilt_round_is_no_miss_behind_a_late_answer(probed: Probed) -> None:
    probed.send_answered_after(8500)
    probed.send()
    probed.stall_ms(2500)

    rounds = probed.next_rounds(4)

    assert [True, False, False, False] == [seen.is_spoilt for seen in rounds]
    assert 2 == rounds[-1].late[PRIMARY].missed_since


def test_of_several_late_answers_the_one_to_the_newest_probe_counts(probed: Probed) -> None:
    probed.send_answered_after(7500)
    probed.send_answered_after(5100)

    *_, told = probed.next_rounds(4)

    assert 2 == told.late[PRIMARY].missed_since


def test_a_probe_that_the_system_does_not_send_is_no_miss_and_says_why(probed: Probed) -> None:
    probed.us.is_up = False

    seen = probed.next_round()

    assert {} == seen.missed
    assert "no route" in seen.refused[PRIMARY]
    assert not seen.carrier


def test_our_own_cable_shows_in_the_carrier(probed: Probed) -> None:
    probed.next_round()
    probed.us.is_plugged = False

    seen = probed.next_round()

    assert not seen.carrier
    assert [PRIMARY] == list(seen.missed)


def test_with_a_timeout_longer_than_the_interval_each_round_is_judged_in_its_turn() -> None:
    with Probed(interval_ms=1000, timeout_ms=2500) as probed:
        begun_ns = probed.clock.monotonic_ns()
        probed.send_answered_after(2200)
        probed.next_rounds(3)

        assert [[PRIMARY], [], []] == [list(seen.answered) for seen in probed.rounds]
        assert [2500, 3500, 4500] == [
            (seen.judged_ns - begun_ns) // MS_NS for seen in probed.rounds
        ]


def test_rounds_that_take_longer_to_send_than_the_interval_are_judged_all_the_same() -> None:
    with Probed(interval_ms=100, timeout_ms=50) as probed:
        probed.echo.send_takes_ms = 150

        assert [[PRIMARY]] * 5 == [list(seen.answered) for seen in probed.next_rounds(5)]


def test_a_new_aim_counts_from_the_next_round_on(probed: Probed) -> None:
    probed.send()
    probed.aim(GATEWAY)

    assert [[PRIMARY], [GATEWAY]] == [list(seen.answered) for seen in probed.next_rounds(2)]


def test_a_late_answer_of_somebody_who_is_not_probed_any_more_is_nothing(probed: Probed) -> None:
    probed.send_answered_after(2500)
    probed.aim(GATEWAY)

    assert [{}, {}, {}] == [seen.late for seen in probed.next_rounds(3)]


def test_nothing_is_lost_with_two_thousand_targets(probed: Probed) -> None:
    farm = tuple(Farm.has_them)
    probed.lan.machines.append(Farm(probed.lan))
    probed.aim(*farm, NOBODY)

    seen = probed.next_round()

    assert set(farm) == set(seen.answered)
    assert [NOBODY] == list(seen.missed)


def test_stop_ends_it_soon_from_any_thread(probed: Probed) -> None:
    prober = Prober(
        echo=probed.echo,
        arp=None,
        carrier=lambda: True,
        clock=SystemClock(),
        interval_ms=3_600_000,
        timeout_ms=600_000,
        tell=probed.rounds.append,
    )
    thread = threading.Thread(target=prober.run)
    thread.start()
    prober.stop()
    thread.join(timeout=30)

    assert not thread.is_alive()


def evidence(probed: Probed, rounds: int) -> list[ArpEvidence | None]:
    return [seen.arp.get(PRIMARY) for seen in probed.next_rounds(rounds)]


def test_nobody_is_asked_by_arp_for_a_primary_that_answers(asked: Probed) -> None:
    assert [None, None] == evidence(asked, 2)


def test_each_silent_probe_by_arp_counts_once_its_time_is_over(asked: Probed) -> None:
    asked.unplug_primary()

    assert [0, 1, 2, 3] == [told.silent for told in evidence(asked, 4) if told]


def test_arp_has_its_say_even_where_the_timeout_is_longer_than_the_interval() -> None:
    with Probed(interval_ms=500, timeout_ms=3000, with_arp=True) as asked:
        asked.unplug_primary()

        assert [0, 1, 2, 3] == [told.silent for told in evidence(asked, 4) if told]


def test_a_primary_that_ignores_pings_is_heard_by_arp_and_known_by_its_mac(asked: Probed) -> None:
    asked.next_rounds(2)
    asked.primary.answers_icmp = False

    told = evidence(asked, 4)[-1]

    assert ArpEvidence(silent=0, mac=asked.primary.mac, is_known=True) == told


def test_another_machine_at_the_address_is_not_the_one_that_we_knew(asked: Probed) -> None:
    asked.next_rounds(2)
    asked.unplug_primary()
    thief = asked.lan.machine("thief", f"{PRIMARY}/24")
    thief.answers_icmp = False

    told = evidence(asked, 4)[-1]

    assert ArpEvidence(silent=0, mac=thief.mac, is_known=False) == told


def test_a_mac_that_is_seen_while_nobody_answers_pings_is_not_learnt(asked: Probed) -> None:
    asked.primary.answers_icmp = False

    told = evidence(asked, 3)[-1]

    assert ArpEvidence(silent=0, mac=asked.primary.mac, is_known=None) == told


def test_what_is_claimed_is_forgotten_when_the_primary_answers_pings_again(asked: Probed) -> None:
    asked.primary.answers_icmp = False
    asked.next_rounds(3)
    asked.primary.answers_icmp = True
    asked.next_rounds(2)
    asked.unplug_primary()

    told = evidence(asked, 4)[-1]

    assert told is not None
    assert (3, None) == (told.silent, told.mac)


def foreign_probe(asked: Probed, mac: str) -> ArpEvidence:
    """What we know after another machine has asked for the address of the dead Primary."""
    asked.unplug_primary()
    asked.next_rounds(3)
    other = asked.lan.machine("other", "10.0.0.9/24")
    other.mac = mac
    arp = other.arp("eth0")
    arp.probe(PRIMARY)
    arp.close()
    told = evidence(asked, 1)[0]
    assert told is not None
    return told


def test_of_two_that_want_the_address_the_one_with_the_lower_mac_goes_on(asked: Probed) -> None:
    higher = foreign_probe(asked, "02:ff:00:00:00:00")

    assert (3, None) == (higher.silent, higher.mac)


def test_another_machine_with_a_lower_mac_that_wants_the_address_is_a_claim(
    asked: Probed,
) -> None:
    lower = foreign_probe(asked, "00:00:00:00:00:01")

    assert (0, "00:00:00:00:00:01") == (lower.silent, lower.mac)


def test_the_primarys_own_probe_always_counts(asked: Probed) -> None:
    asked.primary.mac = "02:ff:00:00:00:00"
    asked.next_rounds(2)

    own = foreign_probe(asked, asked.primary.mac)

    assert ArpEvidence(silent=0, mac=asked.primary.mac, is_known=True) == own


def test_a_probe_by_arp_that_could_not_be_sent_counts_for_nothing(asked: Probed) -> None:
    assert asked.arp is not None
    asked.unplug_primary()
    asked.next_rounds(1)
    asked.arp.is_muted = True
    asked.next_rounds(3)
    asked.arp.is_muted = False

    assert [1, 2, 3] == [told.silent for told in evidence(asked, 3) if told]

"""The guard on the Primary: its address comes after silence only, and goes without a fight."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, NamedTuple

import pytest
from ipfxlab.arp import ArpPacket, ArpWatch
from ipfxlab.guard import GUARD, start_guard
from ipfxlab.lab import Lab
from ipfxlab.network import address_in_lab

if TYPE_CHECKING:
    from ipfxlab.host import Host
    from ipfxlab.network import Network

ADDRESS = "192.168.11.1"
GUARDED = f"{ADDRESS}/32"
TAKEN = "nobody answered; taken"


class Pair(NamedTuple):
    """A Primary that has its management address only, and somebody else on the same switch."""

    network: Network
    primary: Host
    other: Host


@pytest.fixture
def pair(network: Network) -> Pair:
    primary = network.add_host("DEMOSERVER", address_in_lab(101))
    return Pair(network, primary, network.add_host("other", address_in_lab(2)))


def is_probe(packet: ArpPacket) -> bool:
    return packet.is_probe and packet.target == ADDRESS


def is_announcement(packet: ArpPacket) -> bool:
    return packet.is_announcement and packet.sender == ADDRESS


def test_an_address_for_which_nobody_answers_is_taken_after_three_probes_and_announced(
    pair: Pair,
) -> None:
    watch = ArpWatch(pair.other)
    start_guard(pair.primary, GUARDED).wait_for_line(TAKEN)
    watch.wait_for(lambda packet: is_announcement(packet) and packet.is_reply, "an announcement")
    kinds = [packet.is_announcement for packet in watch.packets if packet.target == ADDRESS]

    assert ADDRESS in pair.primary.held_addresses()
    assert kinds[:5] == [False, False, False, True, True]


def test_an_address_in_use_is_left_to_its_owner_until_it_is_free(pair: Pair) -> None:
    pair.other.add_address(GUARDED)
    guard = start_guard(pair.primary, GUARDED)
    guard.wait_for_line("is used by 02:00:c0:a8:0b:02; waiting until it is free")

    assert ADDRESS not in pair.primary.held_addresses()
    assert TAKEN not in guard.output

    pair.other.remove_address(GUARDED)
    guard.wait_for_line(TAKEN)

    assert ADDRESS in pair.primary.held_addresses()


def test_waiting_for_an_address_in_use_is_said_once(pair: Pair) -> None:
    pair.other.add_address(GUARDED)
    watch = ArpWatch(pair.other)
    guard = start_guard(pair.primary, GUARDED)
    guard.wait_for_line("is used by")
    probes = sum(map(is_probe, watch.packets))
    watch.process.wait_for(
        lambda: sum(map(is_probe, watch.packets)) > probes + 2 or None, "three more probes"
    )

    assert len(guard.lines) == 1


def test_the_address_goes_with_the_carrier_and_comes_back_after_new_probes(pair: Pair) -> None:
    guard = start_guard(pair.primary, GUARDED)
    guard.wait_for_line(TAKEN)
    watch = ArpWatch(pair.other)
    pair.network.pull_cable(pair.primary)
    guard.wait_for_line("no carrier; dropped")

    assert pair.primary.held_addresses() == {"192.168.11.101"}

    pair.network.plug_cable(pair.primary)
    watch.wait_for(is_announcement, "an announcement")
    kinds = [packet.is_announcement for packet in watch.packets if packet.target == ADDRESS]

    assert kinds[kinds.index(True) - 3 : kinds.index(True)] == [False, False, False]
    assert ADDRESS in pair.primary.held_addresses()


def test_a_primary_that_returns_during_a_stand_in_stays_silent(pair: Pair) -> None:
    guard = start_guard(pair.primary, GUARDED)
    guard.wait_for_line(TAKEN)
    pair.network.pull_cable(pair.primary)
    guard.wait_for_line("no carrier; dropped")
    pair.other.add_address(GUARDED)
    watch = ArpWatch(pair.other)
    since = len(guard.lines)
    pair.network.plug_cable(pair.primary)
    guard.wait_for_line("is used by 02:00:c0:a8:0b:02; waiting", since=since)

    assert [packet for packet in watch.packets if packet.sender == ADDRESS] == []
    assert ADDRESS not in pair.primary.held_addresses()


def test_the_address_goes_when_another_machine_announces_it(pair: Pair) -> None:
    guard = start_guard(pair.primary, GUARDED, "--check-interval-ms", "600000")
    guard.wait_for_line(TAKEN)
    pair.other.announce(ADDRESS)
    guard.wait_for_line("is used by 02:00:c0:a8:0b:02; dropped")

    assert ADDRESS not in pair.primary.held_addresses()


def test_another_owner_that_says_nothing_is_found_by_asking(pair: Pair) -> None:
    guard = start_guard(pair.primary, GUARDED)
    guard.wait_for_line(TAKEN)
    pair.other.add_address(GUARDED)
    guard.wait_for_line("is used by 02:00:c0:a8:0b:02; dropped")

    assert ADDRESS not in pair.primary.held_addresses()


def test_of_two_that_probe_for_the_same_address_one_gets_it(pair: Pair) -> None:
    guards = [start_guard(host, GUARDED) for host in (pair.primary, pair.other)]
    gateway = pair.network.add_host("gateway", address_in_lab(254), gateway=None)
    ArpWatch(gateway).wait_for(is_announcement, "an announcement")
    for guard in guards:
        guard.wait_for_line("taken|is used by")
    holders = [ADDRESS in host.held_addresses() for host in (pair.primary, pair.other)]

    assert sum(holders) == 1


def test_silence_counts_only_when_a_witness_answers(pair: Pair) -> None:
    guard = start_guard(pair.primary, GUARDED, "--witness", "192.168.11.254")
    guard.wait_for_line("silence, but no witness answers either; waiting")

    assert ADDRESS not in pair.primary.held_addresses()

    pair.network.add_host("gateway", address_in_lab(254), gateway=None)
    guard.wait_for_line(TAKEN)

    assert ADDRESS in pair.primary.held_addresses()


@pytest.mark.parametrize(
    ("options", "said", "left"),
    [
        ((), "stopped; the address stays, unguarded", {ADDRESS, "192.168.11.101"}),
        (("--drop-on-stop",), "stopped; dropped", {"192.168.11.101"}),
    ],
)
def test_sigterm_leaves_or_drops_the_address_as_asked(
    pair: Pair, options: tuple[str, ...], said: str, left: set[str]
) -> None:
    guard = start_guard(pair.primary, GUARDED, "--check-interval-ms", "600000", *options)
    guard.wait_for_line(TAKEN)

    assert guard.stop() == 0
    assert said in guard.lines[-1]
    assert pair.primary.held_addresses() == left


def test_a_guard_that_was_killed_goes_on_with_the_address_it_finds(pair: Pair) -> None:
    guard = start_guard(pair.primary, GUARDED)
    guard.wait_for_line(TAKEN)

    assert guard.kill() == -signal.SIGKILL

    successor = start_guard(pair.primary, GUARDED)
    successor.wait_for_line("already here; watched from now on")
    pair.other.announce(ADDRESS)
    successor.wait_for_line("; dropped")

    assert ADDRESS not in pair.primary.held_addresses()


def test_an_address_that_somebody_removed_is_probed_for_before_it_comes_back(pair: Pair) -> None:
    guard = start_guard(pair.primary, GUARDED)
    guard.wait_for_line(TAKEN)
    pair.primary.remove_address(GUARDED)
    guard.wait_for_line("somebody removed it; probing before it comes back")
    guard.wait_for_line(TAKEN, since=2)

    assert ADDRESS in pair.primary.held_addresses()


def test_once_takes_a_free_address_announces_it_and_ends(pair: Pair) -> None:
    watch = ArpWatch(pair.other)

    assert start_guard(pair.primary, GUARDED, "--once").wait() == 0
    assert ADDRESS in pair.primary.held_addresses()
    assert watch.wait_for(is_announcement, "an announcement")


def test_once_ends_with_3_when_the_address_is_in_use(pair: Pair) -> None:
    pair.other.add_address(GUARDED)

    assert start_guard(pair.primary, GUARDED, "--once").wait() == 3
    assert ADDRESS not in pair.primary.held_addresses()


def test_a_missing_interface_is_one_line_and_code_1(pair: Pair) -> None:
    done = pair.primary.run(pair.primary.python, str(GUARD), "eth7", GUARDED, check=False)

    assert done.returncode == 1
    assert done.stdout == "192.168.11.1 on eth7: no interface with this name\n"


def test_the_lab_starts_a_guarded_primary_with_its_address() -> None:
    with Lab(guarded=True) as lab:
        assert lab.primary.host.held_addresses() == {ADDRESS, "192.168.11.101"}

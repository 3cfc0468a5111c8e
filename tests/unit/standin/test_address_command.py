"""`takeover-ip` on the desk, and the questions to the network before an address is taken."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.errors import Failed, Interrupted, Refused, UsageError
from ipfx_failover.events import EventKind
from ipfx_failover.standin.commands import AddressCommand, address_in_use
from ipfx_failover.standin.probing import any_answers, who_uses
from tests.support.stand_in import (
    ADAPTER,
    ADDRESS,
    DEMO,
    GATEWAY,
    OTHER,
    FailoverMachine,
    Fate,
    Killed,
)
from tests.support.waiting import FakeWait

if TYPE_CHECKING:
    from pathlib import Path

K = EventKind
FREE = IPv4Address("10.0.0.77")


@pytest.fixture
def machine(tmp_path: Path) -> FailoverMachine:
    return FailoverMachine(tmp_path)


def take(machine: FailoverMachine, target: str = str(FREE)) -> None:
    with machine.desk() as desk:
        AddressCommand(desk, target, None).take()


def test_an_address_is_taken_alone_and_written_down(machine: FailoverMachine) -> None:
    take(machine)

    assert machine.holds(FREE)
    with machine.store() as store:
        [held] = store.held_addresses()
        assert store.stand_in() is None
    assert (str(FREE), ADAPTER, machine.boot_id, None) == (
        held.address,
        held.adapter,
        held.boot_id,
        held.server,
    )
    assert machine.application.role is None


def test_a_server_stands_for_its_address_in_any_case(machine: FailoverMachine) -> None:
    with machine.desk() as desk:
        command = AddressCommand(desk, "demo", None)

    assert (ADDRESS, DEMO, ADAPTER) == (command.address, command.server, command.adapter)


def test_what_is_neither_is_refused_with_the_servers_that_are_known(
    machine: FailoverMachine,
) -> None:
    with machine.desk() as desk, pytest.raises(UsageError) as raised:
        AddressCommand(desk, "nobody", None)

    assert "DEMO, OTHER" in raised.value.hint


def test_without_an_adapter_those_that_exist_are_named(tmp_path: Path) -> None:
    machine = FailoverMachine(tmp_path, {"servers": {DEMO: {"assume_ip": False}}})
    network = machine.config.network.model_copy(update={"adapter": None})
    machine.config = machine.config.model_copy(update={"network": network})
    with machine.desk() as desk, pytest.raises(UsageError) as raised:
        AddressCommand(desk, str(FREE), None)

    assert ADAPTER in raised.value.hint


def test_an_address_in_use_is_refused_with_the_mac_and_the_way_out(
    machine: FailoverMachine,
) -> None:
    with machine.desk() as desk:
        command = AddressCommand(desk, OTHER, None)
        with pytest.raises(Refused, match=f"{machine.other.mac} answers ARP") as raised:
            command.check(force=False)
        command.check(force=True)

    assert "takeover-ip 10.0.0.3 --adapter eth0 --force" in raised.value.hint


def test_an_address_that_we_hold_already_needs_no_question(machine: FailoverMachine) -> None:
    take(machine)
    begun_ns = machine.clock.monotonic_ns()
    with machine.desk() as desk:
        AddressCommand(desk, str(FREE), None).check(force=False)

    assert begun_ns == machine.clock.monotonic_ns()


def test_one_from_which_no_reference_is_reached_is_given_up(machine: FailoverMachine) -> None:
    machine.lost_from.add(FREE)
    with pytest.raises(Failed, match="no reference target"):
        take(machine)

    assert not machine.holds(FREE)
    with machine.store() as store:
        assert [] == store.held_addresses()


def test_releasing_gives_it_up_and_twice_is_no_error_and_no_release(
    machine: FailoverMachine,
) -> None:
    take(machine)
    with machine.desk() as desk:
        released = [AddressCommand(desk, str(FREE), None).release() for _ in range(2)]

    assert [True, False] == released
    assert not machine.holds(FREE)
    with machine.store() as store:
        assert [] == store.held_addresses()


@pytest.mark.parametrize("action", ["take", "release"])
def test_the_address_of_a_stand_in_is_left_to_it(machine: FailoverMachine, action: str) -> None:
    machine.primary.is_plugged = False
    with machine.desk() as desk:
        desk.take_over(machine.demo, by="operator")
        command = AddressCommand(desk, DEMO, None)
        machine.lost_from.add(ADDRESS)
        with pytest.raises(Refused, match="held while standing in for DEMO"):
            command.take() if action == "take" else command.release()

    assert machine.holds()


def test_killed_at_any_moment_the_release_undoes_it(tmp_path: Path) -> None:
    for moment in range(1, 9):
        machine = FailoverMachine(tmp_path / str(moment))
        with pytest.raises(Killed), machine.desk(fate=Fate(moment)) as desk:
            AddressCommand(desk, str(FREE), None).take()
        with machine.desk() as desk:
            AddressCommand(desk, str(FREE), None).release()
            assert not machine.holds(FREE)
            AddressCommand(desk, str(FREE), None).take()
        assert machine.holds(FREE)


def test_it_is_kept_until_interrupted_and_then_released(machine: FailoverMachine) -> None:
    said: list[str] = []
    take(machine)

    class Impatient:
        """A clock on which the operator presses Ctrl-C."""

        def __init__(self) -> None:
            self.now = machine.clock.now
            self.monotonic_ns = machine.clock.monotonic_ns

        def sleep(self, duration_s: float) -> None:  # noqa: ARG002 - the port
            raise Interrupted("interrupted (SIGINT)", "run it again")

    with machine.desk() as desk:
        patient = replace(desk, ports=replace(desk.ports, clock=Impatient()))
        AddressCommand(patient, str(FREE), None).keep(machine.us.arp, said.append)

    assert ["interrupted; releasing it"] == said
    assert not machine.holds(FREE)


def test_before_a_failover_by_hand_the_servers_address_is_asked_for(
    machine: FailoverMachine,
) -> None:
    with machine.desk() as desk:
        refused = address_in_use(desk, machine.demo)
        machine.primary.is_plugged = False
        free = address_in_use(desk, machine.demo)
        elsewhere = address_in_use(desk, machine.config.servers[OTHER])

    assert refused is not None
    assert machine.primary.mac in refused.message
    assert "failover-now DEMO --force" in refused.hint
    assert (None, None) == (free, elsewhere)


def test_a_free_address_is_asked_for_three_times_a_second_apart(machine: FailoverMachine) -> None:
    begun_ns = machine.clock.monotonic_ns()
    heard, arp = machine.gateway.arp(ADAPTER), machine.us.arp(ADAPTER)

    assert who_uses(arp, FREE, machine.clock, FakeWait(machine.clock)) is None
    assert 3_000_000_000 == machine.clock.monotonic_ns() - begun_ns
    assert 3 == len([packet for packet in heard.receive() if packet.is_probe])
    heard.close()
    arp.close()


def test_whoever_asks_for_it_too_has_it(machine: FailoverMachine) -> None:
    arp, rival = machine.us.arp(ADAPTER), machine.other.arp(ADAPTER)

    def ask() -> None:
        rival.probe(FREE)

    machine.clock.at(machine.clock.monotonic_ns() + 2_500_000_000, ask)

    assert machine.other.mac == who_uses(arp, FREE, machine.clock, FakeWait(machine.clock))
    rival.close()
    arp.close()


def test_a_ping_is_waited_for_no_longer_than_it_says(machine: FailoverMachine) -> None:
    begun_ns = machine.clock.monotonic_ns()
    echo = machine.us.echo()

    assert any_answers(echo, [GATEWAY], 1, machine.clock, 1.0, FakeWait(machine.clock))
    machine.gateway.is_plugged = False
    assert not any_answers(echo, [GATEWAY], 2, machine.clock, 1.0, FakeWait(machine.clock))
    assert machine.clock.monotonic_ns() - begun_ns < 1_100_000_000
    echo.close()

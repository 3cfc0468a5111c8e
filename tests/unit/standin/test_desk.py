"""What the desk looks after while a role is performed: addresses and the application."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.events import EventKind
from ipfx_failover.records import HeldAddress, Phase
from tests.support.stand_in import ADAPTER, ADDRESS, DEMO, OTHER_ADDRESS, FailoverMachine

if TYPE_CHECKING:
    from pathlib import Path

K = EventKind
ALONE = IPv4Address("10.0.0.77")


@pytest.fixture
def machine(tmp_path: Path) -> FailoverMachine:
    made = FailoverMachine.with_a_dead_primary(tmp_path)
    with made.desk() as desk:
        desk.take_over(made.demo, by="monitor")
    return made


def lose(machine: FailoverMachine, address: IPv4Address = ADDRESS) -> None:
    machine.us.addresses().remove(address, ADAPTER)


def hold_alone(machine: FailoverMachine, server: str | None) -> None:
    with machine.store() as store, store.transaction() as tx:
        tx.hold_address(
            HeldAddress(str(ALONE), ADAPTER, machine.boot_id, server, machine.clock.now())
        )


def restore(machine: FailoverMachine) -> None:
    with machine.desk() as desk:
        desk.restore_addresses()


def test_an_address_that_is_gone_is_taken_again_announced_and_told_of(
    machine: FailoverMachine,
) -> None:
    lose(machine)
    heard = machine.gateway.arp(ADAPTER)
    restore(machine)
    machine.clock.advance(1)

    assert machine.holds()
    assert 2 == len([packet for packet in heard.receive() if packet.sender_ip == ADDRESS])
    heard.close()
    assert K.ADDRESS_RESTORED is machine.kinds()[-1]


def test_an_address_that_is_there_is_left_alone(machine: FailoverMachine) -> None:
    restore(machine)

    assert K.ADDRESS_RESTORED not in machine.kinds()


@pytest.mark.parametrize("phase", [Phase.STANDING_DOWN, Phase.INTERRUPTED, Phase.TAKING_OVER])
def test_an_address_of_a_role_that_is_not_performed_is_not_taken_again(
    machine: FailoverMachine, phase: Phase
) -> None:
    with machine.store() as store, store.transaction() as tx:
        tx.set_phase(phase)
    lose(machine)
    restore(machine)

    assert not machine.holds()


@pytest.mark.parametrize("server", [None, "OTHER"])
def test_an_address_that_was_taken_alone_is_kept_whoever_is_stood_in_for(
    machine: FailoverMachine, server: str | None
) -> None:
    hold_alone(machine, server)
    restore(machine)

    assert machine.holds(ALONE)


def test_an_address_that_was_taken_alone_is_kept_while_a_role_is_given_back(
    machine: FailoverMachine,
) -> None:
    with machine.store() as store, store.transaction() as tx:
        tx.set_phase(Phase.STANDING_DOWN)
    hold_alone(machine, None)
    restore(machine)

    assert machine.holds(ALONE)


def test_an_address_that_was_taken_alone_is_kept_without_any_role(tmp_path: Path) -> None:
    machine = FailoverMachine(tmp_path)
    hold_alone(machine, "OTHER")
    restore(machine)

    assert machine.holds(ALONE)


def test_an_address_of_another_boot_is_not_taken_again(machine: FailoverMachine) -> None:
    machine.reboot()
    restore(machine)

    assert not machine.holds()


def test_an_application_that_died_is_started_again(machine: FailoverMachine) -> None:
    machine.application.crash()
    with machine.desk() as desk:
        desk.restart_application(machine.demo)

    assert machine.application.role is not None
    with machine.store() as store:
        assert (1002, machine.clock.monotonic_ns() / 1e9) == store.application()


@pytest.mark.parametrize("phase", [Phase.STANDING_DOWN, Phase.INTERRUPTED])
def test_the_application_of_a_role_that_is_not_performed_is_not_started(
    machine: FailoverMachine, phase: Phase
) -> None:
    with machine.store() as store, store.transaction() as tx:
        tx.set_phase(phase)
    machine.application.crash()
    with machine.desk() as desk:
        desk.restart_application(machine.demo)

    assert machine.application.role is None


def test_the_address_of_a_reboot_ago_does_not_count_as_ours(machine: FailoverMachine) -> None:
    machine.reboot()
    with machine.desk() as desk:
        desk.recover()

    with machine.store() as store:
        assert [] == store.held_addresses()
        role = store.stand_in()
    assert role is not None
    assert (DEMO, Phase.STANDING_IN) == (role.server, role.phase)
    assert not machine.holds(OTHER_ADDRESS)

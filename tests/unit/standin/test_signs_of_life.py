"""What shows that a Primary is back, before its role is given back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfx_failover.standin.commands import signs_of_life
from tests.support.stand_in import ADDRESS, DEMO, FailoverMachine

if TYPE_CHECKING:
    from pathlib import Path

    from ipfx_failover.net import Address

MANAGEMENT = "10.0.0.9"


def signs(machine: FailoverMachine, *answering: str) -> list[str]:
    def answers(address: Address) -> bool:
        return str(address) in answering

    with machine.desk() as desk:
        return signs_of_life(desk, machine.demo, answers)


def standing(directory: Path, **server: object) -> FailoverMachine:
    """A machine that stands in for a Primary that is dead."""
    made = FailoverMachine.with_a_dead_primary(directory, {"servers": {DEMO: server}})
    with made.desk() as desk:
        desk.take_over(made.demo, by="test")
    return made


def test_a_primary_that_is_silent_shows_none(tmp_path: Path) -> None:
    assert signs(standing(tmp_path, assume_ip=True)) == []


def test_another_machine_with_the_address_that_we_hold_is_told_by_its_mac(tmp_path: Path) -> None:
    machine = standing(tmp_path, assume_ip=True)
    machine.primary.is_plugged = True
    (sign,) = signs(machine)

    assert sign.startswith(f"{machine.primary.mac} uses {ADDRESS}, too")


def test_our_own_application_at_the_address_that_we_hold_is_no_sign(tmp_path: Path) -> None:
    assert signs(standing(tmp_path, assume_ip=True), str(ADDRESS)) == []


@pytest.mark.parametrize(
    ("assume_ip", "answering"), [(False, str(ADDRESS)), (True, MANAGEMENT), (False, MANAGEMENT)]
)
def test_the_primarys_application_is_found_where_it_can_be_told_from_ours(
    tmp_path: Path, *, assume_ip: bool, answering: str
) -> None:
    machine = standing(tmp_path, assume_ip=assume_ip, management_address=MANAGEMENT)
    (sign,) = signs(machine, answering)

    assert f"{answering} port 100 answers" in sign
    assert "stop it before replicate-to-live" in sign

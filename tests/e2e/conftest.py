"""Fixtures of a real network: they need root, and fail with one clear sentence without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ipfxlab.lab import Lab
from ipfxlab.network import Network

from tests.support.failover import FailoverServer, Zygotes
from tests.support.office import Office

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def network() -> Iterator[Network]:
    """An empty network: a switch."""
    with Network() as started:
        yield started


@pytest.fixture
def lab() -> Iterator[Lab]:
    """The whole office with one Primary, started anew for each test."""
    with Lab() as started:
        yield started


@pytest.fixture(scope="module")
def shared_lab() -> Iterator[Lab]:
    """The office, started once for a module whose tests leave it as they found it."""
    with Lab() as started:
        yield started


@pytest.fixture(scope="session")
def opened_office() -> Iterator[tuple[Office, Zygotes]]:
    with Lab("DEMOSERVER", "SECOND") as started:
        office = Office(started)
        yield office, Zygotes(office)


@pytest.fixture
def office(opened_office: tuple[Office, Zygotes]) -> Iterator[Office]:
    """The office with two Primaries, started once, put back in order after each test."""
    office, _ = opened_office
    yield office
    office.tidy()


@pytest.fixture
def failover(office: Office, opened_office: tuple[Office, Zygotes]) -> Iterator[FailoverServer]:
    """ipfx-failover on the office's Failover Server, with a state of its own."""
    server = FailoverServer(office, opened_office[1])
    yield server
    server.check_manners()


@pytest.fixture
def ready(failover: FailoverServer, office: Office) -> FailoverServer:
    """The same, with a copy of DEMOSERVER's database, in which there are two calls."""
    office.add_calls(office.primary, "one", "two")
    failover.replicate()
    return failover

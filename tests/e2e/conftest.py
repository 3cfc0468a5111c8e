"""Fixtures of a real network: they need root, and fail with one clear sentence without it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import pytest
from ipfxlab.lab import Lab
from ipfxlab.network import Network

from tests.sqlserver import drivers
from tests.support.commands import Starter
from tests.support.failover import FailoverServer, Prepared
from tests.support.office import Office
from tests.support.sqlserver_pair import Pair

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


class Opened(NamedTuple):
    """The one office of all tests, and what is at hand in it."""

    office: Office
    starter: Starter
    prepared: Prepared


@pytest.fixture(scope="session")
def opened() -> Iterator[Opened]:
    with Starter() as starter, Lab("DEMOSERVER", "SECOND") as started:
        office = Office(started)
        prepared = Prepared(office.failover_server.directory / "prepared")
        yield Opened(office, starter, prepared)


@pytest.fixture
def office(opened: Opened) -> Iterator[Office]:
    """The office with two Primaries, started once, put back in order after each test."""
    yield opened.office
    opened.office.tidy()


@pytest.fixture
def failover(office: Office, opened: Opened) -> Iterator[FailoverServer]:
    """ipfx-failover on the office's Failover Server, with a state of its own."""
    server = FailoverServer(office, opened.starter)
    yield server
    server.check_manners()


@pytest.fixture
def ready(failover: FailoverServer, opened: Opened) -> FailoverServer:
    """The same, with a copy of DEMOSERVER's database, in which there are two calls."""
    opened.prepared.give(failover)
    return failover


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Two simulated SQL Servers, with a database to be replicated."""
    with Pair(tmp_path) as made:
        yield made


@pytest.fixture
def in_memory() -> Iterator[Pair]:
    """For as many runs as there are statements: no disk is waited for."""
    with TemporaryDirectory(dir="/dev/shm") as directory, Pair(Path(directory)) as made:
        yield made


@pytest.fixture(params=[drivers.microsoft, drivers.free_tds], ids=["Microsoft", "FreeTDS"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    """The same, through each of both drivers."""
    with Pair(tmp_path, driver=request.param()) as made:
        yield made

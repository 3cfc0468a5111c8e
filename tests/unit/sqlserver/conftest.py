"""A simulated server with a catalog S, and a client in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sqlserver.engine.client import Client
from tests.sqlserver.engine.server import SimulatedServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server(tmp_path: Path) -> SimulatedServer:
    made = SimulatedServer(tmp_path / "data")
    made.create("S", {})
    return made


@pytest.fixture
def client(server: SimulatedServer) -> Iterator[Client]:
    with Client(server, "S") as made:
        yield made


@pytest.fixture
def other(server: SimulatedServer) -> Iterator[Client]:
    with Client(server, "S") as made:
        yield made

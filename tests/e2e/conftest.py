"""Fixtures of a real network: they need root, and fail with one clear sentence without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ipfxlab.lab import Lab
from ipfxlab.network import Network

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

"""A small workflow and its store: of all tests of the runner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ipfx_failover.state.store import Store
from tests.support.toy_workflow import Toy, prepare

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "state", busy_timeout_s=0.05) as opened:
        yield opened


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return prepare(tmp_path)

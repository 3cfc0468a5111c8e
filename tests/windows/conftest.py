"""These tests run in a Windows Python (./tests/run-windows); another one does not collect them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.windows.program import Program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

collect_ignore_glob = [] if sys.platform == "win32" else ["test_*"]


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    begun = Program(tmp_path / "config.toml")
    try:
        yield begun
    finally:
        begun.close()

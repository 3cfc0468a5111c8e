from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.config.samples import ConfigFiles

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def files(tmp_path: Path) -> ConfigFiles:
    return ConfigFiles(tmp_path)

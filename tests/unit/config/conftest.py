from __future__ import annotations

from typing import TYPE_CHECKING

import keyring
import pytest

from tests.fakes.keyring_backend import VALUE, MemoryKeyring
from tests.unit.config.samples import ConfigFiles

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def files(tmp_path: Path) -> ConfigFiles:
    return ConfigFiles(tmp_path)


@pytest.fixture
def own_keyring() -> Iterator[MemoryKeyring]:
    before = keyring.get_keyring()
    memory = MemoryKeyring()
    memory.set_password("ipfx", "sa", VALUE)
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)

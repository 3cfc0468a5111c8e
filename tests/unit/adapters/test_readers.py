"""Whether anybody still reads what is printed."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

from ipfx_failover.adapters.readers import has_reader

if TYPE_CHECKING:
    from pathlib import Path


def test_a_pipe_has_a_reader_until_its_other_end_is_closed() -> None:
    read, write = os.pipe()
    with os.fdopen(write, "w") as stream:
        before = has_reader(stream)
        os.close(read)

        assert (True, False) == (before, has_reader(stream))


def test_what_is_no_pipe_counts_as_read(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as stream:
        assert has_reader(stream)
    assert has_reader(io.StringIO())
    assert has_reader(stream)

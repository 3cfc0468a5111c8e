import os
import threading
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import pytest

from ipfx_failover.adapters.durable import write_through

_PIECE = bytes(range(256)) * 4096


def test_what_is_large_is_written_whole_while_it_is_flushed(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        write_through(file, [*repeat(_PIECE, 130), b"the end"])

        assert path.stat().st_size == 130 * len(_PIECE) + len(b"the end")
    with path.open("rb") as file:
        assert all(file.read(len(_PIECE)) == _PIECE for _ in range(130))
        assert file.read() == b"the end"


def test_what_cannot_be_flushed_is_an_error_at_once_not_at_the_end() -> None:
    given = []

    def chunks() -> Iterator[bytes]:
        for _ in range(400):
            given.append(len(_PIECE))
            yield _PIECE

    reading, writing = os.pipe()  # which nobody can flush
    reader = threading.Thread(target=lambda: all(iter(lambda: os.read(reading, 1 << 20), b"")))
    reader.start()
    try:
        with pytest.raises(OSError, match="Invalid argument"), os.fdopen(writing, "wb") as file:
            write_through(file, chunks())
    finally:
        reader.join()
        os.close(reading)

    assert len(given) < 400

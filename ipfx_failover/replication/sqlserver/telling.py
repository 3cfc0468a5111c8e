"""What was being done, in front of what a server has said against it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ipfx_failover.replication.sqlserver.session import SqlRefused

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def told(doing: str, name: str) -> Iterator[None]:
    """What a server refuses in the block is told with these words, which say its `name`, before."""
    try:
        yield
    except SqlRefused as error:
        said = error.message.removeprefix(f"{name}: ")
        raise SqlRefused(f"{doing}: {said}", error.hint, error.numbers) from error

"""What was being done, in front of what a server has said against it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ipfx_failover.replication.sqlserver.session import SqlRefused

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def told(doing: str) -> Iterator[None]:
    """Whatever a server refuses in the block is told with these words before it."""
    try:
        yield
    except SqlRefused as error:
        raise SqlRefused(f"{doing}: {error.message}", error.hint, error.numbers) from None

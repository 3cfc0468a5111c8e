"""Whether anybody still reads what this process prints."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO


def has_reader(stream: TextIO) -> bool:
    """False once the other end of a pipe was closed; True also where that cannot be told."""
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    try:
        poll.register(stream.fileno(), 0)
    except (OSError, ValueError):  # no file of the system, or closed
        return True
    return not any(found & (select.POLLERR | select.POLLHUP) for _, found in poll.poll(0))

"""What this process may do, asked without doing it (capabilities(7))."""

from __future__ import annotations

import os
from pathlib import Path

_NUMBERS = {"CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13}


def missing(*capabilities: str) -> list[str]:
    """Those of the capabilities that this thread has not."""
    status = Path("/proc/thread-self/status").read_text("ascii")
    (effective,) = (int(line.split()[1], 16) for line in status.splitlines() if "CapEff" in line)
    return [name for name in capabilities if not effective >> _NUMBERS[name] & 1]


def may_end(pid: int) -> bool:
    """Whether we may end a process; one that is gone hinders nobody."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return True

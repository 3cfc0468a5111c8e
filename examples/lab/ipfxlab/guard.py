"""The guard of a Primary's address (examples/primary-guard) as a process on a host."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipfxlab.host import Host
    from ipfxlab.process import LabProcess

GUARD = Path(__file__).parents[2] / "primary-guard" / "primary_guard.py"
PROBE_INTERVAL_MS = 100
CHECK_INTERVAL_MS = 400


def start_guard(host: Host, address: str, *options: str) -> LabProcess:
    """Starts the guard for `address` (with prefix length), with the lab's short intervals."""
    return host.popen(
        *(host.python, str(GUARD), host.interface, address),
        *("--probe-interval-ms", str(PROBE_INTERVAL_MS)),
        *("--check-interval-ms", str(CHECK_INTERVAL_MS), *options),
        name=f"the guard on {host.name}",
    )

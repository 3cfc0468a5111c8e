"""The monitor as a service of the system."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from ipfx_failover.monitor.supervision import Supervisor, Unsupervised

if TYPE_CHECKING:
    from ipfx_failover.config.models import NetworkSettings

_MISSED_ROUNDS = 5
"""So many rounds may pass without a judgement before the monitor counts as hung."""


def supervisor(network: NetworkSettings) -> AbstractContextManager[Supervisor]:
    """Who is told that the monitor lives: systemd, where it has started us."""
    if sys.platform != "linux" or not os.environ.get("NOTIFY_SOCKET"):
        return nullcontext(Unsupervised())
    from ipfx_failover.adapters.linux.notify import SystemdSupervisor

    round_us = (network.ping_interval_ms + network.ping_timeout_ms) * 1000
    return SystemdSupervisor(os.environ, longest_silence_us=_MISSED_ROUNDS * round_us)

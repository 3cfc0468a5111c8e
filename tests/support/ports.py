"""Ports for servers of tests."""

from __future__ import annotations

import contextlib
import secrets
import socket

_LOWEST, _BEYOND = 10_000, 32_000
"""Below those that the kernel gives to outgoing connections, which would take it meanwhile."""


def free_port() -> int:
    """A port that nobody listens on; another one in each worker, whatever its random seed is."""
    while True:
        port = _LOWEST + secrets.randbelow(_BEYOND - _LOWEST)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port

"""The `Supervisor` that systemd is: sd_notify(3), a datagram to the socket of NOTIFY_SOCKET."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING, Final, Self

from ipfx_failover.monitor.supervision import PATIENT_ROUNDS, TELL_EVERY_NS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TELLS_A_WATCHDOG: Final = 4
"""How often life is told within the watchdog's patience; half of it is sd_watchdog_enabled(3)'s
advice, and one datagram may be lost."""


class SystemdSupervisor:
    """Tells systemd; what it does not take (it hangs, its socket is full) is dropped."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = _address(environ["NOTIFY_SOCKET"])
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        self._socket = socket.socket(socket.AF_UNIX, kind)
        self._given_us = self._watchdog_us = _watchdog_us(environ)
        given_ns = self._given_us * 1000
        self._every_ns = min(given_ns // _TELLS_A_WATCHDOG or TELL_EVERY_NS, TELL_EVERY_NS)
        self._told_ns: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def expect(self, round_ms: int) -> None:
        """A watchdog that is less patient than a few rounds take is told to be."""
        if not self._given_us:
            return
        wanted_us = max(self._given_us, PATIENT_ROUNDS * round_ms * 1000)
        if wanted_us != self._watchdog_us:
            self._watchdog_us = wanted_us
            self._tell(f"WATCHDOG_USEC={wanted_us}")

    def ready(self, text: str) -> None:
        self._tell("READY=1", f"STATUS={text}")

    def alive(self, judged_ns: int, text: Callable[[], str]) -> None:
        if self._told_ns is not None and judged_ns - self._told_ns < self._every_ns:
            return
        self._told_ns = judged_ns
        self._tell("WATCHDOG=1", f"STATUS={text()}")

    def stopping(self) -> None:
        self._tell("STOPPING=1", "STATUS=ending")

    def _tell(self, *assignments: str) -> None:
        with contextlib.suppress(OSError):
            self._socket.sendto("\n".join(assignments).encode(), self._address)


def _address(name: str) -> str | bytes:
    """An abstract socket's name begins with @ here, with a zero byte for the kernel (unix(7))."""
    return b"\0" + os.fsencode(name[1:]) if name.startswith("@") else name


def _watchdog_us(environ: Mapping[str, str]) -> int:
    """The watchdog's patience in microseconds; 0 without one, or if it watches another process."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0
    with contextlib.suppress(ValueError):
        return max(int(environ.get("WATCHDOG_USEC", "0")), 0)
    return 0

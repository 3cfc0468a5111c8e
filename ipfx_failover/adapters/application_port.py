"""The TCP port by which one sees that the application works, and whose it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ipfx_failover.adapters import tcp
from ipfx_failover.adapters.waiting import wait_until
from ipfx_failover.errors import Failed, InDoubt

if TYPE_CHECKING:
    from ipfx_failover.clock import Clock
    from ipfx_failover.config.models import ApplicationSettings
    from ipfx_failover.standin.application import Role

BY_HAND: Final = "end it by hand, then run the same command again"

_ANSWERS_WITHIN_S: Final = 1.0
_CLOSES_WITHIN_S: Final = 2.0


class ApplicationPort:
    """The application's `ready_port`, if it has one; without one, it never answers."""

    def __init__(self, settings: ApplicationSettings, clock: Clock) -> None:
        self.number = settings.ready_port
        self._clock = clock

    def answers(self, role: Role) -> bool:
        """Whether it answers on this machine, within a second.

        The application may listen on all addresses, on loopback, or on one of ours only. The
        role's address counts only while it is ours: before that, the Primary would answer.
        """
        if self.number is None:
            return False
        addresses = tcp.own_addresses(first=role.address)
        return tcp.answering(addresses, self.number, _ANSWERS_WITHIN_S) is not None

    def refuse_foreign(self, role: Role) -> None:
        """Call this before anything of ours is started.

        Raises:
            Failed: the port answers already; the message names who does.
        """
        if self.answers(role):
            raise Failed(
                f"port {self.number} is already in use by {self.listener()} on this machine",
                "stop it, keep it from starting on the Failover Server, then try again",
            )

    def require_closed(self, role: Role, why: str) -> None:
        """Wait a little until nobody answers any more.

        Raises:
            InDoubt: somebody does; `why` is added to the message.
        """
        if not wait_until(lambda: not self.answers(role), self._clock, _CLOSES_WITHIN_S):
            raise InDoubt(
                f"port {self.number} is still answered by {self.listener()}{why}", BY_HAND
            )

    def listener_pid(self) -> int | None:
        found = tcp.listener(self.number) if self.number else None
        return found[0] if found else None

    def listener(self) -> str:
        """Who listens, in words."""
        found = tcp.listener(self.number) if self.number else None
        return f"{found[1]} (process {found[0]})" if found else "another program"

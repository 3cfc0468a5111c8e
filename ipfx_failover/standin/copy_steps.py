"""The step of taking a role that makes the standby's copy ready for the application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.errors import FailoverError, Interrupted, Unreachable
from ipfx_failover.events import EventKind
from ipfx_failover.records import Authority
from ipfx_failover.standin.refusals import unusable
from ipfx_failover.workflow.ports import Effect, Outcome, Values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfx_failover.standin.ports import StandInPorts

READY_COPY = "make the copy ready"

_PATIENCE_S = 15.0
_TRY_AGAIN_S = 1.0
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class ReadyCopy:
    """What a copy lacks as long as it follows. The application may work without: it is told.

    Without a copy nothing can: then nobody is stood in for. One that does not answer is tried
    again for a while, for its server may have been started just now.
    """

    ports: StandInPorts

    def describe(self, values: Values) -> str:
        return (
            "switch constraints and triggers of the copy on, let its numbers go on beyond those "
            f"of {values['server']}"
        )

    def do(self, values: Values) -> Outcome:
        server, clock = str(values["server"]), self.ports.clock
        until_ns = clock.monotonic_ns() + int(_PATIENCE_S * 1e9)
        while True:
            try:
                return self._ready(server, Authority(str(values["authority_before"])))
            except Unreachable as error:
                if clock.monotonic_ns() >= until_ns:
                    return self._not_ready(server, [error.message])
            clock.sleep(_TRY_AGAIN_S)

    def _ready(self, server: str, authority: Authority) -> Outcome:
        copy = self.ports.copy
        try:
            obstacle = copy.obstacle(server)
            troubles = [] if obstacle else copy.take_role(server)
        except (Interrupted, Unreachable):
            raise
        except FailoverError as error:
            return self._not_ready(server, [error.message])
        if obstacle:
            raise unusable(server, obstacle, authority)
        # What was written here is not the application's.
        facts = {"fingerprint": copy.fingerprint(server)}
        return self._not_ready(server, troubles, facts) if troubles else Outcome(facts=facts)

    def _not_ready(
        self, server: str, troubles: Sequence[str], facts: Values | None = None
    ) -> Outcome:
        left = _in_words(troubles)
        told = self.ports.event(EventKind.COPY_NOT_READY, server, reason=left)
        return Outcome((told, lambda tx: tx.set_unready(left)), facts or {}, left)

    def again(self, server: str, unready: str) -> Sequence[Effect]:
        """Try once more, while it is in use, what could not be done: `unready`, in words."""
        try:
            left = _in_words(self.ports.copy.take_role(server))
        except Interrupted:
            raise
        except FailoverError as error:
            left = error.message
        if left == unready:
            return ()
        told = () if left else (self.ports.event(EventKind.COPY_READY, server),)
        return (lambda tx: tx.set_unready(left), *told)

    def undo(self, values: Values) -> Sequence[Effect]:  # noqa: ARG002 - who claimed it gives it back
        return ()


def _in_words(troubles: Sequence[str]) -> str:
    """On one line, of which the beginning says enough."""
    more = len(troubles) - _SHOWN
    return "; ".join([*troubles[:_SHOWN], *([f"and {more} more"] if more > 0 else [])])

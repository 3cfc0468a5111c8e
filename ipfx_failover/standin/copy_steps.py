"""The step of taking a role that makes the standby's copy ready for the application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.errors import FailoverError
from ipfx_failover.events import EventKind
from ipfx_failover.workflow.runner import Effect, Outcome, Values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfx_failover.standin.ports import StandInPorts

READY_COPY = "make the copy ready"


@dataclass(frozen=True, slots=True)
class ReadyCopy:
    """What a copy lacks as long as it follows. The application may work without: it is told."""

    ports: StandInPorts

    def describe(self, values: Values) -> str:
        return (
            "switch constraints and triggers of the copy on, let its numbers go on beyond those "
            f"of {values['server']}"
        )

    def do(self, values: Values) -> Outcome:
        server = str(values["server"])
        try:
            troubles = self.ports.copy.take_role(server)
            # What was written here is not the application's.
            facts = {"fingerprint": self.ports.copy.fingerprint(server)}
        except FailoverError as error:
            troubles, facts = [error.message], {}
        if not troubles:
            return Outcome(facts=facts)
        told = self.ports.event(EventKind.COPY_NOT_READY, server, reason="; ".join(troubles))
        return Outcome((told,), facts)

    def undo(self, values: Values) -> Sequence[Effect]:  # noqa: ARG002 - who claimed it gives it back
        return ()

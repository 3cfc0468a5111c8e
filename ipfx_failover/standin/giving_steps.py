"""The steps of giving a role back. Each is idempotent: it may run again after a kill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.events import EventKind
from ipfx_failover.records import Authority, Phase
from ipfx_failover.workflow.ports import Effect, Outcome, StepKind, Values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfx_failover.standin.ports import StandInPorts


@dataclass(frozen=True, slots=True)
class EndUpkeep:
    """Nobody restores the address or restarts the application any more: both are given up."""

    ports: StandInPorts

    def describe(self, values: Values) -> str:
        return f"end the upkeep of what {values['server']} was stood in for with"

    def do(self, values: Values) -> Outcome:  # noqa: ARG002 - there is one stand-in
        return Outcome((lambda tx: tx.set_phase(Phase.STANDING_DOWN),))

    def undo(self, values: Values) -> Sequence[Effect]:
        phase = Phase(str(values["phase"]))
        return (lambda tx: tx.set_phase(phase),)


@dataclass(frozen=True, slots=True)
class Backwards:
    """A step of taking over, done by undoing it: giving back is the same way in reverse.

    It is undone only where the role was being performed: what was over is not begun again.
    """

    step: StepKind
    description: str

    def describe(self, values: Values) -> str:
        return self.description.format_map(dict(values))

    def do(self, values: Values) -> Outcome:
        return Outcome(self.step.undo(values))

    def undo(self, values: Values) -> Sequence[Effect]:
        return self.step.do(values).effects if values["was_standing"] else ()


@dataclass(frozen=True, slots=True)
class SetAside:
    """Keep what the stand-in recorded, where the next replication would overwrite it."""

    ports: StandInPorts

    def describe(self, values: Values) -> str:
        return f"keep a copy of what was recorded while standing in for {values['server']}"

    def do(self, values: Values) -> Outcome:
        return Outcome(facts={"kept": self.ports.copy.set_aside(str(values["server"]))})

    def undo(self, values: Values) -> Sequence[Effect]:  # noqa: ARG002 - a copy too many harms nobody
        return ()


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No longer the stand-in; failback is pending, unless what was recorded was set aside."""

    ports: StandInPorts

    def describe(self, values: Values) -> str:
        return f"give the role of {values['server']} up"

    def do(self, values: Values) -> Outcome:
        ports, server = self.ports, str(values["server"])
        ports.record.erase(str(ports.store.state_dir), server)
        effects: list[Effect] = [lambda tx: tx.release_stand_in()]
        if values["discard"]:
            kept = str(values["kept"])
            effects += [
                lambda tx: tx.set_authority(server, Authority.LIVE),
                lambda tx: tx.set_stale(server, stale=True),
                ports.event(EventKind.AUTO_STOPPED, server, kept=kept),
            ]
        else:
            effects += [
                lambda tx: tx.set_failback_pending(server, pending=True),
                ports.event(EventKind.STAND_IN_STOPPED, server),
            ]
        return Outcome(effects)

    def undo(self, values: Values) -> Sequence[Effect]:  # noqa: ARG002 - the last step; never undone
        return ()

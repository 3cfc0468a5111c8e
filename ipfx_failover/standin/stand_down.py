"""Giving the role back (manual, "Failback", "Stop Failover Server")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.records import Phase
from ipfx_failover.standin import address_steps, giving_steps, steps
from ipfx_failover.standin.takeover import role_values
from ipfx_failover.state.journal import Step

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ipfx_failover.records import StandIn
    from ipfx_failover.standin.application import Role
    from ipfx_failover.standin.ports import StandInPorts
    from ipfx_failover.state.journal import Journal
    from ipfx_failover.workflow.ports import Effect, StepKind, Values


@dataclass(frozen=True, slots=True)
class StandDown:
    """The workflow: the way of the takeover in reverse."""

    ports: StandInPorts

    name = "stand down"
    durable = True
    point_of_no_return = None

    @property
    def kinds(self) -> Mapping[str, StepKind]:
        return {
            steps.END_UPKEEP: giving_steps.EndUpkeep(self.ports),
            steps.STOP_APPLICATION: giving_steps.Backwards(
                steps.StartApplication(self.ports), "stop the application that is {server}"
            ),
            steps.RELEASE_ADDRESS: giving_steps.Backwards(
                address_steps.TakeAddress(self.ports), "release {address} from {adapter}"
            ),
            steps.SET_ASIDE: giving_steps.SetAside(self.ports),
            steps.GIVE_UP: giving_steps.GiveUp(self.ports),
        }

    def finished(self, server: str, facts: Values) -> Sequence[Effect]:  # noqa: ARG002
        return ()

    def undone(self, server: str, reason: str, facts: Values) -> Sequence[Effect]:  # noqa: ARG002
        return ()

    def goes_forward(self, journal: Journal) -> bool:  # noqa: ARG002
        """Whoever wanted to give the role back still wants to."""
        return True


def stand_down_steps(
    stand_in: StandIn, role: Role, *, was_standing: bool, stops_application: bool, discard: bool
) -> list[Step]:
    """What giving the role back consists of, as data.

    `was_standing`: the role is being performed, so that it is again when this fails. `discard`:
    what was recorded is set aside rather than kept for `replicate-to-live`.
    """
    server = stand_in.server
    # What fails by itself would fail again and again: there a human is to say how it goes on.
    phase = Phase.STANDING_DOWN if discard else stand_in.phase
    plan = [Step(steps.END_UPKEEP, {"server": server, "phase": phase})]
    if stops_application:
        values = {**role_values(role), "was_standing": was_standing}
        plan.append(Step(steps.STOP_APPLICATION, values))
    if stand_in.address is not None:
        where = {"server": server, "address": stand_in.address, "adapter": stand_in.adapter}
        plan.append(Step(steps.RELEASE_ADDRESS, {**where, "was_standing": was_standing}))
    if discard:
        plan.append(Step(steps.SET_ASIDE, {"server": server}))
    plan.append(Step(steps.GIVE_UP, {"server": server, "discard": discard}))
    return plan

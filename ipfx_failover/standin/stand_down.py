"""Giving the role back (manual, "Failback", "Stop Failover Server")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.standin import steps
from ipfx_failover.standin.takeover import role_values
from ipfx_failover.state.journal import Step

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ipfx_failover.records import StandIn
    from ipfx_failover.standin.application import Role
    from ipfx_failover.standin.steps import StandInPorts
    from ipfx_failover.state.journal import Journal
    from ipfx_failover.workflow.runner import Effect, StepKind, Values


@dataclass(frozen=True, slots=True)
class StandDown:
    """The workflow: the way of the takeover in reverse."""

    ports: StandInPorts

    name = "stand down"
    durable = True

    @property
    def kinds(self) -> Mapping[str, StepKind]:
        return {
            steps.STOP_APPLICATION: steps.Backwards(
                steps.StartApplication(self.ports), "stop the application that is {server}"
            ),
            steps.RELEASE_ADDRESS: steps.Backwards(
                steps.TakeAddress(self.ports), "release {address} from {adapter}"
            ),
            steps.SET_ASIDE: steps.SetAside(self.ports),
            steps.GIVE_UP: steps.GiveUp(self.ports),
        }

    def finished(self, server: str, facts: Values) -> Sequence[Effect]:  # noqa: ARG002
        return ()

    def undone(self, server: str, reason: str, facts: Values) -> Sequence[Effect]:  # noqa: ARG002
        return ()

    def goes_forward(self, journal: Journal) -> bool:  # noqa: ARG002
        """Whoever wanted to give the role back still wants to."""
        return True


def stand_down_steps(
    stand_in: StandIn, role: Role, *, stops_application: bool, discard: bool
) -> list[Step]:
    """What giving the role back consists of, as data.

    `discard`: what was recorded is set aside rather than kept for `replicate-to-live`.
    """
    plan = []
    if stops_application:
        plan.append(Step(steps.STOP_APPLICATION, role_values(role)))
    if stand_in.address is not None:
        plan.append(
            Step(
                steps.RELEASE_ADDRESS,
                {
                    "server": stand_in.server,
                    "address": stand_in.address,
                    "adapter": stand_in.adapter,
                },
            )
        )
    if discard:
        plan.append(Step(steps.SET_ASIDE, {"server": stand_in.server}))
    plan.append(Step(steps.GIVE_UP, {"server": stand_in.server, "discard": discard}))
    return plan

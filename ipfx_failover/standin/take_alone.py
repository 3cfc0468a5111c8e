"""Taking an address without a role (`takeover-ip`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.standin import address_steps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ipfx_failover.standin.ports import StandInPorts
    from ipfx_failover.state.journal import Journal
    from ipfx_failover.workflow.ports import Effect, StepKind, Values


class TakeAlone:
    """The workflow of `takeover-ip`: the address, and nothing else."""

    name = "take address"
    durable = False
    point_of_no_return = None

    def __init__(self, ports: StandInPorts) -> None:
        self._ports = ports

    @property
    def kinds(self) -> Mapping[str, StepKind]:
        return {
            address_steps.TAKE_ADDRESS: address_steps.TakeAddress(self._ports),
            address_steps.VERIFY_ADDRESS: address_steps.VerifyAddress(self._ports),
        }

    def finished(self, server: str, facts: Values) -> Sequence[Effect]:  # noqa: ARG002 - the port
        return ()

    def undone(self, server: str, reason: str, facts: Values) -> Sequence[Effect]:  # noqa: ARG002
        return ()

    def goes_forward(self, journal: Journal) -> bool:  # noqa: ARG002 - the port
        """Nobody waits for it any more."""
        return False

"""While an address is being taken, everything that can wait does: threads share one interpreter."""

from __future__ import annotations

import threading
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from ipfx_failover.standin import address_steps, steps
from ipfx_failover.state.journal import StepState

if TYPE_CHECKING:
    from ipfx_failover.clock import Clock
    from ipfx_failover.net import Address
    from ipfx_failover.state.journal import Step

_AT_MOST_S = 0.1
_SLOW_STEPS = frozenset(
    {steps.FENCE, address_steps.VERIFY_ADDRESS, steps.EVICT, steps.START_APPLICATION}
)


class Hurry:
    """Begins with the decision, and is over when the address is announced."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._given_up_ns: dict[Address, int] = {}
        self._over = threading.Event()
        self._over.set()

    def begin(self) -> None:
        self._over.clear()

    def end(self) -> None:
        self._over.set()

    def observe(self, step: Step, state: StepState, text: str) -> None:  # noqa: ARG002 - the port
        """An `Observer` of the takeover's steps."""
        if step.kind in _SLOW_STEPS:
            self.end()
        if step.kind == address_steps.TAKE_ADDRESS and state is StepState.UNDONE:
            address = IPv4Address(str(step.parameters["address"]))
            self._given_up_ns[address] = self._clock.monotonic_ns()

    def was_ours(self, address: Address, at_ns: int) -> bool:
        """Whether a takeover gave the address up again behind `at_ns` (monotonic)."""
        return at_ns <= self._given_up_ns.get(address, -1)

    @property
    def is_on(self) -> bool:
        return not self._over.is_set()

    def wait_until_over(self) -> None:
        """Let those go first who are in a hurry; for a tenth of a second at most."""
        self._over.wait(_AT_MOST_S)

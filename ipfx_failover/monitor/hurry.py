"""While an address is being taken, everything that can wait does: threads share one interpreter."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ipfx_failover.standin import steps

if TYPE_CHECKING:
    from ipfx_failover.state.journal import Step, StepState

_AT_MOST_S = 0.1
_SLOW_STEPS = frozenset({steps.FENCE, steps.VERIFY_ADDRESS, steps.EVICT, steps.START_APPLICATION})


class Hurry:
    """Begins with the decision, and is over when the address is announced."""

    def __init__(self) -> None:
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

    def wait_until_over(self) -> None:
        """Let those go first who are in a hurry; for a tenth of a second at most."""
        self._over.wait(_AT_MOST_S)

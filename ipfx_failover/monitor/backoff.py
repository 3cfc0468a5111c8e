"""How long it takes until something that failed is tried again."""

from __future__ import annotations

from dataclasses import dataclass

_FIRST_S = 5.0
_LAST_S = 300.0


@dataclass(slots=True)
class BackOff:
    """After 5 s, then after twice as long each time, at last every 5 minutes (monotonic time)."""

    due_ns: int = 0
    wait_s: float = _FIRST_S

    def is_due(self, now_ns: int) -> bool:
        return now_ns >= self.due_ns

    def tried(self, now_ns: int) -> None:
        self.due_ns = now_ns + int(self.wait_s * 1e9)
        self.wait_s = min(self.wait_s * 2, _LAST_S)

    def is_over(self) -> None:
        """It did not fail: what fails next is another thing."""
        self.wait_s = _FIRST_S

"""A service manager that remembers what it was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class FakeSupervisor:
    def __init__(self) -> None:
        self.told: list[str] = []
        self.texts: list[str] = []

    def expect(self, round_ms: int) -> None:
        self.told.append(f"expect {round_ms} ms")

    def ready(self, text: str) -> None:
        self.told.append("ready")
        self.texts.append(text)

    def alive(self, judged_ns: int, text: Callable[[], str]) -> None:
        assert judged_ns > 0
        self.told.append("alive")
        self.texts.append(text())

    def stopping(self) -> None:
        self.told.append("stopping")

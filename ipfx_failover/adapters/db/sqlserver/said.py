"""PURE: what a server says while it carries a statement out; known by numbers, not by its words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

_PERCENT: Final = 3211
_DONE: Final = 3014
_VERIFIED: Final = 3262
_DRIVERS: Final = re.compile(r"^(?:\[[^\]]*\])*")
_NUMBER: Final = re.compile(r"\((-?\d+)\)$")


@dataclass(frozen=True, slots=True)
class Said:
    """A message that is no error."""

    number: int
    text: str

    @classmethod
    def of(cls, code: str, text: str) -> Self:
        """From pyodbc's pair: `[state] (number)`, and the text behind `[vendor][driver]`."""
        number = _NUMBER.search(code)
        return cls(int(number[1]) if number else 0, _DRIVERS.sub("", text).strip())

    @property
    def percent(self) -> int | None:
        """How much of a backup or a restore is done, where this says so."""
        told = re.search(r"\d+", self.text) if self.number == _PERCENT else None
        return min(100, int(told[0])) if told else None


def last_number(sql: str) -> int | None:
    """What a statement ends with when all went well; None where it has no such message."""
    words = sql.upper().split(maxsplit=2)
    if words[:2] == ["RESTORE", "VERIFYONLY"]:
        return _VERIFIED
    return _DONE if words[:1] in (["BACKUP"], ["RESTORE"]) else None

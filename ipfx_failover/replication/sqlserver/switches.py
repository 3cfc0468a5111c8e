"""What a live catalog has switched on, and what stays off in a copy that follows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SwitchKind(StrEnum):
    """By the letters with which they are remembered in a copy: do not rename one."""

    DATABASE_TRIGGER = "DT"
    TRIGGER = "TR"
    FOREIGN_KEY = "FK"
    CHECK = "CK"


@dataclass(frozen=True, slots=True)
class Switch:
    """A trigger or a constraint that is on; `schema` and `table` are empty for DDL triggers.

    `is_trusted`: whether all rows were checked against the constraint.
    """

    kind: SwitchKind
    schema: str
    table: str
    name: str
    is_trusted: bool = True

    @property
    def is_constraint(self) -> bool:
        return self.kind in {SwitchKind.FOREIGN_KEY, SwitchKind.CHECK}

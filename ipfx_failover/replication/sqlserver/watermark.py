"""How far a copy has come: up to which version of the live catalog, and of which live catalog."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Watermark:
    """`version`: of change tracking; None where it is off.

    The two GUIDs tell a live catalog that was itself restored, which versions alone cannot
    (sys.database_recovery_status).
    """

    version: int | None
    recovery_fork_guid: str
    database_guid: str

    def as_text(self) -> str:
        """For a journalled fact."""
        return json.dumps(asdict(self))

    @classmethod
    def of_text(cls, text: str) -> Self:
        return cls(**json.loads(text))

    def is_of_the_same_live_as(self, other: Watermark) -> bool:
        return (self.recovery_fork_guid, self.database_guid) == (
            other.recovery_fork_guid,
            other.database_guid,
        )

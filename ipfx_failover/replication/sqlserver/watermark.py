"""How far a copy has come: up to which version of the live catalog, and of which live catalog."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import NamedTuple, Self


class Beginning(NamedTuple):
    """Where the history of a table begins: at a version, in an internal table of the server's.

    `keeper`: which one, for there is a new one each time that tracking is switched on, be it at the
    very version at which it was switched off. Empty where the login may not see it.
    """

    version: int
    keeper: str

    def is_another_than(self, known: Beginning | None) -> bool:
        """Whether changes may be in neither of the two histories."""
        if known is None or known.version != self.version:
            return True
        return bool(known.keeper and self.keeper) and known.keeper != self.keeper


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

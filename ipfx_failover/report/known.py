"""What is known at one moment: of that the report is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from ipfx_failover.records import Authority, Mode

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from ipfx_failover.clock import LocalTime
    from ipfx_failover.config.outline import Watched
    from ipfx_failover.records import Concern, Condition, Copy, RowState, ServerState, StandIn

_ROWS_FRESH = timedelta(seconds=10)
"""Beyond the interval of its looks: a failed one is made again that soon."""
_ROWS_LATE = timedelta(seconds=60)
"""So long a round may last, or a copy be replaced by the nightly one."""


@dataclass(frozen=True, slots=True)
class Known:
    """`busy`: the resources that somebody works with. `monitored`: a monitor judges.

    `broken_off`: what is to be done about work that no living process goes on with, by its
    resource.
    """

    now: datetime
    local: LocalTime
    copies: Mapping[tuple[str, str], Copy]
    row_states: Mapping[str, RowState]
    busy: Collection[str]
    stand_in: StandIn | None
    conditions: Sequence[Condition]
    broken_off: Mapping[str, str]
    monitored: bool

    def database(self, name: str) -> Copy | None:
        return self.copies.get((name.casefold(), "database"))

    def files(self, name: str) -> Copy | None:
        return self.copies.get((name.casefold(), "files"))

    def rows(self, name: str) -> RowState | None:
        return self.row_states.get(name.casefold())

    def conditions_of(self, name: str, concerns: Collection[Concern]) -> list[Condition]:
        return [
            each
            for each in self.conditions
            if each.concern in concerns and (each.server or "").casefold() == name.casefold()
        ]

    def is_stand_in_for(self, name: str) -> bool:
        return self.stand_in is not None and self.stand_in.server.casefold() == name.casefold()

    def are_old(self, rows: RowState, watched: Watched, *, at_work: bool = False) -> bool:
        """Whether nothing is known of the rows now. Without a monitor, commands alone follow."""
        allowed = _ROWS_FRESH if self.monitored and not at_work else _ROWS_LATE
        interval = timedelta(milliseconds=watched.row_interval_ms)
        return rows.as_of is not None and self.now - rows.as_of > allowed + interval


def is_followed(watched: Watched, state: ServerState) -> bool:
    """Whether its rows count now: not in a stand-in's database, which is ahead.

    Nor in a stale one: of a server that was stopped only a full replication restores
    synchronisation (manual, "Status icons").
    """
    is_live = state.authority is Authority.LIVE and not state.stale
    return watched.is_hot and is_live and state.mode is not Mode.STOPPED

"""PURE: whether rows can be followed from a copy's mark on, or more is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.errors import Failed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ipfx_failover.replication.rows.marks import CopyMark
    from ipfx_failover.replication.sqlserver.watermark import Watermark
    from ipfx_failover.replication.tsql.tables import Table


class FullNeeded(Failed):
    """Rows cannot lead from the copy to the live catalog any more: only a whole copy can."""

    def __init__(self, server: str, reason: str) -> None:
        super().__init__(
            f"the rows of {server} cannot be followed: {reason}",
            f"make a whole copy: ipfx-failover replicate-from-live {server}",
        )


class NotTracked(Failed):
    """Change tracking is off on the live server."""

    def __init__(self, server: str, what: str) -> None:
        super().__init__(
            f"the rows of {server} cannot be followed: change tracking is off for {what}",
            f"switch it on: ipfx-failover hot enable {server}",
        )


@dataclass(frozen=True, slots=True)
class Tracked:
    """How far back the history of a table goes (sys.change_tracking_tables).

    `begins`: raised by TRUNCATE TABLE, and set when it was first tracked. `valid`: also raised by
    the cleanup.
    """

    begins: int
    valid: int


@dataclass(frozen=True, slots=True)
class Standing:
    """`followed`: by their changes. `reloaded`: whole, because their history begins later."""

    followed: tuple[Table, ...]
    reloaded: tuple[Table, ...]


def start_of(server: str, copy: CopyMark | None, live: Watermark) -> int:
    """The version to go on from.

    Raises:
        FullNeeded: the copy is of another catalog, or is none of ours.
        NotTracked: so it is.
    """
    if live.version is None:
        raise NotTracked(server, "its catalog")
    if copy is None:
        raise FullNeeded(server, "there is no copy that says how far it has come")
    mark = copy.watermark
    if mark.version is None:
        raise FullNeeded(server, "its copy was made without change tracking, or was in use since")
    if not mark.is_of_the_same_live_as(live) or mark.version > live.version:
        raise FullNeeded(server, "its live catalog was itself restored from a backup")
    return mark.version


def standing(
    server: str,
    tables: Sequence[Table],
    tracked: Mapping[tuple[str, str], Tracked],
    since: int,
) -> Standing:
    """What is to be done about each table that is wanted.

    Below the lowest valid version CHANGETABLE answers all the same, and silently lacks rows.

    Raises:
        FullNeeded: the history since then is gone.
        NotTracked: a table is not tracked.
    """
    followed, reloaded = [], []
    for table in tables:
        known = tracked.get((table.schema, table.name))
        if known is None:
            raise NotTracked(server, f"the table {table.shown}")
        if known.begins > since:
            reloaded.append(table)
        elif known.valid > since:
            raise FullNeeded(server, f"the history of {table.shown} does not go back far enough")
        else:
            followed.append(table)
    return Standing(tuple(followed), tuple(reloaded))

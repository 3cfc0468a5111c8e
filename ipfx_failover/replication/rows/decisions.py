"""PURE: whether rows can be followed from a copy's mark on, or more is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.errors import DoneWithExceptions, Failed
from ipfx_failover.history.wording import some

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ipfx_failover.replication.rows.marks import CopyMark
    from ipfx_failover.replication.sqlserver.watermark import Beginning, Watermark
    from ipfx_failover.replication.tsql.tables import Table


class FullNeeded(Failed):
    """Rows cannot lead from the copy to the live catalog any more: only a whole copy can."""

    def __init__(self, server: str, reason: str) -> None:
        super().__init__(
            f"{server}: {reason}",
            f"make a whole copy: ipfx-failover replicate-from-live {server}",
        )


class Outstripped(Failed):
    """A new copy cannot be brought to where the current one is, which is kept."""

    def __init__(self, server: str, reason: str) -> None:
        super().__init__(
            f"{server}: the copy may have rows that the new one cannot be brought to: {reason}",
            f"the copy is kept; try again: ipfx-failover replicate-from-live {server}",
        )


class LiveRestored(FullNeeded):
    """The same, but the copy may be the one that has the newer rows."""

    def __init__(self, server: str) -> None:
        super().__init__(server, "its live catalog was itself restored from a backup")
        self.hint = (
            f"the copy may have newer rows: look, then {self.hint} --discard-standby, which keeps "
            "a backup of it"
        )


class NotTracked(Failed):
    """Change tracking is off on the live server."""

    def __init__(self, server: str, what: str) -> None:
        super().__init__(
            f"{server}: change tracking is off for {what}",
            f"switch it on: ipfx-failover hot enable {server}",
        )


class Unfit(Failed):
    """A row of a table cannot be brought over. `table`: which; `why`: in the words of `left`."""

    def __init__(self, server: str, table: Table, why: str) -> None:
        super().__init__(
            f"{server}: {table.shown}: {why}",
            f"correct it on the live server, then ipfx-failover replicate-from-live {server}",
        )
        self.table = table
        self.why = why


class Outdated(DoneWithExceptions):
    """The rows of some tables cannot be followed any more, while those of others go on."""

    def __init__(self, server: str, tables: Sequence[str]) -> None:
        super().__init__(
            f"{server}: altered or dropped on the live server, and not followed any more: "
            f"{some(tables)}",
            f"make a whole copy: ipfx-failover replicate-from-live {server}",
        )


@dataclass(frozen=True, slots=True)
class Tracked:
    """How far back the history of a table goes (sys.change_tracking_tables).

    `begins`: raised by TRUNCATE TABLE, and set when it was first tracked. `valid`: also raised by
    the cleanup.
    """

    begins: Beginning
    valid: int


@dataclass(frozen=True, slots=True)
class Standing:
    """`followed`: by their changes. `reloaded`: whole, and from where on they have a history.

    `left`: why others are not followed.
    """

    followed: tuple[Table, ...]
    reloaded: Mapping[Table, Beginning]
    left: Mapping[str, str]


def start_of(server: str, copy: CopyMark | None, live: Watermark) -> int:
    """The version to go on from.

    Raises:
        LiveRestored: the copy is of another catalog.
        FullNeeded: it is none of ours, or has a gap.
        NotTracked: so it is.
    """
    if live.version is None:
        raise NotTracked(server, "its catalog")
    if copy is None:
        raise FullNeeded(server, "there is no copy that says how far it has come")
    mark = copy.watermark
    if mark.version is None:
        why = "its copy was in use" if copy.is_taken else "change tracking was off, then or since"
        raise FullNeeded(server, f"no rows lead on from its copy: {why}")
    if not mark.is_of_the_same_live_as(live):
        raise LiveRestored(server)
    if has_gap(mark, live):
        raise FullNeeded(server, "change tracking was off since")
    return mark.version


def has_gap(mark: Watermark, live: Watermark) -> bool:
    """Whether change tracking is off, or was, so that its versions begin anew.

    They come to where the mark is again: it must not be taken for followed then.
    """
    if mark.version is None or not mark.is_of_the_same_live_as(live):
        return False
    return live.version is None or mark.version > live.version


def standing(
    server: str,
    tables: Sequence[Table],
    tracked: Mapping[tuple[str, str], Tracked],
    since: int,
    begun: Mapping[tuple[str, str], Beginning],
) -> Standing:
    """What is to be done about each table that is wanted.

    One that was never followed, as a vendor's new one, is left until it is tracked.

    Below the lowest valid version CHANGETABLE answers all the same, and silently lacks rows.
    `begun`: where the histories began that the copy knows; another beginning is another history,
    though it be at the very version `since`.

    Raises:
        FullNeeded: the history since then is gone.
        NotTracked: a table that was followed is not tracked any more, or none is.
    """
    followed, reloaded, left = [], {}, {}
    for table in tables:
        place = table.schema, table.name
        known = tracked.get(place)
        if known is None and place in begun:
            raise NotTracked(server, f"the table {table.shown}")
        if known is None:
            left[table.shown] = untracked(server)
            continue
        if known.begins.version > since or known.begins.is_another_than(begun.get(place)):
            reloaded[table] = known.begins
        elif known.valid > since:
            raise FullNeeded(server, f"the history of {table.shown} does not go back far enough")
        else:
            followed.append(table)
    if left and not followed and not reloaded:
        raise NotTracked(server, "all its tables")
    return Standing(tuple(followed), reloaded, left)


def see_snapshots(server: str, *, allowed: bool) -> None:
    """Raises: Failed: the live catalog cannot be read as it was at one moment."""
    if not allowed:
        raise Failed(
            f"{server}: its live database allows no snapshots",
            f"allow them: ipfx-failover hot enable {server}",
        )


def untracked(server: str) -> str:
    """Why a table is left that could be followed."""
    return f"change tracking is off (hot enable {server})"

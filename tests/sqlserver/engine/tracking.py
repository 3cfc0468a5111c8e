"""Change tracking: versions at commit, a log of keys, and what CHANGETABLE makes of it.

After Microsoft's documentation of change tracking: below the lowest valid version CHANGETABLE
answers all the same, and silently lacks rows.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sqlserver.engine.tables import Change, Table


class Logged(NamedTuple):
    """That the row with this key was changed. `operation`: I, U or D."""

    version: int
    operation: str
    key: tuple[Any, ...]
    """As it is compared."""
    values: tuple[Any, ...]
    """As it stood in the row."""


@dataclass(slots=True)
class TableTracking:
    """Of one table. `min_valid_version`: since then nothing is lacking.

    `object_id`, `created`: of the internal table that keeps it (`sys.internal_tables`).
    """

    min_valid_version: int
    begin_version: int
    object_id: int
    created: int
    tracks_columns: bool = False
    log: list[Logged] = field(default_factory=list)

    def record(self, version: int, change: Change) -> None:
        """Log what a transaction did to a row; a change of its key is two."""
        table = change.table
        key = table.primary_key
        assert key is not None
        before, after = change.before, change.after
        if before is not None and after is not None and _same(change, key.columns):
            self._add(version, "U", table, key.columns, after)
            return
        if before is not None:
            self._add(version, "D", table, key.columns, before)
        if after is not None:
            self._add(version, "I", table, key.columns, after)

    def _add(
        self, version: int, operation: str, table: Table, columns: tuple[int, ...], row: Any
    ) -> None:
        values = tuple(row[at] for at in columns)
        self.log.append(Logged(version, operation, table.key_of(row, columns), values))

    def __getstate__(self) -> dict[str, Any]:
        """All but the log, which is kept beside it."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "log"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.log = []
        for name, value in state.items():
            setattr(self, name, value)

    def logged_at(self, version: int) -> list[Logged]:
        """What the last commit has logged, if it had this version."""
        newest_first = takewhile(lambda each: each.version == version, reversed(self.log))
        return list(newest_first)[::-1]

    def forget_before(self, version: int) -> None:
        """Retention: what is older than this version is cleaned up."""
        self.log = [each for each in self.log if each.version > version]
        self.min_valid_version = max(self.min_valid_version, version)

    def truncate(self, version: int) -> None:
        """TRUNCATE TABLE is not tracked: nothing older is valid any more."""
        self.log.clear()
        self.min_valid_version = self.begin_version = version


def _same(change: Change, columns: tuple[int, ...]) -> bool:
    assert change.before is not None
    assert change.after is not None
    table = change.table
    return table.key_of(change.before, columns) == table.key_of(change.after, columns)


@dataclass(frozen=True, slots=True)
class NetChange:
    """What became of one row since a version."""

    version: int
    creation_version: int | None
    operation: str
    values: tuple[Any, ...]


def net_changes(tracking: TableTracking, since: int | None, upto: int) -> Iterator[NetChange]:
    """One change a row, of versions behind `since` (none: from the beginning) to `upto`."""
    by_key: dict[tuple[Any, ...], list[Logged]] = {}
    begin = bisect_right(tracking.log, since or 0, key=lambda each: each.version)
    for each in islice(tracking.log, begin, None):
        if each.version <= upto:
            by_key.setdefault(each.key, []).append(each)
    for found in by_key.values():
        first, last = found[0], found[-1]
        created = next((each.version for each in found if each.operation == "I"), None)
        if last.operation == "D":
            if first.operation != "I":
                yield NetChange(last.version, None, "D", last.values)
            elif since is not None:
                # Inserted and deleted since: there is nothing to tell, yet it is told as deleted.
                yield NetChange(last.version, created, "D", last.values)
        elif first.operation == "I" or (first.operation == "D" and created is not None):
            operation = "I" if first.operation == "I" else "U"
            yield NetChange(last.version, created, operation, last.values)
        else:
            yield NetChange(last.version, None, "U", last.values)

"""The steps of full replication, for both directions. Each may run again after a kill."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipfx_failover.errors import Failed, FailoverError, tolerated
from ipfx_failover.events import one_line
from ipfx_failover.replication.facts import backup_of
from ipfx_failover.replication.tidying import TidyUp
from ipfx_failover.workflow.ports import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ipfx_failover.files.values import SyncResult
    from ipfx_failover.replication.engine import Carrier, FileSide, Side
    from ipfx_failover.workflow.ports import Effect, StepKind, Values

MAKE_ROOM = "make room"
BACK_UP = "back up"
CARRY = "carry"
VERIFY = "verify"
CLOSE_DOWN = "close down"
SYNC_FILES = "sync files to live"
SWAP = "swap"
TIDY = "tidy up"

_SPARE = 1.1
"""Room for a backup, against the size of what is backed up."""


@dataclass(frozen=True, slots=True)
class ReplicationPorts:
    """What the steps work with.

    `sides`: the engines, `live` and `standby`. `sync_files_to_live`: one pass over the files of
    this server. `own_kinds`: the steps that only this engine has.
    """

    sides: Mapping[str, Side]
    carry: Carrier
    sync_files_to_live: Callable[[], SyncResult]
    own_kinds: Mapping[str, StepKind]

    def side(self, values: Values) -> Side:
        return self.sides[str(values["side"])]

    def side_that_is_not(self, name: str) -> Side:
        (other,) = self.sides.keys() - {name}
        return self.sides[other]


@dataclass(frozen=True, slots=True)
class MakeRoom:
    """Remove what killed runs left, and see that there is room on both sides (sqlite)."""

    sides: Mapping[str, FileSide]

    def describe(self, values: Values) -> str:
        return f"look at {values['database']}, and for room on both sides"

    def do(self, values: Values) -> Outcome:
        source, target = (self.sides[str(values[key])] for key in ("side", "target_side"))
        database, current = str(values["database"]), str(values["current"])
        if not source.exists(database):
            raise Failed(
                f"there is no database {database} on {source.name}",
                "correct data_source in the config; see: ipfx-failover config check",
            )
        marker = str(values["marker"])
        for place in (str(values["backup"]), database):  # a failback left the old one beside it
            source.drop(*source.leftovers(place, marker))
        target.drop(*target.leftovers(current, marker))
        needed = int(source.size_bytes(database) * _SPARE)
        for side, near in ((source, str(values["backup"])), (target, current)):
            free = side.free_bytes(near)
            if free is not None and free < needed:
                raise Failed(
                    f"{side.name} has {free} bytes free where {needed} are needed",
                    f"make room on {side.name}, near {near}",
                )
        return Outcome(facts={"had_current": target.exists(current)})

    def undo(self, values: Values) -> Sequence[Effect]:  # noqa: ARG002 - nothing was changed
        return ()


@dataclass(frozen=True, slots=True)
class BackUp:
    """An online backup; `as` is the name under which its facts are kept."""

    ports: ReplicationPorts

    def describe(self, values: Values) -> str:
        return f"back up {values['database']} on {self.ports.side(values).name}"

    def do(self, values: Values) -> Outcome:
        side, database = self.ports.side(values), str(values["database"])
        if not side.exists(database):
            return Outcome()
        backup = side.backup(database, str(values["to"]))
        prefix = values["as"]
        return Outcome(
            facts={
                f"{prefix}_path": backup.path,
                f"{prefix}_size_bytes": backup.size_bytes,
                f"{prefix}_sha256": backup.sha256,
                f"{prefix}_as_of": backup.as_of.isoformat(),
                f"{prefix}_version": backup.version,
                f"{prefix}_mark": backup.mark,
            }
        )

    def undo(self, values: Values) -> Sequence[Effect]:
        # A live server that is lost keeps the file until the next run makes room.
        with suppress(FailoverError):
            self.ports.side(values).drop(str(values["to"]))
        return ()


@dataclass(frozen=True, slots=True)
class CarryOver:
    """Bring the backup to the other side, beside what is there, hashed."""

    ports: ReplicationPorts

    def describe(self, values: Values) -> str:
        return f"copy the backup to {self.ports.side(values).name}"

    def do(self, values: Values) -> Outcome:
        to_side, backup = str(values["side"]), backup_of(values)
        self.ports.carry(to_side, backup, str(values["to"]), str(values["like"]))
        # Removed while the other side restores; tidying up waits for it, and tells.
        with tolerated():
            self.ports.side_that_is_not(to_side).begin_to_drop(backup.path)
        return Outcome()

    def undo(self, values: Values) -> Sequence[Effect]:
        with suppress(FailoverError):
            self.ports.side(values).drop(str(values["to"]))
        return ()


@dataclass(frozen=True, slots=True)
class Verify:
    """Check what arrived, completely, before anything is replaced by it."""

    ports: ReplicationPorts

    def describe(self, values: Values) -> str:
        return f"verify the copy on {self.ports.side(values).name}"

    def do(self, values: Values) -> Outcome:
        self.ports.side(values).verify(str(values["database"]))
        return Outcome()

    def undo(self, values: Values) -> Sequence[Effect]:  # noqa: ARG002 - nothing was changed
        return ()


@dataclass(frozen=True, slots=True)
class CloseDown:
    """See that nobody uses the database that is about to be replaced."""

    ports: ReplicationPorts

    def describe(self, values: Values) -> str:
        return f"see that nobody uses {values['database']} on {self.ports.side(values).name}"

    def do(self, values: Values) -> Outcome:
        side, database = self.ports.side(values), str(values["database"])
        if side.exists(database):
            side.close_down(database)
        return Outcome()

    def undo(self, values: Values) -> Sequence[Effect]:  # noqa: ARG002 - nothing was changed
        return ()


@dataclass(frozen=True, slots=True)
class SyncFiles:
    """Bring the files that the stand-in recorded to the live server.

    They come before the swap, and stay when it fails: they take nothing away. A file that cannot
    be brought, or a deletion too many, is a fact for the end, and keeps no database from going.
    """

    ports: ReplicationPorts

    def describe(self, values: Values) -> str:  # noqa: ARG002 - there is one set of files
        return "bring the files that were recorded to the live server"

    def do(self, values: Values) -> Outcome:  # noqa: ARG002 - as above
        result = self.ports.sync_files_to_live()
        return Outcome(
            facts={
                "files_copied": result.copied,
                "files_failed": _lines(map(str, result.failed)),
                "files_withheld": _lines(result.withheld_deletions),
            }
        )

    def undo(self, values: Values) -> Sequence[Effect]:  # noqa: ARG002 - as above
        return ()


@dataclass(frozen=True, slots=True)
class Swap:
    """Put the verified copy in the old one's place; the old one stays beside it."""

    ports: ReplicationPorts

    def describe(self, values: Values) -> str:
        return f"put the copy in the place of {values['current']}"

    def do(self, values: Values) -> Outcome:
        self.ports.side(values).swap(
            str(values["current"]), str(values["new"]), str(values["previous"])
        )
        return Outcome()

    def undo(self, values: Values) -> Sequence[Effect]:
        self.ports.side(values).swap_back(
            str(values["current"]),
            str(values["new"]),
            str(values["previous"]),
            had_current=bool(values["had_current"]),
        )
        return ()


def kinds(ports: ReplicationPorts) -> dict[str, StepKind]:
    return {
        **ports.own_kinds,
        BACK_UP: BackUp(ports),
        CARRY: CarryOver(ports),
        VERIFY: Verify(ports),
        CLOSE_DOWN: CloseDown(ports),
        SYNC_FILES: SyncFiles(ports),
        SWAP: Swap(ports),
        TIDY: TidyUp(ports.sides),
    }


def _lines(texts: Iterable[str]) -> str:
    return "\n".join(map(one_line, texts))
